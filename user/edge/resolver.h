/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * resolver - follows the names of upstreams: what an endpoint's name resolves to is asked again
 * every timeouts.resolve, and at once every second while it has no address at all.
 *
 * One thread of its own, because the C library's resolver blocks; workers never resolve.  A changed
 * answer makes the endpoint anew (registry_swap()); one that fails leaves it as it is.
 */
#ifndef RESOLVER_H
#define RESOLVER_H

struct edge;
struct resolver;

struct resolver *resolver_start(struct edge *g); /* NULL: cannot, logged */
/* Waits for a question that is under way, two seconds at most.  NULL is fine. */
void resolver_stop(struct resolver *rs);
#endif
