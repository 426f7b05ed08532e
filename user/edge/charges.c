// SPDX-License-Identifier: GPL-2.0-only
#include "charges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "crowd.h"
#include "edge_private.h"
#include "log.h"

struct charge {
	char id[sizeof(((struct handover_info *)0)->id)];
	struct endpoint *endpoint; /* NULL: none, or none that we have */
	struct crowd_place *place;
	uint8_t datapath;
	bool dropped;
};

struct charges {
	struct edge *edge;
	struct charge *at; /* by id */
	size_t n, size;
};

static void count(struct edge *g, struct charge *c, const struct handover_info *i)
{
	struct sockaddr_storage client = {.ss_family = AF_UNSPEC};
	unsigned n;

	atomic_fetch_add(&g->n_charges, 1);
	c->endpoint = *i->endpoint ? registry_find(g->registry, i->endpoint) : NULL;
	if (!c->endpoint)
		return;
	c->datapath = (uint8_t)(i->datapath <= CLOSE_DP_USERSPACE ? i->datapath : CLOSE_DP_NONE);
	memcpy(&client, i->client, sizeof(i->client));
	c->place = crowd_enter(g->crowd, c->endpoint->stats, &client, &n);
	atomic_fetch_add(&c->endpoint->stats->conns_active, 1);
	atomic_fetch_add(&c->endpoint->stats->active_by[c->datapath], 1);
}

static void drop(struct edge *g, struct charge *c)
{
	c->dropped = true;
	atomic_fetch_sub(&g->n_charges, 1);
	if (!c->endpoint)
		return;
	crowd_leave(g->crowd, c->place);
	atomic_fetch_sub(&c->endpoint->stats->active_by[c->datapath], 1);
	atomic_fetch_sub(&c->endpoint->stats->conns_active, 1);
	endpoint_put(c->endpoint);
}

static int add(void *arg, const struct handover_info *i)
{
	struct charges *cs = arg;
	struct charge *more;

	if (cs->n == cs->size) {
		cs->size = cs->size ? 2 * cs->size : 64;
		more = realloc(cs->at, cs->size * sizeof(*more));
		if (!more)
			return -ENOMEM;
		cs->at = more;
	}
	more = &cs->at[cs->n++];
	*more = (struct charge){.endpoint = NULL};
	memcpy(more->id, i->id, sizeof(more->id));
	count(cs->edge, more, i);
	return 0;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct charge *)a)->id, ((const struct charge *)b)->id);
}

struct charges *charges_new(struct edge *g, int list_fd)
{
	struct charges *cs = calloc(1, sizeof(*cs));
	int err = -ENOMEM;

	if (cs) {
		cs->edge = g;
		err = elders_list_each(list_fd, add, cs);
	}
	if (err) {
		log_err("the list of an earlier daemon cannot be read: %s", strerror(-err));
		charges_free(cs);
		return NULL;
	}
	if (cs->n)
		qsort(cs->at, cs->n, sizeof(*cs->at), by_id);
	return cs;
}

bool charges_drop(struct charges *cs, const char *id)
{
	struct charge key, *c;

	strncpy(key.id, id, sizeof(key.id) - 1);
	key.id[sizeof(key.id) - 1] = '\0';
	c = cs->n ? bsearch(&key, cs->at, cs->n, sizeof(*cs->at), by_id) : NULL;
	if (!c || c->dropped)
		return false;
	drop(cs->edge, c);
	return true;
}

void charges_free(struct charges *cs)
{
	if (!cs)
		return;
	for (size_t i = 0; i < cs->n; i++)
		if (!cs->at[i].dropped)
			drop(cs->edge, &cs->at[i]);
	free(cs->at);
	free(cs);
}
