/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * recent - the newest lines, kept in memory for a while, for followers.
 *
 * Lines have numbers that never come back.  Any thread.
 */
#ifndef RECENT_H
#define RECENT_H
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "spool.h"

#define RECENT_LINES 4096U /* a power of two */

/* Bytes lie in <arena> at <offset> modulo its size. */
struct recent {
	pthread_mutex_t lock;
	pthread_cond_t more;
	char *arena;
	uint64_t used; /* bytes ever put in */
	uint64_t next; /* number of the next line */
	bool woken;
	struct recent_line {
		uint64_t offset;
		size_t len;
		struct timespec at;
	} lines[RECENT_LINES];
};

int recent_init(struct recent *r); /* 0 or -ENOMEM; recent_done() in either case */
void recent_done(struct recent *r);

void recent_take(struct recent *r, const struct batch *b);

/* See events.h. */
uint64_t recent_seek(struct recent *r, const struct timespec *since);
ssize_t recent_read(struct recent *r, uint64_t *seq, char *buf, size_t size, int timeout_ms,
		    uint64_t *ret_skipped);
void recent_wake(struct recent *r);
#endif
