// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "conn.h"
#include "crowd.h"
#include "edge_private.h"
#include "join.h"
#include "log.h"
#include "pool.h"
#include "sni.h"
#include "terminate.h"
#include "tunnel.h"

/* The kernel path's send buffers are bounded by its gate; here send() is the gate.  (An upstream
 * without a slot was never to take it.) */
static void shrink_buffers(struct conn *c)
{
	join_shrink(c->client.fd);
	if (c->upstream.slot)
		join_shrink(c->upstream.fd);
}

/* Both directions' mover, from what the two sockets are. */
void conn_pair(struct conn *c)
{
	struct worker *w = c->worker;
	bool kernel = c->client.enrolled && c->upstream.enrolled && !c->fallback_path;

	if (kernel) /* joined below, behind a hello that is sent again */
		c->up.mover = c->down.mover = MOVER_KERNEL;
	else
		join_user(&c->up, &c->down);
	c->phase = CONN_OPEN;
	c->peeked = 0;
	c->connected_ns = w->now_ns;
	if (c->dial_ns)
		histogram_add(&w->connect_us, (w->now_ns - c->dial_ns) / 1000);
	if (c->tries && !c->replayed)
		list_add_tail(&w->unanswered, &c->silent);
	conn_set_timer(c, conn_keeps_hello(c) ? TIMER_ACCEPTED : TIMER_IDLE);
	if (c->replay_pending && !conn_write_replay(c)) {
		conn_fail(c, &c->upstream);
		return;
	}
	if (kernel) {
		c->client.flow->endpoint = c->upstream.flow->endpoint = c->endpoint->num;
		join_kernel(&c->up, &c->down);
	} else {
		if (w->kern)
			shrink_buffers(c);
		worker_watch_all(w, &c->client);
		worker_watch_all(w, &c->upstream);
	}
	conn_catch_up(c);
}

void conn_on_paired(struct conn *c)
{
	struct worker *w = c->worker;
	struct flow *a = c->client.flow;
	uint64_t cookie;
	struct end *e;

	if (c->phase != CONN_HELLO || !c->client.enrolled)
		return;
	cookie = __atomic_load_n(&a->peer_cookie, __ATOMIC_ACQUIRE);
	if (!cookie) {
		if (*(volatile __u32 *)&a->hello == FLOW_HELLO_DENIED)
			conn_on_denied(c);
		return;
	}
	e = slots_end(&w->slots, a->peer);
	if (!e || e->kind != END_WARM || e->cookie != cookie) {
		log_err("paired with an upstream that is not there: slot=%u", a->peer);
		conn_close(c, CLOSE_INTERNAL, true);
		return;
	}
	c->endpoint = endpoint_get(pool_endpoint(((struct warm *)e->owner)->pool));
	pool_taken(e->owner, c);
	conn_took_upstream(c);
	worker_count(w, WC_start_kernel);
	worker_count(w, WC_warm_used_kernel);
	atomic_fetch_add(&c->endpoint->stats->conns_total, 1);
	atomic_fetch_add(&c->endpoint->stats->conns_active, 1);
	conn_count_source(c);
	c->hello_ns = a->paired_ns;
	conn_note_replay(c);
	/* for the event: it is, or was when the program asked */
	if (!conn_is_allowed(c))
		c->ip_policy = IP_POLICY_ALLOW;
	c->up.mover = c->down.mover = MOVER_KERNEL;
	c->phase = CONN_OPEN;
	conn_set_timer(c, TIMER_ACCEPTED);
	if (w->polled)
		worker_watch(w, &c->upstream, WATCH_END);
	if (c->client.watched) /* user space had begun to wait for the hello */
		worker_watch(w, &c->client, w->polled ? WATCH_END : 0);
	pool_on_start(pool_of(w, c->endpoint));
	if (c->endpoint->agent)
		conn_tell_agent(c);
	conn_catch_up(c);
}

/* Events of an end can come before its connection is known: a FIN's precedes the
 * bytes of its segment. */
void conn_catch_up(struct conn *c)
{
	if (c->client.flow && c->client.flow->tcp_state)
		conn_on_state(c, &c->client, 0);
	if (c->phase == CONN_OPEN && c->upstream.flow && c->upstream.flow->tcp_state)
		conn_on_state(c, &c->upstream, 0);
	conn_run(c);
}

/* The client's end of a warm upstream: slot and epoll now lead to the conn. */
void conn_took_upstream(struct conn *c)
{
	struct worker *w = c->worker;
	struct end *e = &c->upstream;

	e->kind = END_UPSTREAM;
	e->owner = c;
	slots_moved(&w->slots, e);
	if (e->enrolled && e->watched) /* else conn_pair() asks for everything */
		worker_watch(w, e, WATCH_END);
}

