// SPDX-License-Identifier: GPL-2.0-only
#include "slots.h"

#include <errno.h>
#include <stdlib.h>

#include "conn.h"
#include "edge_private.h"

int slots_open(struct worker *w, struct edge *edge)
{
	uint32_t i;

	w->n_slots = edge->slots_a_worker;
	w->slot_base = 1 + w->index * w->n_slots;
	w->n_replays = edge->replays_a_worker;
	w->slot_stock = calloc(w->n_slots, sizeof(*w->slot_stock));
	w->slot_end = calloc(w->n_slots, sizeof(*w->slot_end));
	w->replay_stock = calloc(w->n_replays + 1, sizeof(*w->replay_stock));
	if (!w->slot_stock || !w->slot_end || !w->replay_stock)
		return -ENOMEM;
	/* low ones on top, so that few pages of the maps are touched */
	for (i = w->n_slots; i--;)
		w->slot_stock[w->n_slot_stock++] = w->slot_base + i;
	for (i = 0; i < w->n_replays; i++)
		w->replay_stock[w->n_replay_stock++] =
			1 + w->index * w->n_replays + w->n_replays - 1 - i;
	return kern_ring_open(w->kern, w->index, &w->ring);
}

void slots_close(struct worker *w)
{
	free(w->slot_stock);
	free(w->slot_end);
	free(w->replay_stock);
}

uint32_t worker_slot_get(struct worker *w, struct end *e)
{
	uint32_t slot;

	if (!w->kern)
		return SLOT_NONE;
	if (!w->n_slot_stock) {
		worker_count(w, WC_full_flows);
		return SLOT_NONE;
	}
	slot = w->slot_stock[--w->n_slot_stock];
	w->slot_end[slot - w->slot_base] = e;
	return slot;
}

void worker_slot_put(struct worker *w, uint32_t slot)
{
	if (slot == SLOT_NONE)
		return;
	w->slot_end[slot - w->slot_base] = NULL;
	w->slot_stock[w->n_slot_stock++] = slot;
}

void slots_forget(struct worker *w)
{
	kern_slots_del(w->kern, w->slot_dead, w->n_slot_dead);
	w->n_slot_dead = 0;
}

void worker_end_close(struct worker *w, struct end *e, bool reset)
{
	uint64_t cookie = e->cookie;
	bool known = e->slot && e->fd != -1;

	worker_slot_put(w, end_close(e, reset));
	if (!known)
		return;
	w->slot_dead[w->n_slot_dead++] = cookie;
	if (w->n_slot_dead == KERN_SLOTS_DEAD)
		slots_forget(w);
}

uint32_t worker_replay_get(struct worker *w)
{
	struct list *it, *tmp;

	if (!w->n_replay_stock) {
		/* those whose upstream has answered since */
		list_for_each_safe(it, tmp, &w->answers)
			conn_release_hello(list_of(it, struct conn, answer));
	}
	return w->n_replay_stock ? w->replay_stock[--w->n_replay_stock] : 0;
}

void worker_replay_put(struct worker *w, uint32_t idx)
{
	if (!idx)
		return;
	kern_replay(w->kern, idx)->len = 0;
	w->replay_stock[w->n_replay_stock++] = idx;
}
