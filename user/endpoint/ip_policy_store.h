/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ip_policy_store - shared IP policies to and from the state database.  Any thread.
 */
#ifndef IP_POLICY_STORE_H
#define IP_POLICY_STORE_H
#include "ip_policy.h"

struct store;

/* 0, or -1 with <f>; on disk when they return. */
int ip_policy_save(struct store *s, const struct ip_policy_head *h, struct fault *f);
int ip_policy_rule_save(struct store *s, const char *policy_id, const struct cidr *c, bool deny,
			const struct ip_policy_head *h, struct fault *f);
/* With its rules; not there: fine. */
int ip_policy_forget(struct ip_policies *ip, struct store *s, const char *id, struct fault *f);
int ip_policy_rule_forget(struct store *s, const char *id, struct fault *f);

/* All of them into <ip>. */
int ip_policies_restore(struct ip_policies *ip, struct store *s, struct fault *f);
#endif
