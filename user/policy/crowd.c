// SPDX-License-Identifier: GPL-2.0-only
#include "crowd.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/random.h>

#include "visitor.h"

#define ROWS 65536U /* half a MiB, touched as sources come */
#define LOCKS 64U

/* One source at one endpoint. */
struct crowd_place {
	struct crowd_place *next;
	const void *where;
	struct visitor visitor;
	unsigned row, n;
};

struct crowd {
	uint64_t key;
	struct crowd_place *rows[ROWS];
	pthread_mutex_t locks[LOCKS];
};

struct crowd *crowd_new(void)
{
	struct crowd *cr = calloc(1, sizeof(*cr));

	if (!cr)
		return NULL;
	if (getrandom(&cr->key, sizeof(cr->key), 0) != sizeof(cr->key)) {
		free(cr);
		return NULL;
	}
	for (unsigned i = 0; i < LOCKS; i++)
		pthread_mutex_init(&cr->locks[i], NULL);
	return cr;
}

void crowd_free(struct crowd *cr)
{
	if (!cr)
		return;
	for (unsigned i = 0; i < LOCKS; i++)
		pthread_mutex_destroy(&cr->locks[i]);
	free(cr);
}

static struct crowd_place *find(struct crowd *cr, unsigned row, const void *where,
				const struct visitor *s)
{
	struct crowd_place *p = cr->rows[row];

	while (p && (p->where != where || !visitor_is(&p->visitor, s)))
		p = p->next;
	if (p)
		return p;
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->where = where;
	p->visitor = *s;
	p->row = row;
	p->next = cr->rows[row];
	cr->rows[row] = p;
	return p;
}

struct crowd_place *crowd_enter(struct crowd *cr, const void *where,
				const struct sockaddr_storage *sa, unsigned *ret_n)
{
	struct crowd_place *p;
	struct visitor s;
	unsigned row;

	*ret_n = 0;
	if (!visitor_of(sa, &s))
		return NULL;
	row = (unsigned)(visitor_hash(&s, (uintptr_t)where, cr->key) % ROWS);
	pthread_mutex_lock(&cr->locks[row % LOCKS]);
	p = find(cr, row, where, &s);
	if (p)
		*ret_n = ++p->n;
	pthread_mutex_unlock(&cr->locks[row % LOCKS]);
	return p;
}

void crowd_leave(struct crowd *cr, struct crowd_place *p)
{
	struct crowd_place **link;
	pthread_mutex_t *lock;

	if (!p)
		return;
	lock = &cr->locks[p->row % LOCKS];
	pthread_mutex_lock(lock);
	if (--p->n) {
		p = NULL;
	} else {
		for (link = &cr->rows[p->row]; *link != p; link = &(*link)->next)
			;
		*link = p->next;
	}
	pthread_mutex_unlock(lock);
	free(p);
}
