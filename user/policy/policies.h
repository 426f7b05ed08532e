/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * policies - the policies in force, each once, and their shadow in the kernel's map.
 *
 * Endpoints with the same rules share one.  An endpoint's pointer may be exchanged while
 * workers look: both go through here.  Any thread; locked inside.
 */
#ifndef POLICIES_H
#define POLICIES_H
#include "policy.h"

struct kern;
struct policies;

struct policies *policies_new(struct kern *k); /* <k> NULL: no kernel path */
/* References that are held on stay good.  NULL is fine. */
void policies_free(struct policies *ps);

/*
 * The policy of these rules, in the kernel's map already, with a reference.  0, -ENOMEM, or
 * -ENOSPC: the map is full.  Sorts <r>.
 */
int policies_take(struct policies *ps, struct policy_rules *r, struct policy **ret_p);

/* Takes over the reference <p> (NULL: none), gives back the old one. */
void policies_set(struct policies *ps, struct policy **where, struct policy *p);

enum policy_verdict { POLICY_NONE, POLICY_ALLOW, POLICY_DENY };
enum policy_verdict policies_judge(struct policies *ps, struct policy *const *where,
				   const struct sockaddr_storage *sa);

/* Lets go what no endpoint has any more.  Cheap to call too often. */
void policies_sweep(struct policies *ps);
#endif
