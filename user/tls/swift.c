// SPDX-License-Identifier: GPL-2.0-only
#include "swift.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>

#include "swift_private.h"

#define PROPERTIES "provider=" SWIFT_NAME "," SWIFT_PROPERTY "=yes"

swift_fn *swift_find(const OSSL_DISPATCH *d, int id)
{
	for (; d && d->function_id; d++)
		if (d->function_id == id)
			return d->function;
	return NULL;
}

void swift_add(struct swift_table *t, int id, swift_fn *fn)
{
	if (t->n < SWIFT_FUNCTIONS_MAX)
		t->at[t->n++] = (OSSL_DISPATCH){id, fn};
}

/* ---- the provider ---- */

static const OSSL_ALGORITHM *query(void *provctx, int operation, int *no_cache)
{
	const struct swift *s = provctx;

	*no_cache = 0;
	switch (operation) {
	case OSSL_OP_KEYMGMT:
		return s->keymgmt;
	case OSSL_OP_KEYEXCH:
		return s->keyexch;
	case OSSL_OP_KDF:
		return s->kdfs;
	}
	return NULL;
}

struct groups {
	OSSL_CALLBACK *fn;
	void *arg;
};

static int on_group(const OSSL_PARAM params[], void *arg)
{
	const OSSL_PARAM *p = OSSL_PARAM_locate_const(params, OSSL_CAPABILITY_TLS_GROUP_ALG);
	const struct groups *g = arg;

	return !p || p->data_type != OSSL_PARAM_UTF8_STRING || strcmp(p->data, "X25519") ||
	       g->fn(params, g->arg);
}

/* libssl offers a group only if it is of the provider that has its keys; what is told is theirs. */
static int get_capabilities(void *provctx, const char *what, OSSL_CALLBACK *fn, void *arg)
{
	const struct swift *s = provctx;
	struct groups g = {fn, arg};

	return strcasecmp(what, "TLS-GROUP") ||
	       OSSL_PROVIDER_get_capabilities(s->theirs, what, on_group, &g);
}

static const OSSL_PARAM *gettable_params(void *provctx)
{
	static const OSSL_PARAM known[] = {
		OSSL_PARAM_DEFN(OSSL_PROV_PARAM_NAME, OSSL_PARAM_UTF8_PTR, NULL, 0),
		OSSL_PARAM_DEFN(OSSL_PROV_PARAM_STATUS, OSSL_PARAM_INTEGER, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)provctx;
	return known;
}

static int get_params(void *provctx, OSSL_PARAM params[])
{
	OSSL_PARAM *name = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_NAME);
	OSSL_PARAM *status = OSSL_PARAM_locate(params, OSSL_PROV_PARAM_STATUS);

	(void)provctx;
	return (!name || OSSL_PARAM_set_utf8_ptr(name, SWIFT_NAME)) &&
	       (!status || OSSL_PARAM_set_int(status, 1));
}

static void teardown(void *provctx)
{
	struct swift *s = provctx;

	swift_x25519_close(s);
	if (s->theirs)
		OSSL_PROVIDER_unload(s->theirs);
	OSSL_LIB_CTX_free(s->lib);
	free(s);
}

/* Is it among an algorithm's names, "X25519:1.3.101.110"? */
static bool is_named(const OSSL_ALGORITHM *a, const char *name)
{
	const size_t len = strlen(name);

	for (const char *p = a->algorithm_names; p; p = strchr(p, ':')) {
		p += *p == ':';
		if (!strncmp(p, name, len) && (!p[len] || p[len] == ':'))
			return true;
	}
	return false;
}

/* The default provider's functions for it; NULL: it has none. */
static const OSSL_DISPATCH *look_up(const struct swift *s, int operation, const char *name)
{
	const OSSL_ALGORITHM *a;
	int no_cache;

	a = OSSL_PROVIDER_query_operation(s->theirs, operation, &no_cache);
	for (; a && a->algorithm_names; a++)
		if (is_named(a, name))
			return a->implementation;
	return NULL;
}

static bool fill(struct swift *s)
{
	s->lib = OSSL_LIB_CTX_new();
	s->theirs = s->lib ? OSSL_PROVIDER_load(s->lib, "default") : NULL;
	if (!s->theirs)
		return false;
	s->their_ctx = OSSL_PROVIDER_get0_provider_ctx(s->theirs);
	if (!swift_x25519_open(s, look_up(s, OSSL_OP_KEYMGMT, "X25519"),
			       look_up(s, OSSL_OP_KEYEXCH, "X25519")) ||
	    !swift_kdf_open(s, look_up(s, OSSL_OP_KDF, "TLS13-KDF")))
		return false;
	s->keymgmt[0] = (OSSL_ALGORITHM){.algorithm_names = "X25519:1.3.101.110",
					 .property_definition = PROPERTIES,
					 .implementation = s->x25519.keys.at};
	s->keyexch[0] = (OSSL_ALGORITHM){.algorithm_names = "X25519:1.3.101.110",
					 .property_definition = PROPERTIES,
					 .implementation = s->x25519.exchange.at};
	s->kdfs[0] = (OSSL_ALGORITHM){.algorithm_names = "TLS13-KDF",
				      .property_definition = PROPERTIES,
				      .implementation = s->kdf.functions.at};
	return true;
}

