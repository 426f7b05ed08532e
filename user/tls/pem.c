// SPDX-License-Identifier: GPL-2.0-only
#include "pem.h"

#include <stdbool.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "why.h"

#define NAME_SHOWN 40

struct block {
	char *name, *header;
	unsigned char *data;
	long len;
};

static void block_done(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_clear_free(b->data, (size_t)b->len);
	memset(b, 0, sizeof(*b));
}

/* 1: a block; 0: no more; -1 with <f>: what begins there is damaged. */
static int block_next(BIO *in, struct block *ret_b, const char *field, struct fault *f)
{
	char why[128];

	block_done(ret_b);
	ERR_clear_error();
	if (PEM_read_bio(in, &ret_b->name, &ret_b->header, &ret_b->data, &ret_b->len))
		return 1;
	if (ERR_GET_REASON(ERR_peek_last_error()) == PEM_R_NO_START_LINE) {
		ERR_clear_error();
		return 0;
	}
	return fault_set(f, 400, 0, field, "is not valid PEM: %s", why_queue(why, sizeof(why)));
}

static bool is_certificate(const struct block *b)
{
	return !strcmp(b->name, PEM_STRING_X509) || !strcmp(b->name, PEM_STRING_X509_OLD) ||
	       !strcmp(b->name, PEM_STRING_X509_TRUSTED);
}

static bool is_key(const struct block *b)
{
	return strstr(b->name, "PRIVATE KEY") != NULL;
}

static X509 *certificate(const struct block *b, const char *field, struct fault *f)
{
	const unsigned char *p = b->data;
	X509 *x = d2i_X509(NULL, &p, b->len);
	char why[128];

	/* extensions are parsed, and cached, while only one thread has it */
	if (x && !(X509_get_extension_flags(x) & EXFLAG_INVALID))
		return x;
	X509_free(x);
	fault_set(f, 400, PEM_NOT_A_CERTIFICATE, field, "has a certificate that cannot be read: %s",
		  why_queue(why, sizeof(why)));
	return NULL;
}

static BIO *open_text(const char *text, const char *field, struct fault *f)
{
	BIO *in = BIO_new_mem_buf(text, -1);

	if (!in)
		fault_set(f, 500, 0, field, "out of memory");
	return in;
}

/* ---- a chain ---- */

static const char *subject(X509 *x, char out[128])
{
	return X509_NAME_oneline(X509_get_subject_name(x), out, 128) ? out : "?";
}

static int check_order(X509 *leaf, STACK_OF(X509) * chain, const char *field, struct fault *f)
{
	X509 *x = leaf, *issuer;
	char a[128], b[128];

	for (int i = 0; i < sk_X509_num(chain); i++, x = issuer) {
		issuer = sk_X509_value(chain, i);
		if (X509_check_issued(issuer, x) == X509_V_OK &&
		    X509_verify(x, X509_get0_pubkey(issuer)) == 1)
			continue;
		ERR_clear_error();
		return fault_set(
			f, 400, PEM_CHAIN_ORDER, field,
			"is in the wrong order: certificate %d (%s) has not signed the one "
			"before it (%s); the leaf comes first, then its issuer, and so on",
			i + 2, subject(issuer, b), subject(x, a));
	}
	return 0;
}

static int add_certificates(BIO *in, const char *field, STACK_OF(X509) * list, struct fault *f)
{
	struct block b = {NULL};
	bool saw_key = false;
	int more;
	X509 *x;

	while ((more = block_next(in, &b, field, f)) > 0) {
		saw_key |= is_key(&b);
		if (!is_certificate(&b))
			continue;
		x = certificate(&b, field, f);
		if (!x || !sk_X509_push(list, x)) {
			X509_free(x);
			more = -1;
			break;
		}
	}
	block_done(&b);
	if (more < 0)
		return -1;
	if (sk_X509_num(list))
		return 0;
	if (saw_key)
		return fault_set(f, 400, PEM_KEY_AS_CERTIFICATE, field,
				 "is a private key: certificate and key are swapped");
	return fault_set(f, 400, PEM_NOT_A_CERTIFICATE, field,
			 "has no certificate (-----BEGIN CERTIFICATE-----)");
}

