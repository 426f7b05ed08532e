// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool_channel - pools of agents' endpoints: channels that come instead of dials.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "chan.h"
#include "edge_private.h"
#include "log.h"
#include "pool_private.h"
#include "tls.h"
#include "tunnel.h"

#define ASKED_NS (2000ULL * MS)	 /* a channel that has not come by twice that is asked for again */
#define LEAD_MAX 8U		 /* ticks: what a slow agent can make us ask for ahead */
#define AGE_MS (60 * 60 * 1000U) /* an agent waits; keep-alive finds what is dead */

uint64_t pool_max_age(const struct pool *p)
{
	return (p->endpoint->agent ? AGE_MS : p->worker->config->pool.max_age) * MS;
}

/* Of those that a burst has left behind, none outlives it for long. */
uint64_t pool_age(const struct pool *p)
{
	uint64_t max = p->worker->config->pool.max_age * MS;

	if (p->endpoint->agent && p->n_idle > p->want && p->worker->now_ns - p->used_ns >= max)
		return max;
	return p->age_ns;
}

unsigned pool_lead(const struct pool *p)
{
	uint64_t ticks = 1 + p->lead_ns / POOL_TICK_NS;

	return ticks < LEAD_MAX ? (unsigned)ticks : LEAD_MAX;
}

unsigned pool_floor(const struct pool *p)
{
	return p->endpoint->agent && !atomic_load(&p->endpoint->gone);
}

bool pool_is_settled(const struct pool *p)
{
	if (atomic_load(&p->endpoint->gone) || !p->endpoint->agent)
		return !p->want && !p->n_idle && !p->n_dialling && !p->n_waiting;
	return p->want <= 1 && p->n_idle == p->want && !p->asked && !p->asked_before &&
	       !p->n_waiting;
}

void pool_renew(struct pool *p)
{
	if (atomic_load(&p->endpoint->gone))
		return;
	if (list_empty(&p->active))
		list_add_tail(&p->worker->pools_active, &p->active);
	pool_refill(p);
}

void pool_ask(struct pool *p)
{
	struct worker *w = p->worker;
	unsigned goal = pool_goal(p), need, have;

	if (w->now_ns - p->asked_ns > ASKED_NS) {
		/* twice, after a rest */
		p->asked_before = w->now_ns - p->asked_ns > 2 * ASKED_NS ? 0 : p->asked;
		p->asked = 0;
		p->asked_ns = w->now_ns;
	}
	/* who waits while others are idle wants none of these: see conn_dial_fresh() */
	need = (goal > p->n_idle ? goal - p->n_idle : 0) + p->n_waiting;
	have = p->asked + p->asked_before;
	if (need <= have)
		return;
	tunnel_ask(w->edge->tunnel, p->endpoint, w->index, need - have);
	p->asked += need - have;
}

static void has_come(struct pool *p, uint64_t asked_ns)
{
	unsigned *n = p->asked_before && (asked_ns < p->asked_ns || !p->asked) ? &p->asked_before
									       : &p->asked;

	*n -= *n > 0;
}

void pool_skip_proof(struct conn *c)
{
	/* (of TLS, the proof is part of what the session has read) */
	if (c->endpoint->agent && !c->upstream.tls)
		c->down.before = c->down.unseen = c->down.skipped = CHAN_PROOF_LEN;
}

/* ---- connections that wait ---- */

void pool_wait(struct pool *p, struct conn *c)
{
	if (!p || atomic_load(&p->endpoint->gone) ||
	    (*p->endpoint->tunnel && atomic_load(&p->endpoint->dead))) {
		conn_dial_failed(c, ECONNREFUSED);
		return;
	}
	worker_count(c->worker, WC_channel_waited);
	list_add_tail(&p->waiting, &c->queue);
	p->n_waiting++;
	pool_on_start(p);
	pool_renew(p);
}

void pool_leave(struct conn *c)
{
	struct worker *w = c->worker;

	if (list_empty(&c->queue))
		return;
	list_del(&c->queue);
	w->pools[c->endpoint->num]->n_waiting--;
}

void pool_fail_waiting(struct pool *p)
{
	while (!list_empty(&p->waiting)) {
		struct conn *c = list_of(p->waiting.next, struct conn, queue);

		pool_leave(c);
		conn_dial_failed(c, ECONNREFUSED);
	}
}

/* ---- channels that come ---- */

