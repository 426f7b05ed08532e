// SPDX-License-Identifier: GPL-2.0-only
/* tls_server - what a client of OpenSSL's own gets from it: the alert for each fault of a client
 * certificate, over resumption too; the certificate that suits its signature algorithms; a staple.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/ocsp.h>
#include <openssl/ssl.h>

#include "pki.h"
#include "certs.h"
#include "ticket.h"
#include "tls.h"
#include "tls_base.h"
#include "tls_server.h"
#include "unit.h"

static char state[] = "/tmp/test_tls_server.XXXXXX";
static struct tls_base *base;
static struct certs *certs;
static struct pki ca, app, rsa;
static char *app_crt, *app_key;

/* What a client does in one handshake, and what came of it. */
struct visit {
	const struct pki *cert;	 /* NULL: none */
	const struct pki *inter; /* its issuer, sent along */
	int version;		 /* TLS1_2_VERSION ...; 0: any */
	const char *sigalgs;
	SSL_SESSION *resume;
	bool ask_status;
	const char *name; /* NULL: app.test */

	bool ok, resumed;
	char why[256]; /* the server's */
	char subject[TLS_SUBJECT_MAX], cn[64], staple[16];
	SSL_SESSION *session; /* if any: the caller's */
};

static SSL_SESSION *last_session;

static int on_session(SSL *ssl, SSL_SESSION *s)
{
	(void)ssl;
	SSL_SESSION_free(last_session);
	last_session = s;
	return 1;
}

static SSL *client_of(SSL_CTX *ctx, const struct visit *v, int fd)
{
	SSL *ssl = SSL_new(ctx);
	SSL_SESSION *copy;

	SSL_set_fd(ssl, fd);
	SSL_set_tlsext_host_name(ssl, (char *)(v->name ? v->name : "app.test"));
	if (v->cert)
		SSL_use_cert_and_key(ssl, v->cert->x, v->cert->key, NULL, 1);
	if (v->inter)
		SSL_add1_chain_cert(ssl, v->inter->x);
	if (v->version) {
		SSL_set_min_proto_version(ssl, v->version);
		SSL_set_max_proto_version(ssl, v->version);
	}
	if (v->sigalgs)
		CHECK(SSL_set1_sigalgs_list(ssl, v->sigalgs) == 1, "%s", v->sigalgs);
	if (v->resume) { /* OpenSSL would not use one of TLS 1.3 a second time */
		copy = SSL_SESSION_dup(v->resume);
		SSL_set_session(ssl, copy);
		SSL_SESSION_free(copy);
	}
	if (v->ask_status)
		SSL_set_tlsext_status_type(ssl, TLSEXT_STATUSTYPE_ocsp);
	SSL_set_connect_state(ssl);
	return ssl;
}

static void look(struct visit *v, SSL *ssl, struct tls *t)
{
	unsigned char *staple;
	struct tls_info info;
	char byte;

	tls_info(t, &info);
	snprintf(v->subject, sizeof(v->subject), "%s", info.peer_subject);
	v->resumed = info.resumed;
	CHECK(info.resumed == SSL_session_reused(ssl), "both say so");
	CHECK(tls_write(t, "!", 1) == 1, "%s", tls_why(t));
	CHECK(SSL_read(ssl, &byte, 1) == 1 && byte == '!', "tickets come before it");
	if (SSL_get0_peer_certificate(ssl))
		X509_NAME_get_text_by_NID(X509_get_subject_name(SSL_get0_peer_certificate(ssl)),
					  NID_commonName, v->cn, sizeof(v->cn));
	if (SSL_get_tlsext_status_ocsp_resp(ssl, &staple) > 0)
		strcpy(v->staple, "yes");
	v->session = last_session;
	last_session = NULL;
}

