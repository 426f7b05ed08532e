/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tls_private - the room's structures, for its own files only.
 */
#ifndef TLS_PRIVATE_H
#define TLS_PRIVATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include <openssl/ssl.h>

#include "carrier.h"
#include "pair.h"
#include "sessions.h"
#include "swift.h"
#include "ticket.h"
#include "tls.h"
#include "tls_base.h"
#include "tls_client.h"
#include "tls_server.h"

#define TLS_NAME_MAX 256

struct tls_base {
	OSSL_PROVIDER *swift; /* NULL: none */
	SSL_CTX *server, *client;
	BIO_METHOD *method;
	struct tickets *tickets;
};

struct tls_server {
	struct tls_base *base;
	struct certs *certs;
	atomic_uint refs;
	char name[TLS_NAME_MAX];
	int min, max;		/* TLS1_2_VERSION ... */
	struct pair *pair;	/* NULL: <certs> has one */
	X509_STORE *client_cas; /* NULL: no mutual TLS */
	STACK_OF(X509_NAME) * client_ca_names;
	unsigned char *alpn; /* wire form; NULL: none */
	unsigned alpn_len;
	unsigned char sid_context[32];
};

struct tls_client {
	struct tls_base *base;
	atomic_uint refs;
	bool verify;
	int min, max;
	struct pair *pair; /* NULL: none */
	X509_STORE *cas;   /* NULL: the system's */
	struct sessions sessions;
};

struct tls {
	SSL *ssl;
	struct carrier carrier;
	struct tls_server *server; /* one of the two */
	struct tls_client *client;
	struct pairs chosen; /* server: the certificates to choose from */
	char sni[TLS_NAME_MAX];
	char *alpn; /* server: the upstream's choice; NULL: by the list */
	bool done, failed;
	bool expects_news;
	bool holds_tickets;
	bool any_name; /* server: <sni> is not what it was routed by */
	bool offered;  /* client: a session to resume */
	bool pending;  /* reading may give something without the socket */
	bool closed;   /* close_notify has come */
	bool shut;     /* ours has been written */
	int alert;     /* sent: its number; -1: none */
	char why[256]; /* "" nothing */
};

/* SSL_CTX callbacks of the server's side (tls_server.c, tls_choose.c). */
int tls_on_hello(SSL *ssl, int *alert, void *arg);
int tls_on_cert(SSL *ssl, void *arg);
int tls_on_status(SSL *ssl, void *arg);
int tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		const unsigned char *in, unsigned in_len, void *arg);
SSL_TICKET_RETURN tls_on_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *keyname,
				size_t keyname_len, SSL_TICKET_STATUS status, void *arg);

/* Of the client's side (tls_client.c): a session to resume has come. */
int tls_on_session(SSL *ssl, SSL_SESSION *session);

/* Sets what <s>/<c> says on a new session.  0 or -1 (out of memory, or a key too weak). */
int tls_server_apply(struct tls_server *s, SSL *ssl);
int tls_client_apply(struct tls_client *c, SSL *ssl, const char *name);

/* TLS1_2_VERSION ...; <otherwise> for TLS_VERSION_DEFAULT. */
int tls_version_number(enum tls_version v, int otherwise);

#endif
