/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * route - a destination as it was asked for: where to, and what of the events.
 */
#ifndef ROUTE_H
#define ROUTE_H
#include "source.h"
#include "target.h"

struct event_route {
	char id[40]; /* ed_...; "" for those of the file, which their target tells apart */
	char *where; /* "FILE:LINE" for messages; NULL: not of a file */
	struct target target;
	struct source_spec *sources;
	unsigned n_sources;
};
void event_route_done(struct event_route *r);
/* Adds an empty source; NULL: out of memory. */
struct source_spec *event_route_add(struct event_route *r);
#endif