static void visit(struct tls_server *s, struct visit *v)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	enum tls_result r = TLS_WANT_READ;
	int fd[2], done = 0;
	struct tls *t;
	SSL *ssl;

	CHECK(!socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, fd), "socketpair");
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, on_session);
	ssl = client_of(ctx, v, fd[0]);
	t = tls_accept(s, fd[1], NULL, 0, v->name ? v->name : "app.test", NULL);
	for (int i = 0; i < 20 && r != TLS_FAILED && (done != 1 || r != TLS_DONE); i++) {
		ERR_clear_error();
		done = SSL_do_handshake(ssl);
		r = tls_handshake(t);
	}
	v->ok = done == 1 && r == TLS_DONE;
	snprintf(v->why, sizeof(v->why), "%s", tls_why(t));
	if (v->ok)
		look(v, ssl, t);
	SSL_shutdown(ssl);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	tls_free(t);
	close(fd[0]);
	close(fd[1]);
	ERR_clear_error();
}

static struct tls_server *server_new(struct tls_server_conf conf)
{
	struct fault f = {0};
	struct tls_server *s;

	conf.id = conf.id ? conf.id : "ep_1";
	conf.name = conf.name ? conf.name : "app.test";
	s = tls_server_new(base, certs, &conf, &f);
	CHECK(s, "%s: %s", f.field, f.msg);
	if (!s)
		exit(1);
	return s;
}

/* ---- mutual TLS ---- */

static void client_certificates_are_verified(void)
{
	struct pki other = pki_make((struct pki_conf){.cn = "Other CA", .is_ca = true}),
		   mid = pki_make((struct pki_conf){.cn = "Mid CA", .is_ca = true, .ca = &ca}),
		   good = pki_make(
			   (struct pki_conf){.cn = "good", .ca = &ca, .usage = "clientAuth"}),
		   plain = pki_make((struct pki_conf){.cn = "a,\nb", .ca = &ca}),
		   below = pki_make((struct pki_conf){.cn = "below", .ca = &mid}),
		   stranger = pki_make((struct pki_conf){.cn = "good", .ca = &other}),
		   late = pki_make((struct pki_conf){
			   .cn = "late", .ca = &ca, .from_s = -900, .until_s = -9}),
		   early = pki_make((struct pki_conf){
			   .cn = "early", .ca = &ca, .from_s = 900, .until_s = 9000}),
		   server = pki_make(
			   (struct pki_conf){.cn = "server", .ca = &ca, .usage = "serverAuth"}),
		   own = pki_make((struct pki_conf){.cn = "own"});
	char *cas = pki_crt(&ca), *mid_pem = pki_crt(&mid);
	const struct {
		const struct pki *cert, *inter;
		const char *cas;
		const char *subject; /* NULL: refused */
		const char *why12, *why13;
	} rows[] = {
		{&good, NULL, cas, "CN=good", NULL, NULL},
		{&plain, NULL, cas, "CN=a\\,\\0Ab", NULL, NULL},
		{&below, &mid, cas, "CN=below", NULL, NULL},
		{&below, NULL, mid_pem, "CN=below", NULL, NULL}, /* the anchor is no root */
		{NULL, NULL, cas, NULL, "(alert 40 sent)", "(alert 116 sent)"},
		{&stranger, NULL, cas, NULL, "(alert 48 sent)", "(alert 48 sent)"},
		{&below, NULL, cas, NULL, "(alert 48 sent)", "(alert 48 sent)"},
		{&own, NULL, cas, NULL, "(alert 48 sent)", "(alert 48 sent)"},
		{&late, NULL, cas, NULL, "expired (alert 45 sent)", "expired (alert 45 sent)"},
		{&early, NULL, cas, NULL, "(alert 42 sent)", "(alert 42 sent)"},
		{&server, NULL, cas, NULL, "(alert 43 sent)", "(alert 43 sent)"},
	};

	for (size_t i = 0; i < 2 * sizeof(rows) / sizeof(rows[0]); i++) {
		size_t n = i / 2;
		struct visit v = {.cert = rows[n].cert,
				  .inter = rows[n].inter,
				  .version = i % 2 ? TLS1_3_VERSION : TLS1_2_VERSION};
		const char *why = i % 2 ? rows[n].why13 : rows[n].why12;
		struct tls_server *s = server_new((struct tls_server_conf){
			.crt = app_crt, .key = app_key, .client_cas = rows[n].cas});

		visit(s, &v);
		CHECK(v.ok == !!rows[n].subject, "row %zu: %s", n, v.why);
		if (rows[n].subject)
			CHECK(!strcmp(v.subject, rows[n].subject), "row %zu: %s", n, v.subject);
		else
			CHECK(strstr(v.why, why), "row %zu: %s", n, v.why);
		SSL_SESSION_free(v.session);
		tls_server_put(s);
	}
	free(cas);
	free(mid_pem);
	for (struct pki **p = (struct pki *[]){&other, &mid, &good, &plain, &below, &stranger,
					       &late, &early, &server, &own, NULL};
	     *p; p++)
		pki_done(*p);
}

