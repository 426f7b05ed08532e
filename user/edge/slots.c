// SPDX-License-Identifier: GPL-2.0-only
#include "slots.h"

#include <errno.h>
#include <stdlib.h>

#include "conn.h"
#include "edge_private.h"
#include "log.h"

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
	/* (those of another daemon's maps are looked through when it stands still) */
	if (!kern_has_heritage(w->kern))
		worker_take_slots(w);
	for (i = 0; i < w->n_replays; i++)
		w->replay_stock[w->n_replay_stock++] =
			1 + w->index * w->n_replays + w->n_replays - 1 - i;
	return kern_ring_open(w->kern, w->index, &w->ring);
}

void slots_close(struct worker *w)
{
	free(w->slot_stock);
	free(w->slot_end);
	free(w->foreign);
	free(w->replay_stock);
}

/* Low ones on top, so that few pages of the maps are touched. */
void worker_take_slots(struct worker *w)
{
	uint32_t i, slot, n = 0;

	for (i = w->n_slots; i--;) {
		slot = w->slot_base + i;
		if (w->slot_end[i])
			continue;
		if (kern_has_heritage(w->kern) && kern_flow(w->kern, slot)->cookie)
			n++;
		else
			w->slot_stock[w->n_slot_stock++] = slot;
	}
	if (!n)
		return;
	w->foreign = calloc(n, sizeof(*w->foreign));
	for (i = 0; i < w->n_slots && w->foreign; i++)
		if (!w->slot_end[i] && kern_flow(w->kern, w->slot_base + i)->cookie)
			w->foreign[w->n_foreign++] = w->slot_base + i;
	if (!w->foreign)
		log_warn("out of memory: %u slots stay unused", n);
}

/* The daemon that had it was killed. */
static void clean(struct worker *w, struct flow *f)
{
	kern_slot_del(w->kern, f->cookie);
	f->peer_cookie = 0;
	f->role = FLOW_FREE;
	f->cookie = 0;
}

void slots_reclaim(struct worker *w)
{
	bool alone = !atomic_load(&w->edge->n_elders_alive);
	uint32_t i, n = 0;
	struct flow *f;

	for (i = 0; i < w->n_foreign; i++) {
		f = kern_flow(w->kern, w->foreign[i]);
		if (alone && __atomic_load_n(&f->cookie, __ATOMIC_ACQUIRE))
			clean(w, f);
		if (__atomic_load_n(&f->cookie, __ATOMIC_ACQUIRE))
			w->foreign[n++] = w->foreign[i];
		else
			w->slot_stock[w->n_slot_stock++] = w->foreign[i];
	}
	w->n_foreign = n;
}

/* ---- the daemon that is replaced ---- */

void slots_leave(struct worker *w)
{
	w->slots_left = true;
	w->n_slot_stock = 0;
	w->n_foreign = 0; /* what earlier daemons still free is the next one's, too */
}

/* ---- the daemon that takes its place ---- */

void slots_expect(struct worker *w, uint32_t slot)
{
	for (uint32_t i = 0; i < w->n_foreign; i++) {
		if (w->foreign[i] != slot)
			continue;
		w->foreign[i] = w->foreign[--w->n_foreign];
		return;
	}
}

uint32_t worker_slot_get(struct worker *w, struct end *e)
{
	uint32_t slot;

	if (!w->kern || !w->n_slot_stock)
		return SLOT_NONE;
	slot = w->slot_stock[--w->n_slot_stock];
	w->slot_end[slot - w->slot_base] = e;
	return slot;
}

void worker_slot_put(struct worker *w, uint32_t slot)
{
	if (slot == SLOT_NONE)
		return;
	w->slot_end[slot - w->slot_base] = NULL;
	if (!w->slots_left)
		w->slot_stock[w->n_slot_stock++] = slot;
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
