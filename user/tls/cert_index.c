// SPDX-License-Identifier: GPL-2.0-only
#include "cert_index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

struct entry {
	char *name;
	struct pair *p;
	int kind;
	unsigned rank;
};

struct cert_index {
	struct entry *entries;
	size_t n, room;
	time_t now; /* when it was sealed */
};

struct adding {
	struct cert_index *ix;
	struct pair *p;
	unsigned rank;
};

struct cert_index *cert_index_new(void)
{
	return calloc(1, sizeof(struct cert_index));
}

void cert_index_free(struct cert_index *ix)
{
	if (!ix)
		return;
	for (size_t i = 0; i < ix->n; i++) {
		free(ix->entries[i].name);
		pair_put(ix->entries[i].p);
	}
	free(ix->entries);
	free(ix);
}

static int add_name(void *arg, const char *name)
{
	struct adding *a = arg;
	struct cert_index *ix = a->ix;
	struct entry *e;

	if (ix->n == ix->room) {
		size_t room = ix->room ? 2 * ix->room : 16;

		e = reallocarray(ix->entries, room, sizeof(*e));
		if (!e)
			return -ENOMEM;
		ix->entries = e;
		ix->room = room;
	}
	e = &ix->entries[ix->n];
	*e = (struct entry){.name = strdup(name), .kind = pair_kind(a->p), .rank = a->rank};
	if (!e->name)
		return -ENOMEM;
	e->p = pair_get(a->p);
	ix->n++;
	return 0;
}

int cert_index_add(struct cert_index *ix, struct pair *p, unsigned rank)
{
	struct adding a = {ix, p, rank};

	return pair_each_name(p, add_name, &a);
}

/* By name and kind; of these the best first: valid, then the one that is good for longest. */
static int compare(const void *a, const void *b, void *arg)
{
	const struct entry *x = a, *y = b;
	const time_t *now = arg;
	int order = strcmp(x->name, y->name);
	int x_valid, y_valid;

	if (order || x->kind != y->kind)
		return order ? order : (x->kind > y->kind) - (x->kind < y->kind);
	x_valid = x->p->not_before <= *now && *now < x->p->not_after;
	y_valid = y->p->not_before <= *now && *now < y->p->not_after;
	if (x_valid != y_valid)
		return y_valid - x_valid;
	if (x->p->not_after != y->p->not_after)
		return x->p->not_after < y->p->not_after ? 1 : -1;
	return (x->rank > y->rank) - (x->rank < y->rank);
}

void cert_index_seal(struct cert_index *ix, time_t now)
{
	ix->now = now;
	if (ix->n)
		qsort_r(ix->entries, ix->n, sizeof(*ix->entries), compare, &ix->now);
}

void cert_index_find(const struct cert_index *ix, const char *name, struct pairs *ret_ps)
{
	size_t low = 0, high = ix->n;
	int last_kind = -1;

	while (low < high) { /* the first entry that is not below <name> */
		size_t mid = low + (high - low) / 2;

		if (strcmp(ix->entries[mid].name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	for (; low < ix->n && !strcmp(ix->entries[low].name, name); low++) {
		if (ix->entries[low].kind == last_kind || ret_ps->n == PAIRS_MAX)
			continue;
		last_kind = ix->entries[low].kind;
		ret_ps->p[ret_ps->n++] = pair_get(ix->entries[low].p);
	}
}
