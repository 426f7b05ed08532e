// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry_sync - the file's endpoints exchanged for another file's.
 */
#include <stdlib.h>
#include <string.h>

#include "registry_entry.h"
#include "log.h"

static bool same(const struct endpoint *a, const struct endpoint *b)
{
	if (!endpoint_spec_same(&a->spec, &b->spec) || !endpoint_addrs_same(a->acme, b->acme))
		return false;
	for (; a && b; a = a->next_target, b = b->next_target)
		if (!endpoint_addrs_same(a->addrs, b->addrs))
			return false;
	return a == b; /* NULL: as many */
}

int registry_exchange(struct registry *r, struct entry **old, unsigned n_old, struct entry **fresh,
		      unsigned n, struct fault *f)
{
	unsigned done;
	int err = 0;

	for (unsigned i = 0; i < n_old; i++)
		registry_go_offline(r, old[i]);
	for (done = 0; done < n; done++) {
		if (fresh[done])
			err = registry_check_name(r, fresh[done], f) ||
					      registry_go_online(r, fresh[done], f)
				      ? -1
				      : 0;
		if (err)
			break;
	}
	if (!err)
		return 0;
	while (done--)
		if (fresh[done])
			registry_go_offline(r, fresh[done]);
	for (unsigned i = 0; i < n_old; i++) {
		if (registry_go_online(r, old[i], NULL))
			log_err("%s%s cannot be put back after a refused change; add it again",
				endpoint_scheme(old[i]->e.host), old[i]->e.host);
	}
	return err;
}

/* One of the file's with the name of <t> that has no successor yet; <alike>: and is the same. */
static struct entry *find_old(struct registry *r, const struct entry *t, bool alike)
{
	struct entry *now = registry_find_host(r, t->e.host);

	for (; now; now = now->host_next)
		if (now->host_hash == t->host_hash && !strcmp(now->e.host, t->e.host) &&
		    now->e.origin == ENDPOINT_FILE && !now->keep &&
		    (!alike || same(&now->e, &t->e)))
			return now;
	return NULL;
}

/* Under the write lock: which entries leave; forgets in <fresh> what did not change. */
static unsigned compare(struct registry *r, struct entry **old, struct entry **fresh, unsigned n)
{
	struct entry *now;
	unsigned n_old = 0;
	struct list *it;

	list_for_each(it, &r->order)
		list_of(it, struct entry, order)->keep = false;
	/* of several with one name, first those that stay as they are */
	for (unsigned i = 0; i < n; i++) {
		now = find_old(r, fresh[i], true);
		if (!now)
			continue;
		now->keep = true;
		entry_free(fresh[i]);
		fresh[i] = NULL;
	}
	list_for_each(it, &r->order) {
		now = list_of(it, struct entry, order);
		if (now->e.origin == ENDPOINT_FILE && !now->keep)
			old[n_old++] = now;
	}
	for (unsigned i = 0; i < n; i++) {
		now = fresh[i] ? find_old(r, fresh[i], false) : NULL;
		if (!now)
			continue;
		now->keep = true;
		entry_succeed(fresh[i], now);
	}
	return n_old;
}

static void keep_addrs(struct endpoint *t, const struct endpoint *now)
{
	for (; t && now; t = t->next_target, now = now->next_target)
		if (!t->addrs->n)
			endpoint_addrs_keep(&t->addrs, now->addrs);
}

/*
 * One that went there before, whose upstream does not resolve at the moment, keeps the addresses
 * it had: DNS that fails now must not fail a reload.
 */
static struct entry *make(struct registry *r, const struct endpoint_spec *spec, struct fault *f)
{
	struct endpoint *now = registry_find(r, endpoint_spec_value(spec, FIELD_ID_URL) ?: "");
	struct endpoint_spec s = *spec; /* its strings stay <spec>'s */
	struct entry *t;

	s.may_be_unresolved =
		now && !strcmp(endpoint_spec_value(&now->spec, FIELD_ID_UPSTREAM) ?: "",
			       endpoint_spec_value(spec, FIELD_ID_UPSTREAM) ?: "");
	t = entry_new(r, &s, NULL, NULL, NULL, f);
	if (t && s.may_be_unresolved)
		keep_addrs(&t->e, now);
	if (t && now && !t->e.acme->n)
		endpoint_addrs_keep(&t->e.acme, now->acme);
	endpoint_put(now);
	return t;
}

int registry_sync(struct registry *r, const struct endpoint_spec *specs, unsigned n,
		  unsigned *ret_at, struct fault *f)
{
	struct entry **fresh = calloc(n + 1, sizeof(*fresh)), **old = NULL;
	unsigned n_old = 0, ready;
	int err = 0;

	*ret_at = n;
	if (!fresh)
		return fault_set(f, 500, 0, "", "out of memory");
	for (ready = 0; ready < n; ready++) {
		fresh[ready] = make(r, &specs[ready], f);
		if (!fresh[ready])
			break;
	}
	if (ready < n) {
		*ret_at = ready;
		err = -1;
		goto out;
	}
	pthread_rwlock_wrlock(&r->lock);
	old = calloc(r->n + 1, sizeof(*old));
	if (old) {
		n_old = compare(r, old, fresh, n);
		err = registry_exchange(r, old, n_old, fresh, n, f);
	} else {
		err = fault_set(f, 500, 0, "", "out of memory");
	}
	pthread_rwlock_unlock(&r->lock);
out:
	/* one reference each: of those that left, or of those that did not get in */
	for (unsigned i = 0; !err && i < n_old; i++)
		endpoint_put(&old[i]->e);
	for (unsigned i = 0; err && i < ready; i++)
		if (fresh[i])
			endpoint_put(&fresh[i]->e);
	free(old);
	free(fresh);
	return err;
}
