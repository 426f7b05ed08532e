// SPDX-License-Identifier: GPL-2.0-only
#include "pair.h"

#include <stdlib.h>

#include <openssl/err.h>

#include "pem.h"
#include "why.h"

static time_t seconds(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

struct pair *pair_new(X509 *leaf, STACK_OF(X509) * chain, EVP_PKEY *key)
{
	struct pair *p = calloc(1, sizeof(*p));

	if (!p) {
		X509_free(leaf);
		sk_X509_pop_free(chain, X509_free);
		EVP_PKEY_free(key);
		return NULL;
	}
	atomic_init(&p->refs, 1);
	p->leaf = leaf;
	p->chain = chain;
	p->key = key;
	p->not_before = seconds(X509_get0_notBefore(leaf));
	p->not_after = seconds(X509_get0_notAfter(leaf));
	return p;
}

struct pair *pair_read(const char *crt, const char *key_text, const char *crt_field,
		       const char *key_field, struct fault *f)
{
	STACK_OF(X509) *chain = NULL;
	X509 *leaf = NULL;
	EVP_PKEY *key;
	struct pair *p;

	if (pem_chain(crt, crt_field, &leaf, &chain, f))
		return NULL;
	key = pem_key(key_text, key_field, f);
	if (!key)
		goto fail;
	if (X509_check_private_key(leaf, key) != 1) {
		ERR_clear_error();
		fault_set(f, 400, PEM_MISMATCH, key_field,
			  "does not belong to the certificate in %s", crt_field);
		goto fail;
	}
	p = pair_new(leaf, chain, key);
	if (!p)
		fault_set(f, 500, 0, crt_field, "out of memory");
	return p;
fail:
	X509_free(leaf);
	sk_X509_pop_free(chain, X509_free);
	EVP_PKEY_free(key);
	return NULL;
}

struct pair *pair_get(struct pair *p)
{
	atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
	return p;
}

void pair_put(struct pair *p)
{
	if (!p || atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
		return;
	X509_free(p->leaf);
	sk_X509_pop_free(p->chain, X509_free);
	EVP_PKEY_free(p->key); /* OpenSSL cleanses it */
	free(p->ocsp);
	free(p);
}

int pair_kind(const struct pair *p)
{
	int kind = EVP_PKEY_get_base_id(p->key);

	return kind == EVP_PKEY_RSA_PSS ? EVP_PKEY_RSA : kind;
}

int pair_use(const struct pair *p, SSL *ssl)
{
	return SSL_use_cert_and_key(ssl, p->leaf, p->key, p->chain, 1) == 1 ? 0 : -1;
}

void pairs_done(struct pairs *ps)
{
	while (ps->n)
		pair_put(ps->p[--ps->n]);
}
