/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * slots - the places in `flows` that one thread may give to its ends, and who has them.
 *
 * Owned by that thread.  Without a kernel path there are none to give.
 */
#ifndef SLOTS_H
#define SLOTS_H
#include "end.h"

struct slots {
	struct kern *kern;	  /* NULL: none */
	uint32_t base, n;	  /* these are ours */
	uint32_t *stock, n_stock; /* free ones */
	struct end **ends;	  /* by slot - base */
	/* cookies of closed ones, deleted together by slots_forget() */
	uint64_t dead[KERN_SLOTS_DEAD];
	unsigned n_dead;
};

/* 0 or -ENOMEM.  The struct is all zeroes before. */
int slots_open(struct slots *s, struct kern *k, uint32_t base, uint32_t n);
void slots_close(struct slots *s); /* one that was never opened is fine */

/* One for <e>, SLOT_NONE: there is none. */
uint32_t slots_take(struct slots *s, struct end *e);
/* It is free again; SLOT_NONE is fine. */
void slots_give(struct slots *s, uint32_t slot);
/* Who has it, NULL: nobody, or it is none of ours. */
struct end *slots_end(const struct slots *s, uint32_t slot);
/* What has the slot of <e> is at this address now; one without a slot is fine. */
void slots_moved(struct slots *s, struct end *e);
/* Closes an end, see end_close(): its slot is free, and its cookie leaves the map soon. */
void slots_end_close(struct slots *s, struct end *e, bool reset);
/* At the end of a turn: closed ones leave the maps. */
void slots_forget(struct slots *s);
#endif
