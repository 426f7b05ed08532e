// SPDX-License-Identifier: GPL-2.0-only
/*
 * elders - earlier daemons that still have connections: some of these follow when they can.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "conn_move.h"
#include "edge_private.h"
#include "handover_io.h"
#include "log.h"
#include "takeover.h"

/* One on its way to its worker. */
struct late {
	struct handover_conn conn;
	int fds[HANDOVER_FDS_MAX];
	unsigned n_fds;
};

static void late_free(struct late *l)
{
	for (unsigned i = 0; i < l->n_fds; i++)
		if (l->fds[i] != -1)
			close(l->fds[i]);
	free(l);
}

static void adopt(struct worker *w, void *arg)
{
	struct late *l = arg;
	int err;

	err = conn_adopt(w, &l->conn, l->fds, l->n_fds);
	if (err)
		log_err("a connection of an earlier daemon is lost: %s: phase=%u movers=%u,%u "
			"states=%u,%u fds=%u",
			strerror(-err), (unsigned)l->conn.phase, (unsigned)l->conn.up_mover,
			(unsigned)l->conn.down_mover, (unsigned)l->conn.up_state,
			(unsigned)l->conn.down_state, l->n_fds);
	w->adopted = true;
	w->sweep_ns = 0;
	late_free(l);
}

static int take(struct edge *g, struct parcel *p)
{
	struct late *l = calloc(1, sizeof(*l));
	struct worker *w;
	int err;

	if (!l)
		return -ENOMEM;
	err = handover_conn_read(p->bytes, p->len, &l->conn);
	if (err) {
		free(l);
		return err;
	}
	for (l->n_fds = 0; l->n_fds < p->n_fds; l->n_fds++)
		l->fds[l->n_fds] = parcel_take(p, l->n_fds);
	w = &g->workers[conn_move_worker(&l->conn, g->n_workers)];
	err = worker_post(w, adopt, l);
	if (err)
		late_free(l);
	return err;
}

/* False: it is gone. */
static bool hear(struct edge *g, int fd, struct parcel *p)
{
	int err = 0;

	while (!err) {
		err = handover_receive(fd, p, 0);
		if (!err && take(g, p))
			log_err("a connection of an earlier daemon is lost");
		parcel_close(p);
	}
	return err == -ETIMEDOUT || err == -EAGAIN || err == -EBADMSG;
}

static void nothing(struct worker *w, void *arg)
{
	(void)w;
	(void)arg;
}

unsigned takeover_look_after_elders(struct edge *g)
{
	struct parcel *p = g->n_elders ? malloc(sizeof(*p)) : NULL;
	unsigned n = 0;

	takeover_expire(g->takeover, g);
	for (unsigned i = 0; i < g->n_elders; i++) {
		if (!p || hear(g, g->elders[i], p))
			g->elders[n++] = g->elders[i];
		else
			close(g->elders[i]);
	}
	free(p);
	/* what the last one sent before it ended is with its workers before they clean up after it
	 */
	if (n < g->n_elders)
		edge_each_worker(g, nothing, NULL);
	g->n_elders = n;
	atomic_store(&g->n_elders_alive, n);
	return n;
}

static void tell(struct edge *g, enum handover_type what)
{
	const struct handover h = {.type = (uint8_t)what};

	for (unsigned i = 0; i < g->n_elders; i++)
		handover_say(g->elders[i], &h, NULL, 0);
}

void takeover_drain_elders(struct edge *g)
{
	tell(g, HANDOVER_DRAIN);
}

void takeover_end_elders(struct edge *g)
{
	tell(g, HANDOVER_END);
}
