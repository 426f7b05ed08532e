// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry_route - who gets the connections for a name.
 */
#include <string.h>

#include "group.h"
#include "registry_entry.h"

/*
 * The entry that connections for <name> go to: "a.b.c" is looked up as itself, then "*.b.c", then
 * "*.c", for the longest that is up; if none is, the longest that might be.
 */
static struct entry *match(const struct registry *r, const char name[ENDPOINT_NAME_MAX])
{
	struct entry *t, *down = NULL;
	char pattern[ENDPOINT_NAME_MAX + 1];
	const char *dot;

	if (name[0] == '*') /* a client cannot ask for the wildcard itself */
		return NULL;
	t = registry_find_host(r, name);
	if (t && endpoint_is_up(&t->e))
		return t;
	if (t && !t->e.empty)
		down = t;
	pattern[0] = '*';
	for (dot = r->n_wild ? strchr(name, '.') : NULL; dot; dot = strchr(dot + 1, '.')) {
		strcpy(pattern + 1, dot);
		t = registry_find_host(r, pattern);
		if (t && endpoint_is_up(&t->e))
			return t;
		if (t && !down && !t->e.empty)
			down = t;
	}
	return down;
}

struct endpoint *registry_route(struct registry *r, const char name[ENDPOINT_NAME_MAX],
				uint32_t hint)
{
	struct endpoint *e = NULL;
	struct entry *t;

	pthread_rwlock_rdlock(&r->lock);
	t = match(r, name);
	if (t)
		e = endpoint_get(t->e.group ? group_pick(t->e.group, hint) : &t->e);
	pthread_rwlock_unlock(&r->lock);
	return e;
}

struct endpoint *registry_peek(struct registry *r, const char name[ENDPOINT_NAME_MAX])
{
	struct entry *t;

	pthread_rwlock_rdlock(&r->lock);
	t = match(r, name);
	if (t)
		endpoint_get(&t->e);
	pthread_rwlock_unlock(&r->lock);
	return t ? &t->e : NULL;
}

void registry_if_down(struct registry *r, const char host[ENDPOINT_NAME_MAX],
		      void (*fn)(void *arg, const char host[ENDPOINT_NAME_MAX]), void *arg)
{
	struct entry *t;

	pthread_rwlock_rdlock(&r->lock);
	t = registry_find_host(r, host);
	if (!t || !endpoint_is_up(&t->e))
		fn(arg, host);
	pthread_rwlock_unlock(&r->lock);
}

bool registry_terminates(struct registry *r)
{
	return atomic_load_explicit(&r->n_terminated, memory_order_relaxed);
}
