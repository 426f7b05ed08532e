/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * retry - a connection that wants to be asked again in a moment, see HALF_WANT_RETRY; on a list of
 * all that do.
 */
#ifndef RETRY_H
#define RETRY_H
#include <stdint.h>

#include "half.h"
#include "list.h"

struct retry {
	struct list link; /* initialised by its owner; may be taken out by list_del() */
	uint64_t at_ns;
	uint32_t step_ns; /* how long it waited last time; 0: it begins with the shortest */
};

/* From now on at <at_ns>; at the end of the list. */
void retry_at(struct retry *r, struct list *all, uint64_t at_ns);
/* When join_retry_ns() says. */
void retry_soon(struct retry *r, struct list *all, uint64_t now_ns, const struct half *up,
		const struct half *down);
void retry_never(struct retry *r);

/* When the first of them is due, if that is before <until_ns>; else that. */
uint64_t retry_first(const struct list *all, uint64_t until_ns);
#endif
