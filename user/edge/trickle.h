/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * trickle - clients whose hello comes in drops.
 *
 * A hello takes a segment or three.  Who needs more reads than that is watched in an epoll
 * set of its own, which nobody sleeps on: the worker looks there on its own clock and takes
 * a handful at a time.  So a byte costs neither a wake-up nor a place before a new client,
 * however many thousands send one.  Events of the kernel's ring still come at once.
 *
 * The worker's own, like everything of it.  An end leaves with its next worker_watch(), or
 * by being closed.
 */
#ifndef TRICKLE_H
#define TRICKLE_H
#include <stdint.h>

struct conn;
struct worker;

int trickle_open(struct worker *w); /* 0 or -errno */
void trickle_close(struct worker *w);

/* One more read has not completed the hello of <c>, which has been watched so far. */
void trickle_note(struct conn *c);
/* It does not wait for its hello any more. */
void trickle_leave(struct conn *c);

/* Reads what has come, when it is time. */
void trickle_run(struct worker *w);
#endif
