/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * half_private - what the movers share, for half.c, half_splice.c and half_kernel.c only.
 */
#ifndef HALF_PRIVATE_H
#define HALF_PRIVATE_H
#include "half.h"

#define HALF_TURN_BYTES (4U * 1024 * 1024) /* moved in a turn, then others are let go first */

static inline uint64_t half_load(const __u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

/* HALF_FAILED from now on, because of <which>, whose first error counts.  0, what that waits for.
 */
unsigned half_fail(struct half *h, struct end *which, int err);

/* So many bytes of src's stream are in dst's queue: counted, and told to the program. */
void half_written(struct half *h, size_t n);
/* What half_keep() is for. */
void half_hold(struct half *h, const void *bytes, size_t n);
/* Writes what is pending, and what dst's session holds back.  1: all gone, 0: blocked, -1: failed.
 */
int half_flush(struct half *h);

/*
 * Reads once and writes once.  Returns bytes read (0: EOF), or -errno; what dst did not take is
 * pending then.
 */
ssize_t half_copy_once(struct half *h, struct pump *p);

/* recv() said 0.  After a reset it does so as well: that must never look like a clean end to dst.
 * False: failed. */
bool half_eof(struct half *h);
/* Ends dst's stream.  Returns what that waits for, 0 when it is done. */
unsigned half_end(struct half *h);

void half_pipe_close(struct half *h);

unsigned half_splice_pump(struct half *h, struct pump *p);
unsigned half_kernel_pump(struct half *h, struct pump *p);
#endif
