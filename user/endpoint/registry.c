// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "group.h"
#include "registry_entry.h"
#include "stamp.h"
#include "ulid.h"

#define ALREADY_ONLINE 334
#define HELD_BY_EDGE 381

/* ---- hash tables ---- */

/* The multiplication leaves the low bits weak: the high ones are folded in. */
static uint32_t hash(const char *text)
{
	uint64_t h = 0xcbf29ce484222325;

	for (; *text; text++)
		h = (h ^ (unsigned char)*text) * 0x100000001b3;
	return (uint32_t)(h ^ h >> 32);
}

static size_t bucket(const struct registry *r, uint32_t h)
{
	return h & (r->n_buckets - 1);
}

struct entry *registry_find_host(const struct registry *r, const char *host)
{
	uint32_t h = hash(host);
	struct entry *t;

	for (t = r->by_host[bucket(r, h)]; t; t = t->host_next)
		if (t->host_hash == h && !strcmp(t->e.host, host))
			return t;
	return NULL;
}

static struct entry *find_id(const struct registry *r, const char *id)
{
	uint32_t h = hash(id);
	struct entry *t;

	for (t = r->by_id[bucket(r, h)]; t; t = t->id_next)
		if (t->id_hash == h && !strcmp(t->e.id, id))
			return t;
	return NULL;
}

static void hang(struct registry *r, struct entry *t)
{
	struct entry **host = &r->by_host[bucket(r, t->host_hash)];
	struct entry **id = &r->by_id[bucket(r, t->id_hash)];

	t->host_next = *host;
	*host = t;
	t->id_next = *id;
	*id = t;
}

static int grow(struct registry *r)
{
	size_t n = r->n_buckets * 2;
	struct entry **by_host = calloc(n, sizeof(*by_host)), **by_id = calloc(n, sizeof(*by_id));
	struct list *it;

	if (!by_host || !by_id) {
		free(by_host);
		free(by_id);
		return -ENOMEM;
	}
	free(r->by_host);
	free(r->by_id);
	r->by_host = by_host;
	r->by_id = by_id;
	r->n_buckets = n;
	list_for_each(it, &r->order)
		hang(r, list_of(it, struct entry, order));
	return 0;
}

static void set_gone(struct entry *t, bool gone)
{
	for (struct endpoint *e = &t->e; e; e = e->next_target)
		atomic_store(&e->gone, gone);
}

static void link_entry(struct registry *r, struct entry *t)
{
	hang(r, t);
	list_add_tail(&r->order, &t->order);
	r->n++;
	r->n_wild += t->e.wild;
	r->n_checked += t->e.check_ms != 0;
	r->n_terminated += t->e.tls_server != NULL;
	r->n_tunnelled += t->e.has_tunnels;
	set_gone(t, false);
}

static void unlink_entry(struct registry *r, struct entry *t)
{
	struct entry **p;

	for (p = &r->by_host[bucket(r, t->host_hash)]; *p != t; p = &(*p)->host_next)
		;
	*p = t->host_next;
	for (p = &r->by_id[bucket(r, t->id_hash)]; *p != t; p = &(*p)->id_next)
		;
	*p = t->id_next;
	list_del(&t->order);
	r->n--;
	r->n_wild -= t->e.wild;
	r->n_checked -= t->e.check_ms != 0;
	r->n_terminated -= t->e.tls_server != NULL;
	r->n_tunnelled -= t->e.has_tunnels;
	set_gone(t, true);
}

/* ---- kernel ids ---- */

static uint32_t num_take(struct registry *r)
{
	uint32_t num = 0;

	pthread_mutex_lock(&r->num_lock);
	if (r->n_free)
		num = r->free_nums[--r->n_free];
	else if (r->next_num <= r->max)
		num = r->next_num++;
	pthread_mutex_unlock(&r->num_lock);
	return num;
}

static void num_give(struct registry *r, uint32_t num)
{
	pthread_mutex_lock(&r->num_lock);
	r->free_nums[r->n_free++] = num;
	pthread_mutex_unlock(&r->num_lock);
}

/* ---- life and death ---- */

static void registry_put(struct registry *r)
{
	if (atomic_fetch_sub(&r->refs, 1) != 1)
		return;
	pthread_rwlock_destroy(&r->lock);
	pthread_mutex_destroy(&r->num_lock);
	free(r->by_host);
	free(r->by_id);
	free(r->free_nums);
	free(r->groups);
	free(r);
}

static void stats_put(struct endpoint_stats *s)
{
	if (s && atomic_fetch_sub(&s->refs, 1) == 1)
		free(s);
}

