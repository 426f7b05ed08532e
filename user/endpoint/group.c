// SPDX-License-Identifier: GPL-2.0-only
#include "group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "turn.h"

#define SHARE 1000000U /* of <total>, an endpoint's; 64 of them fit into 32 bits */
#define ALREADY_ONLINE 334

struct group *group_new(uint32_t num, struct group_value *v, uint32_t made)
{
	struct group *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->v = v ? v : &g->own;
	g->num = v ? num : 0;
	memset(g->v, 0, sizeof(*g->v));
	__atomic_store_n(&g->v->made, made, __ATOMIC_SEQ_CST);
	return g;
}

void group_free(struct group *g)
{
	if (!g)
		return;
	__atomic_store_n(&g->v->made, 0, __ATOMIC_SEQ_CST);
	free(g);
}

int group_join(struct group *g, struct endpoint *e)
{
	unsigned n = 0;

	for (struct endpoint *t = e; t; t = t->next_target)
		n++;
	if (g->n + n > GROUP_MEMBERS)
		return -ENOSPC;
	for (struct endpoint *t = e; t; t = t->next_target) {
		g->members[g->n++] = t;
		t->group = g;
	}
	return 0;
}

void group_leave(struct group *g, struct endpoint *e)
{
	unsigned n = 0;

	for (unsigned i = 0; i < g->n; i++) {
		if (g->members[i]->head == e)
			g->members[i]->group = NULL;
		else
			g->members[n++] = g->members[i];
	}
	g->n = n;
}

/* ---- shares ---- */

static bool is_dead(const struct endpoint *t)
{
	return atomic_load(&t->dead);
}

/* Members <a> to <b> - 1 are alike down to a level: those that still are one level further. */
static unsigned run_end(const struct group *g, unsigned a, unsigned b, unsigned level)
{
	unsigned index = g->members[a]->levels[level].index, i = a + 1;

	while (i < b && g->members[i]->levels[level].index == index)
		i++;
	return i;
}

static unsigned head_end(const struct group *g, unsigned a)
{
	const struct endpoint *head = g->members[a]->head;
	unsigned i = a + 1;

	while (i < g->n && g->members[i]->head == head)
		i++;
	return i;
}

static unsigned weight_at(const struct endpoint *t, unsigned level)
{
	return t->levels[level].balance == BALANCE_WEIGHTED ? t->levels[level].weight : 1;
}

/* May it have connections at all? */
static bool has_weight(const struct endpoint *t)
{
	for (unsigned i = 0; i < t->n_levels; i++)
		if (!weight_at(t, i))
			return false;
	return true;
}

struct publishing {
	struct group *g;
	bool dead[GROUP_MEMBERS]; /* as of its beginning: checks go on meanwhile */
	unsigned n;
	uint32_t total;
};

/* Has one of them a claim to connections? */
static bool is_alive(const struct publishing *p, unsigned a, unsigned b)
{
	for (; a < b; a++)
		if (has_weight(p->g->members[a]) && !p->dead[a])
			return true;
	return false;
}

static void add(struct publishing *p, struct endpoint *t, uint32_t part)
{
	if (!part)
		return;
	p->total += part;
	p->g->in_turn[p->n] = t;
	p->g->v->members[p->n++] = (struct group_member){p->total, t->num, t->pool};
}

/* <part> for those from <a> to <b> - 1, which are alike down to <level>. */
static void share(struct publishing *p, unsigned a, unsigned b, unsigned level, uint64_t part)
{
	struct endpoint *t = p->g->members[a];
	uint64_t sum = 0;
	unsigned i, end;

	if (level == t->n_levels) {
		add(p, t, (uint32_t)part);
		return;
	}
	for (i = a; i < b; i = end) {
		end = run_end(p->g, i, b, level);
		if (!is_alive(p, i, end))
			continue;
		if (t->levels[level].balance == BALANCE_FAILOVER) {
			share(p, i, end, level + 1, part);
			return;
		}
		sum += weight_at(p->g->members[i], level);
	}
	if (!sum) /* nobody is alive: then this is not called */
		return;
	for (i = a; i < b; i = end) {
		end = run_end(p->g, i, b, level);
		if (is_alive(p, i, end))
			share(p, i, end, level + 1,
			      part * weight_at(p->g->members[i], level) / sum);
	}
}