static void client_cas_are_checked(void)
{
	struct pki not_ca = pki_make((struct pki_conf){.cn = "x", .ca = &ca});
	char *good = pki_crt(&ca), *leaf = pki_crt(&not_ca), *key = pki_key(&ca);
	char many[40000] = "", two[8000], mixed[8000];
	const struct {
		const char *pem;
		int code; /* 0: fine */
	} rows[] = {
		{good, 0},   {two, 0},	    {many, 1675}, {leaf, 1913},
		{key, 1911}, {mixed, 1911}, {"", 1695},
	};

	for (int i = 0; i < 11; i++)
		strcat(many, good);
	snprintf(two, sizeof(two), "text\n%s\nmore\n%s", good, good);
	snprintf(mixed, sizeof(mixed), "%s%s", good, key);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct fault f = {0};
		const struct tls_server_conf conf = {.id = "e",
						     .name = "app.test",
						     .crt = app_crt,
						     .key = app_key,
						     .client_cas = rows[i].pem};
		struct tls_server *s = tls_server_new(base, certs, &conf, &f);

		CHECK(!s == !!rows[i].code && f.code == rows[i].code, "row %zu: %d %s", i, f.code,
		      f.msg);
		CHECK(s || !strcmp(f.field, "mutual_tls_cas"), "row %zu: %s", i, f.field);
		tls_server_put(s);
	}
	free(good);
	free(leaf);
	free(key);
	pki_done(&not_ca);
}

/* ---- resumption ---- */

static void tickets_are_bound(void)
{
	struct pki soon =
		pki_make((struct pki_conf){.cn = "soon", .ca = &ca, .from_s = -900, .until_s = 2});
	char *cas = pki_crt(&ca);
	struct tls_server_conf open = {.crt = app_crt, .key = app_key};
	struct tls_server_conf closed = {.crt = app_crt, .key = app_key, .client_cas = cas};

	for (int version = TLS1_2_VERSION; version <= TLS1_3_VERSION; version++) {
		struct tls_server *a = server_new(open), *same = server_new(open), *b, *m;
		struct visit v = {.version = version}, w, x;

		open.id = "ep_2";
		b = server_new(open);
		open.id = NULL;
		m = server_new(closed);
		visit(a, &v);
		CHECK(v.ok && !v.resumed && v.session, "%s", v.why);
		w = (struct visit){.version = version, .resume = v.session};
		visit(a, &w);
		CHECK(w.ok && w.resumed, "the same endpoint: %s", w.why);
		CHECK(version == TLS1_2_VERSION || w.session,
		      "1.3: a new ticket for the next time");
		SSL_SESSION_free(w.session);
		w = (struct visit){.version = version, .resume = v.session};
		visit(same, &w);
		CHECK(w.ok && w.resumed, "as reloaded: %s", w.why);
		SSL_SESSION_free(w.session);
		w = (struct visit){.version = version, .resume = v.session};
		visit(b, &w);
		CHECK(w.ok && !w.resumed, "another endpoint: %s", w.why);
		SSL_SESSION_free(w.session);
		w = (struct visit){.version = version, .resume = v.session};
		visit(m, &w);
		CHECK(!w.ok, "one that now asks for certificates");
		SSL_SESSION_free(v.session);

		v = (struct visit){.version = version, .cert = &soon};
		visit(m, &v);
		CHECK(v.ok && v.session, "%s", v.why);
		w = (struct visit){.version = version, .resume = v.session};
		visit(m, &w);
		CHECK(w.ok && w.resumed && !strcmp(w.subject, "CN=soon"), "%s %s", w.subject,
		      w.why);
		SSL_SESSION_free(w.session);
		while (X509_cmp_current_time(X509_get0_notAfter(soon.x)) > 0)
			usleep(20000);
		x = (struct visit){.version = version, .resume = v.session, .cert = &soon};
		visit(m, &x);
		CHECK(!x.ok && strstr(x.why, "(alert 45 sent)"), "expired since: %s", x.why);
		SSL_SESSION_free(v.session);
		tls_server_put(a);
		tls_server_put(same);
		tls_server_put(b);
		tls_server_put(m);
		if (version == TLS1_2_VERSION) {
			pki_done(&soon);
			soon = pki_make((struct pki_conf){
				.cn = "soon", .ca = &ca, .from_s = -900, .until_s = 2});
		}
	}
	free(cas);
	pki_done(&soon);
}

