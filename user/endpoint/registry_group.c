// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry_group - names that are shared, and who of those that share it gets a connection.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "group.h"
#include "registry_entry.h"

/* A place in the kernel's map; 0: all are taken, user space alone picks. */
static uint32_t place_of(struct registry *r)
{
	for (uint32_t i = 0; i < r->ops.n_groups; i++) {
		uint32_t num = 1 + (r->group_last + i) % r->ops.n_groups;

		if (!r->groups[num])
			return r->group_last = num;
	}
	atomic_fetch_add(&r->full_groups, 1);
	return 0;
}

static struct group *make(struct registry *r)
{
	struct group *g;
	uint32_t num = 0;

	if (!r->groups && r->ops.n_groups) {
		r->groups = calloc(r->ops.n_groups + 1, sizeof(struct group *));
		if (!r->groups)
			return NULL;
	}
	if (r->ops.group_value)
		num = place_of(r);
	if (!++r->groups_made)
		++r->groups_made;
	g = group_new(num, num ? r->ops.group_value(r->ops.arg, num) : NULL, r->groups_made);
	if (g && num)
		r->groups[num] = g;
	return g;
}

static void let_go(struct registry *r, struct group *g)
{
	if (g->num)
		r->groups[g->num] = NULL;
	group_free(g);
}

bool entry_is_shared(const struct entry *t)
{
	return endpoint_spec_is(&t->e.spec, FIELD_ID_POOLING_ENABLED);
}

int registry_check_name(const struct registry *r, const struct entry *t, struct fault *f)
{
	const struct entry *other = registry_find_host(r, t->e.host);

	if (!other)
		return 0;
	if (!entry_is_shared(t) || !entry_is_shared(other))
		return registry_say_taken(other, f);
	return group_check(&other->e, &t->e, f);
}

int registry_join(struct registry *r, struct entry *t, struct fault *f)
{
	struct entry *other = registry_find_host(r, t->e.host);
	struct group *g = other ? other->e.group : NULL;

	if (!entry_is_shared(t) && !t->e.next_target)
		return 0;
	if (!g)
		g = make(r);
	if (!g)
		return fault_set(f, 500, 0, "", "out of memory");
	if (group_join(g, &t->e)) {
		if (!g->n)
			let_go(r, g);
		return fault_set(f, 409, 0, "", "%s%s may have %d upstreams in all, no more",
				 endpoint_scheme(t->e.host), t->e.host, GROUP_MEMBERS);
	}
	group_publish(g);
	return 0;
}

void registry_leave(struct registry *r, struct entry *t)
{
	struct group *g = t->e.group;

	if (!g)
		return;
	group_leave(g, &t->e);
	if (g->n)
		group_publish(g);
	else
		let_go(r, g);
}

struct endpoint *registry_next(struct registry *r, const struct endpoint *failed)
{
	char host[ENDPOINT_NAME_MAX];
	struct endpoint *e = NULL;
	struct entry *t;

	snprintf(host, sizeof(host), "%s", failed->host);
	pthread_rwlock_rdlock(&r->lock);
	t = registry_find_host(r, host);
	if (t && t->e.group)
		e = group_next(t->e.group, failed);
	else if (t && t->e.head != failed->head && !t->e.empty)
		e = &t->e; /* it has been changed meanwhile */
	if (e)
		endpoint_get(e);
	pthread_rwlock_unlock(&r->lock);
	return e;
}

struct endpoint *registry_default(struct registry *r, const char *id_or_name)
{
	struct endpoint *e = registry_find(r, id_or_name), *t = e;

	if (!e)
		return NULL;
	pthread_rwlock_rdlock(&r->lock);
	if (e->empty) {
		pthread_rwlock_unlock(&r->lock);
		endpoint_put(e);
		return NULL;
	}
	if (e->group)
		t = group_pick(e->group, 0);
	if (t != e)
		endpoint_get(t);
	pthread_rwlock_unlock(&r->lock);
	if (t != e)
		endpoint_put(e);
	return t;
}

unsigned registry_checked(struct registry *r)
{
	return atomic_load(&r->n_checked);
}

bool endpoint_is_up(const struct endpoint *e)
{
	return e->group ? group_is_up(e->group) : !e->empty && !atomic_load(&e->dead);
}

static void on_dead_or_alive(struct registry *r, struct endpoint *target)
{
	if (target->group)
		group_publish(target->group);
	if (r->ops.on_shown && !atomic_load(&target->gone))
		r->ops.on_shown(r->ops.arg, target->head);
}

void registry_on_health(struct registry *r, struct endpoint *target)
{
	pthread_rwlock_wrlock(&r->lock);
	on_dead_or_alive(r, target);
	pthread_rwlock_unlock(&r->lock);
}

void registry_on_tunnel_gone(struct registry *r, const char *tunnel,
			     void (*fn)(void *arg, struct endpoint *target), void *arg)
{
	struct list *it;

	pthread_rwlock_wrlock(&r->lock);
	list_for_each(it, &r->order) {
		struct endpoint *e = &list_of(it, struct entry, order)->e;

		if (!r->n_tunnelled)
			break;
		for (struct endpoint *t = e->has_tunnels ? e : NULL; t; t = t->next_target) {
			if (strcmp(t->tunnel, tunnel) || atomic_exchange(&t->dead, true))
				continue;
			atomic_store(&t->dead_why, "its tunnel is gone");
			on_dead_or_alive(r, t);
			fn(arg, endpoint_get(t));
		}
	}
	pthread_rwlock_unlock(&r->lock);
}

void registry_share(struct registry *r, const char *host, unsigned *ret_n)
{
	struct entry *t;

	pthread_rwlock_rdlock(&r->lock);
	t = registry_find_host(r, host);
	*ret_n = 0;
	for (; t; t = t->host_next)
		*ret_n += !strcmp(t->e.host, host);
	pthread_rwlock_unlock(&r->lock);
}
