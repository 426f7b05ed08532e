// SPDX-License-Identifier: GPL-2.0-only
/*
 * pool_demand - how many warm upstreams a pool is to have: it follows what starts.
 */
#include "edge_private.h"
#include "pool_private.h"

#define PACE_ONE 16U
#define WANT_MAX 1024U /* of one pool of channels, however many start */

unsigned pool_share(const struct worker *w)
{
	unsigned n = (w->config->pool.max_idle + w->edge->n_workers - 1) / w->edge->n_workers;

	return n < POOL_SLOTS ? n : POOL_SLOTS;
}

/* Twice what started in this tick, for as many ticks as one takes to come. */
static unsigned demand(const struct pool *p)
{
	unsigned lead = pool_lead(p), n = p->started * 2 * lead;
	unsigned max = lead > 1 ? WANT_MAX : pool_share(p->worker);

	return n < max ? n : max;
}

/*
 * Of a channel's round trips, those that start meanwhile use up some: the average tells, not the
 * most, as what is left of a guess too high is thrown away.  An eighth is left for its mistakes.
 */
unsigned pool_goal(const struct pool *p)
{
	unsigned share = pool_share(p->worker);
	unsigned used = p->pace * (pool_lead(p) - 1) / PACE_ONE;

	if (used)
		share -= share / 8;
	return !share ? 0 : p->want < share + used ? p->want : share + used;
}

void pool_on_start(struct pool *p)
{
	if (!p)
		return;
	p->started++;
	p->used_ns = p->worker->now_ns;
	if (!pool_share(p->worker))
		return;
	if (p->want < 1)
		p->want = 1;
	if (demand(p) > p->want)
		p->want = demand(p);
	if (list_empty(&p->active))
		list_add_tail(&p->worker->pools_active, &p->active);
	pool_refill(p);
}

void pool_want_tick(struct pool *p)
{
	const struct worker *w = p->worker;

	/* demand falls by an eighth a tick, rises at once in pool_on_start() */
	if (demand(p) < p->want)
		p->want -= (p->want + 7) / 8;
	if (demand(p) > p->want)
		p->want = demand(p);
	p->pace = (p->pace * 3 + p->started * PACE_ONE) / 4;
	p->started = 0;
	if (w->now_ns - p->used_ns >= w->config->pool.max_age * MS)
		p->want = pool_floor(p);
	else if (!p->want)
		p->want = 1;
	if (!pool_share(w))
		p->want = 0;
}
