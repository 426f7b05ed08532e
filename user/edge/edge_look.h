/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edge_look - what this daemon has, without what earlier ones have.
 */
#ifndef EDGE_LOOK_H
#define EDGE_LOOK_H
struct conn_info;
struct edge;

/* edge_conns() of our own. */
int edge_conns_here(struct edge *g, const char *endpoint_id, struct conn_info **ret_list);
#endif
