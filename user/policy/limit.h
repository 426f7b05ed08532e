/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * limit - how many a second: <rate> at once after a quiet second, and <rate> a second from
 * then on (a virtual schedule: one time stamp is all that is kept).
 *
 * Any thread.  Sources are an IPv4 address or an IPv6 /64, each with every endpoint apart;
 * their stamps live in a table of fixed size.  When a row of it is full, the source that is
 * nearest to having no history loses its own: a flood of sources can make the table forget,
 * never grow.
 */
#ifndef LIMIT_H
#define LIMIT_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define LIMIT_SOURCES 65536 /* 1.5 MiB, touched as sources come */

struct limit_rate {
	atomic_uint_fast64_t next_ns; /* when the schedule is free again; starts zeroed */
};

/* Takes one place; false: there is none, and nothing has changed. */
bool limit_rate_take(struct limit_rate *r, unsigned rate, uint64_t now_ns);

struct limit_sources;
struct limit_sources *limit_sources_new(unsigned n); /* NULL: out of memory */
void limit_sources_free(struct limit_sources *ls);   /* NULL is fine */

/* The same for one source at the endpoint numbered <endpoint>. */
bool limit_source_take(struct limit_sources *ls, uint32_t endpoint,
		       const struct sockaddr_storage *sa, unsigned rate, uint64_t now_ns);
#endif
