/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slots - which places in `flows` and which replay buffers a worker may give out; the verbs for
 * that are in worker.h.
 *
 * After an upgrade the map has flows of earlier daemons in it.  A slot whose cookie is 0 is
 * nobody's: who frees one writes that last, and none of them takes new ones, but for some that it
 * has reserved for connections that are being set up.
 */
#ifndef SLOTS_H
#define SLOTS_H
#include "worker.h"

int slots_open(struct worker *w, struct edge *edge); /* 0 or -errno */
void slots_close(struct worker *w);
/* Takes <n> of the stock out of the next daemon's sight, before that looks; and undoes it. */
void slots_reserve(struct worker *w, uint32_t n);
void slots_unreserve(struct worker *w);
/* The rest of the stock is the next daemon's; in the end what was reserved, too. */
void slots_leave(struct worker *w);
void slots_leave_rest(struct worker *w);

/* The connection of an earlier daemon that has this slot is about to come. */
void slots_expect(struct worker *w, uint32_t slot);
/* Takes in what earlier daemons have freed; all of it once none of them is alive. */
void slots_reclaim(struct worker *w);
#endif
