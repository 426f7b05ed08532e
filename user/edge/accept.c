// SPDX-License-Identifier: GPL-2.0-only
/*
 * accept - a connection's first moment: who is let in, and under the verdict program or not.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "edge_private.h"
#include "hello.h"
#include "policies.h"
#include "takeover.h"
#include "terminate.h"

struct conn *conn_new(struct worker *w, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->worker = w;
	end_init(&c->client, fd);
	end_init(&c->upstream, -1);
	c->client.kind = END_CLIENT;
	c->upstream.kind = END_UPSTREAM;
	c->client.owner = c->upstream.owner = c;
	half_init(&c->up, &c->client, &c->upstream);
	half_init(&c->down, &c->upstream, &c->client);
	list_init(&c->all);
	list_init(&c->timer);
	list_init(&c->retry.link);
	list_init(&c->ready);
	list_init(&c->answer);
	list_init(&c->silent);
	list_init(&c->queue);
	c->phase = CONN_HELLO;
	c->reason = CLOSE_REASON_MAX;
	c->start_ns = w->now_ns;
	c->user_ns = w->now_ns;
	clock_gettime(CLOCK_REALTIME, &c->start);
	c->id_prefix = w->edge->id_prefix;
	c->id_worker = (uint8_t)w->index;
	c->number = c->order = ++w->conn_number;
	addr_narrow(sa, len, &c->client_addr);
	list_add_tail(&w->conns, &c->all);
	w->n_conns++;
	atomic_fetch_add_explicit(&w->edge->n_conns, 1, memory_order_relaxed);
	return c;
}

#define PEEKS_MAX 4 /* a hello in more pieces goes the way of the slow start */

/* NULL: no memory for it; it is closed, and all that is left of it is a counter. */
static struct conn *let_in(struct worker *w, int fd, const struct sockaddr *sa, socklen_t len)
{
	struct conn *c = conn_new(w, fd, sa, len);

	worker_count(w, c ? WC_accepted : WC_accept_failed);
	if (!c)
		close(fd);
	return c;
}

void conn_refuse(struct worker *w, int fd, const struct sockaddr *sa, socklen_t len,
		 enum close_reason reason)
{
	struct conn *c = let_in(w, fd, sa, len);

	if (!c)
		return;
	if (reason == CLOSE_IP_DENIED)
		c->ip_policy = IP_POLICY_BLOCK;
	conn_close(c, reason, true);
}

/* Watched as any socket; spliced, unless its TLS ends here. */
static void leave_plain(struct conn *c)
{
	c->up.mover = MOVER_SPLICE;
	if (!c->client.watched)
		worker_watch(c->worker, &c->client, WATCH_ALL);
}

/* Puts the client under the verdict program, or watches it as any socket. */
static void client_enrol(struct conn *c)
{
	/* The program starts none that a header comes ahead of: it could neither cut it off
	 * nor know whose connection it is; and none without a hello. */
	bool by_user = c->wants_header || c->endpoint;
	struct worker *w = c->worker;
	uint32_t slot;

	if (!w->kern)
		goto plain;
	slot = worker_slot_get(w, &c->client);
	if (slot == SLOT_NONE) {
		worker_count(w, WC_not_enrolled);
		goto plain;
	}
	if (!by_user)
		c->replay = worker_replay_get(w);
	if (end_slot(&c->client, w->kern, slot, by_user ? FLOW_CLIENT_USER : FLOW_CLIENT, w->index,
		     c->replay, NULL)) {
		worker_replay_put(w, c->replay);
		c->replay = 0;
		slots_give(&w->slots, slot);
		worker_count(w, WC_not_enrolled);
		goto plain;
	}
	if (end_enrol(&c->client, w->kern)) {
		/* half-closed already, or the map is full: the slow path serves it */
		worker_count(w, WC_not_enrolled);
		goto plain;
	}
	if (w->polled || c->client.watched) /* while it was undecided */
		worker_watch(w, &c->client, w->polled ? WATCH_END : 0);
#ifdef MUTANT
	if (w->pump.mutant == MUTANT_NO_KICK)
		return;
#endif
	end_kick(&c->client);
	return;
plain:
	leave_plain(c);
}

/*
 * Is it for us what TLS this hello asks for?  Not of who may not connect: the program denies them,
 * and user space reads nothing of theirs.
 */
static bool is_for_us(struct conn *c, const uint8_t *buf, const struct hello *h, const char *name)
{
	struct worker *w = c->worker;
	struct sockaddr_storage client;
	struct endpoint *e = registry_peek(w->edge->registry, name);
	bool ours;

	if (takeover_expects(w->edge->takeover, name, e ? e->host : NULL)) {
		endpoint_put(e);
		return false; /* it will turn out when the agent is here */
	}
	if (!e && w->config->default_endpoint)
		e = registry_find(w->edge->registry, w->config->default_endpoint);
	conn_client_addr(c, &client);
	ours = e && e->tls_server && !terminate_is_acme(e, buf, h) &&
	       policies_judge(w->edge->policies, &e->head->policy, &client) != POLICY_DENY;
	endpoint_put(e);
	return ours;
}