bool group_is_up(const struct group *g)
{
	for (unsigned i = 0; i < g->n; i++)
		if (!is_dead(g->members[i]) && has_weight(g->members[i]))
			return true;
	return false;
}

/* (When all are dead they are as good as each other: somebody has to try.) */
void group_publish(struct group *g)
{
	struct publishing p = {.g = g};
	unsigned end;

	for (unsigned i = 0; i < g->n; i++)
		p.dead[i] = is_dead(g->members[i]);
	if (!is_alive(&p, 0, g->n))
		memset(p.dead, 0, sizeof(p.dead));
	for (unsigned i = 0; i < g->n; i = end) {
		end = head_end(g, i);
		if (is_alive(&p, i, end))
			share(&p, i, end, 0, SHARE);
	}
	g->v->total = p.total;
	__atomic_store_n(&g->v->n, p.n, __ATOMIC_SEQ_CST);
}

/* ---- picking ---- */

static bool is_fit(const struct endpoint *t, uint64_t now)
{
	return !is_dead(t) && now >= atomic_load(&t->down_until_ns);
}

static struct endpoint *whose_turn(struct group *g)
{
	uint32_t turn = __atomic_fetch_add(&g->v->turn, 1, __ATOMIC_RELAXED), place, i;

	if (!g->v->n)
		return g->members[0];
	place = turn_place(turn, g->v->total);
	for (i = 0; i < g->v->n - 1 && place >= g->v->members[i].upto; i++)
		;
	return g->in_turn[i];
}

struct want {
	const struct endpoint *but; /* not this one */
	uint64_t now;
	uint32_t turn;
};

/* One of those from <a> to <b> - 1 that is fit, as their shares and orders have it; NULL: none. */
static struct endpoint *choose(const struct group *g, unsigned a, unsigned b, unsigned level,
			       const struct want *w)
{
	struct endpoint *t = g->members[a];
	uint32_t sum = 0, place;
	unsigned i, end;

	if (level == t->n_levels)
		return t != w->but && is_fit(t, w->now) && has_weight(t) ? t : NULL;
	for (i = a; i < b; i = end) {
		struct endpoint *found;

		end = run_end(g, i, b, level);
		found = choose(g, i, end, level + 1, w);
		if (found && t->levels[level].balance == BALANCE_FAILOVER)
			return found;
		sum += found ? weight_at(g->members[i], level) : 0;
	}
	place = sum ? turn_place(w->turn, sum) : 0;
	for (i = a; sum && i < b; i = end) {
		struct endpoint *found;

		end = run_end(g, i, b, level);
		found = choose(g, i, end, level + 1, w);
		if (found && place < weight_at(g->members[i], level))
			return found;
		place -= found ? weight_at(g->members[i], level) : 0;
	}
	return NULL;
}

/* Of all: each endpoint has its turn to be asked first. */
static struct endpoint *choose_any(const struct group *g, const struct want *w)
{
	unsigned begin, end;
	struct endpoint *t;

	if (!g->n) /* the last one takes its group with it */
		return NULL;
	begin = w->turn % g->n;

	while (begin && g->members[begin - 1]->head == g->members[begin]->head)
		begin--;
	for (unsigned i = begin; i < g->n; i = end) {
		end = head_end(g, i);
		t = choose(g, i, end, 0, w);
		if (t)
			return t;
	}
	for (unsigned i = 0; i < begin; i = end) {
		end = head_end(g, i);
		t = choose(g, i, end, 0, w);
		if (t)
			return t;
	}
	return NULL;
}

struct endpoint *group_pick(struct group *g, uint32_t hint)
{
	struct want w = {.now = clock_ns()};
	struct endpoint *t = NULL, *fit;

