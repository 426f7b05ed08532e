// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay - the hello that the verdict program kept: read for the event, sent to another upstream
 * when the first one turns out to be dead, let go when it has answered.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "edge_private.h"
#include "hello.h"
#include "pool.h"

void conn_note_replay(struct conn *c)
{
	const struct replay *r = kern_replay(c->worker->kern, c->replay);
	char key[HELLO_KEY_LEN];
	struct hello h;
	int len;

	if (hello_parse(r->bytes, r->len, &h) == HELLO_OK) {
		len = hello_name(r->bytes, &h, key);
		conn_note(c, r->bytes, &h, key, len > 0 ? (size_t)len : 0);
	}
	list_add_tail(&c->worker->answers, &c->answer);
}

void conn_release_hello(struct conn *c)
{
	const struct flow *b = c->upstream.flow;

	if (!c->replay || !b || !(b->redir + b->passed))
		return;
	list_del(&c->answer);
	c->client.flow->replay = 0;
	worker_replay_put(c->worker, c->replay);
	c->replay = 0;
}

/*
 * A warm upstream that the program took may have ended a moment before.  As long
 * as its TCP has acknowledged not one byte of the hello, nobody has seen it, and
 * a fresh upstream can have what we kept.  (One that has acknowledged and then
 * hangs up meant it.)  The client moves to a fresh slot, so that a run of the
 * program still in flight writes to the old one only.
 */
bool conn_replay(struct conn *c)
{
	struct worker *w = c->worker;
	const struct flow *a = c->client.flow, *b = c->upstream.flow;
	struct tcp_info ti;
	struct replay *r;
	uint32_t slot, old, place;
	struct hello h;
	struct flow *f;
	bool moved;

	if (!c->replay || c->replayed || c->phase != CONN_OPEN || c->up.mover != MOVER_KERNEL)
		return false;
	r = kern_replay(w->kern, c->replay);
	if (!r->len || c->client.fin || c->client.err || b->redir + b->passed)
		return false;
	/* early data is not for repeating (RFC 8446 8) */
	if (hello_parse(r->bytes, r->len, &h) != HELLO_OK ||
	    hello_has_ext(&h, HELLO_EXT_EARLY_DATA))
		return false;
	/* our SYN counts as one */
	if (end_info(&c->upstream, &ti) || ti.tcpi_bytes_acked > 1)
		return false;
	__atomic_store_n(&c->client.flow->peer_cookie, 0, __ATOMIC_SEQ_CST);
	/* takes the socket's lock: no run that saw the old peer is left after this */
	end_kick(&c->client);
	if (a->redir != r->len || a->relayed ||
	    (slot = worker_slot_get(w, &c->client)) == SLOT_NONE) {
		worker_count(w, WC_replay_refused);
		return false;
	}
	c->replayed = 1;
	worker_slot_put(w, end_close(&c->upstream, w->kern, true));
	old = c->client.slot;
	f = kern_flow(w->kern, old);
	if (end_slot(&c->client, w->kern, slot, FLOW_CLIENT_USER, w->index, 0, f)) {
		worker_slot_put(w, slot);
		conn_close(c, CLOSE_UPSTREAM_RST, true);
		return true;
	}
	place = f->next_seq;
	/* the last run that wrote to the old slot is over after this */
	end_kick(&c->client);
	/* what it counted as passed is still unread */
	__atomic_fetch_add(&c->client.flow->passed, f->passed, __ATOMIC_SEQ_CST);
	moved = f->next_seq != place;
	f->cookie = 0;
	f->role = FLOW_FREE;
	worker_slot_put(w, old);
	c->up.before = r->len;
	if (moved) { /* a segment came between the two slots */
		conn_close(c, CLOSE_UPSTREAM_RST, true);
		return true;
	}
	/* The hello goes first, outside the flow's count: it was this stream's bytes
	 * already, and they are in bytes_user now. */
	c->replay_pending = true;
	c->phase = CONN_CONNECT;
	c->dial_ns = w->now_ns;
	c->tries = 0;
	worker_count(w, WC_start_replayed);
	conn_set_timer(c, TIMER_CONNECT);
	conn_dial_fresh(c);
	return true;
}

/* Writes the kept hello to the new upstream.  False: it is broken as well. */
bool conn_write_replay(struct conn *c)
{
	struct replay *r = kern_replay(c->worker->kern, c->replay);
	ssize_t n;

	/* at most 4 KiB into an empty send buffer: all or nothing */
	n = send(c->upstream.fd, r->bytes, r->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n != (ssize_t)r->len)
		return false;
	c->replay_pending = false;
	list_del(&c->answer);
	worker_replay_put(c->worker, c->replay);
	c->replay = 0;
	return true;
}