static int use(struct tickets *k, time_t now, unsigned char name[16], int encrypt)
{
	EVP_CIPHER_CTX *cipher = EVP_CIPHER_CTX_new();
	EVP_MAC *hmac = EVP_MAC_fetch(NULL, "HMAC", NULL);
	EVP_MAC_CTX *mac = EVP_MAC_CTX_new(hmac);
	unsigned char iv[EVP_MAX_IV_LENGTH] = "";
	int ret = tickets_use(k, now, name, iv, cipher, mac, encrypt);

	EVP_CIPHER_CTX_free(cipher);
	EVP_MAC_CTX_free(mac);
	EVP_MAC_free(hmac);
	return ret;
}

static void ticket_keys_rotate(void)
{
	struct tickets *k = tickets_new();
	unsigned char one[16], two[16], odd[16] = "nobody's";

	CHECK(use(k, 1000, one, 1) == 1, "new");
	CHECK(use(k, 1000, odd, 0) == 0, "unknown");
	CHECK(use(k, 1000 + TICKET_KEY_S - 1, one, 0) == 1, "current");
	CHECK(use(k, 1000 + TICKET_KEY_S, two, 1) == 1 && memcmp(one, two, 16), "rotated");
	CHECK(use(k, 1000 + TICKET_KEY_S, one, 0) == 2, "understood, and renewed");
	CHECK(use(k, 1000 + 2 * TICKET_KEY_S, one, 0) == 0, "gone");
	/* set back by years: a key is never used for longer than it should be */
	CHECK(use(k, 900000000, one, 1) == 1, "forward");
	CHECK(use(k, 1000, two, 1) == 1 && memcmp(one, two, 16), "not the one from the future");
	CHECK(use(k, 1000, one, 0) == 2, "which is understood");
	CHECK(use(k, 1000 + TICKET_KEY_S, odd, 1) == 1 && memcmp(two, odd, 16), "rotated again");
	CHECK(use(k, 1000 + TICKET_KEY_S, one, 0) == 0, "for one period");
	tickets_free(k);
}

/* ---- certificates ---- */

static void upload(const char *id, const struct pki *p)
{
	char *crt = pki_crt(p), *key = pki_key(p);
	struct fault f = {0};

	CHECK(!certs_add(certs, id, crt, key, &f), "%s", f.msg);
	free(crt);
	free(key);
}

