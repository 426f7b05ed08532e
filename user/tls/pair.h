/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pair - a certificate, the chain behind it, its private key, and perhaps an OCSP staple.
 *
 * Immutable and reference counted; any thread.  The key is in memory only OpenSSL sees.
 */
#ifndef PAIR_H
#define PAIR_H

#include <stdatomic.h>
#include <time.h>

#include <openssl/ssl.h>

#include "fault.h"

struct pair {
	atomic_uint refs;
	X509 *leaf;
	STACK_OF(X509) * chain;
	EVP_PKEY *key;
	time_t not_before, not_after;
	unsigned char *ocsp; /* DER; NULL: none */
	size_t ocsp_len;
	time_t ocsp_until;
};

/*
 * From PEM; <crt_field> and <key_field> are what faults call them.  Dates are not looked at.
 * NULL with <f>.
 */
struct pair *pair_read(const char *crt, const char *key, const char *crt_field,
		       const char *key_field, struct fault *f);
/* Takes all three over, also when it fails: out of memory. */
struct pair *pair_new(X509 *leaf, STACK_OF(X509) * chain, EVP_PKEY *key);
struct pair *pair_get(struct pair *p);
void pair_put(struct pair *p); /* NULL is fine */

/* As PEM, malloc'd: leaf and chain; the key, for secret_free().  NULL: out of memory. */
char *pair_crt_pem(const struct pair *p);
char *pair_key_pem(const struct pair *p);

/*
 * The DNS names it is for, each as an endpoint would have it; of a certificate without any, its
 * common name.  Those that are no names are left out.  Stops at non-zero and returns it.
 */
int pair_each_name(const struct pair *p, int (*fn)(void *arg, const char *name), void *arg);
int pair_has_name(const struct pair *p, const char *name); /* literally */

time_t pair_seconds(const ASN1_TIME *t); /* 0: no time */

/* EVP_PKEY_EC, EVP_PKEY_RSA, EVP_PKEY_ED25519. */
int pair_kind(const struct pair *p);

/* Gives it to a session.  0, or -1 with the reason in OpenSSL's queue. */
int pair_use(const struct pair *p, SSL *ssl);

/* One pair per kind of key: OpenSSL takes the best the client can verify. */
#define PAIRS_MAX 3

struct pairs {
	struct pair *p[PAIRS_MAX];
	unsigned n;
};
void pairs_done(struct pairs *ps);

#endif
