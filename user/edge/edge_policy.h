/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edge_policy - who may connect, for the whole edge: the policies of endpoints and the
 * shared ones, in memory, on disk and in the kernel's map at once.
 *
 * A change is on disk and in force for new connections when its function returns; on
 * failure nothing has changed.  Any thread but a worker's; one change at a time.
 */
#ifndef EDGE_POLICY_H
#define EDGE_POLICY_H
#include "ip_policy.h"

struct edge;
struct endpoint;

struct ip_policies *edge_ip_policies(struct edge *g);

/* A new one: <h>.id is "", and set then.  0, or -1 with <f>. */
int edge_ip_policy_add(struct edge *g, struct ip_policy_head *h, struct fault *f);
/* Other texts, both given. */
int edge_ip_policy_set(struct edge *g, const struct ip_policy_head *h, struct fault *f);
/* 409 while an endpoint names it. */
int edge_ip_policy_remove(struct edge *g, const char *id, struct fault *f);

/*
 * <kill>: ends the live connections of endpoints that name the policy and that it denies now;
 * *ret_killed is their number.
 */
int edge_ip_rule_add(struct edge *g, const char *policy_id, const struct cidr *c, bool deny,
		     struct ip_policy_head *h, bool kill, int *ret_killed, struct fault *f);
/* Another range, action and texts, all given. */
int edge_ip_rule_set(struct edge *g, const struct cidr *c, bool deny,
		     const struct ip_policy_head *h, bool kill, int *ret_killed, struct fault *f);
int edge_ip_rule_remove(struct edge *g, const char *id, bool kill, int *ret_killed,
			struct fault *f);

/* Ends the live connections of an endpoint that its policy denies by now; returns how many. */
int edge_endpoint_kill_denied(struct edge *g, const char *endpoint_id);

/* ---- for edge.c ---- */
int edge_policy_open(struct edge *g); /* 0, -ENOMEM */
void edge_policy_close(struct edge *g);

/* A new endpoint's policy, from its spec.  0, or -1 with <f>. */
int edge_policy_make(struct edge *g, struct endpoint *e, struct fault *f);
/* It goes online: is its policy still what the shared ones say?  0 or -errno. */
int edge_policy_renew(struct edge *g, struct endpoint *e);
#endif
