/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policy - which clients an endpoint serves: allowed when at least one allow rule
 * matches the address and no deny rule does; IPv4 and IPv6 apart.
 *
 * Immutable once made, reference counted, any thread.  Its entries are the rules
 * solved for a longest-prefix lookup: each says what holds for the addresses that
 * are in none of the longer ones.  User space and the verdict program look up the
 * same entries, so they cannot differ.
 */
#ifndef POLICY_H
#define POLICY_H
#include <stdatomic.h>

#include "cidr.h"
#include "fault.h"

#define POLICY_RULES_MAX 4096

struct policy_rule {
	struct cidr cidr;
	bool deny;
};

struct policy_entry {
	struct cidr cidr;
	bool allow;
};

/* Rules on their way to a policy; starts zeroed. */
struct policy_rules {
	struct policy_rule *rule;
	unsigned n, size;
};

/* 0, -ENOMEM, or -E2BIG above POLICY_RULES_MAX. */
int policy_rules_add(struct policy_rules *r, const struct cidr *c, bool deny);
/*
 * The same for each line of <list> (NULL: none).  0, or -1 with <f>: 400/362 for what is
 * not a CIDR, 400 for too many; <field> is what they are called there.
 */
int policy_rules_add_list(struct policy_rules *r, const char *list, bool deny, const char *field,
			  struct fault *f);
void policy_rules_done(struct policy_rules *r);
/* In the order of a policy's, each once: then the same rules are the same bytes. */
void policy_rules_sort(struct policy_rules *r);
uint64_t policy_rules_hash(const struct policy_rules *r); /* of sorted ones */

struct policy {
	atomic_int refs;
	uint32_t id; /* in the kernel's map: never used again for another one */
	unsigned n_rules, n_entries;
	struct policy_rule *rules;    /* sorted, each once */
	struct policy_entry *entries; /* shortest prefix first; the first is ::/0 */
};

/* Of sorted rules, which it copies; NULL: out of memory.  Without a rule nobody is allowed. */
struct policy *policy_new(const struct policy_rules *r);
struct policy *policy_get(struct policy *p); /* NULL is fine, here and below */
void policy_put(struct policy *p);
bool policy_has_rules(const struct policy *p, const struct policy_rules *r); /* sorted ones */

/* What is neither IPv4 nor IPv6 is denied. */
bool policy_allows(const struct policy *p, const struct sockaddr_storage *sa);
#endif