/*
 * Where any TLS ends here, a client is enrolled only when its hello has been looked at and is not
 * one of that: its bytes have to come to user space anyway, which the program and its wake-ups only
 * delay, and a socket under the program can do no TLS of its own (kTLS and sockmap exclude each
 * other).  The look leaves the hello where it is: the program, or OpenSSL, reads it there.
 */
void conn_peek(struct conn *c)
{
	struct worker *w = c->worker;
	uint8_t *buf = w->pump.buf;
	char name[HELLO_KEY_LEN];
	enum hello_verdict v;
	struct hello h;
	ssize_t n;
	int len;

	n = recv(c->client.fd, buf, HELLO_MAX, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) { /* the kernel tells it once */
		c->undecided = false;
		c->client.err = errno;
		conn_close(c, CLOSE_CLIENT_RST, true);
		return;
	}
	c->peeked = (uint32_t)n;
	v = hello_parse(buf, c->peeked, &h);
	if (v == HELLO_MORE && n && !c->client.fin && ++c->reads < PEEKS_MAX)
		return;
	c->undecided = false;
	len = v == HELLO_OK ? hello_name(buf, &h, name) : 0;
	if (len > 0 && is_for_us(c, buf, &h, name)) {
		leave_plain(c);
		conn_start_peeked(c, buf, &h, name, len);
		return;
	}
	c->peeked = 0;
	client_enrol(c);
	conn_on_ready(c, &c->client);
}

/*
 * limits.unrouted: who has waited longest without a hello makes room for the new
 * one, so that a flood of silent connections cannot keep others out.
 */
static void make_room(struct worker *w)
{
	unsigned max = w->config->limits.unrouted / w->edge->n_workers;
	struct conn *c;

	while (w->n_unrouted && w->n_unrouted >= (max ? max : 1)) {
		c = list_of(w->timers[TIMER_HELLO].next, struct conn, timer);
		conn_on_paired(c);
		if (c->phase != CONN_HELLO)
			continue;
		worker_count(w, WC_unrouted_evicted);
		conn_close(c, CLOSE_LIMIT, true);
	}
}

/* Of a TCP endpoint, which counts it from now on. */
static void begin_tcp(struct conn *c, const char *tcp)
{
	c->endpoint = registry_route(c->worker->edge->registry, tcp, 0);
	if (!c->endpoint) { /* it has just gone offline */
		conn_close(c, CLOSE_UNKNOWN_NAME, true);
		return;
	}
	atomic_fetch_add(&c->endpoint->stats->conns_total, 1);
	atomic_fetch_add(&c->endpoint->stats->conns_active, 1);
	if (c->wants_header)
		conn_set_timer(c, TIMER_HELLO);
	client_enrol(c);
	if (c->wants_header)
		conn_on_ready(c, &c->client);
	else
		conn_start_tcp(c);
}

void conn_accept(struct worker *w, const char *tcp, int fd, const struct sockaddr *sa,
		 socklen_t len)
{
	const struct config *g = w->config;
	struct conn *c;

	if (atomic_load_explicit(&w->edge->n_conns, memory_order_relaxed) +
		    atomic_load_explicit(&w->edge->n_charges, memory_order_relaxed) >=
	    g->limits.connections) {
		worker_count(w, WC_over_limit);
		conn_refuse(w, fd, sa, len, CLOSE_LIMIT);
		return;
	}
	if (cidr_match_any(g->ip_deny.at, g->ip_deny.n, (const struct sockaddr_storage *)sa)) {
		worker_count(w, WC_denied_by_all);
		conn_refuse(w, fd, sa, len, CLOSE_IP_DENIED);
		return;
	}
	if (!tcp)
		make_room(w);
	c = let_in(w, fd, sa, len);
	if (!c)
		return;
	c->wants_header = cidr_match_any(g->proxy_from.at, g->proxy_from.n,
					 (const struct sockaddr_storage *)sa);
	if (tcp) {
		begin_tcp(c, tcp);
		return;
	}
	conn_set_timer(c, TIMER_HELLO);
	if (w->kern && !c->wants_header && registry_terminates(w->edge->registry)) {
		c->undecided = true;
		conn_peek(c);
		if (c->undecided)
			worker_watch(w, &c->client, WATCH_ALL);
		return;
	}
	client_enrol(c);
	conn_on_ready(c, &c->client);
}
