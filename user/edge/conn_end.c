// SPDX-License-Identifier: GPL-2.0-only
/*
 * conn_end - how this daemon parts with a connection: it is closed, with its event, or another
 * daemon has it.
 */
#include <stdlib.h>
#include <sys/socket.h>

#include "account.h"
#include "conn.h"
#include "crowd.h"
#include "edge_private.h"
#include "join.h"
#include "pool.h"
#include "sni.h"

/* On no list and clock any more; what comes for it in this turn is ignored. */
static void leave_all(struct conn *c)
{
	c->phase = CONN_DEAD;
	conn_stop_timer(c);
	list_del(&c->retry.link);
	list_del(&c->ready);
	list_del(&c->answer);
	list_del(&c->silent);
	pool_leave(c);
	list_del(&c->all);
}

/* Its memory goes at the end of the turn. */
static void bury(struct conn *c)
{
	struct worker *w = c->worker;

	half_done(&c->up);
	half_done(&c->down);
	if (c->sni) {
		sni_done(c->sni);
		free(c->sni);
	}
	crowd_leave(w->edge->crowd, c->place);
	free(c->note);
	free(c->offer);
	free(c->proxied);
	if (c->endpoint) {
		atomic_fetch_sub(&c->endpoint->stats->conns_active, 1);
		endpoint_put(c->endpoint);
	}
	w->n_conns--;
	atomic_fetch_sub_explicit(&w->edge->n_conns, 1, memory_order_relaxed);
	list_add_tail(&w->graves, &c->all);
}

void conn_close(struct conn *c, enum close_reason reason, bool reset)
{
	struct worker *w = c->worker;

	if (c->phase == CONN_DEAD)
		return;
	c->reason = (uint8_t)reason;
	conn_emit(c);
	/* close() would send RST for what nobody has read, a peeked hello or what came behind it */
	if (!reset && c->phase < CONN_OPEN && c->client.fd != -1)
		recv(c->client.fd, w->pump.buf, w->pump.size, MSG_DONTWAIT);
	leave_all(c);
	join_part(&c->up, &c->down);
	slots_end_close(&w->slots, &c->client, reset);
	if (c->upstream.fd != -1)
		slots_end_close(&w->slots, &c->upstream, reset);
	worker_replay_put(w, c->replay);
	bury(c);
}

/* It has no slot, see conn_may_move().  (epoll would keep a descriptor that another process has
 * open, and tell of it) */
static void forget_end(struct worker *w, struct end *e)
{
	if (e->fd == -1)
		return;
	worker_watch(w, e, 0);
	end_drop(e, false);
}

void conn_forget(struct conn *c)
{
	struct worker *w = c->worker;

	if (c->endpoint)
		conn_account_end(c);
	leave_all(c);
	forget_end(w, &c->client);
	forget_end(w, &c->upstream);
	worker_replay_put(w, c->replay);
	bury(c);
}
