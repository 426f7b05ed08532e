// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "terminate.h"
#include "alpn.h"
#include "edge_private.h"
#include "client_ca.h"
#include "complaint.h"
#include "header.h"
#include "log.h"
#include "pool.h"
#include "tls.h"
#include "tls_client.h"
#include "tls_server.h"

/* ---- the endpoint ---- */

static int make_server(struct endpoint *e, const struct terminate_ctx *ctx, struct fault *f)
{
	const struct endpoint_spec *s = &e->spec;
	char *cas;
	const char *min = endpoint_spec_value(s, FIELD_ID_MIN_VERSION);
	unsigned asked = min ? tls_version_parse(min) : 0;
	struct tls_server_conf conf = {
		.id = e->id,
		.name = e->host,
		.crt = endpoint_spec_value(s, FIELD_ID_CRT),
		.key = endpoint_spec_value(s, FIELD_ID_KEY),
		.alpn = endpoint_spec_value(s, FIELD_ID_ALPN),
		.min = (enum tls_version)(asked > ctx->min ? asked : ctx->min),
		.max = (enum tls_version)ctx->max,
	};

	if (client_cas_pem(ctx->client_cas, &e->spec, &cas, f))
		return -1;
	conf.client_cas = cas;
	e->tls_server = tls_server_new(ctx->base, ctx->certs, &conf, f);
	free(cas);
	return e->tls_server ? 0 : -1;
}

static int make_client(struct endpoint *e, const struct terminate_ctx *ctx, struct fault *f)
{
	const struct endpoint_spec *s = &e->spec;
	const struct tls_client_conf conf = {
		/* who names CAs to verify with does not mean them to be ignored */
		.verify = endpoint_spec_is(&e->spec, FIELD_ID_UPSTREAM_TLS_VERIFY) ||
			  endpoint_spec_value(s, FIELD_ID_UPSTREAM_TLS_VERIFY_CAS),
		.cas = endpoint_spec_value(s, FIELD_ID_UPSTREAM_TLS_VERIFY_CAS),
		.crt = endpoint_spec_value(s, FIELD_ID_UPSTREAM_CRT),
		.key = endpoint_spec_value(s, FIELD_ID_UPSTREAM_KEY),
	};

	e->tls_client = tls_client_new(ctx->base, &conf, f);
	return e->tls_client ? 0 : -1;
}

int endpoint_terminate(struct endpoint *e, const struct terminate_ctx *ctx, struct fault *f)
{
	if (!endpoint_spec_terminates(&e->spec))
		return 0;
	if (make_server(e, ctx, f))
		return -1;
	e->upstream_first = e->upstream_tls && !endpoint_spec_value(&e->spec, FIELD_ID_ALPN) &&
			    !endpoint_spec_value(&e->spec, FIELD_ID_PROXY_PROTO);
	return e->upstream_tls ? make_client(e, ctx, f) : 0;
}

void endpoint_terminate_done(struct endpoint *e)
{
	tls_server_put(e->tls_server);
	tls_client_put(e->tls_client);
	e->tls_server = NULL;
	e->tls_client = NULL;
}

/* ---- the hello ---- */

bool terminate_is_acme(const struct endpoint *e, const uint8_t *msg, const struct hello *h)
{
	/* a validator offers nothing else (RFC 8737 3); a client that does is not one */
	return e->acme->n && h->alpn_len == 1 + strlen("acme-tls/1") &&
	       alpn_has(msg, h, "acme-tls/1");
}

int terminate_keep_offer(struct conn *c, const uint8_t *msg, const struct hello *h)
{
	if (!h->alpn_len || !c->endpoint->upstream_first)
		return 0;
	c->offer = malloc(sizeof(*c->offer) + h->alpn_len);
	if (!c->offer)
		return -ENOMEM;
	c->offer->len = (uint16_t)h->alpn_len;
	memcpy(c->offer->bytes, msg + h->alpn_off, h->alpn_len);
	return 0;
}

/* ---- handshakes ---- */

static const char *client_name(const struct conn *c)
{
	return c->note ? c->note->name : "";
}

/* What the upstream is asked for; "": it has no name. */
static const char *upstream_name(const struct conn *c)
{
	const struct endpoint *e = c->endpoint;

	return *client_name(c) ? client_name(c) : e->wild ? "" : e->host;
}

/* The alert is in the socket: as with our own, the client must get to read it. */
static void client_failed(struct conn *c)
{
	worker_count(c->worker, WC_tls_failed);
	atomic_fetch_add(&c->endpoint->stats->conns_failed, 1);
	log_debug("endpoint %s: %s", c->endpoint->host, tls_why(c->client.tls));
	if (c->client.err || !end_is_flushed(&c->client)) {
		conn_close(c, CLOSE_TLS_HANDSHAKE, c->client.err != 0);
		return;
	}
	conn_linger_start(c, CLOSE_TLS_HANDSHAKE);
}

