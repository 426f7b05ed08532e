// SPDX-License-Identifier: GPL-2.0-only
#include "stock.h"

#include <errno.h>
#include <stdlib.h>

#include "conn.h"
#include "edge_private.h"
#include "ring.h"

int stock_open(struct worker *w, struct edge *edge)
{
	uint32_t i;
	int err;

	err = slots_open(&w->slots, w->kern, 1 + w->index * edge->slots_a_worker,
			 edge->slots_a_worker);
	if (err)
		return err;
	w->n_replays = edge->replays_a_worker;
	w->replay_stock = calloc(w->n_replays + 1, sizeof(*w->replay_stock));
	if (!w->replay_stock)
		return -ENOMEM;
	for (i = 0; i < w->n_replays; i++)
		w->replay_stock[w->n_replay_stock++] =
			1 + w->index * w->n_replays + w->n_replays - 1 - i;
	return kern_ring_open(w->kern, w->index, &w->ring);
}

void stock_close(struct worker *w)
{
	slots_close(&w->slots);
	free(w->replay_stock);
}

uint32_t worker_slot_get(struct worker *w, struct end *e)
{
	uint32_t slot = slots_take(&w->slots, e);

	if (slot == SLOT_NONE && w->kern)
		worker_count(w, WC_full_flows);
	return slot;
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
