/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * takeover - the daemon that takes another one's place, from its start until it serves: what the
 * other gives, and who gets it.  upgrade.h is the other's side.
 *
 *   takeover_begin()   what we are goes over; sockets, the lock on the pins, names come
 *   edge_open()        takes of them what it can use, opens the rest by itself
 *   takeover_adopt()   connections come, our pins are in place; all threads are made
 *   takeover_serve()   the other one is told and workers begin: from here there is no way back
 *
 * The main thread's, but for takeover_expects() and listeners.  NULL stands for a daemon that
 * starts by itself.
 */
#ifndef TAKEOVER_H
#define TAKEOVER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "handover.h"

struct edge;
struct takeover;

/* The descriptor to the daemon that has started us for this; -1: nobody has. */
int takeover_fd(void);

/* 0, or -errno with <why>. */
int takeover_begin(int fd, struct takeover **ret_t, char *why, size_t why_size);
/* It does not work out: the other daemon is told why, and goes on.  Before takeover_adopt(). */
void takeover_refuse(struct takeover *t, const char *why);
/* The same after it.  Ends the process on the spot: what it has is the other's, too. */
void takeover_give_up(struct takeover *t, const char *why) __attribute__((noreturn));
void takeover_free(struct takeover *t);

/* On the other daemon's pins; -1: it has none. */
int takeover_lock_fd(const struct takeover *t);
/* Takes a listening socket; -1: there is none (more). */
int takeover_listener(struct takeover *t, enum handover_use use, const char *text, unsigned worker);
/* Did the other daemon listen there, and is the socket still to be had? */
bool takeover_has_listener(struct takeover *t, enum handover_use use, const char *text);
/* The id that the endpoint of the file with this name had; NULL: a new one.  Once each. */
const char *takeover_id(struct takeover *t, const char *host, struct timespec *ret_created);

/*
 * Is an agent on its way here whose endpoint was online and would have connections for <name>,
 * ahead of the one that has the name <now> (NULL: none has)?  Any thread; for a few seconds after
 * takeover_serve().  The verdict program leaves them to user space meanwhile.
 */
bool takeover_expects(const struct takeover *t, const char *name, const char *now);

/* ... or for its very name. */
bool takeover_holds(const struct takeover *t, const char *host);

/*
 * The next upgrade, while agents are still on their way here: what is expected, and the ports that
 * wait, go to the daemon behind <fd>, which expects them for as long again.  0, or -errno.
 */
int takeover_pass_on(struct takeover *t, struct edge *g, int fd);

/* All is open: connections come.  Workers that are started now wait.  0, or -errno with <why>. */
int takeover_adopt(struct takeover *t, struct edge *g, char *why, size_t why_size);
/* Nothing can fail any more: it is ours. */
void takeover_serve(struct takeover *t, struct edge *g);

/* Closes and forgets what nobody will come for any more; now and then. */
void takeover_expire(struct takeover *t, struct edge *g);

/*
 * elders.c: takes the connections that follow.  How many earlier daemons still have some; the main
 * thread, now and then.
 */
unsigned takeover_look_after_elders(struct edge *g);
/* They drain as well, as long as they may by their own configuration... */
void takeover_drain_elders(struct edge *g);
/* ... but not longer than we: they end now what they still have, and tell of it. */
void takeover_end_elders(struct edge *g);
#endif
