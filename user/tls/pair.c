// SPDX-License-Identifier: GPL-2.0-only
#include "pair.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "name.h"
#include "pem.h"
#include "why.h"

time_t pair_seconds(const ASN1_TIME *t)
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
	p->not_before = pair_seconds(X509_get0_notBefore(leaf));
	p->not_after = pair_seconds(X509_get0_notAfter(leaf));
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

static char *pem_text(BIO *b, int ok)
{
	char *data, *text = NULL;
	long len = b ? BIO_get_mem_data(b, &data) : 0;

	if (ok && len > 0)
		text = strndup(data, (size_t)len);
	BIO_free(b);
	return text;
}

char *pair_crt_pem(const struct pair *p)
{
	BIO *b = BIO_new(BIO_s_mem());
	int ok = b && PEM_write_bio_X509(b, p->leaf) == 1;

	for (int i = 0; ok && i < sk_X509_num(p->chain); i++)
		ok = PEM_write_bio_X509(b, sk_X509_value(p->chain, i)) == 1;
	return pem_text(b, ok);
}

char *pair_key_pem(const struct pair *p)
{
	BIO *b = BIO_new(BIO_s_secmem()); /* cleansed when freed */

	return pem_text(b,
			b && PEM_write_bio_PrivateKey(b, p->key, NULL, NULL, 0, NULL, NULL) == 1);
}

/* A string of ASN.1 as a name; 0 when it is none. */
static int call_with(const ASN1_STRING *text, int (*fn)(void *arg, const char *name), void *arg)
{
	const unsigned char *bytes = ASN1_STRING_get0_data(text);
	size_t len = (size_t)ASN1_STRING_length(text);
	char raw[NAME_KEY_LEN], name[NAME_KEY_LEN];
	const char *why;

	if (len >= sizeof(raw) || memchr(bytes, '\0', len))
		return 0;
	memcpy(raw, bytes, len);
	raw[len] = '\0';
	return name_normalise(raw, name, true, &why) < 0 ? 0 : fn(arg, name);
}

int pair_each_name(const struct pair *p, int (*fn)(void *arg, const char *name), void *arg)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(p->leaf, NID_subject_alt_name, NULL, NULL);
	X509_NAME *subject = X509_get_subject_name(p->leaf);
	bool has_dns = false;
	int ret = 0, at;

	for (int i = 0; !ret && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type != GEN_DNS)
			continue;
		has_dns = true;
		ret = call_with(n->d.dNSName, fn, arg);
	}
	GENERAL_NAMES_free(names);
	at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (has_dns || at < 0)
		return ret;
	return call_with(X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)), fn, arg);
}

static int is_equal(void *arg, const char *name)
{
	return !strcmp(arg, name);
}

int pair_has_name(const struct pair *p, const char *name)
{
	return pair_each_name(p, is_equal, (void *)name);
}

void pairs_done(struct pairs *ps)
{
	while (ps->n)
		pair_put(ps->p[--ps->n]);
}
