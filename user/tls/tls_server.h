/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tls_server - how one endpoint terminates TLS: versions, certificate, ALPN, mutual TLS.
 *
 * Immutable and reference counted; sessions hold one.  Any thread.
 *
 * A session ticket is good for this endpoint only, and only while what is said here about clients
 * stays the same; a client certificate that has expired since is asked for again.
 */
#ifndef TLS_SERVER_H
#define TLS_SERVER_H

#include "fault.h"
#include "tls_base.h"

struct certs;
struct tls_server;

#define TLS_CLIENT_CAS_MAX 10

struct tls_server_conf {
	const char *id;		   /* the endpoint's */
	const char *name;	   /* normalised; "*.example.com" for all below */
	const char *crt, *key;	   /* PEM, leaf first; both NULL: <certs> has one */
	const char *client_cas;	   /* PEM: clients must show a certificate of one of these; NULL */
	const char *alpn;	   /* protocols by preference, '\n' between; NULL: none */
	enum tls_version min, max; /* TLS_VERSION_DEFAULT: 1.2, 1.3 */
};

/*
 * The reference is the caller's.  <certs> must outlive it; may be NULL if there is a pair.  NULL:
 * <f> has the field at fault ("crt", "key", "mutual_tls_cas", "alpn", "min_version").
 */
struct tls_server *tls_server_new(struct tls_base *b, struct certs *certs,
				  const struct tls_server_conf *conf, struct fault *f);
struct tls_server *tls_server_get(struct tls_server *s);
void tls_server_put(struct tls_server *s); /* NULL is fine */

/* Would these do as <client_cas>?  0, or -1 with <f>. */
int tls_server_check_cas(const char *pem, struct fault *f);

#endif
