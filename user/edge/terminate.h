/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * terminate - connections whose TLS ends here: what the endpoint says of it, and the way from the
 * hello to the relay.
 *
 *   hello read ─► client's handshake ─► dial ─► [upstream's handshake] ─► relay
 *
 * or, when the upstream's choice of a protocol is to be the client's (re-encrypt, no ALPN list of
 * the endpoint's own, no PROXY header that must tell of the client's session first):
 *
 *   hello read ─► dial ─► upstream's handshake ─► client's handshake with its protocol ─► relay
 *
 * Worker's thread only, but for endpoint_terminate().
 */
#ifndef TERMINATE_H
#define TERMINATE_H
#include "conn.h"
#include "hello.h"

struct client_cas;
struct tls_base;
struct certs;

/* What sessions are made of, for the whole process. */
struct terminate_ctx {
	struct tls_base *base;
	struct certs *certs;
	struct client_cas *client_cas;
	unsigned min, max; /* enum tls_version */
	bool ktls;	   /* the kernel does TLS in sockets */
};

/*
 * Makes <e>'s sides of TLS from its spec.  0 (nothing to do for a passthrough endpoint), or -1 with
 * the field at fault in <f>.  Any thread.
 */
int endpoint_terminate(struct endpoint *e, const struct terminate_ctx *ctx, struct fault *f);
/* Lets them go; any thread. */
void endpoint_terminate_done(struct endpoint *e);

/* Does <e> answer acme-tls/1 by somebody else, and is that what the hello asks for? */
bool terminate_is_acme(const struct endpoint *e, const uint8_t *msg, const struct hello *h);

/* Keeps the protocols that the hello offers.  0, or -ENOMEM. */
int terminate_keep_offer(struct conn *c, const uint8_t *msg, const struct hello *h);

/* The next step of a connection to a terminating endpoint; see above. */
void terminate_next(struct conn *c);

/* conn_write_header() with what the client's session agreed on.  0, or -errno. */
int terminate_write_header(struct conn *c);

/* CONN_HANDSHAKE: the socket has news. */
void terminate_on_ready(struct conn *c);
#endif
