/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crowd - how many connections each source has at each endpoint, for max_conns_per_source.
 *
 * Any thread.  All connections that have an endpoint are counted, those that the verdict
 * program started too and those of endpoints without the limit: it may be set while they
 * live.  An entry lives as long as a connection of it does.
 */
#ifndef CROWD_H
#define CROWD_H
#include <sys/socket.h>

struct crowd;
struct crowd *crowd_new(void);	   /* NULL: out of memory */
void crowd_free(struct crowd *cr); /* NULL is fine; nobody is in it any more */

struct crowd_place;
/*
 * One more of <sa>'s source at <where>, an address that stands for the endpoint as long as it
 * is there.  How many there are with it goes to *ret_n.  The place is the caller's until
 * crowd_leave(); NULL: out of memory, or no source (then *ret_n is 0).
 */
struct crowd_place *crowd_enter(struct crowd *cr, const void *where,
				const struct sockaddr_storage *sa, unsigned *ret_n);
void crowd_leave(struct crowd *cr, struct crowd_place *p); /* NULL is fine */
#endif
