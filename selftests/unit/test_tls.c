// SPDX-License-Identifier: GPL-2.0-only
/* tls - two sessions talk over a socketpair: handshakes, who is refused and with which alert, bytes
 * both ways, half-close, truncation. */
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pki.h"
#include "tls.h"
#include "tls_base.h"
#include "tls_client.h"
#include "tls_server.h"
#include "unit.h"

static struct tls_base *base;
static char *ca_pem, *app_crt, *app_key;

/* A session of each side, over one pair of sockets. */
struct duo {
	int fd[2]; /* client, server */
	struct tls *client, *server;
	enum tls_result c, s;
};

static struct tls_server *server_new(struct tls_server_conf conf)
{
	struct fault f = {0};
	struct tls_server *s;

	conf.id = conf.id ? conf.id : "ep_1";
	conf.name = conf.name ? conf.name : "app.test";
	if (!conf.crt) {
		conf.crt = app_crt;
		conf.key = app_key;
	}
	s = tls_server_new(base, NULL, &conf, &f);
	CHECK(s, "%s: %s", f.field, f.msg);
	if (!s)
		exit(1);
	return s;
}

static struct tls_client *client_new(struct tls_client_conf conf)
{
	struct fault f = {0};
	struct tls_client *c = tls_client_new(base, &conf, &f);

	CHECK(c, "%s: %s", f.field, f.msg);
	if (!c)
		exit(1);
	return c;
}

static void shake(struct duo *d)
{
	d->c = d->s = TLS_WANT_READ;
	for (int i = 0; i < 20 && (d->c == TLS_WANT_READ || d->s == TLS_WANT_READ); i++) {
		if (d->c != TLS_FAILED)
			d->c = tls_handshake(d->client);
		if (d->s != TLS_FAILED)
			d->s = tls_handshake(d->server);
	}
}

/* The server is given what the client's first flight was, as read ahead. */
static struct duo duo_new(struct tls_client *c, struct tls_server *s, const char *name,
			  const char *sni, const char *chosen, const char *offer, size_t offer_len)
{
	struct duo d = {.fd = {-1, -1}};
	char ahead[4096];
	ssize_t n;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, d.fd))
		exit(1);
	d.client = tls_connect(c, d.fd[0], name, (const uint8_t *)offer, offer_len);
	if (!d.client || tls_handshake(d.client) != TLS_WANT_READ)
		exit(1);
	n = recv(d.fd[1], ahead, sizeof(ahead), 0);
	if (n <= 0)
		exit(1);
	d.server = tls_accept(s, d.fd[1], ahead, (size_t)n, sni, chosen);
	if (!d.server)
		exit(1);
	shake(&d);
	return d;
}

static void duo_done(struct duo *d)
{
	tls_free(d->client);
	tls_free(d->server);
	close(d->fd[0]);
	close(d->fd[1]);
}

/* ---- handshakes ---- */