static int init(const OSSL_CORE_HANDLE *handle, const OSSL_DISPATCH *in,
		const OSSL_DISPATCH **ret_out, void **ret_provctx)
{
	static const OSSL_DISPATCH functions[] = {
		{OSSL_FUNC_PROVIDER_TEARDOWN, (swift_fn *)teardown},
		{OSSL_FUNC_PROVIDER_GETTABLE_PARAMS, (swift_fn *)gettable_params},
		{OSSL_FUNC_PROVIDER_GET_PARAMS, (swift_fn *)get_params},
		{OSSL_FUNC_PROVIDER_QUERY_OPERATION, (swift_fn *)query},
		{OSSL_FUNC_PROVIDER_GET_CAPABILITIES, (swift_fn *)get_capabilities},
		{0, NULL},
	};
	struct swift *s = calloc(1, sizeof(*s));

	(void)handle;
	(void)in;
	if (!s)
		return 0;
	if (!fill(s)) {
		teardown(s);
		return 0;
	}
	*ret_provctx = s;
	*ret_out = functions;
	return 1;
}

/* ---- its test ---- */

/* A new key's public half, against what the default provider makes of the private one. */
static bool is_key_right(void)
{
	unsigned char private[32], ours[32], theirs[32];
	size_t n = sizeof(private), n_ours = sizeof(ours), n_theirs = sizeof(theirs);
	EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, "provider=" SWIFT_NAME, "X25519"), *other = NULL;
	bool ok = key && EVP_PKEY_get_raw_private_key(key, private, &n) == 1 &&
		  EVP_PKEY_get_raw_public_key(key, ours, &n_ours) == 1;

	if (ok)
		other = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", "provider=default", private,
							n);
	ok = other && EVP_PKEY_get_raw_public_key(other, theirs, &n_theirs) == 1 &&
	     n_ours == n_theirs && !memcmp(ours, theirs, n_ours);
	OPENSSL_cleanse(private, sizeof(private));
	EVP_PKEY_free(key);
	EVP_PKEY_free(other);
	return ok;
}

/* A secret of <len> bytes, by the provider that <properties> ask for. */
static bool derive(const char *properties, const char *digest, int mode, size_t len,
		   unsigned char *out)
{
	unsigned char key[64], salt[64], data[64];
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", properties);
	EVP_KDF_CTX *ctx = kdf ? EVP_KDF_CTX_new(kdf) : NULL;
	const bool extracts = mode == EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
	OSSL_PARAM p[7];
	bool ok;

	for (size_t i = 0; i < sizeof(key); i++) {
		key[i] = (unsigned char)i;
		salt[i] = (unsigned char)(0x80 + i);
		data[i] = (unsigned char)(0x40 + i);
	}
	p[0] = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	p[1] = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)digest, 0);
	p[2] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, len);
	p[3] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, "tls13 ", 6);
	p[4] = OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, "derived", 7);
	p[5] = extracts ? OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, len)
			: OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_DATA, data, len);
	p[6] = OSSL_PARAM_construct_end();
	ok = ctx && EVP_KDF_derive(ctx, out, len, p) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

static bool is_kdf_right(const char *digest, size_t len)
{
	static const int modes[] = {EVP_KDF_HKDF_MODE_EXTRACT_ONLY, EVP_KDF_HKDF_MODE_EXPAND_ONLY};
	unsigned char ours[64], theirs[64];

	for (int i = 0; i < 2; i++)
		if (!derive("provider=" SWIFT_NAME, digest, modes[i], len, ours) ||
		    !derive("provider=default", digest, modes[i], len, theirs) ||
		    memcmp(ours, theirs, len))
			return false;
	return true;
}

/* (libssl drops a group without a word when its keys are of another provider than it is) */
static bool is_group_known(void)
{
	SSL_CTX *ctx = SSL_CTX_new_ex(NULL, SWIFT_QUERY, TLS_server_method());
	bool ok = ctx && SSL_CTX_set1_groups_list(ctx, "X25519") == 1;

	SSL_CTX_free(ctx);
	return ok;
}

static void add(void)
{
	OSSL_PROVIDER_add_builtin(NULL, SWIFT_NAME, init);
}

OSSL_PROVIDER *swift_load(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	OSSL_PROVIDER *p;

	if (EVP_default_properties_is_fips_enabled(NULL))
		return NULL;
	pthread_once(&once, add);
	p = OSSL_PROVIDER_try_load(NULL, SWIFT_NAME, 1);
	if (p && is_key_right() && is_kdf_right("SHA256", 32) && is_kdf_right("SHA384", 48) &&
	    is_group_known())
		return p;
	ERR_clear_error();
	if (p)
		OSSL_PROVIDER_unload(p);
	return NULL;
}

/* Whose functions are looked up first are found first by who does not say whose. */
void swift_be_guest(void)
{
	EVP_KEYMGMT_free(EVP_KEYMGMT_fetch(NULL, "X25519", NULL));
	EVP_KEYEXCH_free(EVP_KEYEXCH_fetch(NULL, "X25519", NULL));
	EVP_KDF_free(EVP_KDF_fetch(NULL, "TLS13-KDF", NULL));
	ERR_clear_error();
}

static bool is_ours(const OSSL_PROVIDER *p)
{
	return p && !strcmp(OSSL_PROVIDER_get0_name(p), SWIFT_NAME);
}

const char *swift_query(void)
{
	EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(NULL, "X25519", NULL);
	EVP_KEYEXCH *exchange = EVP_KEYEXCH_fetch(NULL, "X25519", NULL);
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	bool all = keys && is_ours(EVP_KEYMGMT_get0_provider(keys)) && exchange &&
		   is_ours(EVP_KEYEXCH_get0_provider(exchange)) && kdf &&
		   is_ours(EVP_KDF_get0_provider(kdf));

	EVP_KEYMGMT_free(keys);
	EVP_KEYEXCH_free(exchange);
	EVP_KDF_free(kdf);
	ERR_clear_error();
	return all ? NULL : SWIFT_QUERY;
}