int pem_chain(const char *text, const char *field, X509 **ret_leaf, STACK_OF(X509) * *ret_chain,
	      struct fault *f)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	BIO *in = open_text(text, field, f);
	X509 *leaf = NULL;

	if (!list || !in || add_certificates(in, field, list, f))
		goto fail;
	leaf = sk_X509_shift(list);
	if (check_order(leaf, list, field, f))
		goto fail;
	BIO_free(in);
	*ret_leaf = leaf;
	*ret_chain = list;
	return 0;
fail:
	BIO_free(in);
	X509_free(leaf);
	sk_X509_pop_free(list, X509_free);
	return -1;
}

/* ---- a key ---- */

static EVP_PKEY *read_key(const struct block *b, const char *field, struct fault *f)
{
	const unsigned char *p = b->data;
	EVP_PKEY *key;
	char why[128];

	if (strstr(b->name, "ENCRYPTED") || strstr(b->header, "ENCRYPTED")) {
		fault_set(f, 400, 0, field,
			  "is encrypted; store it without a passphrase (openssl pkey -in KEY -out "
			  "PLAIN)");
		return NULL;
	}
	key = d2i_AutoPrivateKey(NULL, &p, b->len);
	if (!key) {
		fault_set(f, 400, 0, field, "cannot be read: %s", why_queue(why, sizeof(why)));
		return NULL;
	}
	switch (EVP_PKEY_get_base_id(key)) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
	case EVP_PKEY_EC:
	case EVP_PKEY_ED25519:
		return key;
	}
	EVP_PKEY_free(key);
	fault_set(f, 400, 0, field, "must be an RSA, ECDSA or Ed25519 key");
	return NULL;
}

EVP_PKEY *pem_key(const char *text, const char *field, struct fault *f)
{
	BIO *in = open_text(text, field, f);
	struct block b = {NULL};
	bool saw_certificate = false;
	EVP_PKEY *key = NULL;
	int more = -1;

	while (in && (more = block_next(in, &b, field, f)) > 0 && !is_key(&b))
		saw_certificate |= is_certificate(&b);
	if (more > 0)
		key = read_key(&b, field, f);
	else if (!more && saw_certificate)
		fault_set(f, 400, PEM_CERTIFICATE_AS_KEY, field,
			  "is a certificate: certificate and key are swapped");
	else if (!more)
		fault_set(f, 400, 0, field, "has no private key (-----BEGIN PRIVATE KEY-----)");
	block_done(&b);
	BIO_free(in);
	return key;
}

/* ---- CAs ---- */

static int add_ca(const struct block *b, const char *field, STACK_OF(X509) * list, unsigned max,
		  struct fault *f)
{
	char name[128];
	X509 *x;

	if (!is_certificate(b))
		return fault_set(f, 400, PEM_NOT_A_CERTIFICATE, field,
				 "has a block of type '%.*s': only CERTIFICATE may be in it",
				 NAME_SHOWN, b->name);
	if (max && sk_X509_num(list) == (int)max)
		return fault_set(f, 400, PEM_TOO_MANY_CAS, field, "has more than %u certificates",
				 max);
	x = certificate(b, field, f);
	if (!x)
		return -1;
	if (X509_check_ca(x) != 1) { /* else: a guess that OpenSSL makes about old ones */
		fault_set(f, 400, PEM_NOT_A_CA, field,
			  "%s is not a CA's certificate: it lacks basicConstraints cA=true",
			  subject(x, name));
		X509_free(x);
		return -1;
	}
	if (sk_X509_push(list, x))
		return 0;
	X509_free(x);
	return fault_set(f, 500, 0, field, "out of memory");
}

STACK_OF(X509) * pem_cas(const char *text, const char *field, unsigned max, struct fault *f)
{
	STACK_OF(X509) *list = sk_X509_new_null();
	BIO *in = open_text(text, field, f);
	struct block b = {NULL};
	int more = -1;

	while (list && in && (more = block_next(in, &b, field, f)) > 0) {
		if (add_ca(&b, field, list, max, f)) {
			more = -1;
			break;
		}
	}
	if (!more && !sk_X509_num(list))
		more = fault_set(f, 400, PEM_NO_CA, field,
				 "has no certificate (-----BEGIN CERTIFICATE-----)");
	block_done(&b);
	BIO_free(in);
	if (!more)
		return list;
	sk_X509_pop_free(list, X509_free);
	return NULL;
}
