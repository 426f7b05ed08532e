/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ip_policy - IP policies that endpoints share: named sets of rules, which count as if they
 * stood in each endpoint that names them (ip_policies).
 *
 * Only what they are; edge_policy.h changes them, on disk and for live endpoints too.  Any
 * thread; locked inside.
 */
#ifndef IP_POLICY_H
#define IP_POLICY_H
#include <time.h>

#include "endpoint_spec.h"
#include "list.h"
#include "policy.h"

#define IP_POLICY_ID_MAX 40

/* What policies and rules have in common.  Strings are owned; NULL is "". */
struct ip_policy_head {
	char id[IP_POLICY_ID_MAX];
	struct timespec created;
	char *description, *metadata;
};

struct ip_policy_rule {
	struct ip_policy_head head; /* ipr_... */
	char policy_id[IP_POLICY_ID_MAX];
	struct cidr cidr;
	bool deny;
	struct list link;
};

struct ip_policy {
	struct ip_policy_head head; /* ipp_... */
	struct list rules;	    /* oldest first */
	unsigned n_rules;
	struct list link;
};

struct ip_policies;
struct ip_policies *ip_policies_new(void);
void ip_policies_free(struct ip_policies *ip); /* NULL is fine */

/*
 * A new one (<h>.id ""), or one from the disk; copies <h>.  The result's id is left in <h>.
 * 0, or -1 with <f>: 404 no such policy, 409 the id is there already.
 */
int ip_policy_add(struct ip_policies *ip, struct ip_policy_head *h, struct fault *f);
int ip_policy_rule_add(struct ip_policies *ip, const char *policy_id, const struct cidr *c,
		       bool deny, struct ip_policy_head *h, struct fault *f);
/*
 * Other texts, and for a rule another range or action: what <h> or <r> has (by its id) and what is
 * there change places, so that a change can be taken back when there is no memory.  0, or -1 with
 * 404.
 */
int ip_policy_exchange(struct ip_policies *ip, struct ip_policy_head *h, struct fault *f);
int ip_policy_rule_exchange(struct ip_policies *ip, struct ip_policy_rule *r, struct fault *f);
/* With its rules.  0, or -1 with 404. */
int ip_policy_remove(struct ip_policies *ip, const char *id, struct fault *f);
/* The caller's from now on, or NULL with 404; to be given back or freed. */
struct ip_policy_rule *ip_policy_rule_take(struct ip_policies *ip, const char *id, struct fault *f);
void ip_policy_rule_give_back(struct ip_policies *ip, struct ip_policy_rule *r);
void ip_policy_rule_free(struct ip_policy_rule *r); /* NULL is fine */

/* A copy, with texts of its own.  0, or -ENOMEM, and nothing to be freed. */
int ip_policy_head_copy(const struct ip_policy_head *h, struct ip_policy_head *ret_to);
void ip_policy_head_done(struct ip_policy_head *h);

/* <fn> under the lock: it must not call back.  Stops at non-zero and returns it. */
int ip_policy_each(struct ip_policies *ip, int (*fn)(void *arg, const struct ip_policy *p),
		   void *arg);
/* The one with this id, else -ENOENT. */
int ip_policy_with(struct ip_policies *ip, const char *id,
		   int (*fn)(void *arg, const struct ip_policy *p), void *arg);
int ip_policy_rule_with(struct ip_policies *ip, const char *id,
			int (*fn)(void *arg, const struct ip_policy_rule *r), void *arg);

/*
 * All rules that <s> asks for, its own and those it shares, and the state of the shared ones
 * that they are of.  0, or -1 with <f>: 400 a CIDR that is none (362), a policy there is not.
 */
int ip_policies_rules(struct ip_policies *ip, const struct endpoint_spec *s,
		      struct policy_rules *ret_r, uint64_t *ret_state, struct fault *f);
/* Changes with every change of any. */
uint64_t ip_policies_state(struct ip_policies *ip);

/* Does <s> restrict at all?  Does it name policy <id>? */
bool ip_policy_is_asked(const struct endpoint_spec *s);
bool ip_policy_is_named(const struct endpoint_spec *s, const char *id);
#endif
