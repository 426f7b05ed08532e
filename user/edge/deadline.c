// SPDX-License-Identifier: GPL-2.0-only
/*
 * deadline - when a connection has waited long enough, and what happens then.
 */
#include <errno.h>
#include <sys/socket.h>

#include "conn.h"
#include "edge_private.h"
#include "trickle.h"

#define MS 1000000ULL
#define FLUSH_MS 1000 /* a reset's other end gets this long to take the rest */

void conn_stop_timer(struct conn *c)
{
	if (!list_empty(&c->timer) && c->timer_kind == TIMER_HELLO) {
		c->worker->n_unrouted--;
		trickle_leave(c);
	}
	list_del(&c->timer);
}

/* The clock of idle ones runs for a half-closed one as well. */
static uint64_t half_closed_ms(const struct config *g)
{
	return g->timeouts.idle < g->timeouts.half_closed ? g->timeouts.idle
							  : g->timeouts.half_closed;
}

uint64_t conn_timer_ms(const struct config *g, enum timer_kind kind)
{
	const uint64_t ms[TIMER_MAX] = {
		[TIMER_HELLO] = g->timeouts.client_hello,
		[TIMER_HANDSHAKE] = g->timeouts.handshake,
		[TIMER_CONNECT] = g->timeouts.connect,
		[TIMER_ACCEPTED] = g->timeouts.connect < g->timeouts.idle ? g->timeouts.connect
									  : g->timeouts.idle,
		/* looked at four times: see conn_on_deadline() */
		[TIMER_IDLE] = g->timeouts.idle / 4,
		[TIMER_HALF_CLOSED] = half_closed_ms(g) / 4,
		[TIMER_FLUSH] = FLUSH_MS,
	};

	return ms[kind];
}

void conn_set_timer(struct conn *c, enum timer_kind kind)
{
	conn_stop_timer(c);
	c->worker->n_unrouted += kind == TIMER_HELLO;
	c->timer_kind = (uint8_t)kind;
	c->deadline_ns = c->worker->now_ns + conn_timer_ms(c->worker->config, kind) * MS;
	list_add_tail(&c->worker->timers[kind], &c->timer);
}

/* Bytes that came, bytes user space moved, and bytes a peer took: a slow reader
 * of what is on its way is busy, although nothing arrives. */
static uint64_t last_activity(struct conn *c)
{
	uint64_t last = c->user_ns, acked = 0;
	struct tcp_info ti;

	if (c->client.flow && c->client.flow->last_ns > last)
		last = c->client.flow->last_ns;
	if (c->upstream.flow && c->upstream.flow->last_ns > last)
		last = c->upstream.flow->last_ns;
	if (!end_info(&c->client, &ti))
		acked += ti.tcpi_bytes_acked;
	if (c->upstream.fd != -1 && !end_info(&c->upstream, &ti))
		acked += ti.tcpi_bytes_acked;
	if (acked != c->acked) {
		c->acked = acked;
		c->acked_ns = c->worker->now_ns;
	}
	return c->acked_ns > last ? c->acked_ns : last;
}

void conn_on_deadline(struct conn *c)
{
	struct worker *w = c->worker;
	const int one = 1;
	uint64_t last, limit;

	switch (c->timer_kind) {
	case TIMER_HELLO:
		conn_on_paired(c);
		if (c->phase != CONN_HELLO)
			return; /* no longer on the list */
		worker_count(w, WC_hello_timeout);
		conn_close(c, CLOSE_HELLO_TIMEOUT, false);
		return;
	case TIMER_HANDSHAKE:
		worker_count(w, WC_tls_timeout);
		atomic_fetch_add(&c->endpoint->stats->conns_failed, 1);
		conn_close(c, CLOSE_TLS_HANDSHAKE, false);
		return;
	case TIMER_CONNECT:
		worker_count(w, WC_dial_timeout);
		conn_dial_failed(c, ETIMEDOUT);
		return;
	case TIMER_ACCEPTED:
		if (!conn_replay_elsewhere(c))
			conn_set_timer(c, TIMER_IDLE);
		return;
	case TIMER_FLUSH:
		conn_close(c, c->reason, c->phase == CONN_FLUSH);
		return;
	default:
		/* (a short one has ended before it could matter) */
		setsockopt(c->upstream.fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
		limit = (c->timer_kind == TIMER_IDLE ? w->config->timeouts.idle
						     : half_closed_ms(w->config)) *
			MS;
		last = last_activity(c);
		if (w->now_ns > last && w->now_ns - last >= limit) {
			conn_close(c, CLOSE_IDLE, true);
			return;
		}
		/* to the end of the list, which keeps it in order */
		conn_set_timer(c, c->timer_kind);
	}
}
