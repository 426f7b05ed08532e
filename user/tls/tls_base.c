// SPDX-License-Identifier: GPL-2.0-only
#include "tls_base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>

#include "tls_private.h"
#include "why.h"

/* Mozilla's "intermediate", version 5.7, without the finite-field ones. */
#define CIPHERS_12                                                   \
	"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:" \
	"ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:" \
	"ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305"
#define CIPHERS_13 "TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
#define GROUPS "X25519:P-256:P-384"

#define READ_BUFFER (4 * CARRIER_RECORD_MAX) /* a recv(2) takes up to four records */
#define CERT_LIST_MAX (256 << 10)	     /* bytes of a peer's chain */
#define CERT_DEPTH_MAX 9
#define SESSION_S (2 * 3600)
#define TICKETS 1 /* of TLS 1.3; each costs a tenth of a handshake, and its use brings the next */

static int on_ticket_key(SSL *ssl, unsigned char *name, unsigned char *iv, EVP_CIPHER_CTX *cipher,
			 EVP_MAC_CTX *mac, int encrypt)
{
	struct tls *t = SSL_get_app_data(ssl);

	int ret = tickets_use(t->server->base->tickets, time(NULL), name, iv, cipher, mac, encrypt);

	/* a ticket of TLS 1.3 is for one use, RFC 8446 C.4: each resumption gets another one */
	return !encrypt && ret == 1 && SSL_version(ssl) >= TLS1_3_VERSION ? 2 : ret;
}

/* The alert we send is part of why a handshake failed. */
static void on_info(const SSL *ssl, int where, int value)
{
	struct tls *t = SSL_get_app_data(ssl);

	if ((where & SSL_CB_WRITE_ALERT) == SSL_CB_WRITE_ALERT && value >> 8 == SSL3_AL_FATAL)
		t->alert = value & 0xff;
}

static int setup(SSL_CTX *ctx)
{
	SSL_CTX_set_options(ctx, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE |
					 SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(ctx, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_read_ahead(ctx, 1);
	SSL_CTX_set_default_read_buffer_len(ctx, READ_BUFFER);
	SSL_CTX_set_max_cert_list(ctx, CERT_LIST_MAX);
	SSL_CTX_set_verify_depth(ctx, CERT_DEPTH_MAX);
	SSL_CTX_set_info_callback(ctx, on_info);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF); /* tickets only */
	SSL_CTX_set_timeout(ctx, SESSION_S);
	return SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, CIPHERS_12) == 1 &&
	       SSL_CTX_set_ciphersuites(ctx, CIPHERS_13) == 1 &&
	       SSL_CTX_set1_groups_list(ctx, GROUPS) == 1;
}

static int setup_server(SSL_CTX *ctx)
{
	SSL_CTX_set_client_hello_cb(ctx, tls_on_hello, NULL);
	SSL_CTX_set_cert_cb(ctx, tls_on_cert, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, tls_on_alpn, NULL);
	SSL_CTX_set_tlsext_status_cb(ctx, tls_on_status);
	return SSL_CTX_set_num_tickets(ctx, TICKETS) == 1 &&
	       SSL_CTX_set_tlsext_ticket_key_evp_cb(ctx, on_ticket_key) == 1 &&
	       SSL_CTX_set_session_ticket_cb(ctx, NULL, tls_on_ticket, NULL) == 1;
}

/*
 * An upstream is of the operator's own network, verified or not: its ciphers may be any that
 * OpenSSL has for TLS 1.2, and its key may be shorter than ours.
 */
static int setup_client(SSL_CTX *ctx)
{
	SSL_CTX_set_security_level(ctx, 1);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(ctx, tls_on_session);
	return SSL_CTX_set_default_verify_paths(ctx) == 1 &&
	       SSL_CTX_set_cipher_list(ctx, CIPHERS_12 ":DEFAULT") == 1;
}

struct tls_base *tls_base_new(char *why, size_t size)
{
	struct tls_base *b = calloc(1, sizeof(*b));
	const char *query;

	if (!b) {
		snprintf(why, size, "out of memory");
		return NULL;
	}
	ERR_clear_error();
	b->swift = swift_load();
	query = b->swift ? swift_query() : NULL;
	b->server = SSL_CTX_new_ex(NULL, query, TLS_server_method());
	b->client = SSL_CTX_new_ex(NULL, query, TLS_client_method());
	b->method = carrier_method_new();
	b->tickets = tickets_new();
	if (b->server && b->client && b->method && b->tickets && setup(b->server) &&
	    setup(b->client) && setup_server(b->server) && setup_client(b->client))
		return b;
	why_queue(why, size);
	tls_base_free(b);
	return NULL;
}

void tls_base_free(struct tls_base *b)
{
	if (!b)
		return;
	SSL_CTX_free(b->server);
	SSL_CTX_free(b->client);
	BIO_meth_free(b->method);
	tickets_free(b->tickets);
	if (b->swift)
		OSSL_PROVIDER_unload(b->swift);
	free(b);
}

void tls_be_guest(void)
{
	swift_be_guest();
}

enum tls_version tls_version_parse(const char *text)
{
	if (!strcmp(text, "1.2"))
		return TLS_1_2;
	if (!strcmp(text, "1.3"))
		return TLS_1_3;
	return TLS_VERSION_DEFAULT;
}

int tls_version_number(enum tls_version v, int otherwise)
{
	switch (v) {
	case TLS_1_2:
		return TLS1_2_VERSION;
	case TLS_1_3:
		return TLS1_3_VERSION;
	default:
		return otherwise;
	}
}