void conn_on_ready(struct conn *c, struct end *e)
{
	(void)e;
	switch (c->phase) {
	case CONN_HELLO:
		if (c->undecided) {
			conn_peek(c);
			return;
		}
		conn_on_paired(c);
		if (c->phase != CONN_HELLO)
			return;
		if (!c->client.enrolled || c->client.flow->passed)
			conn_read_hello(c);
		return;
	case CONN_CONNECT:
		if (e == &c->upstream)
			conn_connected(c);
		return;
	case CONN_HANDSHAKE:
		terminate_on_ready(c);
		return;
	case CONN_LINGER:
		conn_linger(c);
		return;
	case CONN_OPEN:
		conn_run(c);
		return;
	case CONN_FLUSH:
		conn_on_retry(c);
		return;
	}
}

/* Of an end that is another since this turn began epoll's events may be the earlier one's. */
static uint32_t believed(const struct conn *c, uint32_t events)
{
	return c->phase == CONN_OPEN && c->connected_ns != c->worker->now_ns ? events : 0;
}

void conn_on_state(struct conn *c, struct end *e, uint32_t events)
{
	if (c->phase == CONN_DEAD || e->fd == -1)
		return;
	conn_on_paired(c);
	if (c->phase == CONN_DEAD)
		return;
	if (c->phase == CONN_CONNECT && e == &c->upstream) {
		conn_connected(c);
		return;
	}
	if (end_look(e, believed(c, events))) {
		if (c->reason == CLOSE_REASON_MAX && c->phase == CONN_OPEN)
			c->reason = e == &c->client ? CLOSE_CLIENT_FIN : CLOSE_UPSTREAM_FIN;
		if (e == &c->upstream && conn_replay(c))
			return;
	}
	switch (c->phase) {
	case CONN_HELLO:
		if (e->err)
			conn_close(c, CLOSE_CLIENT_RST, true);
		else if (c->undecided)
			conn_peek(c);
		else
			conn_read_hello(c); /* reads what came, then the EOF */
		return;
	case CONN_CONNECT:
		/* a client that has only half-closed still waits for its answer */
		if (e->err)
			conn_close(c, CLOSE_CLIENT_RST, true);
		return;
	case CONN_HANDSHAKE:
		if (e->err && e != c->shaking)
			conn_close(c, e == &c->client ? CLOSE_CLIENT_RST : CLOSE_UPSTREAM_RST,
				   true);
		else
			terminate_on_ready(c);
		return;
	case CONN_OPEN:
		if (e->err)
			conn_fail(c, e);
		else
			conn_run(c);
		return;
	case CONN_LINGER:
		conn_linger(c);
		return;
	case CONN_FLUSH:
		/* the broken end may be reported twice; only the other one matters now */
		if (c->client.err && c->upstream.err)
			conn_close(c, c->reason, true);
		return;
	}
}

/* In an episode both sockets are watched; else nothing is registered, because
 * EPOLLIN would wake this thread once a redirected segment. */
static void watch_for(struct conn *c, unsigned want)
{
	struct worker *w = c->worker;
	uint32_t mask = w->polled ? WATCH_END : 0;

	if (c->up.mover != MOVER_KERNEL)
		return; /* registered once, for everything */
	if (want & (HALF_WANT_READ | HALF_WANT_WRITE))
		mask = WATCH_ALL;
	if (mask == WATCH_ALL && c->watch_all)
		return;
	if (mask == WATCH_ALL) {
		worker_count(w, WC_passed_episodes);
		worker_watch(w, &c->client, mask);
		worker_watch(w, &c->upstream, mask);
	} else if (c->watch_all) {
		worker_watch(w, &c->client, mask);
		worker_watch(w, &c->upstream, mask);
	}
	c->watch_all = mask == WATCH_ALL;
}

static bool both_shut(const struct conn *c)
{
	return c->up.state == HALF_SHUT && c->down.state == HALF_SHUT;
}

