/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * labelled - the tunnels with labels that are online: no name of their own, but edges' backends
 * (tunnel groups) pick them by their labels.
 *
 * Written by the tunnel's thread; any thread; locked inside.
 */
#ifndef LABELLED_H
#define LABELLED_H
#include <stdint.h>
#include <time.h>

struct edge;
struct labelled;

struct labelled_tunnel {
	char id[40]; /* tn_... */
	char session[40], credential[40];
	uint64_t agent;	      /* the session's number */
	unsigned proxy_proto; /* that its upstream wants; 0: none */
	struct timespec started;
	const char *labels;					 /* a line each */
	const char *forwards_to, *name, *description, *metadata; /* NULL: not said */
};

struct labelled *labelled_new(void);
void labelled_free(struct labelled *l); /* NULL is fine */

/* Copies.  0 or -ENOMEM. */
int labelled_add(struct labelled *l, const struct labelled_tunnel *t);
void labelled_remove(struct labelled *l, const char *id);

/* Oldest first, under the lock; stops at non-zero and returns it. */
int labelled_each(struct labelled *l, int (*fn)(void *arg, const struct labelled_tunnel *t),
		  void *arg);
/*
 * Waits until the tunnels are not those of <state> any more (0: none that was); the state they are
 * of now.  0: labelled_stop() was called.
 */
uint64_t labelled_wait(struct labelled *l, uint64_t state);
void labelled_stop(struct labelled *l);

struct labelled *edge_labelled(struct edge *g);
#endif
