// SPDX-License-Identifier: GPL-2.0-only
#include "cert_about.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "pair.h"
#include "pem.h"

struct telling {
	void (*fn)(void *arg, enum cert_about_field field, const char *value);
	void *arg;
};

static void tell_string(const struct telling *t, enum cert_about_field field,
			const ASN1_STRING *text)
{
	unsigned char *utf8;
	int len = ASN1_STRING_to_UTF8(&utf8, text);

	if (len < 0)
		return;
	if (strlen((char *)utf8) == (size_t)len)
		t->fn(t->arg, field, (char *)utf8);
	OPENSSL_free(utf8);
}

static void tell_name(const struct telling *t, enum cert_about_field field, X509_NAME *name,
		      int nid)
{
	int at = X509_NAME_get_index_by_NID(name, nid, -1);

	if (at >= 0)
		tell_string(t, field, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
}

static void tell_subject(const struct telling *t, X509 *x)
{
	static const struct {
		enum cert_about_field field;
		int nid;
	} parts[] = {
		{CERT_SUBJECT_CN, NID_commonName},
		{CERT_SUBJECT_O, NID_organizationName},
		{CERT_SUBJECT_OU, NID_organizationalUnitName},
		{CERT_SUBJECT_L, NID_localityName},
		{CERT_SUBJECT_ST, NID_stateOrProvinceName},
		{CERT_SUBJECT_C, NID_countryName},
	};

	for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++)
		tell_name(t, parts[i].field, X509_get_subject_name(x), parts[i].nid);
	tell_name(t, CERT_ISSUER_CN, X509_get_issuer_name(x), NID_commonName);
}

static void tell_serial(const struct telling *t, X509 *x)
{
	BIGNUM *bn = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = bn ? BN_bn2hex(bn) : NULL;

	if (hex)
		t->fn(t->arg, CERT_SERIAL, hex);
	OPENSSL_free(hex);
	BN_free(bn);
}

static void tell_key(const struct telling *t, X509 *x)
{
	EVP_PKEY *key = X509_get0_pubkey(x);

	switch (key ? EVP_PKEY_get_base_id(key) : 0) {
	case EVP_PKEY_RSA:
	case EVP_PKEY_RSA_PSS:
		t->fn(t->arg, CERT_KEY_TYPE, "rsa");
		break;
	case EVP_PKEY_EC:
		t->fn(t->arg, CERT_KEY_TYPE, "ecdsa");
		break;
	case EVP_PKEY_ED25519:
		t->fn(t->arg, CERT_KEY_TYPE, "ed25519");
		break;
	}
}

static void tell_ip(const struct telling *t, const ASN1_OCTET_STRING *ip)
{
	char text[INET6_ADDRSTRLEN];
	int len = ASN1_STRING_length(ip);

	if ((len == 4 || len == 16) &&
	    inet_ntop(len == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(ip), text, sizeof(text)))
		t->fn(t->arg, CERT_IP, text);
}

static void tell_alt_names(const struct telling *t, X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DNS)
			tell_string(t, CERT_DNS_NAME, n->d.dNSName);
		else if (n->type == GEN_IPADD)
			tell_ip(t, n->d.iPAddress);
	}
	GENERAL_NAMES_free(names);
}

static void tell_usages(const struct telling *t, X509 *x)
{
	static const struct {
		uint32_t flag;
		const char *name; /* RFC 5280 4.2.1.3 */
	} usages[] = {
		{KU_DIGITAL_SIGNATURE, "digitalSignature"},
		{KU_NON_REPUDIATION, "nonRepudiation"},
		{KU_KEY_ENCIPHERMENT, "keyEncipherment"},
		{KU_DATA_ENCIPHERMENT, "dataEncipherment"},
		{KU_KEY_AGREEMENT, "keyAgreement"},
		{KU_KEY_CERT_SIGN, "keyCertSign"},
		{KU_CRL_SIGN, "cRLSign"},
		{KU_ENCIPHER_ONLY, "encipherOnly"},
		{KU_DECIPHER_ONLY, "decipherOnly"},
	};
	EXTENDED_KEY_USAGE *more = X509_get_ext_d2i(x, NID_ext_key_usage, NULL, NULL);
	uint32_t flags = X509_get_key_usage(x); /* UINT32_MAX: no such extension */
	char text[80];

	for (size_t i = 0; flags != UINT32_MAX && i < sizeof(usages) / sizeof(usages[0]); i++)
		if (flags & usages[i].flag)
			t->fn(t->arg, CERT_KEY_USAGE, usages[i].name);
	for (int i = 0; i < sk_ASN1_OBJECT_num(more); i++) {
		const ASN1_OBJECT *o = sk_ASN1_OBJECT_value(more, i);

		if (OBJ_obj2nid(o) != NID_undef)
			t->fn(t->arg, CERT_EXT_KEY_USAGE, OBJ_nid2sn(OBJ_obj2nid(o)));
		else if (OBJ_obj2txt(text, sizeof(text), o, 1) > 0)
			t->fn(t->arg, CERT_EXT_KEY_USAGE, text);
	}
	EXTENDED_KEY_USAGE_free(more);
}

int cert_about(const char *pem,
	       void (*fn)(void *arg, enum cert_about_field field, const char *value), void *arg,
	       time_t *ret_not_before, time_t *ret_not_after, struct fault *f)
{
	const struct telling t = {fn, arg};
	STACK_OF(X509) *chain = NULL;
	X509 *x;

	if (pem_chain(pem, "certificate_pem", &x, &chain, f))
		return -1;
	tell_subject(&t, x);
	tell_serial(&t, x);
	tell_key(&t, x);
	tell_alt_names(&t, x);
	tell_usages(&t, x);
	*ret_not_before = pair_seconds(X509_get0_notBefore(x));
	*ret_not_after = pair_seconds(X509_get0_notAfter(x));
	X509_free(x);
	sk_X509_pop_free(chain, X509_free);
	ERR_clear_error();
	return 0;
}

int cert_check_ca(const char *pem, const char *field, struct fault *f)
{
	STACK_OF(X509) *cas = pem_cas(pem, field, 1, f);

	if (!cas) {
		if (f->code == PEM_TOO_MANY_CAS)
			fault_set(f, 400, PEM_NOT_ONE_CERTIFICATE, field,
				  "must be exactly one certificate");
		return -1;
	}
	sk_X509_pop_free(cas, X509_free);
	return 0;
}
