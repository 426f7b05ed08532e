/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * group - the targets that the connections of one name are shared among: the upstreams
 * of one endpoint or of several with pooling, and whose turn it is.
 *
 * The turn is the kernel's as well (bpf/turn.h), so that it does not matter who starts a
 * connection.  Every endpoint has the same share; within one it is as its balance says.
 * A target that health checks found dead has none.  One whose connect just failed keeps
 * its own, but group_pick() goes on to the next for a second.
 *
 * Under the registry's lock; changed under the write lock only.
 */
#ifndef GROUP_H
#define GROUP_H
#include "abi.h"
#include "endpoint.h"

#define GROUP_RETRY_NS 1000000000ULL

struct group {
	struct endpoint *members[GROUP_MEMBERS]; /* those of one endpoint in a row, in its order */
	unsigned n;
	struct group_value *v;			 /* what is in turn: the kernel's, or <own> */
	struct endpoint *in_turn[GROUP_MEMBERS]; /* by place in v->members */
	uint32_t num;				 /* in the kernel's map; 0: not there */
	struct group_value own;
};

/* <v> NULL: not in the kernel.  NULL: out of memory. */
struct group *group_new(uint32_t num, struct group_value *v, uint32_t made);
void group_free(struct group *g); /* NULL is fine */

/* All targets of <e>.  0, or -ENOSPC: there is no more room. */
int group_join(struct group *g, struct endpoint *e);
void group_leave(struct group *g, struct endpoint *e);
/* Is one of them alive? */
bool group_is_up(const struct group *g);
/* Health, pools or weights have changed. */
void group_publish(struct group *g);

/* The one with the num <hint> (0: none), unless it is dead; else whose turn it is.  Never NULL. */
struct endpoint *group_pick(struct group *g, uint32_t hint);
/* Who may have the connection that <failed> could not take; NULL: nobody else. */
struct endpoint *group_next(struct group *g, const struct endpoint *failed);

/*
 * A connection is dialled to <t>.  When the last one there failed, this one finds out how it is
 * now: others go elsewhere for <patience_ns>, or until it is connected (group_tried()).
 */
void group_try(struct endpoint *t, uint64_t now_ns, uint64_t patience_ns);
void group_tried(struct endpoint *t);

/* Before an endpoint with the spec <b> shares a name with one of <a>: 0, or -1 with 409. */
int group_check(const struct endpoint *a, const struct endpoint *b, struct fault *f);
#endif
