// SPDX-License-Identifier: GPL-2.0-only
#include "limit.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "visitor.h"

#define SECOND_NS 1000000000ULL
#define WAYS 8
#define LOCKS 64

struct visits {
	struct visitor visitor;
	uint32_t endpoint;
	uint64_t next_ns; /* 0: no source */
};

struct row {
	struct visits way[WAYS];
};

struct limit_sources {
	uint64_t key;
	unsigned n_rows;
	struct row *rows;
	pthread_mutex_t locks[LOCKS];
};

/* The schedule with one more on it; false: that would be more than a second ahead. */
static bool next(uint64_t *at_ns, unsigned rate, uint64_t now_ns)
{
	uint64_t at = *at_ns > now_ns ? *at_ns : now_ns;

	at += SECOND_NS / rate;
	if (at - now_ns > SECOND_NS)
		return false;
	*at_ns = at;
	return true;
}

bool limit_rate_take(struct limit_rate *r, unsigned rate, uint64_t now_ns)
{
	uint64_t old = atomic_load(&r->next_ns), at;

	do {
		at = old;
		if (!next(&at, rate, now_ns))
			return false;
	} while (!atomic_compare_exchange_weak(&r->next_ns, &old, at));
	return true;
}

struct limit_sources *limit_sources_new(unsigned n)
{
	struct limit_sources *ls = calloc(1, sizeof(*ls));

	if (!ls)
		return NULL;
	ls->n_rows = n / WAYS ? n / WAYS : 1;
	ls->rows = calloc(ls->n_rows, sizeof(*ls->rows));
	if (!ls->rows || getrandom(&ls->key, sizeof(ls->key), 0) != sizeof(ls->key)) {
		free(ls->rows);
		free(ls);
		return NULL;
	}
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_init(&ls->locks[i], NULL);
	return ls;
}

void limit_sources_free(struct limit_sources *ls)
{
	if (!ls)
		return;
	for (int i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&ls->locks[i]);
	free(ls->rows);
	free(ls);
}

static bool is_same(const struct visits *a, const struct visits *b)
{
	return a->next_ns && a->endpoint == b->endpoint && visitor_is(&a->visitor, &b->visitor);
}

/* Its place in the row: its own, else that of the one with the least to remember. */
static struct visits *find(struct row *row, const struct visits *s)
{
	struct visits *least = &row->way[0];

	for (int i = 0; i < WAYS; i++) {
		if (is_same(&row->way[i], s))
			return &row->way[i];
		if (row->way[i].next_ns < least->next_ns)
			least = &row->way[i];
	}
	return least;
}

bool limit_source_take(struct limit_sources *ls, uint32_t endpoint,
		       const struct sockaddr_storage *sa, unsigned rate, uint64_t now_ns)
{
	struct visits s = {.endpoint = endpoint}, *place;
	uint64_t at = 0;
	unsigned row;
	bool ok;

	if (!visitor_of(sa, &s.visitor))
		return false;
	row = (unsigned)(visitor_hash(&s.visitor, endpoint, ls->key) % ls->n_rows);
	pthread_mutex_lock(&ls->locks[row % LOCKS]);
	place = find(&ls->rows[row], &s);
	if (is_same(place, &s))
		at = place->next_ns;
	ok = next(&at, rate, now_ns);
	if (ok) {
		s.next_ns = at;
		*place = s;
	}
	pthread_mutex_unlock(&ls->locks[row % LOCKS]);
	return ok;
}
