// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry_orphan - an endpoint that only the connections it once had know of.
 */
#include <stdlib.h>
#include <string.h>

#include "registry_entry.h"

struct endpoint *registry_orphan(struct registry *r, const struct orphan *o)
{
	struct entry *t = entry_blank(r);

	if (!t)
		return NULL;
	t->e.host = strndup(o->host, ENDPOINT_NAME_MAX - 1);
	t->target_text = strdup(o->upstream);
	if (!t->e.host || !t->target_text ||
	    endpoint_spec_replace(&t->e.spec, FIELD_ID_TERMINATE_AT, o->terminate_at)) {
		entry_free(t);
		return NULL;
	}
	t->e.upstream = t->target_text;
	t->e.origin = t->e.spec.origin = ENDPOINT_AGENT;
	t->e.wild = t->e.host[0] == '*';
	strncpy(t->e.id, o->id, sizeof(t->e.id) - 1);
	atomic_init(&t->e.gone, true);
	return &t->e;
}
