// SPDX-License-Identifier: GPL-2.0-only
#include "policies.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

#include "kern.h"
#include "list.h"

#define BUCKETS 4096
#define SWEEP_SMALL 256 /* up to as many are looked through at every sweep */

struct shared {
	struct list link;
	struct policy *p; /* a reference */
};

struct policies {
	pthread_mutex_t change; /* the table and the kernel's map */
	pthread_rwlock_t look;	/* the endpoints' pointers */
	struct kern *kern;
	struct list buckets[BUCKETS];
	unsigned n, n_swept; /* now, and after the last sweep */
	uint32_t last_id;
};

struct policies *policies_new(struct kern *k)
{
	struct policies *ps = calloc(1, sizeof(*ps));

	if (!ps)
		return NULL;
	pthread_mutex_init(&ps->change, NULL);
	pthread_rwlock_init(&ps->look, NULL);
	ps->kern = k;
	for (int i = 0; i < BUCKETS; i++)
		list_init(&ps->buckets[i]);
	return ps;
}

static void forget(struct policies *ps, struct shared *s)
{
	list_del(&s->link);
	policy_put(s->p);
	free(s);
	ps->n--;
}

void policies_free(struct policies *ps)
{
	if (!ps)
		return;
	for (int i = 0; i < BUCKETS; i++)
		while (!list_empty(&ps->buckets[i]))
			forget(ps, list_of(ps->buckets[i].next, struct shared, link));
	pthread_rwlock_destroy(&ps->look);
	pthread_mutex_destroy(&ps->change);
	free(ps);
}

/* ---- the kernel's map ---- */

/* The first <n> entries, shortest first: a lookup meanwhile finds the right one or none. */
static void withdraw(struct policies *ps, const struct policy *p, unsigned n)
{
	for (unsigned i = 0; ps->kern && i < n; i++)
		kern_policy_del(ps->kern, p->id, &p->entries[i].cidr);
}

static int publish(struct policies *ps, const struct policy *p)
{
	int err = 0;

	for (unsigned i = 0; ps->kern && i < p->n_entries && !err; i++) {
		err = kern_policy_put(ps->kern, p->id, &p->entries[i].cidr, p->entries[i].allow);
		if (err)
			withdraw(ps, p, i);
	}
	return err;
}

/* ---- the table ---- */

static struct list *bucket_of(struct policies *ps, const struct policy_rules *r)
{
	return &ps->buckets[policy_rules_hash(r) % BUCKETS];
}

static struct policy *find(struct policies *ps, const struct policy_rules *r)
{
	struct list *it, *bucket = bucket_of(ps, r);

	list_for_each(it, bucket) {
		struct policy *p = list_of(it, struct shared, link)->p;

		if (policy_has_rules(p, r))
			return p;
	}
	return NULL;
}

/* Under <change>.  Nobody but the table has it: nobody can get it without us. */
static void sweep(struct policies *ps)
{
	struct list *it, *tmp;

	for (int i = 0; i < BUCKETS; i++) {
		list_for_each_safe(it, tmp, &ps->buckets[i]) {
			struct shared *s = list_of(it, struct shared, link);

			if (atomic_load(&s->p->refs) != 1)
				continue;
			withdraw(ps, s->p, s->p->n_entries);
			forget(ps, s);
		}
	}
	ps->n_swept = ps->n;
}

static int add(struct policies *ps, const struct policy_rules *r, struct policy **ret_p)
{
	struct shared *s = calloc(1, sizeof(*s));
	struct policy *p = s ? policy_new(r) : NULL;
	int err = p ? 0 : -ENOMEM;

	if (!err) {
		p->id = ++ps->last_id;
		err = publish(ps, p);
	}
	if (err == -ENOSPC) {
		sweep(ps);
		err = publish(ps, p);
	}
	if (err) {
		policy_put(p);
		free(s);
		return err;
	}
	s->p = p;
	list_add_tail(bucket_of(ps, r), &s->link);
	ps->n++;
	*ret_p = p;
	return 0;
}

int policies_take(struct policies *ps, struct policy_rules *r, struct policy **ret_p)
{
	struct policy *p;
	int err = 0;

	policy_rules_sort(r);
	pthread_mutex_lock(&ps->change);
	if (ps->n > SWEEP_SMALL && ps->n > 2 * ps->n_swept)
		sweep(ps);
	p = find(ps, r);
	if (!p)
		err = add(ps, r, &p);
	if (!err)
		*ret_p = policy_get(p);
	pthread_mutex_unlock(&ps->change);
	return err;
}

void policies_sweep(struct policies *ps)
{
	pthread_mutex_lock(&ps->change);
	if (ps->n && (ps->n <= SWEEP_SMALL || ps->n > 2 * ps->n_swept))
		sweep(ps);
	pthread_mutex_unlock(&ps->change);
}

/* ---- the pointers ---- */

void policies_set(struct policies *ps, struct policy **where, struct policy *p)
{
	struct policy *old;

	pthread_rwlock_wrlock(&ps->look);
	old = *where;
	*where = p;
	pthread_rwlock_unlock(&ps->look);
	policy_put(old);
}

enum policy_verdict policies_judge(struct policies *ps, struct policy *const *where,
				   const struct sockaddr_storage *sa)
{
	enum policy_verdict v = POLICY_NONE;

	pthread_rwlock_rdlock(&ps->look);
	if (*where)
		v = policy_allows(*where, sa) ? POLICY_ALLOW : POLICY_DENY;
	pthread_rwlock_unlock(&ps->look);
	return v;
}
