// SPDX-License-Identifier: GPL-2.0-only
#include "group.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

static uint64_t weight_of(const struct endpoint *t)
{
	return t->head->balance == BALANCE_WEIGHTED ? t->weight : 1;
}

/* The sum of the weights of those who may have some; of one endpoint, from <at> on. */
static uint64_t sum_of(const struct group *g, unsigned at, bool dead_too)
{
	const struct endpoint *head = g->members[at]->head;
	uint64_t sum = 0;

	for (unsigned i = at; i < g->n && g->members[i]->head == head; i++) {
		if (is_dead(g->members[i]) && !dead_too)
			continue;
		if (head->balance == BALANCE_FAILOVER)
			return 1;
		sum += weight_of(g->members[i]);
	}
	return sum;
}

static void add(struct group *g, struct endpoint *t, uint32_t part, unsigned *n, uint32_t *total)
{
	if (!part)
		return;
	*total += part;
	g->in_turn[*n] = t;
	g->v->members[*n] = (struct group_member){*total, t->num, t->pool};
	++*n;
}

/* When all are dead they are as good as each other: somebody has to try. */
static bool all_are_dead(const struct group *g)
{
	for (unsigned i = 0; i < g->n; i++)
		if (!is_dead(g->members[i]) && weight_of(g->members[i]))
			return false;
	return true;
}

void group_publish(struct group *g)
{
	bool dead_too = all_are_dead(g);
	unsigned n = 0, i = 0;
	uint32_t total = 0;

	while (i < g->n) {
		struct endpoint *head = g->members[i]->head;
		uint64_t sum = sum_of(g, i, dead_too);

		for (bool first = true; i < g->n && g->members[i]->head == head; i++) {
			struct endpoint *t = g->members[i];

			if ((is_dead(t) && !dead_too) || !sum)
				continue;
			if (head->balance == BALANCE_FAILOVER)
				add(g, t, first ? SHARE : 0, &n, &total);
			else
				add(g, t, (uint32_t)(SHARE * weight_of(t) / sum), &n, &total);
			first = false;
		}
	}
	g->v->total = total;
	__atomic_store_n(&g->v->n, n, __ATOMIC_SEQ_CST);
}

/* ---- picking ---- */

static bool is_fit(const struct endpoint *t, uint64_t now)
{
	return !is_dead(t) && now >= atomic_load(&t->down_until_ns);
}

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC_COARSE, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
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

/* In its order: the first that is fit. */
static struct endpoint *first_fit(const struct group *g, const struct endpoint *but, uint64_t now)
{
	for (unsigned i = 0; i < g->n; i++) {
		struct endpoint *t = g->members[i];

		if (t != but && is_fit(t, now) && weight_of(t))
			return t;
	}
	return NULL;
}

struct endpoint *group_pick(struct group *g, uint32_t hint)
{
	uint64_t now = now_ns();
	struct endpoint *t = NULL, *fit;

	for (unsigned i = 0; hint && i < g->n; i++)
		if (g->members[i]->num == hint && is_fit(g->members[i], now))
			return g->members[i];
	/* others get the turns of those that just failed, by their shares */
	for (unsigned i = 0; i < 2 * g->n; i++) {
		t = whose_turn(g);
		if (is_fit(t, now))
			return t;
	}
	fit = first_fit(g, NULL, now);
	return fit ? fit : t ? t : g->members[0];
}

struct endpoint *group_next(struct group *g, const struct endpoint *failed)
{
	uint64_t now = now_ns();
	struct endpoint *t;
	unsigned at;

	for (unsigned i = 0; i < 2 * g->n; i++) {
		t = whose_turn(g);
		if (t != failed && is_fit(t, now))
			return t;
	}
	t = first_fit(g, failed, now);
	if (t || g->n < 2)
		return t;
	/* all have failed lately: whoever stands behind it */
	for (at = 0; at < g->n && g->members[at] != failed; at++)
		;
	return at < g->n ? g->members[(at + 1) % g->n] : g->members[0];
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
		const char *x = a->spec.values[same[i]], *y = b->spec.values[same[i]];

		if (strcmp(x ? x : "", y ? y : ""))
			return fault_set(f, 409, ALREADY_ONLINE, field_table[same[i]].name,
					 "differs from that of %s, which has the name too", a->id);
	}
	return 0;
}
