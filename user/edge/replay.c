// SPDX-License-Identifier: GPL-2.0-only
/*
 * replay - a warm upstream turned out to be dead: what it was sent goes to a fresh one.
 *
 * As long as its TCP has acknowledged not one byte, hardly anybody has seen any: an acknowledgement
 * may be late (RFC 9293 3.8.6.3), and a reset by who has read it all comes before it, which tells
 * ours of none.  A hello does no harm the second time; anything else is only repeated if none of it
 * was sent.  (One that has acknowledged and then hangs up meant it.)  The program keeps the hello
 * of what it starts, user space what it has written (half_keep()) until the first byte of the
 * answer.
 *
 * A channel is no better for being new: its agent may have died since it proved itself.
 */
#include <sys/socket.h>

#include "conn.h"
#include "edge_private.h"
#include "log.h"
#include "pool.h"

#define KEEP_NS (10ULL * 1000 * 1000 * 1000) /* a dead one answers with a reset before that */

#define REPLAYS_MAX GROUP_MEMBERS /* each from another that died */

uint64_t conn_accepted(const struct conn *c, const struct tcp_info *seen)
{
	struct tcp_info ti;
	uint64_t acked;

	if (c->upstream.final)
		return c->upstream.enqueued > c->preface ? c->upstream.enqueued - c->preface : 0;
	if (!seen && end_info(&c->upstream, &ti))
		return 0;
	if (!seen)
		seen = &ti;
	/* the kernel counts our FIN, and our SYN if it was we who connected */
	acked = seen->tcpi_bytes_acked;
	if (acked && !c->endpoint->agent)
		acked--;
	if (acked > end_enqueued(seen))
		acked = end_enqueued(seen);
	return acked > c->preface ? acked - c->preface : 0;
}

/* ---- kept by the program ---- */

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

/* ---- kept by user space ---- */

void conn_keep(struct conn *c)
{
	if (c->early || c->replay)
		return;
	half_keep(&c->up);
	list_del(&c->answer);
	list_add_tail(&c->worker->keeps, &c->answer);
}

static bool is_answered(const struct conn *c)
{
	const struct flow *b = c->upstream.flow;

	return c->down.moved || (b && b->redir + b->passed);
}

void conn_let_go(struct worker *w)
{
	struct list *it, *tmp;
	struct conn *c;

	list_for_each_safe(it, tmp, &w->keeps) {
		c = list_of(it, struct conn, answer);
		if (c->phase != CONN_OPEN ||
		    (!is_answered(c) && w->now_ns - c->connected_ns < KEEP_NS))
			continue;
		half_forget(&c->up);
		list_del(&c->answer);
	}
}

void conn_settle(struct conn *c)
{
	if ((!c->replay && !c->up.keeps) || c->phase != CONN_OPEN)
		return;
	if (!is_answered(c) && !conn_accepted(c, NULL))
		return;
	list_del(&c->answer);
	half_forget(&c->up);
	if (!c->replay)
		return;
	c->client.flow->replay = 0;
	worker_replay_put(c->worker, c->replay);
	c->replay = 0;
}

/* ---- once more ---- */

/* The upstream is closed; what goes to the next one is pending, or in the replay buffer. */
static bool again(struct conn *c, void (*dial)(struct conn *c))
{
	struct worker *w = c->worker;

	worker_count(w, WC_start_replayed);
	list_del(&c->retry.link); /* (of a phase that it will not be in) */
	c->replayed++;
	half_done(&c->down);
	half_init(&c->down, &c->upstream, &c->client);
	c->reason = CLOSE_REASON_MAX;
	c->phase = CONN_CONNECT;
	c->tries = 0;
	dial(c);
	return true;
}

static bool replay_kept(struct conn *c, void (*dial)(struct conn *c))
{
	struct worker *w = c->worker;

	if (c->up.mover == MOVER_KERNEL) {
		__atomic_store_n(&c->client.flow->peer_cookie, 0, __ATOMIC_SEQ_CST);
		/* takes the socket's lock: no run that saw the old peer is left after this */
		end_kick(&c->client);
	}
	if (!half_take_back(&c->up)) {
		worker_count(w, WC_replay_refused);
		return false;
	}
	list_del(&c->answer);
	list_del(&c->retry.link);
	slots_end_close(&w->slots, &c->upstream, true);
	return again(c, dial);
}

/*
 * The client moves to a fresh slot, so that a run of the program still in flight writes to
 * the old one only.
 */
