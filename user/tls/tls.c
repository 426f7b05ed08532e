// SPDX-License-Identifier: GPL-2.0-only
#include "tls.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>

#include "tls_private.h"
#include "why.h"

/* ---- making one ---- */

static struct tls *session_new(struct tls_base *b, SSL_CTX *ctx, int fd, const void *ahead,
			       size_t len)
{
	struct tls *t = calloc(1, sizeof(*t));
	BIO *bio;

	if (!t)
		return NULL;
	t->alert = -1;
	t->ssl = SSL_new(ctx);
	bio = t->ssl && SSL_set_app_data(t->ssl, t) ? BIO_new(b->method) : NULL;
	if (!bio || carrier_init(&t->carrier, fd, ahead, len)) {
		BIO_free(bio);
		SSL_free(t->ssl);
		free(t);
		ERR_clear_error();
		return NULL;
	}
	BIO_set_data(bio, &t->carrier);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	return t;
}

struct tls *tls_accept(struct tls_server *s, int fd, const void *ahead, size_t len, const char *sni,
		       const char *alpn)
{
	struct tls *t = session_new(s->base, s->base->server, fd, ahead, len);

	if (!t)
		return NULL;
	t->server = tls_server_get(s);
	snprintf(t->sni, sizeof(t->sni), "%s", sni);
	t->alpn = alpn ? strdup(alpn) : NULL;
	if ((!alpn || t->alpn) && !tls_server_apply(s, t->ssl))
		return t;
	ERR_clear_error();
	tls_free(t);
	return NULL;
}

static void resume(struct tls *t)
{
	SSL_SESSION *s = sessions_take(&t->client->sessions, t->sni, time(NULL));

	t->offered = s && SSL_set_session(t->ssl, s) == 1;
	SSL_SESSION_free(s);
}

struct tls *tls_connect(struct tls_client *c, int fd, const char *name, const uint8_t *alpn,
			size_t alpn_len)
{
	struct tls *t = session_new(c->base, c->base->client, fd, NULL, 0);

	if (!t)
		return NULL;
	t->client = tls_client_get(c);
	snprintf(t->sni, sizeof(t->sni), "%s", name);
	if (c->verify && !*name) { /* an empty one would match any certificate */
		strcpy(t->why, "there is no name that the upstream's certificate could be for");
		t->failed = true;
		return t;
	}
	resume(t);
	if (!tls_client_apply(c, t->ssl, name) &&
	    (!alpn || !SSL_set_alpn_protos(t->ssl, alpn, (unsigned)alpn_len)))
		return t;
	ERR_clear_error();
	tls_free(t);
	return NULL;
}

/*
 * A KeyUpdate that wants one of ours (RFC 8446 4.6.3): what we send after that is to be under the
 * next key, and the kernel goes on with this one.  So nothing is, but an alert.
 */
static void on_message(int sent, int version, int type, const void *buf, size_t len, SSL *ssl,
		       void *arg)
{
	static const uint8_t alert[2] = {SSL3_AL_FATAL, SSL_AD_INTERNAL_ERROR};
	const uint8_t *msg = buf;
	struct tls *t = arg;

	(void)version;
	(void)ssl;
	if (sent || type != SSL3_RT_HANDSHAKE || len != 5 || msg[0] != SSL3_MT_KEY_UPDATE ||
	    msg[4] != SSL_KEY_UPDATE_REQUESTED || !t->carrier.ktls.tx)
		return;
	strcpy(t->why, "KeyUpdate asked for, which the kernel's TLS cannot do (alert 80 sent)");
	carrier_refuse(&t->carrier, alert, sizeof(alert));
}

int tls_judge(struct tls_server *s, const void *bytes, size_t len, const char *sni)
{
	struct tls *t = tls_accept(s, -1, NULL, 0, sni ? sni : "", "");
	BIO *in = BIO_new_mem_buf(bytes, (int)len), *out = BIO_new(BIO_s_null());
	int ret, alert = -1;

	if (!t || !in || !out) {
		BIO_free(in);
		BIO_free(out);
	} else {
		t->any_name = !sni;
		BIO_set_mem_eof_return(in, -1); /* more may come */
		SSL_set_bio(t->ssl, in, out);
		ERR_clear_error();
		ret = SSL_do_handshake(t->ssl);
		if (ret <= 0 && SSL_get_error(t->ssl, ret) == SSL_ERROR_SSL)
			alert = t->alert;
		t->failed = true;
	}
	ERR_clear_error();
	tls_free(t);
	return alert;
}