static void versions_are_agreed_on(void)
{
	static const struct {
		enum tls_version cmin, cmax, smin, smax;
		const char *want;	/* NULL: fails */
		const char *why, *cwhy; /* then: what both say */
	} rows[] = {
		{0, 0, 0, 0, "1.3", NULL, NULL},
		{0, TLS_1_2, 0, 0, "1.2", NULL, NULL},
		{0, 0, 0, TLS_1_2, "1.2", NULL, NULL},
		{TLS_1_3, 0, TLS_1_3, 0, "1.3", NULL, NULL},
		{0, TLS_1_2, TLS_1_3, 0, NULL, "alert 70 sent", "protocol version"},
		{TLS_1_3, 0, 0, TLS_1_2, NULL, "alert 70 sent", "protocol version"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_server *s = server_new(
			(struct tls_server_conf){.min = rows[i].smin, .max = rows[i].smax});
		struct tls_client *c = client_new(
			(struct tls_client_conf){.min = rows[i].cmin, .max = rows[i].cmax});
		struct duo d = duo_new(c, s, "app.test", "app.test", NULL, NULL, 0);
		struct tls_info info;

		tls_info(d.server, &info);
		if (rows[i].want) {
			CHECK(d.s == TLS_DONE && d.c == TLS_DONE, "row %zu: %s / %s", i,
			      tls_why(d.server), tls_why(d.client));
			CHECK(!strcmp(info.version, rows[i].want), "row %zu: %s", i, info.version);
		} else {
			CHECK(d.s == TLS_FAILED && strstr(tls_why(d.server), rows[i].why),
			      "row %zu: %s", i, tls_why(d.server));
			CHECK(d.c == TLS_FAILED && strstr(tls_why(d.client), rows[i].cwhy),
			      "row %zu: %s", i, tls_why(d.client));
		}
		duo_done(&d);
		tls_server_put(s);
		tls_client_put(c);
	}
}

static void alpn_is_answered(void)
{
	static const struct {
		const char *list;   /* the endpoint's */
		const char *chosen; /* by the upstream */
		const char *offer;
		const char *want; /* NULL: alert 120 */
	} rows[] = {
		{NULL, NULL, "\2h2\10http/1.1", ""},
		{"h2\nhttp/1.1", NULL, "\10http/1.1\2h2", "h2"},
		{"h2\nhttp/1.1", NULL, "\10http/1.1", "http/1.1"},
		{"h2", NULL, "\10http/1.1", NULL},
		{"h2", NULL, NULL, ""},
		{NULL, "http/1.1", "\2h2\10http/1.1", "http/1.1"},
		{NULL, "", "\2h2\10http/1.1", ""},
		{"h2", "http/1.1", "\2h2\10http/1.1", "http/1.1"},
		{NULL, "spdy", "\2h2", NULL},
	};
	struct tls_client *c = client_new((struct tls_client_conf){0});

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_server *s = server_new((struct tls_server_conf){.alpn = rows[i].list});
		struct duo d = duo_new(c, s, "app.test", "app.test", rows[i].chosen, rows[i].offer,
				       rows[i].offer ? strlen(rows[i].offer) : 0);
		struct tls_info info;

		if (rows[i].want) {
			tls_info(d.client, &info);
			CHECK(d.c == TLS_DONE && !strcmp(info.alpn, rows[i].want), "row %zu: %s %s",
			      i, info.alpn, tls_why(d.server));
			tls_info(d.server, &info);
			CHECK(!strcmp(info.alpn, rows[i].want), "row %zu: %s", i, info.alpn);
		} else {
			CHECK(d.s == TLS_FAILED && strstr(tls_why(d.server), "(alert 120 sent)"),
			      "row %zu: %s", i, tls_why(d.server));
		}
		duo_done(&d);
		tls_server_put(s);
	}
	tls_client_put(c);
}

static void another_name_than_the_routed_one_is_refused(void)
{
	struct tls_server *s = server_new((struct tls_server_conf){0});
	struct tls_client *c = client_new((struct tls_client_conf){0});
	struct duo d = duo_new(c, s, "other.test", "app.test", NULL, NULL, 0);

	CHECK(d.s == TLS_FAILED && strstr(tls_why(d.server), "(alert 112 sent)"), "%s",
	      tls_why(d.server));
	CHECK(d.c == TLS_FAILED && strstr(tls_why(d.client), "unrecognized name"), "%s",
	      tls_why(d.client));
	duo_done(&d);
	d = duo_new(c, s, "APP.test.", "app.test", NULL, NULL, 0);
	CHECK(d.s == TLS_DONE, "%s", tls_why(d.server));
	duo_done(&d);
	tls_server_put(s);
	tls_client_put(c);
}

static void upstreams_are_verified_by_name(void)
{
	static const struct {
		bool verify, ours;
		const char *name;
		const char *why; /* NULL: fine */
	} rows[] = {
		{false, false, "other.test", NULL},
		{true, true, "app.test", NULL},
		{true, true, "other.test", "upstream's certificate refused: hostname mismatch"},
		{true, false, "app.test",
		 "upstream's certificate refused: unable to get local issuer"},
	};
	struct tls_server *s = server_new((struct tls_server_conf){0});

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_client *c = client_new((struct tls_client_conf){
			.verify = rows[i].verify, .cas = rows[i].ours ? ca_pem : NULL});
		struct duo d = duo_new(c, s, rows[i].name, rows[i].name, NULL, NULL, 0);

		if (rows[i].why)
			CHECK(d.c == TLS_FAILED && strstr(tls_why(d.client), rows[i].why),
			      "row %zu: %s", i, tls_why(d.client));
		else
			CHECK(d.c == TLS_DONE, "row %zu: %s", i, tls_why(d.client));
		duo_done(&d);
		tls_client_put(c);
	}
	tls_server_put(s);
}

/* An empty name would switch the library's host check off. */
static void no_name_is_not_verified(void)
{
	struct tls_client *c = client_new((struct tls_client_conf){.verify = true, .cas = ca_pem});
	struct tls *t = tls_connect(c, -1, "", NULL, 0);

	CHECK(t && tls_handshake(t) == TLS_FAILED, "failed");
	CHECK(!strcmp(tls_why(t), "there is no name that the upstream's certificate could be for"),
	      "%s", tls_why(t));
	tls_free(t);
	tls_client_put(c);
}