static void certificate_suits_the_client(void)
{
	static const struct {
		int version;
		const char *sigalgs, *cn;
	} rows[] = {
		{TLS1_3_VERSION, NULL, "ec"},
		{TLS1_2_VERSION, NULL, "ec"},
		{TLS1_3_VERSION, "rsa_pss_rsae_sha256:ecdsa_secp256r1_sha256", "ec"},
		{TLS1_3_VERSION, "rsa_pss_rsae_sha256", "rsa"},
		{TLS1_2_VERSION, "RSA+SHA256", "rsa"},
		{TLS1_2_VERSION, "ECDSA+SHA256", "ec"},
	};
	struct tls_server *s = server_new((struct tls_server_conf){0});
	struct visit v = {.version = 0};

	visit(s, &v);
	CHECK(v.ok && !strcmp(v.cn, "app.test"), "the local CA's: %s %s", v.cn, v.why);
	SSL_SESSION_free(v.session);
	upload("cert_1", &app);
	upload("cert_2", &rsa);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		v = (struct visit){.version = rows[i].version, .sigalgs = rows[i].sigalgs};
		visit(s, &v);
		CHECK(v.ok && !strcmp(v.cn, rows[i].cn), "row %zu: %s %s", i, v.cn, v.why);
		SSL_SESSION_free(v.session);
	}
	certs_remove(certs, "cert_1");
	certs_remove(certs, "cert_2");
	tls_server_put(s);
}

/* A response that <ca> signs for <p>. */
static void write_staple(const char *path, const struct pki *p, long until_s)
{
	OCSP_BASICRESP *basic = OCSP_BASICRESP_new();
	OCSP_CERTID *id = OCSP_cert_to_id(EVP_sha1(), p->x, ca.x);
	ASN1_TIME *from = X509_gmtime_adj(NULL, -10), *until = X509_gmtime_adj(NULL, until_s);
	FILE *out = fopen(path, "w");
	unsigned char *der = NULL;
	OCSP_RESPONSE *r;
	int len;

	OCSP_basic_add1_status(basic, id, V_OCSP_CERTSTATUS_GOOD, 0, NULL, from, until);
	CHECK(OCSP_basic_sign(basic, ca.x, ca.key, EVP_sha256(), NULL, 0) == 1, "sign");
	r = OCSP_response_create(OCSP_RESPONSE_STATUS_SUCCESSFUL, basic);
	len = i2d_OCSP_RESPONSE(r, &der);
	CHECK(out && len > 0 && fwrite(der, (size_t)len, 1, out) == 1, "%s", path);
	OPENSSL_free(der);
	fclose(out);
	OCSP_RESPONSE_free(r);
	OCSP_BASICRESP_free(basic);
	OCSP_CERTID_free(id);
	ASN1_TIME_free(from);
	ASN1_TIME_free(until);
}

static void put_file(const char *path, const char *text)
{
	FILE *out = fopen(path, "w");

	CHECK(out && fputs(text, out) >= 0, "%s", path);
	fclose(out);
}

static void staple_is_sent_until_its_end(void)
{
	static const struct {
		bool ask, other;
		long until_s;
		const char *want;
	} rows[] = {
		{true, false, 900, "yes"}, {false, false, 900, ""}, {true, true, 900, ""},
		{true, false, -5, ""},	   {true, false, 1, ""},
	};
	struct tls_server *s = server_new((struct tls_server_conf){0});
	char crt[200], key[200], ocsp[200];

	snprintf(crt, sizeof(crt), "%s/app.pem", state);
	snprintf(key, sizeof(key), "%s/app.key", state);
	snprintf(ocsp, sizeof(ocsp), "%s/app.ocsp", state);
	put_file(crt, app_crt);
	put_file(key, app_key);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct visit v = {.ask_status = rows[i].ask};

		unlink(ocsp);
		write_staple(ocsp, rows[i].other ? &rsa : &app, rows[i].until_s);
		CHECK(!certs_reload(certs, state, true), "reload");
		if (rows[i].until_s == 1)
			usleep(2100000);
		visit(s, &v);
		CHECK(v.ok && !strcmp(v.cn, "ec") && !strcmp(v.staple, rows[i].want),
		      "row %zu: %s '%s' %s", i, v.cn, v.staple, v.why);
		SSL_SESSION_free(v.session);
	}
	tls_server_put(s);
}

