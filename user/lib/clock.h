/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clock - CLOCK_MONOTONIC in nanoseconds: what deadlines are made of.
 */
#ifndef CLOCK_H
#define CLOCK_H
#include <stdint.h>
#include <time.h>

static inline uint64_t clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

/* When <ns> from now have passed. */
static inline struct timespec clock_after(uint64_t ns)
{
	uint64_t at = clock_ns() + ns;

	return (struct timespec){(time_t)(at / 1000000000), (long)(at % 1000000000)};
}
#endif
