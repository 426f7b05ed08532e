// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream_open - from a client's first bytes to the relay: PROXY header, TLS that ends here,
 * upstream.
 *
 * What comes over a bare channel is only looked at until somebody takes it: it stays in the socket
 * for splice(2), or for the program.  Of a sealed one, and of one that is under the verdict
 * program, it is read into the pending bytes of s->up.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "agent.h"
#include "log.h"
#include "proxy.h"
#include "sni.h"
#include "tls.h"
#include "tls_client.h"

#define WATCH (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define DIAL_NS (10 * SECOND_NS)
#define HELLO_NS (60 * SECOND_NS)
#define READY_MAX 1024		/* accepted ones the program has not taken yet */
#define LOOK_BYTES (256 * 1024) /* more than a hello or a header */
#define HEADER_MAX (52 + 7 + 8 + 256 + 3 + PROXY_UNIQUE_ID_MAX + 3 + 1024)

static const char *const none_left = "out of memory or descriptors";

/* ---- what has come ---- */

/* Does what has come stay in the socket while it is looked at? */
static bool stays(const struct stream *s)
{
	return !s->sealed && !s->client.enrolled;
}

/* > 0 bytes at *ret_at; -EAGAIN; 0: the end; or -errno. */
static ssize_t look(struct stream *s, const uint8_t **ret_at)
{
	struct pump *p = &s->agent->pump;
	ssize_t n = -EAGAIN;

	if (stays(s)) {
		n = recv(s->client.fd, p->buf, LOOK_BYTES, MSG_PEEK | MSG_DONTWAIT);
		*ret_at = p->buf;
		return n < 0 ? -errno : n;
	}
	while (s->up.pending_len < LOOK_BYTES && (n = end_read(&s->client, p->buf, LOOK_BYTES)) > 0)
		if (half_push(&s->up, p->buf, (size_t)n))
			return -ENOMEM;
	*ret_at = s->up.pending + s->up.pending_off;
	return s->up.pending_len ? (ssize_t)s->up.pending_len : n == -ENODATA ? 0 : n;
}

static void take(struct stream *s, size_t n)
{
	if (stays(s)) {
		while (n) {
			ssize_t got = recv(s->client.fd, s->agent->pump.buf, n, MSG_DONTWAIT);

			if (got <= 0)
				return; /* they were there a moment ago */
			n -= (size_t)got;
		}
		return;
	}
	s->up.pending_off += (uint32_t)n;
	s->up.pending_len -= (uint32_t)n;
	s->up.skipped += (uint32_t)n;
}

static void copy_range(const uint8_t *from, const struct proxy_range *r, char *to, size_t size)
{
	if (r->off)
		log_escape(from + r->off, r->len, to, size);
}

/* What there is to offer to an upstream that speaks TLS.  Without memory it is offered nothing. */
static void keep_offer(struct stream *s, const char *name, const uint8_t *bytes, size_t len)
{
	struct stream_offer *o = calloc(1, sizeof(*o) + len);

	if (!o)
		return;
	snprintf(o->name, sizeof(o->name), "%s", name);
	o->len = (uint16_t)len;
	memcpy(o->bytes, bytes, len);
	free(s->offer);
	s->offer = o;
}

/* What the client and the edge, where its TLS ends, have agreed on. */
static void keep_agreed(struct stream *s, const uint8_t *from, const struct proxy_range *alpn)
{
	uint8_t list[256];

	if (!s->listener->sealed || !s->listener->client || !alpn->off || !alpn->len ||
	    alpn->len > 255)
		return;
	list[0] = (uint8_t)alpn->len;
	memcpy(list + 1, from + alpn->off, alpn->len);
	keep_offer(s, "", list, alpn->len + 1);
}

