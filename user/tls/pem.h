/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pem - certificates and keys out of PEM text, with every mistake named.
 *
 * Text around the blocks is allowed and skipped.  Faults are status 400 and complete "FIELD: ...".
 */
#ifndef PEM_H
#define PEM_H

#include <openssl/evp.h>
#include <openssl/x509.h>

#include "fault.h"

enum {
	PEM_TOO_MANY_CAS = 1675,
	PEM_NO_CA = 1695,
	PEM_NOT_A_CERTIFICATE = 1911,
	PEM_NOT_ONE_CERTIFICATE = 1912,
	PEM_NOT_A_CA = 1913,
	PEM_MISMATCH = 1923,
	PEM_KEY_AS_CERTIFICATE = 1924,
	PEM_CERTIFICATE_AS_KEY = 1925,
	PEM_CHAIN_ORDER = 1926,
};

/* The leaf, and what is behind it: each must have signed the one before.  0, or -1 with <f>. */
int pem_chain(const char *text, const char *field, X509 **ret_leaf, STACK_OF(X509) * *ret_chain,
	      struct fault *f);

/* An RSA, ECDSA or Ed25519 key, not encrypted.  NULL with <f>. */
EVP_PKEY *pem_key(const char *text, const char *field, struct fault *f);

/*
 * CA certificates to verify with: at least one, at most <max> (0: any number), nothing else beside
 * them, each with basicConstraints cA=true.  NULL with <f>.
 */
STACK_OF(X509) * pem_cas(const char *text, const char *field, unsigned max, struct fault *f);

#endif