void entry_succeed(struct entry *t, const struct entry *old)
{
	t->id_hash = old->id_hash;
	for (struct endpoint *e = &t->e; e; e = e->next_target) {
		memcpy(e->id, old->e.id, sizeof(e->id));
		e->created = old->e.created;
		e->updated = old->e.updated;
		stats_put(e->stats);
		e->stats = old->e.stats;
		atomic_fetch_add(&e->stats->refs, 1);
		endpoint_health_succeed(e, &old->e);
	}
}

void entry_free(struct entry *t)
{
	struct registry *r = t->owner;

	if (t->e.next_target)
		entry_free(list_of(t->e.next_target, struct entry, e));
	if (t->on_done)
		t->on_done(&t->e);
	if (t->e.num) {
		if (r->ops.on_free)
			r->ops.on_free(r->ops.arg, t->e.num);
		num_give(r, t->e.num);
	}
	registry_put(r);
	endpoint_spec_done(&t->e.spec);
	stats_put(t->e.stats);
	endpoint_addrs_keep(&t->e.addrs, NULL);
	endpoint_addrs_keep(&t->e.acme, NULL);
	free(t->e.host);
	free(t->target_text);
	free(t);
}

struct endpoint *endpoint_get(struct endpoint *e)
{
	atomic_fetch_add(&e->head->refs, 1);
	return e;
}

void endpoint_put(struct endpoint *e)
{
	if (e && atomic_fetch_sub(&e->head->refs, 1) == 1)
		entry_free(list_of(e->head, struct entry, e));
}

struct registry *registry_new(uint32_t max_endpoints)
{
	struct registry *r = calloc(1, sizeof(*r));
	pthread_rwlockattr_t attr;

	if (!r)
		return NULL;
	r->n_buckets = 64;
	r->by_host = calloc(r->n_buckets, sizeof(*r->by_host));
	r->by_id = calloc(r->n_buckets, sizeof(*r->by_id));
	r->free_nums = calloc((size_t)max_endpoints + 1, sizeof(*r->free_nums));
	if (!r->by_host || !r->by_id || !r->free_nums) {
		free(r->by_host);
		free(r->by_id);
		free(r->free_nums);
		free(r);
		return NULL;
	}
	/* workers look names up without a pause: without this a writer never gets in */
	pthread_rwlockattr_init(&attr);
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
	pthread_rwlock_init(&r->lock, &attr);
	pthread_rwlockattr_destroy(&attr);
	pthread_mutex_init(&r->num_lock, NULL);
	list_init(&r->order);
	r->next_num = 1;
	r->max = max_endpoints;
	atomic_init(&r->refs, 1);
	return r;
}

void registry_free(struct registry *r)
{
	struct list *it, *tmp;

	if (!r)
		return;
	pthread_rwlock_wrlock(&r->lock);
	/* references may outlive us; who was to be told of them may not */
	memset(&r->ops, 0, sizeof(r->ops));
	list_for_each_safe(it, tmp, &r->order) {
		struct entry *t = list_of(it, struct entry, order);

		unlink_entry(r, t);
		registry_leave(r, t);
		endpoint_put(&t->e);
	}
	pthread_rwlock_unlock(&r->lock);
	registry_put(r);
}

void registry_set_ops(struct registry *r, const struct registry_ops *ops)
{
	r->ops = *ops;
}

int registry_resolve(const char *text, const char *field, struct endpoint_addrs *ret_a,
		     struct fault *f)
{
	if (!endpoint_addrs_ask(text, ret_a))
		return fault_set(f, 400, 0, field, "'%.200s' does not resolve to an address", text);
	return 0;
}

static unsigned number_of(const struct endpoint_spec *s, enum field_id id)
{
	return endpoint_spec_value(s, id) ? (unsigned)strtoul(endpoint_spec_value(s, id), NULL, 10)
					  : 0;
}

static enum endpoint_datapath datapath_of(const char *word)
{
	if (word && !strcmp(word, "kernel"))
		return ENDPOINT_DP_KERNEL;
	return word && !strcmp(word, "userspace") ? ENDPOINT_DP_USERSPACE : ENDPOINT_DP_AUTO;
}

struct entry *entry_blank(struct registry *r)
{
	struct entry *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->owner = r;
	atomic_fetch_add(&r->refs, 1);
	atomic_init(&t->e.refs, 1);
	t->e.head = &t->e;
	t->e.tunnel = "";
	t->e.addrs = t->e.acme = &endpoint_addrs_none;
	list_init(&t->order);
	t->e.stats = calloc(1, sizeof(*t->e.stats));
	if (!t->e.stats) {
		entry_free(t);
		return NULL;
	}
	atomic_init(&t->e.stats->refs, 1);
	return t;
}

