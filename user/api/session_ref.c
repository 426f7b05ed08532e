// SPDX-License-Identifier: GPL-2.0-only
#include "session_ref.h"

#include <stdio.h>
#include <stdlib.h>

#include "endpoint.h"
#include "tunnel.h"

static int by_number(const void *a, const void *b)
{
	const struct tunnel_session *x = a, *y = b;

	return (x->number > y->number) - (x->number < y->number);
}

void session_refs_take(struct edge *g, struct session_refs *r)
{
	r->list = NULL;
	r->n = tunnel_sessions(edge_tunnel(g), &r->list);
	if (r->n > 0)
		qsort(r->list, (size_t)r->n, sizeof(*r->list), by_number);
}

void session_refs_done(struct session_refs *r)
{
	free(r->list);
}

json_t *session_ref_add(const struct session_refs *r, const struct endpoint *e, json_t *j)
{
	const struct tunnel_session key = {.number = e->agent}, *s = NULL;
	char uri[64];

	if (!j || e->origin != ENDPOINT_AGENT)
		return j;
	/* no memory for the list: not told at all, rather than without its session */
	if (r->n < 0) {
		json_decref(j);
		return NULL;
	}
	if (r->n > 0)
		s = bsearch(&key, r->list, (size_t)r->n, sizeof(key), by_number);
	if (!s) /* it has just ended */
		return j;
	snprintf(uri, sizeof(uri), "/tunnel_sessions/%s", s->id);
	json_object_set_new(j, "tunnel_session", json_pack("{s:s, s:s}", "id", s->id, "uri", uri));
	return j;
}
