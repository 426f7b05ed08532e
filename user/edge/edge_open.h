/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edge_open - the daemon's life, for main.c: api/ needs edge.h only.
 */
#ifndef EDGE_OPEN_H
#define EDGE_OPEN_H
#include "edge.h"

struct takeover;

/*
 * Everything that serves: kernel path, registry, state, listeners, workers, which stand still until
 * edge_start().  Takes <config> and <takeover> (NULL: nobody's place) over on success.  0, or
 * -errno with <why>: -EBUSY another daemon holds the pins; -ENOTSUP with DATAPATH_KERNEL: the
 * kernel lacks something.
 */
int edge_open(struct config *config, enum datapath datapath, uint32_t mutant,
	      struct takeover *takeover, struct edge **ret_g, char *why, size_t why_size);
/* 0, or -errno with <why>: then edge_stop() and edge_close(). */
int edge_start(struct edge *g, char *why, size_t why_size);
/*
 * All has started: the calling thread gives up what it needed for that.  0, or -errno with <why>.
 */
int edge_confine(struct edge *g, char *why, size_t why_size);
/* ... has in effect again what it needed; or gives it up again. */
void edge_raise(struct edge *g, bool up);
/* No new connections; those there finish. */
void edge_drain(struct edge *g);
unsigned edge_conns_active(struct edge *g);
/*
 * Who has not turned within the last <ms>, a worker or the tunnel (who have nothing to do turn once
 * a second); NULL: nobody.
 */
const char *edge_stuck(struct edge *g, unsigned ms);
/* Agents' sessions end; they come again elsewhere.  Their channels go on. */
void edge_leave_agents(struct edge *g);
/* Ends the workers, and what connections are left (reason drained). */
void edge_stop(struct edge *g);
void edge_close(struct edge *g); /* after edge_stop() */

struct store *edge_store(struct edge *g);
#endif
