// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream_relay - a connection whose upstream is there: its bytes, and its end.
 */
#include <errno.h>

#include "agent.h"

#define WATCH_ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define WATCH_END (EPOLLRDHUP | EPOLLET)
#define FLUSH_NS SECOND_NS	    /* a reset's other end gets this long to take the rest */
#define UNACKED_NS (60 * SECOND_NS) /* and, when both have ended, what is not acknowledged */

static bool is_kernels(const struct stream *s)
{
	return s->up.mover == MOVER_KERNEL;
}

/* While the kernel moves the bytes, EPOLLIN would wake this thread once a segment. */
static void hush(struct stream *s, bool hushed)
{
	uint32_t mask = hushed ? WATCH_END : WATCH_ALL;

	if (s->hushed == hushed)
		return;
	s->hushed = hushed;
	agent_watch(s->agent, s->client.fd, &s->client_source, mask, true);
	agent_watch(s->agent, s->upstream.fd, &s->upstream_source, mask, true);
}

static void note_end(struct stream *s)
{
	if (!s->conn.reason && (s->up.state == HALF_EOF || s->up.state == HALF_SHUT))
		s->conn.reason = "client_fin";
	else if (!s->conn.reason && (s->down.state == HALF_EOF || s->down.state == HALF_SHUT))
		s->conn.reason = "upstream_fin";
}

static void flush(struct stream *s)
{
	struct half *h = s->client.err ? &s->up : &s->down;

	if (join_flush(h, &s->agent->pump))
		stream_close(s, NULL, true);
	else
		retry_soon(&s->retry, &s->agent->retry, s->agent->now_ns, &s->up, &s->down);
}

static void fail(struct stream *s, const struct end *broken)
{
	const struct half *h = broken == &s->client ? &s->up : &s->down;
	bool ours = broken->err == ENOMEM || broken->err == EMFILE || broken->err == EPROTO;

	/* how it ended, not how it began to */
	s->conn.reason = broken == &s->client ? "client_rst" : "upstream_rst";
	/* what the broken end sent before it broke still belongs to the other one */
	if (ours || s->client.tls || s->upstream.tls || h->dst->err || h->state == HALF_SHUT) {
		stream_close(s, NULL, true);
		return;
	}
	s->state = STREAM_FLUSH;
	s->until_ns = s->agent->now_ns + FLUSH_NS;
	list_del(&s->ready);
	retry_never(&s->retry);
	flush(s);
}

/* Both directions have ended.  True: the rest is the kernel's. */
static bool may_close(struct stream *s)
{
	if (!is_kernels(s) ||
	    join_may_close(&s->up, &s->down, s->up.prefix + s->down.prefix + s->up.skipped))
		return true;
	if (!s->until_ns)
		s->until_ns = s->agent->now_ns + UNACKED_NS;
	return false;
}

static void run(struct stream *s, bool up, bool down)
{
	uint64_t before = s->up.moved + s->down.moved;
	unsigned want;

	if (up)
		s->up_wants = half_pump(&s->up, &s->agent->pump);
	if (down)
		s->down_wants = half_pump(&s->down, &s->agent->pump);
	want = s->up_wants | s->down_wants;
	note_end(s);
	if (s->up.state == HALF_FAILED || s->down.state == HALF_FAILED) {
		fail(s, half_failed_end(s->up.state == HALF_FAILED ? &s->up : &s->down));
		return;
	}
	if (s->up.state == HALF_SHUT && s->down.state == HALF_SHUT) {
		if (may_close(s)) {
			stream_close(s, "client_fin", false);
			return;
		}
		want |= HALF_WANT_RETRY;
	}
	if (is_kernels(s))
		hush(s, !(want & (HALF_WANT_READ | HALF_WANT_WRITE)));
	list_del(&s->ready);
	if (want & HALF_WANT_TURN)
		list_add_tail(&s->agent->ready, &s->ready);
	if (s->up.moved + s->down.moved != before)
		s->retry.step_ns = 0;
	if (want & HALF_WANT_RETRY)
		retry_soon(&s->retry, &s->agent->retry, s->agent->now_ns, &s->up, &s->down);
	else
		retry_never(&s->retry);
}

void relay_run(struct stream *s)
{
	if (s->state == STREAM_OPEN)
		run(s, true, true);
	else if (s->state == STREAM_FLUSH)
		flush(s);
}

void relay_on_state(struct stream *s, struct end *e)
{
	if (s->state == STREAM_OPEN && e->slot) {
		if (!end_is_broken(e))
			end_look_fin(e);
		if (e->err) {
			fail(s, e);
			return;
		}
	}
	relay_run(s);
}

/*
 * Who waits for bytes is not to be bothered because there is room.  (A TLS session may want the one
 * for the sake of the other.)
 */
void relay_on_event(struct stream *s, struct end *e, uint32_t events)
{
	bool read = events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
	bool write = events & (EPOLLOUT | EPOLLHUP | EPOLLERR);
	bool any = s->client.tls || s->upstream.tls;
	bool of_client = e == &s->client;

	if (e->slot && events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
		relay_on_state(s, e);
	else if (s->state == STREAM_FLUSH || is_kernels(s))
		relay_run(s);
	else
		run(s, any || (of_client ? read : write && s->up_wants != HALF_WANT_READ),
		    any || (of_client ? write && s->down_wants != HALF_WANT_READ : read));
}

void relay_open(struct stream *s)
{
	s->state = STREAM_OPEN;
	s->until_ns = 0;
	if (s->client.enrolled && s->upstream.enrolled) {
		join_kernel(&s->up, &s->down);
	} else {
		join_user(&s->up, &s->down);
		if (s->client.slot)
			join_shrink(s->client.fd);
		if (s->upstream.slot)
			join_shrink(s->upstream.fd);
	}
	/* what was told of an end before there was a relay */
	if (s->client.flow && s->client.flow->tcp_state)
		relay_on_state(s, &s->client);
	if (s->state == STREAM_OPEN && s->upstream.flow && s->upstream.flow->tcp_state)
		relay_on_state(s, &s->upstream);
	relay_run(s);
}
