/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pki - certificates for tests, made on the spot; PEM texts are malloc'd.
 */
#ifndef PKI_H
#define PKI_H

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/pem.h>
#include <openssl/x509v3.h>

struct pki {
	X509 *x;
	EVP_PKEY *key;
};

struct pki_conf {
	const char *cn;
	const char *san;      /* "DNS:a.test"; NULL: none */
	const char *usage;    /* extendedKeyUsage; NULL: none */
	const struct pki *ca; /* NULL: signs itself */
	bool is_ca, rsa;
	long from_s, until_s; /* from now; 0, 0: a day around it */
	unsigned rsa_bits;
};

static void pki_add(X509 *x, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);

	assert(e && X509_add_ext(x, e, -1));
	X509_EXTENSION_free(e);
}

static struct pki pki_make(struct pki_conf c)
{
	static long serial = 1000;
	struct pki p = {X509_new(),
			c.rsa ? EVP_RSA_gen(c.rsa_bits ? c.rsa_bits : 2048) : EVP_EC_gen("P-256")};
	X509_NAME *name = X509_get_subject_name(p.x);

	if (!c.from_s && !c.until_s)
		c.from_s = -86400, c.until_s = 86400;
	X509_set_version(p.x, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(p.x), serial++);
	X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)c.cn, -1, -1,
				   0);
	X509_set_issuer_name(p.x, c.ca ? X509_get_subject_name(c.ca->x) : name);
	X509_gmtime_adj(X509_getm_notBefore(p.x), c.from_s);
	X509_gmtime_adj(X509_getm_notAfter(p.x), c.until_s);
	X509_set_pubkey(p.x, p.key);
	pki_add(p.x, NID_basic_constraints, c.is_ca ? "critical,CA:TRUE" : "CA:FALSE");
	if (c.san)
		pki_add(p.x, NID_subject_alt_name, c.san);
	if (c.usage)
		pki_add(p.x, NID_ext_key_usage, c.usage);
	assert(X509_sign(p.x, c.ca ? c.ca->key : p.key, EVP_sha256()));
	return p;
}

static void pki_done(struct pki *p)
{
	X509_free(p->x);
	EVP_PKEY_free(p->key);
}

static char *pki_text(BIO *b)
{
	char *data, *text;
	long len = BIO_get_mem_data(b, &data);

	text = strndup(data, (size_t)len);
	BIO_free(b);
	return text;
}

static inline char *pki_crt(const struct pki *p)
{
	BIO *b = BIO_new(BIO_s_mem());

	PEM_write_bio_X509(b, p->x);
	return pki_text(b);
}

static inline char *pki_key(const struct pki *p)
{
	BIO *b = BIO_new(BIO_s_mem());

	PEM_write_bio_PrivateKey(b, p->key, NULL, NULL, 0, NULL, NULL);
	return pki_text(b);
}

#endif