/* ---- bytes ---- */

static void carry(struct tls *from, struct tls *to, size_t len);

static void upstreams_are_resumed(void)
{
	static const struct {
		const char *name;
		bool resumed;
	} rows[] = {
		/* in turn, over one client */
		{"app.test", false},	 {"app.test", true}, {"app.test", true},
		{"www.app.test", false}, {"app.test", true},
	};

	for (enum tls_version v = TLS_1_2; v <= TLS_1_3; v++) {
		struct tls_server *s = server_new((struct tls_server_conf){.max = v});
		struct tls_server *t = server_new((struct tls_server_conf){.max = v, .id = "ep_2"});
		struct tls_client *c = client_new((struct tls_client_conf){0});
		struct tls_info info;
		struct duo d;

		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
			d = duo_new(c, s, rows[i].name, rows[i].name, NULL, NULL, 0);
			CHECK(d.c == TLS_DONE && d.s == TLS_DONE, "%s", tls_why(d.client));
			carry(d.server, d.client, 5); /* tickets come before it */
			tls_info(d.client, &info);
			CHECK(info.resumed == rows[i].resumed, "1.%d, row %zu",
			      v == TLS_1_3 ? 3 : 2, i);
			duo_done(&d);
		}
		/* who does not want the session gets a full handshake */
		d = duo_new(c, t, "app.test", "app.test", NULL, NULL, 0);
		tls_info(d.client, &info);
		CHECK(d.c == TLS_DONE && !info.resumed, "%s", tls_why(d.client));
		duo_done(&d);
		tls_server_put(s);
		tls_server_put(t);
		tls_client_put(c);
	}
}

static struct duo open_duo(enum tls_version max)
{
	struct tls_server *s = server_new((struct tls_server_conf){.max = max});
	struct tls_client *c = client_new((struct tls_client_conf){0});
	struct duo d = duo_new(c, s, "app.test", "app.test", NULL, NULL, 0);

	CHECK(d.s == TLS_DONE && d.c == TLS_DONE, "%s", tls_why(d.server));
	tls_server_put(s); /* the sessions have their own */
	tls_client_put(c);
	return d;
}

/* <len> bytes from one to the other, which reads only when the first is stuck. */
static void carry(struct tls *from, struct tls *to, size_t len)
{
	static unsigned char out[1 << 18], in[1 << 18];
	size_t sent = 0, got = 0;
	unsigned bad = 0, stuck = 0;
	ssize_t n;

	for (size_t i = 0; i < sizeof(out); i++)
		out[i] = (unsigned char)(i * 7 + i / 256);
	while (got < len && stuck < 1000) {
		size_t at = sent % sizeof(out), want = sizeof(out) - at;

		if (want > len - sent)
			want = len - sent;
		n = want ? tls_write(from, out + at, want) : tls_flush(from);
		if (n > 0) {
			sent += (size_t)n;
			continue;
		}
		CHECK(!n || n == -EAGAIN, "%zd: %s", n, tls_why(from));
		n = tls_read(to, in, sizeof(in));
		stuck = n > 0 ? 0 : stuck + 1;
		for (ssize_t i = 0; i < n; i++)
			bad += in[i] != out[(got + (size_t)i) % sizeof(out)];
		got += n > 0 ? (size_t)n : 0;
	}
	CHECK(got == len && !bad, "%zu of %zu, %u wrong", got, len, bad);
}

static void bytes_come_as_they_went(void)
{
	for (enum tls_version v = TLS_1_2; v <= TLS_1_3; v++) {
		struct duo d = open_duo(v);
		struct tls_info info;

		carry(d.client, d.server, 5);
		carry(d.server, d.client, 3000000);
		carry(d.client, d.server, 3000001);
		CHECK(!tls_wants_write(d.client) && !tls_wants_write(d.server), "flushed");
		tls_info(d.server, &info);
		CHECK(!info.has_peer_cert && !info.resumed && *info.cipher, "%s", info.cipher);
		CHECK(tls_bytes_in(d.server) == tls_bytes_out(d.client) &&
			      tls_bytes_in(d.server) > 3000006,
		      "%llu", (unsigned long long)tls_bytes_in(d.server));
		CHECK(tls_bytes_out(d.server) >= tls_bytes_in(d.client), "counts");
		duo_done(&d);
	}
}