/* 1: there is none, or it is taken; 0: more of it is to come; -1: closed. */
static int read_header(struct stream *s, const uint8_t *buf, size_t len)
{
	struct proxy h;

	if (s->headed || buf[0] != '\r') {
		s->headed = true;
		return 1;
	}
	switch (proxy_read(buf, len, &h)) {
	case PROXY_MORE:
		return 0;
	case PROXY_OK:
		break;
	default:
		stream_close(s, "internal", true);
		return -1;
	}
	s->headed = true;
	if (h.has_addr) {
		s->src = h.src;
		s->dst = h.dst;
		addr_text(&h.src, s->conn.client);
		addr_text(&h.dst, s->conn.server);
	}
	copy_range(buf, &h.unique_id, s->conn.id, sizeof(s->conn.id));
	copy_range(buf, &h.authority, s->conn.name, sizeof(s->conn.name));
	keep_agreed(s, buf, &h.alpn);
	take(s, h.end);
	return 1;
}

/* ---- TLS that ends here ---- */

static void shake(struct stream *s)
{
	switch (tls_handshake(s->client.tls)) {
	case TLS_DONE:
		s->until_ns = 0;
		if (s->upstream.fd != -1)
			relay_open(s);
		else
			stream_dial(s);
		return;
	case TLS_FAILED:
		s->conn.reason = "tls_handshake";
		stream_linger(s);
		return;
	default:
		return;
	}
}

/* <alpn>: what the upstream has chosen of the offer; NULL: it was not asked. */
static void accept_client(struct stream *s, const char *name, const char *alpn)
{
	s->client.tls = tls_accept(s->listener->server, s->client.fd, NULL, 0, name, alpn);
	if (!s->client.tls) {
		stream_close(s, none_left, true);
		return;
	}
	s->state = STREAM_SHAKE;
	s->until_ns = s->agent->now_ns + HELLO_NS;
	shake(s);
}

/*
 * The hello is parsed for its name and its protocols only: OpenSSL reads it again.  An upstream
 * that speaks TLS chooses the protocol, so its handshake comes first; not so if the PROXY header,
 * which goes ahead of it, is to tell of the client's.
 */
static void read_hello(struct stream *s, const uint8_t *buf, size_t len)
{
	char name[HELLO_KEY_LEN] = "";
	struct sni sni;
	int v;

	sni_init(&sni, HELLO_MESSAGE_MAX);
	v = sni_feed(&sni, buf, len);
	if (v == HELLO_OK && sni.name_len > 0)
		memcpy(name, sni.name, sizeof(name));
	if ((v == HELLO_OK || v == HELLO_NO_SNI) && sni.hello.alpn_len && s->listener->client &&
	    !s->listener->proxy_proto)
		keep_offer(s, name, sni.msg + sni.hello.alpn_off, sni.hello.alpn_len);
	sni_done(&sni);
	if (v == HELLO_MORE)
		return;
	if (v != HELLO_OK && v != HELLO_NO_SNI) {
		stream_close(s, "not_tls", true);
		return;
	}
	if (!*s->conn.name)
		snprintf(s->conn.name, sizeof(s->conn.name), "%.255s", name);
	if (s->offer)
		stream_dial(s);
	else
		accept_client(s, name, NULL);
}

static void linger(struct stream *s)
{
	ssize_t n;

	do
		n = recv(s->client.fd, s->agent->pump.buf, s->agent->pump.size, MSG_DONTWAIT);
	while (n > 0);
	if (n == 0 || errno != EAGAIN)
		stream_close(s, "tls_handshake", false);
}

static void on_bytes(struct stream *s)
{
	const uint8_t *buf;
	ssize_t n = look(s, &buf);
	int r;

	if (n == -EAGAIN)
		return;
	if (n <= 0) {
		/* never used; or the client was gone before its bytes */
		stream_close(s, n ? "client_rst" : "client_fin", n < 0);
		return;
	}
	stream_opened(s);
	r = read_header(s, buf, (size_t)n);
	if (r <= 0)
		return;
	if (!s->listener->server) {
		stream_dial(s);
		return;
	}
	if (s->state != STREAM_HELLO) {
		s->state = STREAM_HELLO;
		s->until_ns = s->agent->now_ns + HELLO_NS;
		on_bytes(s); /* what is behind the header */
		return;
	}
	read_hello(s, buf, (size_t)n);
}