static void upstream_failed(struct conn *c)
{
	worker_count(c->worker, WC_tls_upstream_failed);
	atomic_fetch_add(&c->endpoint->stats->conns_failed, 1);
	complaint_of_tls(c, upstream_name(c));
	conn_close(c, CLOSE_UPSTREAM_REFUSED, false);
}

void terminate_on_ready(struct conn *c)
{
	struct end *e = c->shaking;
	enum tls_result r;

	/* the client's own news may come while the upstream shakes hands: they keep */
	r = tls_handshake(e->tls);
	if (r == TLS_WANT_READ && e->fin)
		r = tls_handshake(e->tls);
	switch (r) {
	case TLS_DONE:
		c->shaking = NULL;
		if (e == &c->client) {
			worker_count(c->worker, WC_tls_done);
			histogram_add(&c->worker->handshake_us,
				      (c->worker->now_ns - c->shake_ns) / 1000);
		}
		terminate_next(c);
		return;
	case TLS_FAILED:
		if (e == &c->client)
			client_failed(c);
		else
			upstream_failed(c);
		return;
	default:
		return; /* edge-triggered: the socket's next news come here */
	}
}

int terminate_write_header(struct conn *c)
{
	struct header_session s = {NULL};
	struct proxy_ssl ssl = {.client = PROXY_SSL};
	struct tls_info i;

	tls_info(c->client.tls, &i);
	if (i.has_peer_cert) {
		ssl.client |= PROXY_SSL_CERT_SESS;
		if (!i.resumed)
			ssl.client |= PROXY_SSL_CERT_CONN;
		ssl.cn = (struct proxy_bytes){i.peer_cn, strlen(i.peer_cn)};
	}
	ssl.verify = (uint32_t)i.verify;
	ssl.version = (struct proxy_bytes){i.version_name, strlen(i.version_name)};
	ssl.cipher = (struct proxy_bytes){i.cipher, strlen(i.cipher)};
	s.ssl = &ssl;
	s.alpn = (struct proxy_bytes){i.alpn, strlen(i.alpn)};
	return conn_write_header(c, &s);
}

/* A new session: the kernel may do its records, where it can. */
static void prepare(const struct conn *c, const struct end *e)
{
	tls_expect_news(e->tls);
	if (c->worker->edge->terminate.ktls && !c->worker->config->tls.ktls_off && !e->enrolled)
		tls_offload(e->tls);
}

static void shake_client(struct conn *c)
{
	struct endpoint *e = c->endpoint;
	char *chosen = NULL;
	struct tls_info i;

	if (c->upstream.tls && c->offer) {
		tls_info(c->upstream.tls, &i);
		chosen = i.alpn;
	}
	c->client.tls = tls_accept(e->tls_server, c->client.fd, c->up.pending + c->up.pending_off,
				   c->up.pending_len, client_name(c), chosen);
	if (!c->client.tls) {
		conn_close(c, CLOSE_INTERNAL, true);
		return;
	}
	prepare(c, &c->client);
	tls_hold_tickets(c->client.tls);
	half_done(&c->up); /* the session has them */
	free(c->offer);
	c->offer = NULL;
	c->phase = CONN_HANDSHAKE;
	c->shaking = &c->client;
	c->shake_ns = c->worker->now_ns;
	conn_set_timer(c, TIMER_HANDSHAKE);
	worker_watch_all(c->worker, &c->client);
	terminate_on_ready(c);
}

/* The clock of the dial runs on. */
static void shake_upstream(struct conn *c)
{
	const struct endpoint *e = c->endpoint;
	c->upstream.tls =
		tls_connect(e->tls_client, c->upstream.fd, upstream_name(c),
			    c->offer ? c->offer->bytes : NULL, c->offer ? c->offer->len : 0);
	if (!c->upstream.tls) {
		conn_close(c, CLOSE_INTERNAL, true);
		return;
	}
	prepare(c, &c->upstream);
	c->phase = CONN_HANDSHAKE;
	c->shaking = &c->upstream;
	worker_watch_all(c->worker, &c->upstream);
	terminate_on_ready(c);
}

void terminate_next(struct conn *c)
{
	const struct endpoint *e = c->endpoint;
	bool dialled = c->upstream.fd != -1;

	c->fallback_path = true; /* kTLS, or plaintext we have to see: never redirected */
	if (!c->client.tls && !e->upstream_first)
		shake_client(c);
	else if (!dialled)
		conn_dial(c);
	else if (e->tls_client && !c->upstream.tls)
		shake_upstream(c);
	else if (!c->client.tls)
		shake_client(c);
	else
		conn_pair(c);
}
