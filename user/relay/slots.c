// SPDX-License-Identifier: GPL-2.0-only
#include "slots.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int slots_open(struct slots *s, struct kern *k, uint32_t base, uint32_t n)
{
	uint32_t i;

	s->kern = k;
	s->base = base;
	s->n = n;
	s->stock = calloc(n, sizeof(*s->stock));
	s->ends = calloc(n, sizeof(*s->ends));
	if (!s->stock || !s->ends)
		return -ENOMEM;
	/* low ones on top, so that few pages of the map are touched */
	for (i = n; i--;)
		s->stock[s->n_stock++] = base + i;
	return 0;
}

void slots_close(struct slots *s)
{
	free(s->stock);
	free(s->ends);
	memset(s, 0, sizeof(*s));
}

uint32_t slots_take(struct slots *s, struct end *e)
{
	uint32_t slot;

	if (!s->n_stock)
		return SLOT_NONE;
	slot = s->stock[--s->n_stock];
	s->ends[slot - s->base] = e;
	return slot;
}

void slots_give(struct slots *s, uint32_t slot)
{
	if (slot == SLOT_NONE)
		return;
	s->ends[slot - s->base] = NULL;
	s->stock[s->n_stock++] = slot;
}

struct end *slots_end(const struct slots *s, uint32_t slot)
{
	return slot >= s->base && slot - s->base < s->n ? s->ends[slot - s->base] : NULL;
}

void slots_moved(struct slots *s, struct end *e)
{
	if (e->slot)
		s->ends[e->slot - s->base] = e;
}

void slots_end_close(struct slots *s, struct end *e, bool reset)
{
	uint64_t cookie = e->cookie;
	bool known = e->slot && e->fd != -1;

	slots_give(s, end_close(e, reset));
	if (!known)
		return;
	s->dead[s->n_dead++] = cookie;
	if (s->n_dead == KERN_SLOTS_DEAD)
		slots_forget(s);
}

void slots_forget(struct slots *s)
{
	if (s->n_dead)
		kern_slots_del(s->kern, s->dead, s->n_dead);
	s->n_dead = 0;
}