static void one_stream_may_end_before_the_other(void)
{
	for (enum tls_version v = TLS_1_2; v <= TLS_1_3; v++) {
		struct duo d = open_duo(v);
		char buf[64];

		CHECK(tls_write(d.client, "last", 4) == 4 && !tls_shut(d.client), "shut");
		CHECK(tls_write(d.client, "x", 1) == -EPROTO, "no more after it");
		CHECK(tls_read(d.server, buf, sizeof(buf)) == 4, "the bytes before it");
		CHECK(tls_read(d.server, buf, sizeof(buf)) == 0, "the end");
		CHECK(tls_read(d.server, buf, sizeof(buf)) == 0, "the end stays");
		carry(d.server, d.client, 100000);
		CHECK(!tls_shut(d.server) && tls_read(d.client, buf, sizeof(buf)) == 0, "both");
		duo_done(&d);
	}
}

static void truncation_is_not_an_end(void)
{
	struct duo d = open_duo(TLS_1_3);
	char buf[64];

	CHECK(tls_write(d.client, "last", 4) == 4, "write");
	shutdown(d.fd[0], SHUT_WR);
	CHECK(tls_read(d.server, buf, sizeof(buf)) == 4, "what came before it");
	CHECK(tls_read(d.server, buf, sizeof(buf)) == -ENODATA, "%s", tls_why(d.server));
	CHECK(tls_read(d.server, buf, sizeof(buf)) == -ENODATA, "again");
	carry(d.server, d.client, 100000); /* the other direction goes on */
	duo_done(&d);

	d = open_duo(TLS_1_3);
	CHECK(write(d.fd[0], "\x17\x03\x03\x00\x20 not what was agreed on, at all..", 37) == 37,
	      "write");
	CHECK(tls_read(d.server, buf, sizeof(buf)) == -EPROTO, "%s", tls_why(d.server));
	CHECK(strstr(tls_why(d.server), "(alert 20 sent)"), "%s", tls_why(d.server));
	CHECK(tls_read(d.server, buf, sizeof(buf)) == -EPROTO, "stays");
	CHECK(tls_write(d.server, "x", 1) == -EPROTO, "dead");
	CHECK(tls_read(d.client, buf, sizeof(buf)) == -EPROTO, "%s", tls_why(d.client));
	CHECK(strstr(tls_why(d.client), "bad record mac"), "%s", tls_why(d.client));
	duo_done(&d);

	d = open_duo(TLS_1_3);
	close(d.fd[0]);
	d.fd[0] = -1;
	CHECK(tls_write(d.server, "x", 1) == 1, "taken: the socket says no later");
	CHECK(tls_write(d.server, "x", 1) == -EPIPE, "%s", tls_why(d.server));
	duo_done(&d);
}

static void closing_early_fails_the_handshake(void)
{
	struct tls_server *s = server_new((struct tls_server_conf){0});
	int fd[2];
	struct tls *t;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), "socketpair");
	t = tls_accept(s, fd[1], "\x16\x03\x01", 3, "app.test", NULL);
	CHECK(tls_handshake(t) == TLS_WANT_READ, "%s", tls_why(t));
	close(fd[0]);
	CHECK(tls_handshake(t) == TLS_FAILED, "closed");
	CHECK(!strcmp(tls_why(t), "closed by the client during the handshake"), "%s", tls_why(t));
	tls_free(t);
	close(fd[1]);
	tls_server_put(s);
}

static void setup(struct pki *ca, struct pki *app)
{
	char why[256];

	*ca = pki_make((struct pki_conf){.cn = "Test CA", .is_ca = true});
	*app = pki_make((struct pki_conf){.cn = "app", .san = "DNS:app.test", .ca = ca});
	ca_pem = pki_crt(ca);
	app_crt = pki_crt(app);
	app_key = pki_key(app);
	base = tls_base_new(why, sizeof(why));
	CHECK(base, "%s", why);
	if (!base)
		exit(1);
}

int main(void)
{
	struct pki ca, app;

	setup(&ca, &app);
	versions_are_agreed_on();
	alpn_is_answered();
	another_name_than_the_routed_one_is_refused();
	upstreams_are_verified_by_name();
	no_name_is_not_verified();
	upstreams_are_resumed();
	bytes_come_as_they_went();
	one_stream_may_end_before_the_other();
	truncation_is_not_an_end();
	closing_early_fails_the_handshake();
	tls_base_free(base);
	pki_done(&ca);
	pki_done(&app);
	free(ca_pem);
	free(app_crt);
	free(app_key);
	return failures != 0;
}
