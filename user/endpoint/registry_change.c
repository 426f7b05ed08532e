// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry_change - one endpoint exchanged for a changed one.
 */
#include <errno.h>
#include <string.h>

#include "registry_entry.h"

/* A name that does not resolve at the moment is where it was (if there is no memory, it is asked
 * for again). */
static void keep_addrs(struct endpoint *t, const struct endpoint *old)
{
	for (; t; t = t->next_target)
		for (const struct endpoint *o = old; o && !t->addrs->n; o = o->next_target)
			if (!strcmp(o->upstream, t->upstream))
				endpoint_addrs_keep(&t->addrs, o->addrs);
}

struct endpoint *registry_prepare(struct registry *r, struct endpoint *old,
				  const struct endpoint_spec *s, const struct endpoint_known *known,
				  struct fault *f)
{
	struct entry *t = entry_new(r, s, NULL, NULL, known, f);

	if (!t)
		return NULL;
	if (s->may_be_unresolved)
		keep_addrs(&t->e, old);
	entry_succeed(t, list_of(old, struct entry, e));
	return &t->e;
}

int registry_swap(struct registry *r, struct endpoint *old, struct endpoint *fresh, struct fault *f)
{
	struct entry *from = list_of(old, struct entry, e), *to = list_of(fresh, struct entry, e);
	struct list *next;
	int err;

	pthread_rwlock_wrlock(&r->lock);
	next = from->order.next;
	err = atomic_load(&old->gone) ? -EAGAIN : registry_exchange(r, &from, 1, &to, 1, f);
	if (!err) { /* listings keep its place */
		list_del(&to->order);
		list_add_tail(next, &to->order);
	}
	pthread_rwlock_unlock(&r->lock);
	if (!err)
		endpoint_put(old); /* the registry's reference */
	return err;
}
