/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ring - what the programs tell one worker, in the order in which it happened.
 *
 * Belongs to the thread that reads it, and is closed before its kern is.
 */
#ifndef RING_H
#define RING_H
#include <stdbool.h>

struct event;
struct kern;
struct kern_ring;

/* Returns 0, -ENOMEM or another negative errno. */
int kern_ring_open(struct kern *k, unsigned worker, struct kern_ring **ret_r);
void kern_ring_close(struct kern_ring *r);   /* NULL is fine */
int kern_ring_fd(const struct kern_ring *r); /* for epoll */
/*
 * For a thread that reads its ring in every turn, and need not be woken while it is awake: before
 * it sleeps, and after.  False: an event is there or on its way, do not sleep.  Who never calls
 * these is woken by every urgent event.
 */
bool kern_ring_doze(struct kern_ring *r);
void kern_ring_rouse(struct kern_ring *r);
/* Hands every waiting event to <fn>. */
int kern_ring_drain(struct kern_ring *r, void (*fn)(void *arg, const struct event *e), void *arg);
#endif