	for (unsigned i = 0; hint && i < g->n; i++)
		if (g->members[i]->num == hint && is_fit(g->members[i], w.now))
			return g->members[i];
	/* others get the turns of those that just failed, by their shares */
	for (unsigned i = 0; i < 2 * g->n; i++) {
		t = whose_turn(g);
		if (is_fit(t, w.now))
			return t;
	}
	w.turn = __atomic_load_n(&g->v->turn, __ATOMIC_RELAXED);
	fit = choose_any(g, &w);
	return fit ? fit : t ? t : g->members[0];
}

/* Those behind the one at <at> in the orders that it stands in, the innermost first. */
static struct endpoint *next_in_order(const struct group *g, unsigned at, const struct want *w)
{
	const struct endpoint *failed = g->members[at];
	unsigned a = at, b = at + 1;
	struct endpoint *t = NULL;

	for (unsigned level = failed->n_levels; level-- && !t;) {
		unsigned after = b, end;

		/* the whole of what is alike down to here */
		while (b < g->n && g->members[b]->head == failed->head &&
		       !memcmp(g->members[b]->levels, failed->levels,
			       level * sizeof(failed->levels[0])))
			b++;
		while (a && g->members[a - 1]->head == failed->head &&
		       !memcmp(g->members[a - 1]->levels, failed->levels,
			       level * sizeof(failed->levels[0])))
			a--;
		if (failed->levels[level].balance != BALANCE_FAILOVER)
			continue;
		for (unsigned i = after; i < b && !t; i = end) {
			end = run_end(g, i, b, level);
			t = choose(g, i, end, level + 1, w);
		}
	}
	return t;
}

struct endpoint *group_next(struct group *g, const struct endpoint *failed)
{
	struct want w = {.but = failed, .now = clock_ns()};
	struct endpoint *t = NULL;
	unsigned at;

	w.turn = __atomic_load_n(&g->v->turn, __ATOMIC_RELAXED);
	for (at = 0; at < g->n && g->members[at] != failed; at++)
		;
	if (at < g->n)
		t = next_in_order(g, at, &w);
	for (unsigned i = 0; i < 2 * g->n && !t; i++) {
		t = whose_turn(g);
		if (t == failed || !is_fit(t, w.now))
			t = NULL;
	}
	if (!t)
		t = choose_any(g, &w);
	if (t || g->n < 2)
		return t;
	/* all have failed lately: whoever stands behind it */
	return at < g->n ? g->members[(at + 1) % g->n] : g->members[0];
}

void group_try(struct endpoint *t, uint64_t now, uint64_t patience_ns)
{
	uint64_t until = atomic_load(&t->down_until_ns);

	if (until && now >= until)
		atomic_compare_exchange_strong(&t->down_until_ns, &until, now + patience_ns);
}

void group_tried(struct endpoint *t)
{
	if (atomic_load(&t->down_until_ns))
		atomic_store(&t->down_until_ns, 0);
}

/* ---- who may be in one ---- */

/*
 * What decides who is let in, and where the client's TLS ends: it must not depend on whose turn
 * it is.
 */
int group_check(const struct endpoint *a, const struct endpoint *b, struct fault *f)
{
	static const enum field_id same[] = {
		FIELD_ID_MUTUAL_TLS_CAS, FIELD_ID_CIDR_ALLOW,
		FIELD_ID_CIDR_DENY,	 FIELD_ID_IP_POLICIES,
		FIELD_ID_ALPN,		 FIELD_ID_ACME_UPSTREAM,
		FIELD_ID_MIN_VERSION,	 FIELD_ID_CERTIFICATE_AUTHORITIES,
	};

	if (endpoint_spec_terminates(&a->spec) != endpoint_spec_terminates(&b->spec))
		return fault_set(f, 409, ALREADY_ONLINE, "terminate_at",
				 "differs from that of %s, which has the name too", a->id);
	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		const char *x = endpoint_spec_value(&a->spec, same[i]),
			   *y = endpoint_spec_value(&b->spec, same[i]);

		if (strcmp(x ? x : "", y ? y : ""))
			return fault_set(f, 409, ALREADY_ONLINE, field_table[same[i]].name,
					 "differs from that of %s, which has the name too", a->id);
	}
	return 0;
}
