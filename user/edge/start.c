// SPDX-License-Identifier: GPL-2.0-only
/*
 * start - the slow start: user space reads the hello, decides, dials and writes
 * it; then the connection joins the kernel path like any other.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "account.h"
#include "alpn.h"
#include "conn.h"
#include "edge_private.h"
#include "group.h"
#include "header.h"
#include "ja4.h"
#include "log.h"
#include "pool.h"
#include "sni.h"
#include "takeover.h"
#include "terminate.h"
#include "tls.h"
#include "trickle.h"

#define AWAIT_NS (20ULL * 1000 * 1000)

/* RFC 8446 6: fatal alerts, in the clear, as a server that has chosen nothing. */
enum { ALERT_MISSING_EXTENSION = 109, ALERT_UNRECOGNIZED_NAME = 112 };

void conn_note(struct conn *c, const uint8_t *buf, const struct hello *h, const char *name,
	       size_t name_len)
{
	struct conn_note *n;

	free(c->note);
	c->note = n = calloc(1, sizeof(*n) + name_len + 1);
	if (!n)
		return; /* the event lacks it; the connection goes on */
	ja4_write(buf, h, n->ja4);
	alpn_write(buf, h, n->alpn, sizeof(n->alpn));
	n->name_len = (uint16_t)name_len;
	memcpy(n->name, name, name_len);
}

/* ---- refusals ---- */

/* What the reassembly holds; the bytes themselves are in c->up. */
static void forget_hello(struct conn *c)
{
	if (c->sni)
		sni_done(c->sni);
	free(c->sni);
	c->sni = NULL;
}

static void refuse_with_alert(struct conn *c, enum close_reason reason, uint8_t alert)
{
	const uint8_t record[] = {21, 3, 3, 0, 2, 2, alert};

	if (send(c->client.fd, record, sizeof(record), MSG_DONTWAIT | MSG_NOSIGNAL) !=
	    (ssize_t)sizeof(record)) {
		conn_close(c, reason, true);
		return;
	}
	c->alert_bytes = sizeof(record);
	conn_linger_start(c, reason);
}

/* Takes over a reference to the endpoint, which counts it from now on.  False: it is closed. */
static bool enter(struct conn *c, struct endpoint *e)
{
	c->endpoint = e;
	atomic_fetch_add(&e->stats->conns_total, 1);
	return conn_admit(c, atomic_fetch_add(&e->stats->conns_active, 1) + 1);
}

/* The endpoint for who names none, or NULL; a reference. */
static struct endpoint *default_endpoint(const struct worker *w)
{
	return w->config->default_endpoint
		       ? registry_default(w->edge->registry, w->config->default_endpoint)
		       : NULL;
}

/*
 * A hello that is routed nowhere: if whom it means, or else the default, ends TLS here, the client
 * gets the alert that its TLS has for such a hello, and no more of it.  False: there is none.
 */
static bool refuse_as_terminator(struct conn *c, enum close_reason reason)
{
	struct endpoint *e = NULL;
	char name[HELLO_KEY_LEN];
	bool claims = c->sni && sni_claim(c->sni, name);
	int alert;

	if (claims)
		e = registry_route(c->worker->edge->registry, name, 0);
	if (!e)
		e = default_endpoint(c->worker);
	if (!e || !e->tls_server) {
		endpoint_put(e);
		return false;
	}
	if (!enter(c, e))
		return true;
	atomic_fetch_add(&e->stats->conns_failed, 1);
	alert = tls_judge(e->tls_server, c->up.pending + c->up.pending_off, c->up.pending_len,
			  claims ? name : NULL);
	if (alert < 0)
		return false;
	forget_hello(c);
	refuse_with_alert(c, reason, (uint8_t)alert);
	return true;
}

static void refuse(struct conn *c, enum hello_verdict v)
{
	struct worker *w = c->worker;
	enum close_reason reason = CLOSE_HELLO_MALFORMED;

	switch (v) {
	case HELLO_NOT_TLS:
		worker_count(w, WC_hello_not_tls);
		reason = CLOSE_NOT_TLS;
		break;
	case HELLO_TOO_BIG:
		worker_count(w, WC_hello_too_large);
		reason = CLOSE_HELLO_TOO_LARGE;
		break;
	default:
		worker_count(w, WC_hello_bad);
	}
	if (v == HELLO_TOO_BIG || !refuse_as_terminator(c, reason))
		conn_close(c, reason, false);
}

/* ---- dialling ---- */

static void dial(struct conn *c);

