/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * charges - live connections of one earlier daemon, as far as they count in this one: for
 * max_conns, max_conns_per_source and limits.connections, and in the gauges of their endpoints.
 *
 * Not locked.  Endpoints are found by their ids: what an agent had online there is not what its
 * next session has online here, as for connections of this daemon's own.
 */
#ifndef CHARGES_H
#define CHARGES_H
#include <stdbool.h>

struct charges;
struct edge;

/* Of a list (elders_list.c); NULL: out of memory, or it cannot be read, which is logged. */
struct charges *charges_new(struct edge *g, int list_fd);
/* One has ended, or is ours now.  False: it does not count here (any more). */
bool charges_drop(struct charges *cs, const char *conn_id);
void charges_free(struct charges *cs); /* drops all that are left; NULL is fine */
#endif