/* The end of a channel: as one that was dialled, but for its state, which is not told until now. */
static void end_of(struct worker *w, const struct channel *ch, struct end *e)
{
	uint32_t slot;

	end_init(e, ch->fd);
	e->tls = ch->tls;
	if (!w->kern || ch->endpoint->tls_server)
		return;
	/* (its buffers are those of the tunnel's listener) */
	slot = worker_slot_get(w, e);
	if (slot != SLOT_NONE && end_slot(e, w->kern, slot, FLOW_UPSTREAM, w->index, 0, NULL))
		slots_give(&w->slots, slot);
}

static void give(struct pool *p, const struct channel *ch, const struct end *e)
{
	struct worker *w = p->worker;
	struct conn *c = list_of(p->waiting.next, struct conn, queue);

	pool_leave(c);
	c->upstream = *e;
	memcpy(&c->upstream_addr, &ch->sa, sizeof(c->upstream_addr));
	c->channel = ch->number;
	pool_skip_proof(c);
	c->upstream.kind = END_UPSTREAM;
	c->upstream.owner = c;
	slots_moved(&w->slots, &c->upstream);
	conn_keep(c);
	conn_joined(c);
}

static void keep(struct pool *p, const struct channel *ch, struct end *e)
{
	struct worker *w = p->worker;
	struct warm *wm = p->n_idle < pool_share(w) ? calloc(1, sizeof(*wm)) : NULL;

	if (!wm) {
		worker_count(w, WC_channel_spare);
		slots_end_close(&w->slots, e, false);
		return;
	}
	wm->end = *e;
	wm->pool = p;
	wm->channel = ch->number;
	memcpy(&wm->addr, &ch->sa, sizeof(wm->addr));
	wm->end.kind = END_WARM;
	wm->end.owner = wm;
	list_init(&wm->link);
	slots_moved(&w->slots, &wm->end);
	pool_add(wm);
}

/* Rises at once, falls by eighths: too few is what a burst's connections have to wait for. */
static void learn_lead(struct pool *p, uint64_t took_ns)
{
	p->lead_ns = took_ns > p->lead_ns ? took_ns : p->lead_ns - (p->lead_ns - took_ns) / 8;
}

void pool_on_channel(struct worker *w, void *arg)
{
	struct channel *ch = arg;
	struct pool *p = pool_of(w, ch->endpoint);
	struct end e;

	if (!p || atomic_load(&ch->endpoint->gone) || (w->draining && !p->n_waiting)) {
		channel_free(ch);
		return;
	}
	has_come(p, ch->asked_ns);
	learn_lead(p, w->now_ns > ch->asked_ns ? w->now_ns - ch->asked_ns : 0);
	end_of(w, ch, &e);
	if (!pool_is_fresh(&e)) { /* it ended before anybody would have told us */
		slots_end_close(&w->slots, &e, false);
		if (!list_empty(&p->waiting))
			pool_renew(p);
	} else if (list_empty(&p->waiting)) {
		keep(p, ch, &e);
	} else {
		give(p, ch, &e);
	}
	endpoint_put(ch->endpoint);
	free(ch);
}

void pool_on_online(struct worker *w, void *arg)
{
	struct endpoint *e = arg;
	struct pool *p = pool_of(w, e);

	if (p && pool_share(w)) {
		p->want = p->want ? p->want : 1;
		pool_renew(p);
	}
	endpoint_put(e);
}

void pool_announce(struct edge *g, struct endpoint *e)
{
	/* each worker wants a channel of its own, ahead of the first connection */
	for (struct endpoint *t = e; t; t = t->next_target)
		for (unsigned i = 0; t->agent && i < g->n_workers; i++)
			if (worker_post(&g->workers[i], pool_on_online, endpoint_get(t)))
				endpoint_put(t);
}

void pool_on_lost(struct worker *w, void *arg)
{
	struct endpoint *e = arg;
	struct pool *p = e->num < w->n_pools ? w->pools[e->num] : NULL;

	if (p && p->endpoint == e) {
		p->asked = p->asked_before = 0;
		pool_fail_waiting(p);
	}
	endpoint_put(e);
}

void conn_tell_agent(const struct conn *c)
{
	struct tunnel_started s = {.agent = c->endpoint->agent, .channel = c->channel};

	conn_id(c, s.connection);
	if (c->note)
		memcpy(s.name, c->note->name,
		       c->note->name_len < sizeof(s.name) ? c->note->name_len : sizeof(s.name) - 1);
	conn_client_addr(c, &s.client);
	conn_server_addr(c, &s.server);
	tunnel_started(c->worker->edge->tunnel, &s);
}
