/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * histogram - how long things took, in buckets from 100 us to a minute.
 *
 * Any thread may add and read; what is read while others add is a little out of step.
 */
#ifndef HISTOGRAM_H
#define HISTOGRAM_H
#include <stdatomic.h>
#include <stdint.h>

#define HISTOGRAM_BUCKETS 18

/* Upper ends, inclusive; what is above the last is in none of them. */
extern const uint32_t histogram_le_us[HISTOGRAM_BUCKETS];

struct histogram {
	atomic_uint_fast64_t in[HISTOGRAM_BUCKETS + 1]; /* the last: above all */
	atomic_uint_fast64_t sum_us;
};

void histogram_add(struct histogram *h, uint64_t us);

/* The sum of several. */
struct histogram_total {
	uint64_t in[HISTOGRAM_BUCKETS + 1];
	uint64_t count, sum_us;
};
void histogram_collect(struct histogram_total *t, struct histogram *h);
#endif
