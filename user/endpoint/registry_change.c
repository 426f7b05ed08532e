// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry_change - one endpoint exchanged for a changed one.
 */
#include <errno.h>

#include "registry_entry.h"

struct endpoint *registry_prepare(struct registry *r, struct endpoint *old,
				  const struct endpoint_spec *s, const struct endpoint_known *known,
				  struct fault *f)
{
	struct entry *t = entry_new(r, s, NULL, NULL, known, f);

	if (!t)
		return NULL;
	entry_succeed(t, list_of(old, struct entry, e));
	return &t->e;
}

int registry_swap(struct registry *r, struct endpoint *old, struct endpoint *fresh, struct fault *f)
{
	struct entry *from = list_of(old, struct entry, e), *to = list_of(fresh, struct entry, e);
	int err;

	pthread_rwlock_wrlock(&r->lock);
	err = atomic_load(&old->gone) ? -EAGAIN : registry_exchange(r, &from, 1, &to, 1, f);
	pthread_rwlock_unlock(&r->lock);
	if (!err)
		endpoint_put(old); /* the registry's reference */
	return err;
}
