/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slots - which places in `flows` and which replay buffers a worker may give out; the verbs for
 * that are in worker.h.
 */
#ifndef SLOTS_H
#define SLOTS_H
#include "worker.h"

int slots_open(struct worker *w, struct edge *edge); /* 0 or -errno */
/* At the end of a turn: closed ones leave the maps. */
void slots_forget(struct worker *w);
void slots_close(struct worker *w);
#endif
