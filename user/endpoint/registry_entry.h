/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * registry_entry - the registry's inside, for registry*.c only.
 */
#ifndef REGISTRY_ENTRY_H
#define REGISTRY_ENTRY_H
#include <pthread.h>

#include "endpoint.h"
#include "list.h"

struct entry {
	struct endpoint e; /* first: what the rest of the program holds */
	struct registry *owner;
	void (*on_done)(struct endpoint *e); /* of the registry's ops, which may be gone by then */
	char *target_text; /* e.upstream, where the spec does not have it as it is */
	struct entry *host_next, *id_next;
	uint32_t host_hash, id_hash;
	struct list order;
	bool keep; /* registry_sync(): the file still has it, or its successor */
};

struct registry {
	pthread_rwlock_t lock; /* all but the nums */
	struct entry **by_host, **by_id;
	size_t n_buckets; /* a power of two; of each table */
	struct list order;
	unsigned n, n_wild, n_tunnelled;
	atomic_uint n_checked, n_terminated;
	struct registry_ops ops;
	struct group **groups; /* by their num in the kernel's map */
	uint32_t group_last, groups_made;
	atomic_int refs; /* one of the owner, one of each entry */
	atomic_uint_fast64_t full_endpoints, full_pools, full_groups;

	pthread_mutex_t num_lock;
	uint32_t *free_nums;
	uint32_t n_free, next_num, max;
};

/* Checked and, unless <known>, resolved (may block); not in the registry yet and without a num. */
struct entry *entry_new(struct registry *r, const struct endpoint_spec *s, const char *id,
			const struct timespec *created, const struct endpoint_known *known,
			struct fault *f);
struct entry *entry_blank(struct registry *r); /* one reference; NULL: out of memory */
void entry_free(struct entry *t);
/* The others of its upstreams, when <t> is complete.  <may_fail>: to resolve one. */
int entry_add_targets(struct registry *r, struct entry *t, const struct endpoint_known *known,
		      bool may_fail, struct fault *f);
/* Which of its upstreams it is, and where that is. */
int entry_set_target(struct entry *t, unsigned i, const struct endpoint_addrs *known, bool may_fail,
		     struct fault *f);
int registry_resolve(const char *text, const char *field, struct endpoint_addrs *ret_a,
		     struct fault *f);
/* <t>, not in the registry yet, will take the place of <old>: same id, same counters. */
void entry_succeed(struct entry *t, const struct entry *old);

/* Under the lock.  Exactly <host>; NULL: not there. */
struct entry *registry_find_host(const struct registry *r, const char *host);
/* May <t> have its name, beside those that have it?  0, or -1 with 409. */
int registry_check_name(const struct registry *r, const struct entry *t, struct fault *f);
bool entry_is_shared(const struct entry *t); /* pooling_enabled */
/* Under the write lock: into its name's group, if it needs one; out of it. */
int registry_join(struct registry *r, struct entry *t, struct fault *f);
void registry_leave(struct registry *r, struct entry *t);
/* 409 in <f>: <other> has the name.  Returns -1. */
int registry_say_taken(const struct entry *other, struct fault *f);

/*
 * Under the write lock: <old> leave and <fresh> (NULLs between) come, all or nothing.  The
 * references stay the caller's: of <old> after success, of <fresh> after failure.
 */
int registry_exchange(struct registry *r, struct entry **old, unsigned n_old, struct entry **fresh,
		      unsigned n, struct fault *f);

/* Under the write lock.  0, or -1 with <f> and nothing changed. */
int registry_go_online(struct registry *r, struct entry *t, struct fault *f);
void registry_go_offline(struct registry *r, struct entry *t);
#endif
