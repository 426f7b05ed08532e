/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * destination - a sink with a thread and a queue of its own, and what it wants of the events.
 *
 * Nothing here waits for the sink, so that a slow or dead one delays nobody: what its queue cannot
 * hold is lost to it, and counted.
 */
#ifndef DESTINATION_H
#define DESTINATION_H
#include <stdbool.h>
#include <stdint.h>

#include "source.h"
#include "spool.h"
#include "target.h"

struct destination;

/* What it has done, for status and metrics.  An event counts once for each source that selects it.
 */
struct destination_state {
	char id[40];
	char target[TARGET_TEXT_MAX];
	uint64_t written, lost;
	unsigned waiting;
	char why[200]; /* "" when it works */
};

/* Takes a reference of <sources>.  0, or -errno, logged. */
int destination_open(const char *id, const struct target *t, struct sources *sources,
		     struct destination **ret_d);
/* Is it for this id and this target? */
bool destination_is(const struct destination *d, const char *id, const struct target *t);
void destination_set_sources(struct destination *d, struct sources *sources);
void destination_put(struct destination *d, const struct batch *b);
void destination_reopen(struct destination *d);
void destination_state(struct destination *d, struct destination_state *ret_s);

/* Writes what waits, for two seconds at most.  end() only tells, close() waits and frees. */
void destination_end(struct destination *d);
void destination_close(struct destination *d);
#endif