void conn_run(struct conn *c)
{
	struct worker *w = c->worker;
	uint64_t before = c->up.moved + c->down.moved;
	unsigned want;

	if (c->phase != CONN_OPEN)
		return;
#ifdef MUTANT
	if (w->pump.mutant == MUTANT_DELETE_UNREAD && c->up.mover == MOVER_KERNEL &&
	    c->up.pending_len == 0 && c->client.flow->passed != c->client.flow->relayed)
		kern_sock_del(w->kern, c->client.cookie);
#endif
	c->up.last = c->down.state == HALF_SHUT;
	want = half_pump(&c->up, &w->pump);
	c->down.last = c->up.state == HALF_SHUT;
	want |= half_pump(&c->down, &w->pump);
	if (c->up.moved + c->down.moved != before) {
		c->user_ns = w->now_ns;
		c->retry.step_ns = 0;
		if (c->down.moved && !c->first_byte_ns)
			c->first_byte_ns = w->now_ns;
	}
	if (c->up.state == HALF_FAILED || c->down.state == HALF_FAILED) {
		conn_fail(c, half_failed_end(c->up.state == HALF_FAILED ? &c->up : &c->down));
		return;
	}
	if (c->reason == CLOSE_REASON_MAX && (c->client.fin || c->upstream.fin))
		c->reason = c->client.fin ? CLOSE_CLIENT_FIN : CLOSE_UPSTREAM_FIN;
	if (both_shut(c)) {
		if (join_may_close(&c->up, &c->down, c->preface)) {
			conn_close(c, c->reason, false);
			return;
		}
		half_shut_now(&c->up);
		half_shut_now(&c->down);
		want |= HALF_WANT_RETRY;
	}
	if ((c->up.state == HALF_SHUT || c->down.state == HALF_SHUT) &&
	    (c->timer_kind == TIMER_IDLE || c->timer_kind == TIMER_ACCEPTED))
		conn_set_timer(c, TIMER_HALF_CLOSED);
	watch_for(c, want);
	list_del(&c->ready);
	if (want & HALF_WANT_TURN)
		list_add_tail(&w->ready, &c->ready);
	if (want & HALF_WANT_RETRY)
		retry_soon(&c->retry, &w->retry, w->now_ns, &c->up, &c->down);
	else
		retry_never(&c->retry);
}

void conn_on_retry(struct conn *c)
{
	struct worker *w = c->worker;
	struct end *to;
	struct half *h;

	if (c->phase == CONN_OPEN) {
		conn_run(c);
		return;
	}
	if (c->phase == CONN_HELLO && c->awaits)
		conn_decide_again(c);
	if (c->phase != CONN_FLUSH)
		return;
	to = c->client.err ? &c->upstream : &c->client;
	h = to == &c->client ? &c->down : &c->up;
	if (join_flush(h, &w->pump)) {
		/* to a client of ours FIN without close_notify says the same, and waits
		 * for what is on the way */
		conn_close(c, c->reason, !to->tls);
		return;
	}
	retry_soon(&c->retry, &w->retry, w->now_ns, &c->up, &c->down);
}

/* A reset by the upstream; or its agent has said before it that it has none for this one. */
static enum close_reason reset_by_upstream(const struct conn *c)
{
	struct endpoint *e = c->endpoint;
	enum tunnel_failure how;

	if (!e || !e->agent)
		return CLOSE_UPSTREAM_RST;
	how = tunnel_failure(c->worker->edge->tunnel, e->agent, c->channel);
	if (how == TUNNEL_FAILURE_NONE)
		return CLOSE_UPSTREAM_RST;
	atomic_fetch_add(&e->stats->conns_failed, 1);
	return how == TUNNEL_FAILURE_TIMEOUT ? CLOSE_UPSTREAM_TIMEOUT : CLOSE_UPSTREAM_REFUSED;
}

/* Who ended it.  Servers that are told that the client has finished may answer by FIN alone,
 * without a close_notify: to the client it looks cut off, but that is not why it has ended. */
static enum close_reason who_broke(const struct conn *c, const struct end *broken)
{
	if (broken == &c->client)
		return CLOSE_CLIENT_RST;
	if (broken->err == ENODATA && c->client.fin && c->up.state == HALF_SHUT)
		return CLOSE_CLIENT_FIN;
	return reset_by_upstream(c);
}

void conn_fail(struct conn *c, struct end *broken)
{
	enum close_reason reason = who_broke(c, broken);
	struct half *h = broken == &c->client ? &c->up : &c->down;

	if (broken->err == ENOMEM || broken->err == EMFILE || broken->err == EPROTO)
		reason = CLOSE_INTERNAL;
	if (broken == &c->upstream && conn_replay(c))
		return;
	c->reason = (uint8_t)reason;
	/* What the broken end sent before it broke still belongs to the other one. */
	if (h->dst->fd != -1 && !h->dst->err && h->state != HALF_SHUT && reason != CLOSE_INTERNAL) {
		if (!broken->err)
			broken->err = ECONNRESET;
		c->phase = CONN_FLUSH;
		c->up.last = c->down.last = false;
		retry_never(&c->retry);
		list_del(&c->ready);
		conn_set_timer(c, TIMER_FLUSH);
		conn_on_retry(c);
		return;
	}
	conn_close(c, reason, true);
}
