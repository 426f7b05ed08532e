/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream_tls - the bytes of a checked connection, in TLS or not: send(), recv() and the end of a
 * direction, which in TLS is close_notify and a FIN.  A FIN without close_notify reads as a reset.
 */
#ifndef STREAM_TLS_H
#define STREAM_TLS_H
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdbool.h>

#include "sock.h"

struct stream_tls {
	SSL *ssl;
	bool wants_read; /* a write waits for what the handshake reads */
	size_t retry;	 /* a write that was put off must be as long again */
};

/* <file>: the client's CA, the server's certificate and key.  Ends the program when it cannot. */
static inline SSL_CTX *stream_tls_new(bool client, const char *file)
{
	SSL_CTX *ctx = SSL_CTX_new(client ? TLS_client_method() : TLS_server_method());

	if (!ctx ||
	    (client ? SSL_CTX_load_verify_file(ctx, file)
		    : SSL_CTX_use_certificate_chain_file(ctx, file) == 1 &&
			      SSL_CTX_use_PrivateKey_file(ctx, file, SSL_FILETYPE_PEM)) != 1)
		errx(2, "%s: not what TLS needs", file);
	if (client)
		SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	return ctx;
}

static inline void stream_tls_begin(struct stream_tls *t, SSL_CTX *ctx, int fd, const char *name)
{
	t->ssl = SSL_new(ctx);
	if (!t->ssl || SSL_set_fd(t->ssl, fd) != 1)
		errx(2, "out of memory");
	if (!name) {
		SSL_set_accept_state(t->ssl);
		return;
	}
	SSL_set_connect_state(t->ssl);
	if (SSL_set_tlsext_host_name(t->ssl, name) != 1 || SSL_set1_host(t->ssl, name) != 1)
		errx(2, "%s: not a name", name);
}

/* As errno what is not an end: EAGAIN, or the connection is lost. */
static inline ssize_t stream_tls_failed(struct stream_tls *t, int r)
{
	int e = errno, why = SSL_get_error(t->ssl, r);

	if (why == SSL_ERROR_ZERO_RETURN)
		return 0;
	t->wants_read = why == SSL_ERROR_WANT_READ;
	if (why == SSL_ERROR_WANT_READ || why == SSL_ERROR_WANT_WRITE)
		errno = EAGAIN;
	else if (why == SSL_ERROR_SYSCALL && e)
		errno = e;
	else
		errno = ERR_GET_REASON(ERR_peek_error()) == SSL_R_UNEXPECTED_EOF_WHILE_READING
				? ECONNRESET
				: EPROTO;
	ERR_clear_error();
	return -1;
}

static inline ssize_t stream_send(struct stream_tls *t, int fd, const void *buf, size_t n)
{
	int r;

	if (!t->ssl)
		return send(fd, buf, n, MSG_NOSIGNAL);
	errno = 0;
	r = SSL_write(t->ssl, buf, (int)n);
	t->wants_read = false;
	t->retry = r > 0 ? 0 : n;
	return r > 0 ? r : stream_tls_failed(t, r);
}

static inline ssize_t stream_recv(struct stream_tls *t, int fd, void *buf, size_t n)
{
	bool wanted = t->wants_read;
	ssize_t r;
	int got;

	if (!t->ssl)
		return recv(fd, buf, n, 0);
	errno = 0;
	got = SSL_read(t->ssl, buf, (int)n);
	r = got > 0 ? got : stream_tls_failed(t, got);
	t->wants_read = wanted;
	return r;
}

/* 0, or -1: not yet, or lost. */
static inline int stream_end(struct stream_tls *t, int fd)
{
	int r;

	errno = 0;
	if (t->ssl && (r = SSL_shutdown(t->ssl)) < 0)
		return (int)stream_tls_failed(t, r);
	return shutdown(fd, SHUT_WR);
}
#endif