static bool replay_hello(struct conn *c, void (*dial)(struct conn *c))
{
	struct worker *w = c->worker;
	const struct flow *a = c->client.flow;
	struct replay *r = kern_replay(w->kern, c->replay);
	uint32_t slot, old, place;
	struct hello h;
	struct flow *f;
	bool moved;

	/* early data is not for repeating (RFC 8446 8) */
	if (!r->len || hello_parse(r->bytes, r->len, &h) != HELLO_OK ||
	    hello_has_ext(&h, HELLO_EXT_EARLY_DATA))
		return false;
	__atomic_store_n(&c->client.flow->peer_cookie, 0, __ATOMIC_SEQ_CST);
	end_kick(&c->client); /* as above */
	if (a->redir != r->len || a->relayed ||
	    (slot = worker_slot_get(w, &c->client)) == SLOT_NONE) {
		worker_count(w, WC_replay_refused);
		return false;
	}
	slots_end_close(&w->slots, &c->upstream, true);
	old = c->client.slot;
	f = kern_flow(w->kern, old);
	if (end_slot(&c->client, w->kern, slot, FLOW_CLIENT_USER, w->index, 0, f)) {
		slots_give(&w->slots, slot);
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
	slots_give(&w->slots, old);
	c->up.before = r->len;
	if (moved) { /* a segment came between the two slots */
		conn_close(c, CLOSE_UPSTREAM_RST, true);
		return true;
	}
	/* The hello goes first, outside the flow's count: it was this stream's bytes
	 * already, and they are in bytes_user now. */
	c->replay_pending = true;
	return again(c, dial);
}

/* The one that got the hello again has died too. */
static bool repeat_hello(struct conn *c, void (*dial)(struct conn *c))
{
	struct worker *w = c->worker;
	const struct flow *a = c->client.flow;

	__atomic_store_n(&c->client.flow->peer_cookie, 0, __ATOMIC_SEQ_CST);
	end_kick(&c->client); /* as above */
	if (a->redir || c->up.moved) {
		worker_count(w, WC_replay_refused);
		return false;
	}
	list_del(&c->retry.link);
	slots_end_close(&w->slots, &c->upstream, true);
	c->up.prefix = 0;
	c->replay_pending = true;
	return again(c, dial);
}

static bool replay(struct conn *c, void (*dial)(struct conn *c))
{
	if ((!c->replay && !c->up.keeps) || c->replayed >= REPLAYS_MAX || c->phase != CONN_OPEN ||
	    c->client.fin || c->client.err || is_answered(c))
		return false;
	if (conn_accepted(c, NULL))
		return false;
	if (!conn_keeps_hello(c) && c->up.moved)
		return false;
	/* one that speaks first may have said all it has to, and hung up, before we read it */
	if (end_has_data(&c->upstream))
		return false;
	if (!c->replay)
		return replay_kept(c, dial);
	return c->replayed ? repeat_hello(c, dial) : replay_hello(c, dial);
}

bool conn_replay(struct conn *c)
{
	return replay(c, conn_dial_fresh);
}

/* What is kept is a hello and nothing else: it may be repeated although somebody may have read it.
 */
bool conn_keeps_hello(const struct conn *c)
{
	return c->replay || (c->up.keeps && !c->client.tls && !c->endpoint->tcp);
}

/*
 * Whom the network drops without a word is as dead as one that cannot be dialled.  A hello is far
 * less than a window: a kernel that is there acknowledges it whatever its program does.
 */
static void dial_elsewhere(struct conn *c)
{
	worker_count(c->worker, WC_warm_silent);
	conn_dial_elsewhere(c);
}

bool conn_replay_elsewhere(struct conn *c)
{
	if (conn_keeps_hello(c) && replay(c, dial_elsewhere))
		return true;
	/* one that cannot be repeated had its pairing taken back first: it goes on as it was */
	if (c->phase == CONN_OPEN && c->up.mover == MOVER_KERNEL)
		__atomic_store_n(&c->client.flow->peer_cookie, c->upstream.cookie,
				 __ATOMIC_SEQ_CST);
	return false;
}

bool conn_write_replay(struct conn *c)
{
	struct replay *r = kern_replay(c->worker->kern, c->replay);
	ssize_t n;

	/* at most 4 KiB into an empty send buffer: all or nothing */
	n = send(c->upstream.fd, r->bytes, r->len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n != (ssize_t)r->len)
		return false;
	c->replay_pending = false;
	return true;
}
