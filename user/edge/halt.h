/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * halt - all workers stand still, between two turns, so that one thread may look at all they have.
 */
#ifndef HALT_H
#define HALT_H
#include <pthread.h>
#include <stdbool.h>

struct edge;

struct halt {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	unsigned n; /* that stand */
	bool over;
};

/* Returns when all stand.  0, or -ENOMEM: some go on.  Either way halt_end(). */
int halt_begin(struct halt *h, struct edge *g);
void halt_end(struct halt *h);
#endif
