// SPDX-License-Identifier: GPL-2.0-only
/*
 * story - what is told of a connection: its event when it ends, a line of
 * `conn list` while it lives.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "account.h"
#include "clock.h"
#include "conn.h"
#include "edge_private.h"
#include "tls.h"

#define US 1000ULL

/* What the kernel encrypts and decrypts is on the wire what TCP says, of which we saw the rest. */
static void tally_ktls(const struct conn *c, struct conn_tally *t)
{
	const bool rx = tls_offloads_rx(c->client.tls), tx = tls_offloads_tx(c->client.tls);
	struct tcp_info ti;
	uint64_t in, out;

	if ((!rx && !tx) || c->client.fd == -1 || end_info(&c->client, &ti))
		return;
	in = end_received(&c->client, &ti);
	out = end_enqueued(&ti);
	if (rx && in > t->in_user)
		t->in_kernel = in - t->in_user;
	if (tx && out > t->out_user)
		t->out_kernel = out - t->out_user;
}

/*
 * Bytes from the client: what was redirected, plus what user space read (relayed
 * and still pending, or discarded).  To the client: what was redirected to it,
 * plus what user space wrote.
 */
struct conn_tally conn_tally(const struct conn *c)
{
	struct conn_tally t = {
		.in_kernel = half_kernel_bytes(&c->up) + c->dropped,
		.out_kernel = half_kernel_bytes(&c->down),
		.in_user = half_user_bytes(&c->up) + c->up.pending_len + c->up.piped +
			   c->up.before + c->up.skipped + c->discarded + c->peeked,
		.out_user = half_user_bytes(&c->down) + c->alert_bytes,
	};
	if (c->client.tls) { /* ciphertext: what came and went on the wire */
		t.in_user = tls_bytes_in(c->client.tls) + c->up.skipped + c->discarded;
		t.out_user = tls_bytes_out(c->client.tls);
		tally_ktls(c, &t);
	}
	return t;
}

enum close_datapath conn_datapath(const struct conn *c)
{
	if (c->phase != CONN_OPEN && c->phase != CONN_FLUSH && c->phase != CONN_DEAD)
		return CLOSE_DP_NONE;
	if (c->upstream.fd == -1)
		return CLOSE_DP_NONE;
	if (c->up.mover == MOVER_KERNEL)
		return CLOSE_DP_KERNEL;
	/* one direction is enough (kTLS may do one only): bytes_user and bytes_kernel tell */
	if (c->up.mover == MOVER_SPLICE || c->down.mover == MOVER_SPLICE)
		return CLOSE_DP_SPLICE;
	return CLOSE_DP_USERSPACE;
}

/* At least <digits> of them. */
static char *hex(char *out, uint64_t value, int digits)
{
	while (digits < 16 && value >> 4 * digits)
		digits++;
	for (int i = digits - 1; i >= 0; i--, value >>= 4)
		out[i] = "0123456789abcdef"[value & 15];
	return out + digits;
}

const char *conn_id(const struct conn *c, char out[CONN_ID_MAX])
{
	char *p = out;

	memcpy(p, "conn_", 5);
	p = hex(p + 5, c->id_prefix, 12);
	p = hex(p, c->id_worker, 2);
	p = hex(p, c->number, 10);
	*p = '\0';
	return out;
}

/* (for every connection: printf(3) costs ten times as much) */
static void copy(char *out, size_t size, const char *text)
{
	size_t n = strlen(text);

	if (n >= size)
		n = size - 1;
	memcpy(out, text, n);
	out[n] = '\0';
}

void conn_client_addr(const struct conn *c, struct sockaddr_storage *ret_sa)
{
	addr_widen(&c->client_addr, ret_sa);
}

void conn_server_addr(const struct conn *c, struct sockaddr_storage *ret_sa)
{
	socklen_t len = sizeof(*ret_sa);

	if (c->proxied) {
		addr_widen(&c->proxied->server, ret_sa);
		return;
	}
	memset(ret_sa, 0, sizeof(*ret_sa));
	getsockname(c->client.fd, (struct sockaddr *)ret_sa, &len);
}

/* NULL: TCP need not be asked any more, or cannot be. */
static const struct tcp_info *look(const struct end *e, struct tcp_info *ti)
{
	return e->final || e->fd == -1 || end_info(e, ti) ? NULL : ti;
}

static void tcp_facts(const struct end *e, const struct tcp_info *ti, struct event_tcp *to)
{
	to->bytes_acked = -1;
	if (e->final) {
		to->known = true;
		to->rtt_us = e->rtt_us;
		to->retransmits = e->retransmits;
		return;
	}
	if (!ti)
		return;
	to->known = true;
	to->rtt_us = ti->tcpi_rtt;
	to->retransmits = ti->tcpi_total_retrans;
}

static int64_t since(uint64_t from, uint64_t to)
{
	return from && to >= from ? (int64_t)((to - from) / US) : -1;
}

static void timing(const struct conn *c, struct event_closed *ev)
{
	const struct flow *b = c->upstream.flow;

	ev->us_hello = since(c->start_ns, c->hello_ns);
	ev->us_connect = since(c->dial_ns, c->connected_ns);
	ev->us_first_byte = -1;
	if (c->first_byte_ns)
		ev->us_first_byte = since(c->start_ns, c->first_byte_ns);
	else if (b && b->first_ns)
		ev->us_first_byte = since(c->start_ns, b->first_ns);
}

