// SPDX-License-Identifier: GPL-2.0-only
/*
 * edge_look - what the control plane sees of the running daemon: edge.h.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "edge.h"
#include "edge_private.h"
#include "pool.h"

void edge_status(struct edge *g, struct edge_status *s)
{
	unsigned i, n_warm = 0;

	memset(s, 0, sizeof(*s));
	s->datapath = g->kern ? CLOSE_DP_KERNEL : CLOSE_DP_SPLICE;
	snprintf(s->datapath_why, sizeof(s->datapath_why), "%s", g->datapath_why);
	if (g->kern)
		snprintf(s->pin_root, sizeof(s->pin_root), "%s", kern_pin_root(g->kern));
	s->started = g->started;
	s->n_workers = g->n_workers;
	s->draining = g->draining;
	pthread_mutex_lock(&g->config_lock); /* a reload frees the old configuration */
	for (i = 0; i < g->config->n_listen && i < 16; i++) {
		snprintf(s->listeners[i].addr, sizeof(s->listeners[i].addr), "%s",
			 g->config->listen[i].text);
		s->listeners[i].workers = g->n_workers;
		s->n_listeners++;
	}
	pthread_mutex_unlock(&g->config_lock);
	s->conns_active = atomic_load(&g->n_conns);
	for (i = 0; i < g->n_workers; i++) {
		s->conns_total += atomic_load(&g->workers[i].counters[WC_accepted]);
		n_warm += atomic_load(&g->workers[i].n_warm);
	}
	s->pool_idle = n_warm;
}

int edge_counters(struct edge *g, int (*fn)(void *arg, const struct edge_counter *c), void *arg)
{
	static const struct edge_counter of_worker[] = {
#define X(group, name, help) {#name, #group, help, 0},
		WORKER_COUNTERS(X)
#undef X
	};
	static const struct edge_counter of_kernel[] = {
#define X(name, help) {#name, "verdict", help, 0},
		COUNTERS(X)
#undef X
	};
	struct counters k;
	struct edge_counter c;
	unsigned i, w;
	int err = 0;

	for (i = 0; i < WC_MAX && !err; i++) {
		c = of_worker[i];
		for (w = 0; w < g->n_workers; w++)
			c.value += atomic_load(&g->workers[w].counters[i]);
		err = fn(arg, &c);
	}
	for (i = 0; i < CLOSE_REASON_MAX && !err; i++) {
		c = (struct edge_counter){.name = event_reason_name((enum close_reason)i),
					  .group = "close",
					  .help = "connections closed with this reason"};
		for (w = 0; w < g->n_workers; w++)
			c.value += atomic_load(&g->workers[w].reasons[i]);
		err = fn(arg, &c);
	}
	if (err || !g->kern || kern_counters(g->kern, &k))
		return err;
	for (i = 0; i < sizeof(of_kernel) / sizeof(of_kernel[0]) && !err; i++) {
		c = of_kernel[i];
		c.value = ((const __u64 *)&k)[i];
		err = fn(arg, &c);
	}
	return err;
}

struct gather {
	const char *endpoint_id;
	struct conn_info *list;
	size_t n, size;
	int err;
};

static void gather(struct worker *w, void *arg)
{
	struct gather *t = arg;
	struct list *it, *tmp;
	struct conn_info *more;
	struct conn *c;

	list_for_each_safe(it, tmp, &w->conns) {
		c = list_of(it, struct conn, all);
		conn_on_paired(c); /* its event does not wake us */
		if (c->phase == CONN_DEAD)
			continue;
		if (t->endpoint_id && (!c->endpoint || strcmp(c->endpoint->id, t->endpoint_id)))
			continue;
		if (t->n == t->size) {
			more = realloc(t->list, (t->size * 2 + 64) * sizeof(*more));
			if (!more) {
				t->err = -ENOMEM;
				return;
			}
			t->list = more;
			t->size = t->size * 2 + 64;
		}
		conn_info(c, &t->list[t->n++]);
	}
}

int edge_conns(struct edge *g, const char *endpoint_id, struct conn_info **ret_list)
{
	struct gather t = {.endpoint_id = endpoint_id};

	edge_each_worker(g, gather, &t);
	if (t.err) {
		free(t.list);
		return t.err;
	}
	*ret_list = t.list;
	return (int)t.n;
}
