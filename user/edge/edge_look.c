// SPDX-License-Identifier: GPL-2.0-only
/*
 * edge_look - what the control plane sees of the running daemon: edge.h.
 */
#include "edge_look.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "conn.h"
#include "edge.h"
#include "edge_private.h"
#include "elders.h"
#include "guard.h"
#include "pool.h"
#include "sshd.h"
#include "tunnel.h"

void edge_status(struct edge *g, struct edge_status *s)
{
	unsigned i, n_warm = 0;

	memset(s, 0, sizeof(*s));
	s->datapath = g->kern ? CLOSE_DP_KERNEL : CLOSE_DP_SPLICE;
	snprintf(s->datapath_why, sizeof(s->datapath_why), "%s", g->datapath_why);
	guard_text(g->guard, s->sandbox, sizeof(s->sandbox));
	if (g->kern)
		snprintf(s->pin_root, sizeof(s->pin_root), "%s", kern_pin_root(g->kern));
	s->started = g->started;
	s->uptime_s = (clock_ns() - g->started_ns) / 1000000000ULL;
	s->n_workers = g->n_workers;
	s->draining = g->draining;
	pthread_mutex_lock(&g->config_lock); /* a reload frees the old configuration */
	s->ktls_off = g->config->tls.ktls_off;
	for (i = 0; i < g->config->n_listen && i < 16; i++) {
		snprintf(s->listeners[i].addr, sizeof(s->listeners[i].addr), "%s",
			 g->config->listen[i].text);
		s->listeners[i].workers = g->n_workers;
		s->n_listeners++;
	}
	if (g->sshd)
		snprintf(s->ssh, sizeof(s->ssh), "%s", g->config->ssh.text);
	if (g->tunnel)
		snprintf(s->tunnel, sizeof(s->tunnel), "%s", g->config->tunnel.text);
	if (g->config->http.len)
		snprintf(s->http, sizeof(s->http), "%s", g->config->http.text);
	pthread_mutex_unlock(&g->config_lock);
	s->sessions = tunnel_count(g->tunnel);
	s->ssh_up = sshd_is_up(g->sshd);
	snprintf(s->ssh_why, sizeof(s->ssh_why), "%s", sshd_why(g->sshd));
	s->conns_active = atomic_load(&g->n_conns);
	for (i = 0; i < g->n_workers; i++) {
		s->conns_total += atomic_load(&g->workers[i].counters[WC_accepted]);
		n_warm += atomic_load(&g->workers[i].n_warm);
	}
	s->pool_idle = n_warm;
	s->elders = atomic_load(&g->n_elders_alive);
}

/* What was full; of the group that has WC_full_flows already. */
static int full_counters(struct edge *g, int (*fn)(void *arg, const struct edge_counter *c),
			 void *arg)
{
	static const struct edge_counter of_maps[] = {
#define X(name, help) {"full_" #name, "full", help, 0},
		KERN_FULL(X)
#undef X
	};
	struct registry_full r = registry_full(g->registry);
	const struct edge_counter of_registry[] = {
		{"full_names", "full", "endpoints refused: this edge has as many as it can hold",
		 r.endpoints},
		{"full_pools", "full",
		 "endpoints without a place in `pools`: user space starts their connections",
		 r.pools},
		{"full_groups", "full",
		 "shared names without a place in `groups`: user space starts their connections",
		 r.groups},
	};
	struct edge_counter c;
	int err = 0;

	for (unsigned i = 0; i < sizeof(of_registry) / sizeof(of_registry[0]) && !err; i++)
		err = fn(arg, &of_registry[i]);
	for (int i = 0; g->kern && i < KERN_MAP_MAX && !err; i++) {
		c = of_maps[i];
		c.value = kern_full(g->kern, (enum kern_map)i);
		err = fn(arg, &c);
	}
	return err;
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
	if (!err)
		err = full_counters(g, fn, arg);
	if (err || !g->kern || kern_counters(g->kern, &k))
		return err;
	for (i = 0; i < sizeof(of_kernel) / sizeof(of_kernel[0]) && !err; i++) {
		c = of_kernel[i];
		c.value = ((const __u64 *)&k)[i];
		err = fn(arg, &c);
	}
	return err;
}

#define LOOK_AT 1024 /* connections in one turn: a list of all must not hold up their worker */

struct gather {
	const char *endpoint_id;
	struct conn_info *list; /* has room for LOOK_AT more */
	size_t n;
	unsigned looked;
	uint64_t after; /* the last connection's <order> */
	bool more;
};

static void gather(struct worker *w, void *arg)
{
	struct gather *t = arg;
	struct list *it, *tmp;
	struct conn *c;

	t->looked = 0;
	t->more = false;
	list_for_each_safe(it, tmp, &w->conns) {
		c = list_of(it, struct conn, all);
		if (c->order <= t->after)
			continue;
		if (t->looked++ == LOOK_AT) {
			t->more = true;
			return;
		}
		t->after = c->order;
		conn_on_paired(c); /* its event does not wake us */
		if (c->phase == CONN_DEAD)
			continue;
		if (t->endpoint_id && (!c->endpoint || strcmp(c->endpoint->id, t->endpoint_id)))
			continue;
		conn_info(c, &t->list[t->n++]);
	}
}

