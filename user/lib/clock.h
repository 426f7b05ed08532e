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
#endif