/* Checked and resolved (may block); not yet in the registry and without a num. */
struct entry *entry_new(struct registry *r, const struct endpoint_spec *s, const char *id,
			const struct timespec *created, const struct endpoint_known *known,
			struct fault *f)
{
	struct endpoint_addrs acme = endpoint_addrs_none;
	char host[ENDPOINT_NAME_MAX] = "";
	struct entry *t;

	if (endpoint_spec_check(s, host, f))
		return NULL;
	t = entry_blank(r);
	if (!t) {
		fault_set(f, 500, 0, "", "out of memory");
		return NULL;
	}
	t->e.host = strdup(host);
	if (!t->e.host) {
		fault_set(f, 500, 0, "", "out of memory");
		goto refused;
	}
	t->e.wild = host[0] == '*';
	t->e.tcp = endpoint_is_tcp(host);
	t->e.origin = s->origin;
	t->e.created = created ? *created : stamp_now();
	if (id)
		snprintf(t->e.id, sizeof(t->e.id), "%s", id);
	else
		ulid_new("ep_", t->e.id, sizeof(t->e.id));
	t->host_hash = hash(t->e.host);
	t->id_hash = hash(t->e.id);
	if (endpoint_spec_copy(s, &t->e.spec)) {
		fault_set(f, 500, 0, "", "out of memory");
		goto refused;
	}
	t->e.agent = s->agent;
	memcpy(t->e.credential, s->credential, sizeof(t->e.credential));
	t->e.datapath = datapath_of(endpoint_spec_value(s, FIELD_ID_DATAPATH));
	t->e.proxy_proto = number_of(s, FIELD_ID_PROXY_PROTO);
	t->e.max_conns = number_of(s, FIELD_ID_MAX_CONNS);
	t->e.max_conns_per_source = number_of(s, FIELD_ID_MAX_CONNS_PER_SOURCE);
	t->e.conn_rate = number_of(s, FIELD_ID_CONN_RATE);
	t->e.conn_rate_per_source = number_of(s, FIELD_ID_CONN_RATE_PER_SOURCE);
	endpoint_health_read(&t->e);
	if (entry_set_target(t, 0, known ? &known->addrs : NULL, s->may_be_unresolved, f))
		goto refused;
	if (known)
		acme = known->acme;
	else if (endpoint_spec_value(s, FIELD_ID_ACME_UPSTREAM) &&
		 registry_resolve(endpoint_spec_value(s, FIELD_ID_ACME_UPSTREAM), "acme_upstream",
				  &acme, f) &&
		 !s->may_be_unresolved)
		goto refused;
	if (endpoint_addrs_keep(&t->e.acme, &acme)) {
		fault_set(f, 500, 0, "", "out of memory");
		goto refused;
	}
	t->on_done = r->ops.on_done;
	if (r->ops.on_new && r->ops.on_new(r->ops.arg, &t->e, f))
		goto refused;
	if (s->origin != ENDPOINT_AGENT && entry_add_targets(r, t, known, s->may_be_unresolved, f))
		goto refused;
	return t;
refused:
	entry_free(t);
	return NULL;
}

int registry_say_taken(const struct entry *other, struct fault *f)
{
	if (other->e.origin == ENDPOINT_EDGE)
		return fault_set(f, 409, HELD_BY_EDGE, "url",
				 "tls://%s is held by an edge; take it from its hostports first",
				 other->e.host);
	return fault_set(f, 409, ALREADY_ONLINE, "url", "%s%s is already online as %s%s; %s",
			 endpoint_scheme(other->e.host), other->e.host, other->e.id,
			 other->e.origin == ENDPOINT_FILE    ? " (from the config file)"
			 : other->e.origin == ENDPOINT_AGENT ? " (an agent's)"
							     : "",
			 endpoint_spec_is(&other->e.spec, FIELD_ID_POOLING_ENABLED)
				 ? "to share it, give this one pooling_enabled too"
				 : "remove that one first, or give both pooling_enabled");
}

static int take_nums(struct registry *r, struct entry *t)
{
	for (struct endpoint *e = &t->e; e; e = e->next_target) {
		if (!e->num)
			e->num = num_take(r);
		if (!e->num) {
			atomic_fetch_add(&r->full_endpoints, 1);
			return -ENOSPC;
		}
		e->pool = e->num <= r->ops.n_pools ? e->num * r->ops.pools_each : 0;
		if (!e->pool && r->ops.n_pools)
			atomic_fetch_add(&r->full_pools, 1);
	}
	return 0;
}