void tls_offload(struct tls *t)
{
	SSL_set_options(t->ssl, SSL_OP_ENABLE_KTLS);
	SSL_set_msg_callback(t->ssl, on_message);
	SSL_set_msg_callback_arg(t->ssl, t);
}

bool tls_offloads_tx(const struct tls *t)
{
	return t->carrier.ktls.tx;
}

bool tls_offloads_rx(const struct tls *t)
{
	return t->carrier.ktls.rx;
}

void tls_spliced(struct tls *t, size_t n)
{
	t->carrier.ktls.plain += n;
}

bool tls_is_drained(const struct tls *t)
{
	return ktls_is_drained(&t->carrier.ktls, t->carrier.fd);
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	if (!t->failed) /* however it ends, it can be resumed: RFC 5246 7.2.1 */
		SSL_set_shutdown(t->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
	SSL_free(t->ssl);
	pairs_done(&t->chosen);
	carrier_done(&t->carrier);
	tls_server_put(t->server);
	tls_client_put(t->client);
	free(t->alpn);
	free(t);
}

/* ---- errors ---- */

/* Remembers why, the alert included; the session is of no use any more. */
static void fail(struct tls *t)
{
	char text[192];
	size_t n;

	t->failed = true;
	if (t->why[0])
		ERR_clear_error();
	else
		snprintf(t->why, sizeof(t->why), "%s", why_session(t->ssl, text, sizeof(text)));
	n = strlen(t->why);
	if (t->alert != -1)
		snprintf(t->why + n, sizeof(t->why) - n, " (alert %d sent)", t->alert);
}

/* The socket's error as the session's. */
static int fail_errno(struct tls *t, int err)
{
	t->failed = true;
	if (!t->why[0])
		snprintf(t->why, sizeof(t->why), "%s", strerror(err));
	return -err;
}

const char *tls_why(const struct tls *t)
{
	return t->why;
}

bool tls_is_untrusted(const struct tls *t)
{
	switch (t ? SSL_get_verify_result(t->ssl) : X509_V_OK) {
	case X509_V_OK:
	case X509_V_ERR_CERT_NOT_YET_VALID:
	case X509_V_ERR_CERT_HAS_EXPIRED:
		return false;
	default:
		return *t->why;
	}
}

/* ---- handshake ---- */

void tls_expect_news(struct tls *t)
{
	t->expects_news = true;
}

void tls_hold_tickets(struct tls *t)
{
	t->holds_tickets = true;
}

/* After the client's Finished a server of TLS 1.3 has nothing to say but tickets. */
static bool may_wait(const struct tls *t)
{
	return t->holds_tickets && t->done && SSL_version(t->ssl) >= TLS1_3_VERSION;
}

static enum tls_result handshake_failed(struct tls *t, int error)
{
	if (error == SSL_ERROR_SYSCALL && (t->carrier.err_in || t->carrier.err_out)) {
		ERR_clear_error();
		fail_errno(t, t->carrier.err_in ? t->carrier.err_in : t->carrier.err_out);
	} else {
		fail(t);
	}
	if (t->offered)
		sessions_forget(&t->client->sessions);
	carrier_flush(&t->carrier); /* the alert; who does not take it at once goes without */
	return TLS_FAILED;
}

enum tls_result tls_handshake(struct tls *t)
{
	int ret, error = SSL_ERROR_NONE, err;

	if (t->failed)
		return TLS_FAILED;
	if (!t->done) {
		ERR_clear_error();
		t->carrier.in_turn = t->expects_news;
		ret = SSL_do_handshake(t->ssl);
		t->carrier.in_turn = false;
		error = SSL_get_error(t->ssl, ret);
		if (ret == 1)
			t->done = t->pending = true;
		else if (error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE)
			return handshake_failed(t, error);
	}
	err = may_wait(t) ? carrier_flush_ahead(&t->carrier) : carrier_flush(&t->carrier);
	if (err == -EAGAIN)
		return TLS_WANT_WRITE;
	if (err) {
		fail_errno(t, -err);
		return TLS_FAILED;
	}
	if (t->done) {
		pairs_done(&t->chosen); /* the session has what it needs of them */
		return TLS_DONE;
	}
	if (t->carrier.eof) {
		snprintf(t->why, sizeof(t->why), "closed by the %s during the handshake",
			 t->server ? "client" : "upstream");
		t->failed = true;
		return TLS_FAILED;
	}
	return error == SSL_ERROR_WANT_WRITE ? TLS_WANT_WRITE : TLS_WANT_READ;
}

/* ---- bytes ---- */

/* After SSL_read(3): what its error is to our caller. */
static ssize_t read_failed(struct tls *t, int error)
{
	switch (error) {
	case SSL_ERROR_ZERO_RETURN:
		t->closed = true;
		return 0;
	case SSL_ERROR_WANT_READ:
		return t->carrier.eof ? -ENODATA : -EAGAIN;
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_SYSCALL:
		if (t->carrier.err_in)
			return -t->carrier.err_in;
		if (t->carrier.err_out)
			return fail_errno(t, t->carrier.err_out);
	}
	fail(t);
	carrier_flush(&t->carrier);
	return -EPROTO;
}

ssize_t tls_read(struct tls *t, void *buf, size_t len)
{
	size_t done = 0, n;
	int ret, error;

	if (t->closed)
		return 0;
	if (t->failed)
		return -EPROTO;
	if (!t->done)
		return -EAGAIN;
	do {
		ERR_clear_error();
		ret = SSL_read_ex(t->ssl, (char *)buf + done, len - done, &n);
		error = SSL_get_error(t->ssl, ret);
		if (ret == 1)
			done += n;
	} while (ret == 1 && done < len && SSL_has_pending(t->ssl));
	/* the next record is in the kernel, maybe: there it can be spliced */
	t->pending = ret == 1 && (!t->carrier.ktls.rx || SSL_has_pending(t->ssl));
	if (t->carrier.out)
		carrier_flush(&t->carrier); /* the answer to a KeyUpdate */
	return done ? (ssize_t)done : read_failed(t, error);
}

bool tls_has_pending(const struct tls *t)
{
	return t->pending;
}

bool tls_has_data(struct tls *t)
{
	char byte;
	size_t n;

	if (t->closed || t->failed || !t->done)
		return false;
	ERR_clear_error();
	if (SSL_peek_ex(t->ssl, &byte, 1, &n) != 1)
		return false; /* why not, tls_read() will say */
	t->pending = true;    /* the socket does not tell of it again */
	return true;
}

/* One record.  0 with <*ret_n>, or -errno. */
static int write_record(struct tls *t, const void *buf, size_t len, size_t *ret_n)
{
	int ret;

	ERR_clear_error();
	ret = SSL_write_ex(t->ssl, buf, len, ret_n);
	if (ret == 1)
		return 0;
	switch (SSL_get_error(t->ssl, ret)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		return -EAGAIN;
	case SSL_ERROR_SYSCALL:
		if (t->carrier.err_out)
			return fail_errno(t, t->carrier.err_out);
	}
	fail(t);
	return -EPROTO;
}

ssize_t tls_put(struct tls *t, const void *buf, size_t len)
{
	const unsigned char *p = buf;
	size_t done = 0, n;
	int err = 0;

	if (t->failed || t->shut)
		return -EPROTO;
	if (!t->done)
		return -EAGAIN;
	while (done < len) {
		/* only with room for it: OpenSSL then never has half a record to be repeated */
		if (!carrier_has_room(&t->carrier))
			err = carrier_flush(&t->carrier);
		if (!err)
			err = write_record(t, p + done, len - done, &n);
		if (err)
			break;
		done += n;
	}
	if (t->carrier.out_len > CARRIER_RECORD_MAX || t->carrier.ktls.tx)
		carrier_flush(&t->carrier); /* what it says, the next call will hear */
	return done || !len ? (ssize_t)done : err;
}

ssize_t tls_write(struct tls *t, const void *buf, size_t len)
{
	ssize_t n = tls_put(t, buf, len);

	if (n > 0)
		carrier_flush(&t->carrier); /* as above */
	return n;
}

bool tls_wants_write(const struct tls *t)
{
	return t->carrier.out && !t->carrier.err_out;
}

static int flushed(struct tls *t, int err)
{
	return err && err != -EAGAIN ? fail_errno(t, -err) : err;
}

int tls_flush(struct tls *t)
{
	return flushed(t, carrier_flush(&t->carrier));
}

int tls_shut(struct tls *t)
{
	int ret;

	if (t->failed || !t->done)
		return -EPROTO;
	if (!t->shut) {
		if (t->carrier.ktls.tx || !carrier_has_room(&t->carrier)) {
			ret = tls_flush(t);
			if (ret)
				return ret;
		}
		ERR_clear_error();
		if (SSL_shutdown(t->ssl) < 0) {
			fail(t);
			return -EPROTO;
		}
		t->shut = true;
	}
	return flushed(t, carrier_flush_ahead(&t->carrier));
}

uint64_t tls_bytes_in(const struct tls *t)
{
	return t->carrier.bytes_in;
}

uint64_t tls_bytes_out(const struct tls *t)
{
	return t->carrier.bytes_out;
}
