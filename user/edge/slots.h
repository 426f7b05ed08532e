/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slots - which places in `flows` and which replay buffers a worker may give out; the verbs for
 * that are in worker.h.
 *
 * After an upgrade the map has flows of earlier daemons in it.  A slot whose cookie is 0 is
 * nobody's: who frees one writes that last, and none of them takes new ones.
 */
#ifndef SLOTS_H
#define SLOTS_H
#include "worker.h"

int slots_open(struct worker *w, struct edge *edge); /* 0 or -errno */
void slots_close(struct worker *w);
/* The stock is the next daemon's from now on: connections that are still to be dialled get none. */
void slots_leave(struct worker *w);

/* The connection of an earlier daemon that has this slot is about to come. */
void slots_expect(struct worker *w, uint32_t slot);
/* Takes in what earlier daemons have freed; all of it once none of them is alive. */
void slots_reclaim(struct worker *w);
#endif
