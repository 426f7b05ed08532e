/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * turn - whose turn it is among members of different weight: the nth connection's place.
 *
 * n times the golden ratio, modulo 1: wherever one begins and stops, each stretch of the
 * line gets its share of the places to within a few (a Weyl sequence; no run of luck, as
 * with random numbers, and no table whose length rounds the weights).
 */
#ifndef TURN_H
#define TURN_H

#define TURN_GOLDEN 2654435769U /* 2^32 times (sqrt(5) - 1) / 2 */

/* 0 .. total - 1 */
static inline __attribute__((always_inline)) __u32 turn_place(__u32 turn, __u32 total)
{
	return (__u32)(((__u64)(turn * TURN_GOLDEN) * total) >> 32);
}
#endif