/* A session that ended here, and what it died of. */
static void session(const struct conn *c, struct event_closed *ev)
{
	const char *why = c->client.tls ? tls_why(c->client.tls) : "";
	struct tls_info i;

	if (!*why && c->upstream.tls)
		why = tls_why(c->upstream.tls);
	copy(ev->error, sizeof(ev->error), why);
	if (!c->client.tls)
		return;
	ev->terminated_at = "edge";
	tls_info(c->client.tls, &i);
	copy(ev->tls_version, sizeof(ev->tls_version), i.version);
	copy(ev->tls_cipher, sizeof(ev->tls_cipher), i.cipher);
	copy(ev->client_cert_subject, sizeof(ev->client_cert_subject), i.peer_subject);
	if (*i.version) /* agreed on; else what was offered stands */
		copy(ev->alpn, sizeof(ev->alpn), i.alpn);
}

/* Who does, when we do not. */
static const char *terminates_at(const struct endpoint *e)
{
	const char *at = endpoint_spec_value(&e->spec, FIELD_ID_TERMINATE_AT);

	if (e->tcp)
		return "none";
	return at && !strcmp(at, "agent") ? "agent" : "upstream";
}

#define STEP_NS 1000000000LL

/* Now; unless the clock has stepped meanwhile: then as long after c->start as it took. */
static struct timespec end_of(const struct conn *c)
{
	long long took = (long long)(clock_ns() - c->start_ns), steps;
	struct timespec end;

	clock_gettime(CLOCK_REALTIME, &end);
	steps = (end.tv_sec - c->start.tv_sec) * 1000000000LL + end.tv_nsec - c->start.tv_nsec -
		took;
	if (steps > -STEP_NS && steps < STEP_NS)
		return end;
	took += c->start.tv_nsec;
	return (struct timespec){c->start.tv_sec + took / 1000000000, took % 1000000000};
}

void conn_emit(struct conn *c)
{
	struct event_closed ev = {.reason = c->reason, .terminated_at = "none"};
	struct conn_tally t = conn_tally(c);
	struct endpoint *e = c->endpoint;
	const struct tcp_info *seen;
	struct tcp_info ti;

	conn_id(c, ev.connection_id);
	conn_client_addr(c, &ev.client);
	conn_server_addr(c, &ev.server);
	if (c->proxied)
		addr_widen(&c->proxied->peer, &ev.proxy);
	ev.ip_policy = c->ip_policy;
	ev.start = c->start;
	ev.end = end_of(c);
	if (c->note) {
		copy(ev.server_name, sizeof(ev.server_name), c->note->name);
		copy(ev.alpn, sizeof(ev.alpn), c->note->alpn);
		copy(ev.ja4, sizeof(ev.ja4), c->note->ja4);
	}
	if (e) {
		copy(ev.endpoint_id, sizeof(ev.endpoint_id), e->id);
		if (c->ip_policy != IP_POLICY_BLOCK || c->upstream.fd != -1)
			ev.terminated_at = e->tls_server && !c->acme ? "edge" : terminates_at(e);
		addr_widen(&c->upstream_addr, &ev.upstream);
	}
	session(c, &ev);
	ev.bytes_in = t.in_user + t.in_kernel;
	ev.bytes_out = t.out_user + t.out_kernel;
	ev.bytes_user = t.in_user + t.out_user;
	ev.bytes_kernel = t.in_kernel + t.out_kernel;
	ev.datapath = conn_datapath(c);
	timing(c, &ev);
	tcp_facts(&c->client, look(&c->client, &ti), &ev.tcp_client);
	seen = look(&c->upstream, &ti);
	tcp_facts(&c->upstream, seen, &ev.tcp_upstream);
	if (e)
		ev.tcp_upstream.bytes_acked = (int64_t)conn_accepted(c, seen);
	if (e && ev.bytes_out)
		atomic_store(&e->answered_ns, c->worker->now_ns);
	if (e)
		conn_account_end(c);
	atomic_fetch_add_explicit(&c->worker->reasons[c->reason], 1, memory_order_relaxed);
	events_closed(c->worker->events, &ev);
}

static const char *state_name(const struct conn *c)
{
	switch (c->phase) {
	case CONN_HELLO:
		return "hello";
	case CONN_HANDSHAKE:
		return "handshake";
	case CONN_CONNECT:
		return "connecting";
	case CONN_OPEN:
		if (c->client.fin && c->upstream.fin)
			return "closing";
		if (c->client.fin)
			return "client_done";
		return c->upstream.fin ? "upstream_done" : "open";
	default:
		return "closing";
	}
}

void conn_info(const struct conn *c, struct conn_info *ret_i)
{
	struct conn_tally t = conn_tally(c);
	uint64_t last = c->user_ns;

	memset(ret_i, 0, sizeof(*ret_i));
	conn_id(c, ret_i->id);
	if (c->note)
		copy(ret_i->server_name, sizeof(ret_i->server_name), c->note->name);
	if (c->endpoint) {
		copy(ret_i->endpoint_id, sizeof(ret_i->endpoint_id), c->endpoint->id);
		addr_widen(&c->upstream_addr, &ret_i->upstream);
	}
	copy(ret_i->state, sizeof(ret_i->state), state_name(c));
	conn_client_addr(c, &ret_i->client);
	conn_server_addr(c, &ret_i->server);
	ret_i->start = c->start;
	ret_i->datapath = conn_datapath(c);
	ret_i->bytes_in = t.in_user + t.in_kernel;
	ret_i->bytes_out = t.out_user + t.out_kernel;
	ret_i->bytes_user = t.in_user + t.out_user;
	ret_i->bytes_kernel = t.in_kernel + t.out_kernel;
	if (c->client.flow && c->client.flow->last_ns > last)
		last = c->client.flow->last_ns;
	if (c->upstream.flow && c->upstream.flow->last_ns > last)
		last = c->upstream.flow->last_ns;
	ret_i->idle_ms = c->worker->now_ns > last ? (c->worker->now_ns - last) / 1000000 : 0;
	ret_i->worker = c->worker->index;
}
