// SPDX-License-Identifier: GPL-2.0-only
#include "account.h"
#include "clock.h"
#include "conn.h"
#include "edge_private.h"

#define FRESH_NS 50000000ULL /* askers within this share one look */

static void add(atomic_uint_fast64_t *total, uint64_t now, uint64_t *told)
{
	/* modulo 2^64, should a figure ever have been told too high */
	if (now != *told)
		atomic_fetch_add_explicit(total, now - *told, memory_order_relaxed);
	*told = now;
}

static void add_bytes(struct conn *c)
{
	struct endpoint_stats *s = c->endpoint->stats;
	struct conn_tally t = conn_tally(c);

	add(&s->in_user, t.in_user, &c->told.in_user);
	add(&s->in_kernel, t.in_kernel, &c->told.in_kernel);
	add(&s->out_user, t.out_user, &c->told.out_user);
	add(&s->out_kernel, t.out_kernel, &c->told.out_kernel);
}

static void set_datapath(struct conn *c, unsigned as)
{
	atomic_uint_fast64_t *by = c->endpoint->stats->active_by;

	if (as == c->told_as)
		return;
	if (c->told_as)
		atomic_fetch_sub_explicit(&by[c->told_as - 1], 1, memory_order_relaxed);
	if (as)
		atomic_fetch_add_explicit(&by[as - 1], 1, memory_order_relaxed);
	c->told_as = (uint8_t)as;
}

void conn_account(struct conn *c)
{
	if (!c->endpoint)
		return;
	add_bytes(c);
	set_datapath(c, (unsigned)conn_datapath(c) + 1);
}

void conn_account_end(struct conn *c)
{
	add_bytes(c);
	set_datapath(c, 0);
}

static void account_all(struct worker *w, void *arg)
{
	struct list *it, *tmp;

	(void)arg;
	list_for_each_safe(it, tmp, &w->conns) {
		struct conn *c = list_of(it, struct conn, all);

		conn_on_paired(c); /* its event does not wake us */
		if (c->phase != CONN_DEAD)
			conn_account(c);
	}
}

void edge_account(struct edge *g)
{
	uint64_t now = clock_ns(), last = atomic_load(&g->accounted_ns);

	if (now - last < FRESH_NS || !atomic_compare_exchange_strong(&g->accounted_ns, &last, now))
		return;
	edge_each_worker(g, account_all, NULL);
}

void edge_times(struct edge *g, struct histogram_total *ret_connect,
		struct histogram_total *ret_handshake)
{
	*ret_connect = *ret_handshake = (struct histogram_total){.count = 0};
	for (unsigned i = 0; i < g->n_workers; i++) {
		histogram_collect(ret_connect, &g->workers[i].connect_us);
		histogram_collect(ret_handshake, &g->workers[i].handshake_us);
	}
}