void stream_on_client(struct stream *s)
{
	switch (s->state) {
	case STREAM_IDLE:
	case STREAM_HELLO:
		on_bytes(s);
		return;
	case STREAM_SHAKE:
		shake(s);
		return;
	case STREAM_LINGER:
		linger(s);
		return;
	default:
		return; /* it waits in the socket until the upstream is there */
	}
}

/* ---- the upstream ---- */

static int add_session(const struct stream *s, struct tls_info *i, struct proxy_ssl *ssl,
		       struct proxy_extra *x)
{
	tls_info(s->client.tls, i);
	*ssl = (struct proxy_ssl){.client = PROXY_SSL, .verify = (uint32_t)i->verify};
	if (i->has_peer_cert) {
		ssl->client |= PROXY_SSL_CERT_SESS | (i->resumed ? 0 : PROXY_SSL_CERT_CONN);
		ssl->cn = (struct proxy_bytes){i->peer_cn, strlen(i->peer_cn)};
	}
	ssl->version = (struct proxy_bytes){i->version_name, strlen(i->version_name)};
	ssl->cipher = (struct proxy_bytes){i->cipher, strlen(i->cipher)};
	x->ssl = ssl;
	x->alpn = (struct proxy_bytes){i->alpn, strlen(i->alpn)};
	return 0;
}

static int write_header(struct stream *s)
{
	const struct sockaddr_storage *src = s->src.ss_family ? &s->src : NULL;
	struct proxy_extra x = {.crc32c = true};
	uint8_t buf[HEADER_MAX];
	struct proxy_ssl ssl;
	struct tls_info i;
	ssize_t sent;
	int n;

	if (!s->listener->proxy_proto)
		return 0;
	x.authority = (struct proxy_bytes){s->conn.name, strlen(s->conn.name)};
	x.unique_id = (struct proxy_bytes){s->conn.id, strlen(s->conn.id)};
	if (s->listener->server)
		add_session(s, &i, &ssl, &x);
	n = s->listener->proxy_proto == 1 ? proxy_write_v1(buf, sizeof(buf), src, &s->dst)
					  : proxy_write_v2(buf, sizeof(buf), src, &s->dst, &x);
	if (n < 0)
		return n;
	sent = end_write(&s->upstream, buf, (size_t)n); /* into an empty buffer: all or nothing */
	s->up.prefix = (uint32_t)n;
	return sent == n ? 0 : -EPIPE;
}

static void upstream_failed(struct stream *s, const char *why)
{
	struct snisplit_listener *l = s->listener;
	struct snisplit_event e = {.type = SNISPLIT_WARNING, .listener = l, .conn = &s->conn};

	agent_tell(s->agent, &e, "upstream %s: %s", l->upstream, why);
	stream_fail(s, "upstream_refused", CHAN_STATUS_REFUSED);
}

static void shake_upstream(struct stream *s)
{
	struct tls_info i;

	switch (tls_handshake(s->upstream.tls)) {
	case TLS_DONE:
		if (!s->listener->server || s->client.tls) {
			relay_open(s);
			return;
		}
		tls_info(s->upstream.tls, &i);
		accept_client(s, s->offer->name, i.alpn);
		return;
	case TLS_FAILED:
		upstream_failed(s, tls_why(s->upstream.tls));
		return;
	default:
		return;
	}
}

/* An address is no name: the client's is then. */
static const char *upstream_name(const struct stream *s)
{
	struct sockaddr_storage sa;
	char text[300];
	socklen_t len;

	snprintf(text, sizeof(text), strchr(s->listener->host, ':') ? "[%s]:1" : "%s:1",
		 s->listener->host);
	return addr_parse(text, &sa, &len) ? s->listener->host : s->conn.name;
}