/* Under the write lock. */
int registry_go_online(struct registry *r, struct entry *t, struct fault *f)
{
	int err;

	if (r->n >= r->n_buckets && grow(r))
		return fault_set(f, 500, 0, "", "out of memory");
	if (take_nums(r, t))
		return fault_set(f, 503, 0, "", "this edge holds at most %u endpoints", r->max);
	if (registry_join(r, t, f))
		return -1;
	err = r->ops.on_online ? r->ops.on_online(r->ops.arg, &t->e) : 0;
	if (err)
		registry_leave(r, t);
	if (err == -ENOSPC || err == -E2BIG)
		return fault_set(f, 503, 0, "", "the kernel's endpoint map is full");
	if (err)
		return fault_set(f, 500, 0, "", "%s%s cannot be put into the kernel's map: %s",
				 endpoint_scheme(t->e.host), t->e.host, strerror(-err));
	link_entry(r, t);
	return 0;
}

void registry_go_offline(struct registry *r, struct entry *t)
{
	struct entry *rest;

	unlink_entry(r, t);
	registry_leave(r, t);
	rest = registry_find_host(r, t->e.host);
	if (r->ops.on_offline)
		r->ops.on_offline(r->ops.arg, &t->e, rest ? &rest->e : NULL);
}

int registry_add(struct registry *r, const struct endpoint_spec *s, const char *id,
		 const struct timespec *created, struct endpoint **ret_e, struct fault *f)
{
	struct entry *t = entry_new(r, s, id, created, NULL, f);
	int err;

	if (!t)
		return -1;
	pthread_rwlock_wrlock(&r->lock);
	if (find_id(r, t->e.id))
		err = fault_set(f, 409, 0, "id", "%s exists already", t->e.id);
	else
		err = registry_check_name(r, t, f) || registry_go_online(r, t, f) ? -1 : 0;
	if (!err && ret_e)
		*ret_e = endpoint_get(&t->e);
	pthread_rwlock_unlock(&r->lock);
	if (err)
		endpoint_put(&t->e);
	return err;
}

int registry_remove(struct registry *r, const char *id_or_name, struct fault *f)
{
	char host[ENDPOINT_NAME_MAX];
	struct entry *t;

	pthread_rwlock_wrlock(&r->lock);
	t = find_id(r, id_or_name);
	if (!t && !endpoint_url_host(id_or_name, host, NULL))
		t = registry_find_host(r, host);
	if (t)
		registry_go_offline(r, t);
	pthread_rwlock_unlock(&r->lock);
	if (!t)
		return fault_set(f, 404, 0, "", "no endpoint '%.200s'", id_or_name);
	endpoint_put(&t->e);
	return 0;
}

/* ---- looking ---- */

struct endpoint *registry_find(struct registry *r, const char *id_or_name)
{
	char host[ENDPOINT_NAME_MAX];
	struct endpoint *e = NULL;
	struct entry *t;

	pthread_rwlock_rdlock(&r->lock);
	t = find_id(r, id_or_name);
	if (!t && !endpoint_url_host(id_or_name, host, NULL))
		t = registry_find_host(r, host);
	if (t)
		e = endpoint_get(&t->e);
	pthread_rwlock_unlock(&r->lock);
	return e;
}

int registry_with(struct registry *r, struct endpoint *e, int (*fn)(void *arg, struct endpoint *e),
		  void *arg)
{
	int res;

	pthread_rwlock_wrlock(&r->lock);
	res = atomic_load(&e->gone) ? 0 : fn(arg, e);
	pthread_rwlock_unlock(&r->lock);
	return res;
}

unsigned registry_count(struct registry *r)
{
	unsigned n;

	pthread_rwlock_rdlock(&r->lock);
	n = r->n;
	pthread_rwlock_unlock(&r->lock);
	return n;
}

struct registry_full registry_full(const struct registry *r)
{
	return (struct registry_full){
		.endpoints = atomic_load(&r->full_endpoints),
		.pools = atomic_load(&r->full_pools),
		.groups = atomic_load(&r->full_groups),
	};
}

int registry_each(struct registry *r, int (*fn)(void *arg, struct endpoint *e), void *arg)
{
	struct endpoint **list;
	unsigned n = 0;
	struct list *it;
	int res = 0;

	pthread_rwlock_rdlock(&r->lock);
	list = calloc(r->n + 1, sizeof(struct endpoint *));
	if (list)
		list_for_each(it, &r->order)
			list[n++] = endpoint_get(&list_of(it, struct entry, order)->e);
	pthread_rwlock_unlock(&r->lock);
	if (!list)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++) {
		if (!res)
			res = fn(arg, list[i]);
		endpoint_put(list[i]);
	}
	free(list);
	return res;
}