/* Did we run out of something?  Not the upstream's fault then. */
static bool is_ours(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

static bool is_terminated(const struct conn *c)
{
	return c->endpoint->tls_server && !c->acme;
}

/* Where this connection may go. */
static const struct endpoint_addrs *addrs_of(const struct conn *c)
{
	return c->acme ? c->endpoint->acme : c->endpoint->addrs;
}

static bool is_for_kernel(const struct conn *c)
{
	return c->client.enrolled && !c->fallback_path;
}

void conn_joined(struct conn *c)
{
	struct worker *w = c->worker;
	struct tcp_info ti;

	if (c->upstream.slot && !c->upstream.enrolled &&
	    (end_is_early(&c->upstream) || is_for_kernel(c)) && end_enrol(&c->upstream, w->kern))
		c->fallback_path = true;
	if (c->upstream.enrolled)
		end_kick(&c->upstream); /* what it may have said already */
	if (c->upstream.enrolled && (c->upstream.watched || w->polled))
		worker_watch(w, &c->upstream, w->polled ? WATCH_END : 0);
	if (c->client.enrolled && c->client.watched && !c->fallback_path)
		worker_watch(w, &c->client, w->polled ? WATCH_END : 0);
	worker_count(w, WC_start_user);
	group_tried(c->endpoint);
	/* before it is paired: nothing is redirected to it yet */
	if (!c->acme && (c->client.tls ? terminate_write_header(c) : conn_write_header(c, NULL))) {
		conn_dial_failed(c, EPIPE);
		return;
	}
	c->preface = 0; /* to others nobody has said anything yet */
	if ((c->endpoint->agent || c->endpoint->proxy_proto) && !end_info(&c->upstream, &ti))
		c->preface = (uint32_t)end_enqueued(&ti);
	if (is_terminated(c))
		terminate_next(c);
	else
		conn_pair(c);
}

void conn_connected(struct conn *c)
{
	struct tcp_info ti;

	if (end_error(&c->upstream)) {
		conn_dial_failed(c, c->upstream.err);
		return;
	}
	if (end_info(&c->upstream, &ti) || ti.tcpi_state == TCP_STATE_SYN_SENT)
		return;
	conn_joined(c);
}

/* c->endpoint is <next> from now on, and counts the connection. */
static void change_endpoint(struct conn *c, struct endpoint *next)
{
	struct endpoint *old = c->endpoint;

	if (next->stats != old->stats) {
		atomic_fetch_add(&old->stats->conns_failed, 1);
		conn_account_end(c);
		atomic_fetch_sub(&old->stats->conns_active, 1);
		atomic_fetch_add(&next->stats->conns_total, 1);
		atomic_fetch_add(&next->stats->conns_active, 1);
	}
	c->endpoint = next;
	c->down.before = c->down.unseen = c->down.skipped =
		0; /* of an agent's channel that has failed */
	c->tries = 0;
	c->moves++;
	if (next->datapath == ENDPOINT_DP_USERSPACE)
		c->fallback_path = true;
	endpoint_put(old);
}

/*
 * Whoever has the name by now may be quite another endpoint.  What was promised to the client in
 * its handshake must hold there too; and a hello that only the program has kept cannot start one.
 */
static bool may_take_over(const struct conn *c, const struct endpoint *next)
{
	if (next->head == c->endpoint->head)
		return true;
	if (c->client.tls)
		return !group_check(c->endpoint, next, NULL);
	return !c->replayed || !next->tls_server;
}

/*
 * Another of the group gets it: the one that failed has not been told anything.  False: there is
 * no other.
 */
static bool move_on(struct conn *c)
{
	struct endpoint *e = c->endpoint, *next;
	struct worker *w = c->worker;
	bool same_limits;

	/* (one that has left its group meanwhile is gone) */
	if (c->acme || (!e->group && !atomic_load(&e->gone)) || c->moves >= GROUP_MEMBERS)
		return false;
	next = registry_next(w->edge->registry, e);
	if (!next)
		return false;
	if (!may_take_over(c, next)) {
		endpoint_put(next);
		return false;
	}
	worker_count(w, WC_moved_on);
	pool_leave(c);
	atomic_store(&e->down_until_ns, w->now_ns + GROUP_RETRY_NS);
	same_limits = next->head == e->head;
	change_endpoint(c, next);
	if (!same_limits && !conn_admit(c, atomic_load(&next->stats->conns_active)))
		return true;
	if (!c->replayed) {
		conn_dial(c);
		return true;
	}
	/* the kept hello goes to none that may have died while it was idle */
	conn_dial_fresh(c);
	return true;
}

void conn_dial_failed(struct conn *c, int err)
{
	struct worker *w = c->worker;

	worker_count(w, WC_dial_refused);
	if (c->upstream.fd != -1)
		slots_end_close(&w->slots, &c->upstream, true);
	/* the deadline is for all addresses together */
	if (err != ETIMEDOUT && !is_ours(err) && c->tries < addrs_of(c)->n) {
		dial(c);
		return;
	}
	if (is_ours(err)) {
		log_debug("endpoint %s: cannot dial: %s", c->endpoint->host, strerror(err));
		conn_close(c, CLOSE_LIMIT, true);
		return;
	}
	pool_on_dial_failed(pool_of(w, c->endpoint));
	log_debug("endpoint %s: upstream %s: %s", c->endpoint->host, c->endpoint->upstream,
		  strerror(err));
	if (move_on(c))
		return;
	atomic_fetch_add(&c->endpoint->stats->conns_failed, 1);
	conn_close(c,
		   err == ETIMEDOUT || err == EHOSTUNREACH ? CLOSE_UPSTREAM_TIMEOUT
							   : CLOSE_UPSTREAM_REFUSED,
		   c->replayed);
}

static void dial(struct conn *c)
{
	struct worker *w = c->worker;
	const struct endpoint_addrs *a = addrs_of(c);
	enum dial_for what = is_terminated(c)	? DIAL_USER
			     : is_for_kernel(c) ? DIAL_ENROLLED
						: DIAL_SLOT;
	bool done = false;
	int err = -EIO;

	while (c->tries < a->n) {
		c->upstream_addr = a->at[c->tries];
		worker_count(w, WC_dialled);
		err = pool_dial(w, a, c->tries++, what, &c->upstream, &done);
		if (!err)
			break;
	}
	c->upstream.kind = END_UPSTREAM;
	c->upstream.owner = c;
	if (err) {
		conn_dial_failed(c, -err);
		return;
	}
	slots_moved(&w->slots, &c->upstream);
	if (done) {
		conn_joined(c);
		return;
	}
	worker_watch(w, &c->upstream, WATCH_ALL);
}

void conn_dial_fresh(struct conn *c)
{
	c->dial_ns = c->worker->now_ns;
	conn_set_timer(c, TIMER_CONNECT);
	if (c->endpoint->agent)
		pool_wait(pool_of(c->worker, c->endpoint), c);
	else
		dial(c);
}

void conn_dial_elsewhere(struct conn *c)
{
	pool_on_dial_failed(pool_of(c->worker, c->endpoint));
	if (!move_on(c))
		conn_dial_fresh(c);
}

void conn_dial(struct conn *c)
{
	struct worker *w = c->worker;
	struct endpoint *e = c->endpoint;
	struct pool *p = c->acme ? NULL : pool_of(w, e);

	c->phase = CONN_CONNECT;
	c->dial_ns = w->now_ns;
	conn_set_timer(c, TIMER_CONNECT);
	if (p && pool_take(p, c)) {
		worker_count(w, WC_warm_used_user);
		conn_took_upstream(c);
		pool_on_start(p);
		conn_keep(c);
		conn_joined(c);
		return;
	}
	if (p && e->agent) {
		pool_wait(p, c);
		return;
	}
	/* This one first: an upstream that serves one connection at a time would
	 * otherwise sit on the warm one while its client waits. */
	endpoint_get(e);
	group_try(e, w->now_ns, w->config->timeouts.connect * 1000000ULL);
	dial(c);
	if (p)
		pool_on_start(pool_of(w, e));
	endpoint_put(e);
}

/* Takes over a reference to the endpoint. */
static void start(struct conn *c, struct endpoint *e, const uint8_t *msg, const struct hello *h)
{
	int err = 0;

	if (!enter(c, e))
		return;
	if (e->datapath == ENDPOINT_DP_USERSPACE)
		c->fallback_path = true;
	c->early = hello_has_ext(h, HELLO_EXT_EARLY_DATA);
	if (e->tls_server) {
		c->acme = terminate_is_acme(e, msg, h);
		err = terminate_keep_offer(c, msg, h);
	}
	forget_hello(c);
	if (err)
		conn_close(c, CLOSE_INTERNAL, true);
	else if (is_terminated(c))
		terminate_next(c);
	else
		conn_dial(c);
}

/* There is no hello. */
void conn_start_tcp(struct conn *c)
{
	forget_hello(c);
	if (!conn_admit(c, atomic_load(&c->endpoint->stats->conns_active)))
		return;
	if (c->endpoint->datapath == ENDPOINT_DP_USERSPACE)
		c->fallback_path = true;
	conn_dial(c);
}

/* ---- the hello ---- */

/* Whom the verdict program gave the turn to, when it found no warm upstream there. */
static uint32_t turn_of(const struct conn *c)
{
	return c->client.flow ? *(volatile __u32 *)&c->client.flow->endpoint : 0;
}

/*
 * An earlier daemon had this name online, for an agent that is on its way here: the client waits
 * for it, longer than for a hello.  So it does when a weaker name would have it <instead>.
 */
static bool await(struct conn *c, const char *name, const struct endpoint *instead)
{
	struct worker *w = c->worker;

	c->awaits =
		c->sni && takeover_expects(w->edge->takeover, name, instead ? instead->host : NULL);
	if (!c->awaits)
		return false;
	conn_set_timer(c, TIMER_HELLO);
	retry_at(&c->retry, &w->retry, w->now_ns + AWAIT_NS);
	return true;
}

/* <h>, <name> and <name_len> mean something for OK and NO_SNI only. */
static void decide(struct conn *c, enum hello_verdict v, const uint8_t *msg, const struct hello *h,
		   const char *name, int name_len)
{
	struct worker *w = c->worker;
	struct endpoint *e = NULL;

	c->hello_ns = w->now_ns;
	if (v != HELLO_OK && v != HELLO_NO_SNI) {
		refuse(c, v);
		return;
	}
	conn_note(c, msg, h, name, name_len > 0 ? (size_t)name_len : 0);
	if (v == HELLO_OK && name_len <= 0) {
		/* there is a name, but none that may route: not even to the default */
		refuse(c, HELLO_BAD);
		return;
	}
	if (!c->awaits)
		worker_count(w, v == HELLO_OK ? WC_hello_ok : WC_hello_no_sni);
	if (v == HELLO_OK)
		e = registry_route(w->edge->registry, name, turn_of(c));
	if (v == HELLO_OK && await(c, name, e)) {
		endpoint_put(e);
		return;
	}
	c->awaits = false;
	if (!e)
		e = default_endpoint(w);
	if (e) {
		start(c, e, msg, h);
		return;
	}
	forget_hello(c);
	if (v == HELLO_OK) {
		worker_count(w, WC_start_unknown_name);
		refuse_with_alert(c, CLOSE_UNKNOWN_NAME, ALERT_UNRECOGNIZED_NAME);
	} else {
		refuse_with_alert(c, CLOSE_NO_SNI, ALERT_MISSING_EXTENSION);
	}
}

void conn_decide_again(struct conn *c)
{
	const struct sni *s = c->sni;

	list_del(&c->retry.link);
	decide(c, HELLO_OK, s->msg, &s->hello, s->name, s->name_len);
}

void conn_start_peeked(struct conn *c, const uint8_t *buf, const struct hello *h, const char *name,
		       int name_len)
{
	decide(c, HELLO_OK, buf, h, name, name_len);
}

/* 0: more is to come; else the conn has moved on. */
static int feed(struct conn *c, const uint8_t *buf, size_t n)
{
	int v;

	if (half_push(&c->up, buf, n)) {
		conn_close(c, CLOSE_INTERNAL, true);
		return -ENOMEM;
	}
	if (c->wants_header) {
		v = conn_read_header(c);
		if (v <= 0)
			return v;
		if (c->endpoint) {
			conn_start_tcp(c);
			return 1;
		}
		/* what came behind it */
		buf = c->up.pending + c->up.pending_off;
		n = c->up.pending_len;
	}
	v = sni_feed(c->sni, buf, n);
	if (v < 0) {
		conn_close(c, CLOSE_INTERNAL, true);
		return v;
	}
	if (v == HELLO_MORE)
		return 0;
	decide(c, c->sni->verdict, c->sni->msg, &c->sni->hello, c->sni->name, c->sni->name_len);
	return 1;
}

void conn_read_hello(struct conn *c)
{
	struct worker *w = c->worker;
	uint8_t buf[16384];
	ssize_t n;

	if (c->awaits)
		return; /* it is read; what follows is for its endpoint */
	if (!c->sni) {
		c->sni = malloc(sizeof(*c->sni));
		if (!c->sni) {
			conn_close(c, CLOSE_INTERNAL, true);
			return;
		}
		sni_init(c->sni, w->config->limits.client_hello);
		if (!c->client.watched || w->polled)
			worker_watch(w, &c->client, WATCH_ALL);
	}
	/* Once the program has passed something it is done with the buffer: that is
	 * the last thing start() does.  Not before: it may be parsing there now. */
	if (c->replay && c->client.flow->passed) {
		c->client.flow->replay = 0;
		worker_replay_put(w, c->replay);
		c->replay = 0;
	}
	for (;;) {
		n = recv(c->client.fd, buf, sizeof(buf), MSG_DONTWAIT);
		if (n > 0) {
			if (feed(c, buf, (size_t)n))
				return;
			/* all there was, unless a FIN is behind it */
			if ((size_t)n < sizeof(buf) && !c->client.fin)
				break;
			continue;
		}
		if (n < 0 && errno == EINTR)
			continue;
		/* The program may have paired it between the event and this read. */
		conn_on_paired(c);
		if (c->phase != CONN_HELLO)
			return;
		if (n < 0 && errno == EAGAIN)
			break;
		conn_close(c, n < 0 ? CLOSE_CLIENT_RST : CLOSE_CLIENT_FIN, n < 0);
		return;
	}
	/* the deadline of TIMER_HELLO runs on */
	if (n > 0)
		trickle_note(c);
}