static void joined(struct stream *s)
{
	struct snisplit_listener *l = s->listener;

	datapath_enrol(s, &s->upstream);
	if (write_header(s)) {
		upstream_failed(s, "does not take the PROXY header");
		return;
	}
	if (!l->client) {
		relay_open(s);
		return;
	}
	s->upstream.tls =
		tls_connect(l->client, s->upstream.fd, upstream_name(s),
			    s->offer ? s->offer->bytes : NULL, s->offer ? s->offer->len : 0);
	s->state = STREAM_SHAKE_UPSTREAM;
	if (s->upstream.tls)
		shake_upstream(s);
	else
		upstream_failed(s, none_left);
}

static void on_resolved(struct snisplit *a, void *arg, const struct agent_addrs *addrs)
{
	struct snisplit_listener *l = arg;

	(void)a;
	l->resolving = false;
	if (addrs->n > 0)
		l->addrs = *addrs;
	listener_put(l);
}

/* It may have moved: the next connection will know. */
static void look_up_again(struct snisplit_listener *l)
{
	if (l->resolving)
		return;
	l->refs++;
	l->resolving = true;
	if (!agent_resolve(l->agent, l->upstream, on_resolved, l))
		return;
	l->resolving = false;
	l->refs--;
}

/* Takes the next address; 0: under way. */
static int dial_one(struct stream *s)
{
	const struct agent_addrs *to = &s->listener->addrs;
	const struct sockaddr *sa = (const struct sockaddr *)&to->sa[s->addr];
	int fd, one = 1;

	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd == -1)
		return -errno;
	end_init(&s->upstream, fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	if (s->client.enrolled)
		datapath_prepare(s, &s->upstream, FLOW_UPSTREAM);
	if (connect(fd, sa, to->len[s->addr]) && errno != EINPROGRESS)
		return -errno;
	return agent_watch(s->agent, fd, &s->upstream_source, WATCH, false);
}

static void dial_from(struct stream *s, int err)
{
	for (; s->addr < s->listener->addrs.n; s->addr++) {
		slots_end_close(&s->agent->slots, &s->upstream, false);
		err = dial_one(s);
		if (!err)
			return;
	}
	look_up_again(s->listener);
	upstream_failed(s, strerror(-err));
}

void stream_on_upstream(struct stream *s, uint32_t events)
{
	int r;

	if (s->state == STREAM_SHAKE_UPSTREAM) {
		shake_upstream(s);
		return;
	}
	if (s->state != STREAM_DIAL)
		return;
	r = stream_is_connected(&s->upstream, events);
	if (r > 0) {
		joined(s);
	} else if (r < 0) {
		s->addr++;
		dial_from(s, -s->upstream.err);
	}
}

/* ---- to a program ---- */

static void give(struct stream *s, int fd)
{
	struct snisplit_listener *l = s->listener;
	struct accepted *r = l->n_ready < READY_MAX ? calloc(1, sizeof(*r)) : NULL;
	int flags = fcntl(fd, F_GETFL);

	if (!r) {
		close(fd);
		return;
	}
	fcntl(fd, F_SETFL, flags & ~O_NONBLOCK);
	list_init(&r->link);
	r->fd = fd;
	r->conn = s->conn;
	list_add_tail(&l->ready, &r->link);
	l->n_ready++;
	pthread_cond_broadcast(&s->agent->changed);
}

static void hand_over(struct stream *s)
{
	int pair[2];

	if (!s->client.tls && !s->up.pending_len) {
		agent_watch(s->agent, s->client.fd, &s->client_source, 0, true);
		give(s, s->client.fd);
		stream_release(s);
		return;
	}
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair)) {
		stream_close(s, none_left, true);
		return;
	}
	fcntl(pair[0], F_SETFL, O_NONBLOCK);
	end_init(&s->upstream, pair[0]);
	give(s, pair[1]);
	if (agent_watch(s->agent, pair[0], &s->upstream_source, WATCH, false))
		stream_close(s, none_left, true);
	else
		relay_open(s);
}

void stream_dial(struct stream *s)
{
	if (!s->listener->upstream) {
		hand_over(s);
		return;
	}
	s->state = STREAM_DIAL;
	s->until_ns = s->agent->now_ns + DIAL_NS;
	s->addr = 0;
	dial_from(s, -EHOSTUNREACH);
}