/* False: out of memory. */
static bool gather_from(struct gather *t, struct worker *w)
{
	struct conn_info *more;

	t->after = 0;
	do {
		more = realloc(t->list, (t->n + LOOK_AT) * sizeof(*more));
		if (!more)
			return false;
		t->list = more;
		worker_call(w, gather, t);
	} while (t->more);
	return true;
}

int edge_conns_here(struct edge *g, const char *endpoint_id, struct conn_info **ret_list)
{
	struct gather t = {.endpoint_id = endpoint_id};
	bool all = true;

	for (unsigned i = 0; i < g->n_workers && all; i++)
		if (g->workers[i].thread)
			all = gather_from(&t, &g->workers[i]);
	if (!all) {
		free(t.list);
		return -ENOMEM;
	}
	*ret_list = t.list;
	return (int)t.n;
}

/* ---- with those of earlier daemons ---- */

static void widen(const struct elders_conn *e, struct conn_info *c)
{
	const struct handover_info *i = &e->info;

	memset(c, 0, sizeof(*c));
	snprintf(c->id, sizeof(c->id), "%.39s", i->id);
	snprintf(c->server_name, sizeof(c->server_name), "%s", i->name);
	snprintf(c->endpoint_id, sizeof(c->endpoint_id), "%.39s", i->endpoint);
	snprintf(c->state, sizeof(c->state), "%.23s", i->state);
	memcpy(&c->client, i->client, sizeof(i->client));
	memcpy(&c->server, i->server, sizeof(i->server));
	memcpy(&c->upstream, i->upstream, sizeof(i->upstream));
	c->start = (struct timespec){(time_t)i->start_s, (long)(i->start_frac % 1000000000)};
	c->datapath = i->datapath <= CLOSE_DP_USERSPACE ? (enum close_datapath)i->datapath
							: CLOSE_DP_NONE;
	c->bytes_in = i->bytes_in;
	c->bytes_out = i->bytes_out;
	c->bytes_user = i->bytes_user;
	c->bytes_kernel = i->bytes_kernel;
	c->idle_ms = i->idle_ms;
	c->worker = (unsigned)i->worker;
	c->daemon = e->pid;
}

static int by_id(const void *a, const void *b)
{
	return strcmp(((const struct conn_info *)a)->id, ((const struct conn_info *)b)->id);
}

/* Ours behind <n> of theirs, which are sorted; what has followed in between is ours. */
static size_t merge(struct conn_info *list, size_t n, const struct conn_info *ours, size_t n_ours)
{
	size_t kept = 0, all = n;
	struct conn_info *both;

	for (size_t i = 0; i < n_ours; i++) {
		both = n ? bsearch(&ours[i], list, n, sizeof(*list), by_id) : NULL;
		if (both)
			both->daemon = 0;
		list[all++] = ours[i];
	}
	for (size_t i = 0; i < all; i++)
		if (i >= n || list[i].daemon)
			list[kept++] = list[i];
	return kept;
}

int edge_conns(struct edge *g, const char *endpoint_id, struct conn_info **ret_list)
{
	struct elders_conn *theirs = NULL;
	struct conn_info *ours = NULL, *list = NULL;
	int n_theirs = elders_conns(g, &theirs), n_ours, n = 0;

	n_ours = n_theirs < 0 ? n_theirs : edge_conns_here(g, endpoint_id, &ours);
	if (n_ours < 0 || !n_theirs) {
		free(theirs);
		*ret_list = ours;
		return n_ours;
	}
	list = calloc((size_t)n_theirs + (size_t)n_ours, sizeof(*list));
	if (!list) {
		n = -ENOMEM;
		goto out;
	}
	for (int i = 0; i < n_theirs; i++)
		if (!endpoint_id || !strcmp(theirs[i].info.endpoint, endpoint_id))
			widen(&theirs[i], &list[n++]);
	qsort(list, (size_t)n, sizeof(*list), by_id);
	n = (int)merge(list, (size_t)n, ours, (size_t)n_ours);
out:
	free(theirs);
	free(ours);
	*ret_list = list;
	return n;
}

struct earlier {
	struct elders_ask ask;
	struct edge_earlier *list;
	const struct elder *whose[EDGE_EARLIER_MAX]; /* of the list, in this order: by age */
	unsigned n;
};

static void on_count(struct elders_ask *a, const struct elder *e, const struct handover *h, int fd)
{
	struct earlier *t = (struct earlier *)a; /* it is the first there */

	unsigned at = t->n++;

	(void)fd;
	for (; at && t->whose[at - 1] > e; at--) {
		t->whose[at] = t->whose[at - 1];
		t->list[at] = t->list[at - 1];
	}
	t->whose[at] = e;
	t->list[at] = (struct edge_earlier){.pid = e->pid, .answers = h, .conns = h ? h->count : 0};
}

unsigned edge_earlier(struct edge *g, struct edge_earlier list[EDGE_EARLIER_MAX])
{
	struct earlier t = {
		.ask = {.h = {.use = HANDOVER_ASK_COUNT}, .fd = -1, .on_answer = on_count},
		.list = list};

	elders_ask(g, &t.ask); /* (one that ends now is in the list no more) */
	return t.n;
}