/* The first flight of a client for app.test, a record. */
static size_t hello_of_client(uint8_t *out, size_t size)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *wire = BIO_new(BIO_s_mem());
	int n;

	SSL_set_tlsext_host_name(ssl, "app.test");
	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), wire);
	SSL_connect(ssl);
	n = BIO_read(wire, out, (int)size);
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	ERR_clear_error();
	return n > 0 ? (size_t)n : 0;
}

/* What is wrong with a hello is told by its alert; one with nothing wrong gets no answer. */
static void hellos_are_judged(void)
{
	static const struct {
		const char *name;
		const char *sni;
		int at; /* -1: nothing is changed */
		uint8_t value;
		int want;
	} rows[] = {
		{"good", "app.test", -1, 0, -1},
		{"of another name", "other.test", -1, 0, SSL_AD_UNRECOGNIZED_NAME},
		{"session id of 33", "app.test", 43, 33, SSL_AD_DECODE_ERROR},
		{"no ClientHello", "app.test", 5, 2, SSL_AD_UNEXPECTED_MESSAGE},
		{"message shorter than it is", "app.test", 7, 0, SSL_AD_DECODE_ERROR},
		{"message longer than it is", "app.test", 7, 0x20, -1},
		{"an alert", "app.test", 0, 21, SSL_AD_UNEXPECTED_MESSAGE},
		{"a record of no type", "app.test", 0, 99, SSL_AD_UNEXPECTED_MESSAGE},
	};
	struct tls_server_conf conf = {
		.id = "ep_1", .name = "app.test", .crt = app_crt, .key = app_key};
	struct fault f = {.msg = ""};
	struct tls_server *s = tls_server_new(base, certs, &conf, &f);
	uint8_t good[1024], hello[1024];
	size_t n = hello_of_client(good, sizeof(good));
	int got;

	CHECK(s && n > 100, "%s", f.msg);
	for (size_t i = 0; s && i < sizeof(rows) / sizeof(rows[0]); i++) {
		memcpy(hello, good, n);
		if (rows[i].at >= 0)
			hello[rows[i].at] = rows[i].value;
		got = tls_judge(s, hello, n, rows[i].sni);
		CHECK(got == rows[i].want, "%s: alert %d, want %d", rows[i].name, got,
		      rows[i].want);
	}
	CHECK(tls_judge(s, good, n, NULL) == -1, "whatever the name");
	CHECK(tls_judge(s, good, n / 2, "app.test") == -1, "half");
	CHECK(tls_judge(s, "GET / HTTP/1.0\r\n\r\n", 18, "app.test") == -1, "http");
	CHECK(tls_judge(s, "SSH-2.0-OpenSSH_9.2p1\r\n", 23, "app.test") == -1, "ssh");
	CHECK(tls_judge(s, good, 0, "app.test") == -1, "nothing");
	CHECK(ERR_peek_error() == 0, "an error is left behind");
	tls_server_put(s);
}

int main(void)
{
	struct certs_conf conf = {.state = state};
	char command[200], why[256];

	if (!mkdtemp(state) || certs_open(&conf, &certs))
		return 1;
	base = tls_base_new(why, sizeof(why));
	CHECK(base, "%s", why);
	ca = pki_make((struct pki_conf){.cn = "Test CA", .is_ca = true});
	app = pki_make((struct pki_conf){.cn = "ec", .san = "DNS:app.test", .ca = &ca});
	rsa = pki_make(
		(struct pki_conf){.cn = "rsa", .san = "DNS:app.test", .ca = &ca, .rsa = true});
	app_crt = pki_crt(&app);
	app_key = pki_key(&app);
	client_certificates_are_verified();
	client_cas_are_checked();
	tickets_are_bound();
	ticket_keys_rotate();
	certificate_suits_the_client();
	staple_is_sent_until_its_end();
	hellos_are_judged();
	SSL_SESSION_free(last_session);
	certs_close(certs);
	tls_base_free(base);
	pki_done(&ca);
	pki_done(&app);
	pki_done(&rsa);
	free(app_crt);
	free(app_key);
	snprintf(command, sizeof(command), "rm -rf '%s'", state);
	return system(command) || failures;
}
