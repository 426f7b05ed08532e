/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tls_client - how one endpoint talks TLS to its upstreams.
 *
 * Immutable and reference counted; sessions hold one.  Any thread.  A session is resumed with what
 * the upstream gave for that in an earlier one for the same name, up to an hour before.
 */
#ifndef TLS_CLIENT_H
#define TLS_CLIENT_H

#include <stdbool.h>

#include "fault.h"
#include "tls_base.h"

struct tls_client;

struct tls_client_conf {
	bool verify;		   /* the upstream's certificate must be valid for the name asked */
	const char *cas;	   /* PEM: against these; NULL: the system's */
	const char *crt, *key;	   /* PEM: our certificate, if it wants one; both or none */
	enum tls_version min, max; /* TLS_VERSION_DEFAULT: 1.2, 1.3 */
};

/*
 * The reference is the caller's.  NULL: <f> has the field at fault ("upstream_tls_verify_cas",
 * "upstream_crt", "upstream_key", "min_version").
 */
struct tls_client *tls_client_new(struct tls_base *b, const struct tls_client_conf *conf,
				  struct fault *f);
struct tls_client *tls_client_get(struct tls_client *c);
void tls_client_put(struct tls_client *c); /* NULL is fine */

#endif
