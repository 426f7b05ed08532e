/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream_plan - what one connection of many is to do, by chance that its seed and number decide.
 */
#ifndef STREAM_PLAN_H
#define STREAM_PLAN_H
#include "stream_conn.h"

/* Sizes are spread over the magnitudes, so that small ones are as common as large. */
static inline uint64_t pick_size(struct conn *c, uint64_t max)
{
	unsigned bits = 0;

	while (bits < 62 && max >> (bits + 1))
		bits++;
	bits = conn_random(c, bits + 1);
	return max ? ((uint64_t)conn_random(c, 0x7fffffff) << 31 | conn_random(c, 0x7fffffff)) %
			       (2ULL << bits)
		   : 0;
}

/* kB/s at which <size> takes about a second; most readers are not slow: 0. */
static inline uint32_t pick_rate(struct conn *c, uint64_t size)
{
	uint32_t ms = 500 + conn_random(c, 1000);

	return conn_random(c, 12) ? 0 : (uint32_t)(1 + size / ms);
}

static inline uint32_t pick_stall(struct conn *c)
{
	return conn_random(c, 12) ? 0 : 1 + conn_random(c, 600);
}

/* <max> has the seed and the largest sizes.  !resets: the way there cannot carry them. */
static inline void plan_randomly(struct conn *c, struct plan *p, const struct plan *max,
				 bool resets)
{
	static const uint32_t sizes[] = {0, 0, 32768, 131072, 1048576};

	c->random = max->seed * 1000003 + p->conn;
	p->up = pick_size(c, max->up);
	p->down = pick_size(c, max->down);
	p->order = (uint8_t)conn_random(c, resets ? ORDER_MAX : ORDER_CLIENT_RST);
	p->flags = (uint8_t)conn_random(c, 2);
	p->pause = (uint8_t)(conn_random(c, 2) ? 0 : 1 + conn_random(c, 30));
	p->sndbuf = sizes[conn_random(c, 5)];
	p->rcvbuf = sizes[conn_random(c, 5)];
	c->segment = conn_random(c, 4) ? 0 : 1 + conn_random(c, 600);
	c->segment_gap_us = conn_random(c, 1000);
	if (max->flags & PLAN_NEVER_READ)
		p->order = (uint8_t)(ORDER_CLIENT_RST + p->conn % 2);
	if (p->order >= ORDER_CLIENT_RST) {
		p->flags =
			conn_random(c, 3) && !(max->flags & PLAN_NEVER_READ) ? 0 : PLAN_NEVER_READ;
		return;
	}
	p->read_kbps = pick_rate(c, p->up);
	c->read_kbps = pick_rate(c, p->down);
	p->stall_ms = pick_stall(c);
	c->stall_ms = pick_stall(c);
}
#endif
