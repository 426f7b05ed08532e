/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stock - the slots and the replay buffers that a worker may give out; the verbs for that are in
 * worker.h and slots.h.
 */
#ifndef STOCK_H
#define STOCK_H
#include "worker.h"

int stock_open(struct worker *w, struct edge *edge); /* 0 or -errno */
void stock_close(struct worker *w);
#endif
