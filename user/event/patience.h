/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * patience - how long a sink may wait for the other side: for ever, until its destination is to
 * end; then a little longer.
 *
 * One thread waits, any thread ends.
 */
#ifndef PATIENCE_H
#define PATIENCE_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct patience {
	int fd;				  /* readable once it ends */
	atomic_uint_fast64_t deadline_ms; /* CLOCK_MONOTONIC; 0: none */
};

int patience_init(struct patience *p); /* 0 or -errno */
void patience_done(struct patience *p);

/* What waits now or later gets <ms> from now on. */
void patience_end(struct patience *p, unsigned ms);
bool patience_is_over(const struct patience *p);
/* Is the end near?  Then nothing is tried twice. */
bool patience_is_ending(const struct patience *p);

/*
 * Waits for <events> on <fd>, at most <max_ms> (-1: no limit).  0: they are there (or an error
 * is), -ETIMEDOUT.
 */
int patience_poll(const struct patience *p, int fd, short events, int max_ms);
/* Sleeps, but not beyond the moment when the end is told. */
void patience_pause(const struct patience *p, int ms);
#endif
