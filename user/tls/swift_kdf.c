// SPDX-License-Identifier: GPL-2.0-only
/*
 * swift_kdf - TLS13-KDF: swift.h.
 *
 * libssl makes a context for each secret and asks once, with everything in the call.  That is done
 * here; a context that is used in any other way becomes one of the default provider's.  Theirs
 * would remember what was said in an earlier call, ours does not: so there is no second one.
 */
#define OPENSSL_SUPPRESS_DEPRECATED /* SHA256_Init() and its like: nothing is fetched for them */

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/kdf.h>
#include <openssl/sha.h>

#include "swift_private.h"

#define LEN_MAX SHA384_DIGEST_LENGTH
#define BLOCK_MAX SHA512_CBLOCK
#define LABEL_MAX 255 /* prefix and all */

struct bytes {
	const unsigned char *at;
	size_t len;
};

/* ---- HMAC ---- */

struct hash {
	bool is_384;
	union {
		SHA256_CTX s256;
		SHA512_CTX s384;
	};
};

static void hash_init(struct hash *h, bool is_384)
{
	h->is_384 = is_384;
	if (is_384)
		SHA384_Init(&h->s384);
	else
		SHA256_Init(&h->s256);
}

static void hash_add(struct hash *h, const void *at, size_t len)
{
	if (h->is_384)
		SHA384_Update(&h->s384, at, len);
	else
		SHA256_Update(&h->s256, at, len);
}

static size_t hash_end(struct hash *h, unsigned char out[LEN_MAX])
{
	if (h->is_384)
		SHA384_Final(out, &h->s384);
	else
		SHA256_Final(out, &h->s256);
	return h->is_384 ? SHA384_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
}

/* RFC 2104, of a key that is no longer than a block. */
static void hmac(bool is_384, struct bytes key, const void *msg, size_t len,
		 unsigned char out[LEN_MAX])
{
	const size_t block = is_384 ? SHA512_CBLOCK : SHA256_CBLOCK;
	unsigned char pad[BLOCK_MAX];
	struct hash h;

	memset(pad, 0x36, block);
	for (size_t i = 0; i < key.len; i++)
		pad[i] ^= key.at[i];
	hash_init(&h, is_384);
	hash_add(&h, pad, block);
	hash_add(&h, msg, len);
	len = hash_end(&h, out);
	for (size_t i = 0; i < block; i++)
		pad[i] ^= 0x36 ^ 0x5c;
	hash_init(&h, is_384);
	hash_add(&h, pad, block);
	hash_add(&h, out, len);
	hash_end(&h, out);
	OPENSSL_cleanse(pad, sizeof(pad));
	OPENSSL_cleanse(&h, sizeof(h));
}

/* ---- HKDF as TLS 1.3 has it ---- */

/* What libssl says in a call. */
struct ask {
	int mode; /* -1: not said */
	bool has_digest, is_384;
	struct bytes key, salt, prefix, label, data;
};

static size_t hash_len(const struct ask *a)
{
	return a->is_384 ? SHA384_DIGEST_LENGTH : SHA256_DIGEST_LENGTH;
}

static unsigned char *put(unsigned char *p, struct bytes b)
{
	if (b.len)
		memcpy(p, b.at, b.len);
	return p + b.len;
}

/* HKDF-Expand-Label of RFC 8446, 7.1: of one block, which is all that is ever asked for. */
static void expand(const struct ask *a, struct bytes key, struct bytes data, unsigned char *out,
		   size_t len)
{
	unsigned char info[2 + 1 + LABEL_MAX + 1 + LEN_MAX + 1], mac[LEN_MAX], *p = info;

	*p++ = (unsigned char)(len >> 8);
	*p++ = (unsigned char)len;
	*p++ = (unsigned char)(a->prefix.len + a->label.len);
	p = put(put(p, a->prefix), a->label);
	*p++ = (unsigned char)data.len;
	p = put(p, data);
	*p++ = 1; /* RFC 5869, 2.3: the first block */
	hmac(a->is_384, key, info, (size_t)(p - info), mac);
	memcpy(out, mac, len);
	OPENSSL_cleanse(mac, sizeof(mac));
}

/* The next secret, from the one before and a new one: 0 of RFC 8446's picture where one is none. */
static void extract(const struct ask *a, unsigned char *out)
{
	static const unsigned char zeros[LEN_MAX];
	unsigned char nothing[LEN_MAX], salt[LEN_MAX], mac[LEN_MAX];
	struct bytes with = {salt, 0};
	struct hash h;

	if (a->salt.at) {
		hash_init(&h, a->is_384);
		hash_end(&h, nothing);
		with.len = hash_len(a);
		expand(a, a->salt, (struct bytes){nothing, with.len}, salt, with.len);
	}
	hmac(a->is_384, with, a->key.at ? a->key.at : zeros, a->key.at ? a->key.len : hash_len(a),
	     mac);
	memcpy(out, mac, hash_len(a));
	OPENSSL_cleanse(salt, sizeof(salt));
	OPENSSL_cleanse(mac, sizeof(mac));
}

static bool read_digest(struct ask *a, const OSSL_PARAM *p)
{
	if (p->data_type != OSSL_PARAM_UTF8_STRING || !p->data)
		return false;
	a->has_digest = true;
	a->is_384 = !strcasecmp(p->data, "SHA384") || !strcasecmp(p->data, "SHA2-384");
	return a->is_384 || !strcasecmp(p->data, "SHA256") || !strcasecmp(p->data, "SHA2-256");
}

static bool read_bytes(struct ask *a, const OSSL_PARAM *p)
{
	static const struct {
		const char *name;
		size_t at;
	} known[] = {
		{OSSL_KDF_PARAM_KEY, offsetof(struct ask, key)},
		{OSSL_KDF_PARAM_SALT, offsetof(struct ask, salt)},
		{OSSL_KDF_PARAM_PREFIX, offsetof(struct ask, prefix)},
		{OSSL_KDF_PARAM_LABEL, offsetof(struct ask, label)},
		{OSSL_KDF_PARAM_DATA, offsetof(struct ask, data)},
	};

	if (p->data_type != OSSL_PARAM_OCTET_STRING || !p->data)
		return false;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcmp(p->key, known[i].name))
			continue;
		*(struct bytes *)((char *)a + known[i].at) = (struct bytes){p->data, p->data_size};
		return true;
	}
	return false;
}

/* False: there is something in it that libssl does not say. */
static bool read_ask(struct ask *a, const OSSL_PARAM *p)
{
	*a = (struct ask){.mode = -1};
	for (; p->key; p++) {
		if (!strcmp(p->key, OSSL_KDF_PARAM_MODE)) {
			if (p->data_type != OSSL_PARAM_INTEGER || p->data_size != sizeof(a->mode))
				return false;
			memcpy(&a->mode, p->data, sizeof(a->mode));
		} else if (!strcmp(p->key, OSSL_KDF_PARAM_DIGEST)) {
			if (!read_digest(a, p))
				return false;
		} else if (!read_bytes(a, p)) {
			return false;
		}
	}
	return a->has_digest;
}

/* Is it one that TLS 1.3 has?  All lengths are bounded then. */
static bool is_usual(const struct ask *a, size_t len)
{
	if (!a->prefix.at || !a->label.at || a->prefix.len > LABEL_MAX ||
	    a->label.len > LABEL_MAX - a->prefix.len || !len)
		return false;
	switch (a->mode) {
	case EVP_KDF_HKDF_MODE_EXPAND_ONLY:
		return a->key.at && a->key.len == hash_len(a) && !a->salt.at &&
		       a->data.len <= hash_len(a) && len <= hash_len(a);
	case EVP_KDF_HKDF_MODE_EXTRACT_ONLY:
		return (!a->salt.at || a->salt.len == hash_len(a)) && !a->data.at &&
		       len == hash_len(a);
	}
	return false;
}

/* ---- the provider's functions ---- */

struct ctx {
	const struct swift *swift;
	void *theirs; /* NULL: not needed so far */
	bool asked;   /* and answered here */
};

static void *newctx(void *provctx)
{
	struct ctx *c = calloc(1, sizeof(*c));

	if (c)
		c->swift = provctx;
	return c;
}

static void freectx(void *vctx)
{
	struct ctx *c = vctx;

	if (c && c->theirs)
		c->swift->kdf.free(c->theirs);
	free(c);
}

static void *theirs(struct ctx *c)
{
	if (!c->theirs)
		c->theirs = c->swift->kdf.new(c->swift->their_ctx);
	return c->theirs;
}

static void reset(void *vctx)
{
	struct ctx *c = vctx;

	c->asked = false;
	if (c->theirs)
		c->swift->kdf.reset(c->theirs);
}

static int derive(void *vctx, unsigned char *out, size_t len, const OSSL_PARAM params[])
{
	struct ctx *c = vctx;
	struct ask a;

	if (c->asked)
		return 0;
	if (c->theirs || !params || !read_ask(&a, params) || !is_usual(&a, len))
		return theirs(c) ? c->swift->kdf.derive(c->theirs, out, len, params) : 0;
	if (a.mode == EVP_KDF_HKDF_MODE_EXPAND_ONLY)
		expand(&a, a.key, a.data, out, len);
	else
		extract(&a, out);
	c->asked = true;
	return 1;
}

static int set_ctx_params(void *vctx, const OSSL_PARAM params[])
{
	struct ctx *c = vctx;

	if (!params)
		return 1;
	return !c->asked && theirs(c) ? c->swift->kdf.set_ctx_params(c->theirs, params) : 0;
}

static int get_ctx_params(void *vctx, OSSL_PARAM params[])
{
	struct ctx *c = vctx;

	return theirs(c) ? c->swift->kdf.get_ctx_params(c->theirs, params) : 0;
}

static const OSSL_PARAM *settable_ctx_params(void *vctx, void *provctx)
{
	const struct swift *s = provctx;

	(void)vctx;
	return s->kdf.settable_ctx_params(NULL, s->their_ctx);
}

static const OSSL_PARAM *gettable_ctx_params(void *vctx, void *provctx)
{
	const struct swift *s = provctx;

	(void)vctx;
	return s->kdf.gettable_ctx_params(NULL, s->their_ctx);
}

bool swift_kdf_open(struct swift *s, const OSSL_DISPATCH *d)
{
	struct swift_kdf *k = &s->kdf;
	struct swift_table *t = &k->functions;

	k->new = (OSSL_FUNC_kdf_newctx_fn *)swift_find(d, OSSL_FUNC_KDF_NEWCTX);
	k->free = (OSSL_FUNC_kdf_freectx_fn *)swift_find(d, OSSL_FUNC_KDF_FREECTX);
	k->reset = (OSSL_FUNC_kdf_reset_fn *)swift_find(d, OSSL_FUNC_KDF_RESET);
	k->derive = (OSSL_FUNC_kdf_derive_fn *)swift_find(d, OSSL_FUNC_KDF_DERIVE);
	k->set_ctx_params =
		(OSSL_FUNC_kdf_set_ctx_params_fn *)swift_find(d, OSSL_FUNC_KDF_SET_CTX_PARAMS);
	k->get_ctx_params =
		(OSSL_FUNC_kdf_get_ctx_params_fn *)swift_find(d, OSSL_FUNC_KDF_GET_CTX_PARAMS);
	k->settable_ctx_params = (OSSL_FUNC_kdf_settable_ctx_params_fn *)swift_find(
		d, OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS);
	k->gettable_ctx_params = (OSSL_FUNC_kdf_gettable_ctx_params_fn *)swift_find(
		d, OSSL_FUNC_KDF_GETTABLE_CTX_PARAMS);
	if (!k->new || !k->free || !k->reset || !k->derive || !k->set_ctx_params ||
	    !k->get_ctx_params || !k->settable_ctx_params || !k->gettable_ctx_params)
		return false;
	swift_add(t, OSSL_FUNC_KDF_NEWCTX, (swift_fn *)newctx);
	swift_add(t, OSSL_FUNC_KDF_FREECTX, (swift_fn *)freectx);
	swift_add(t, OSSL_FUNC_KDF_RESET, (swift_fn *)reset);
	swift_add(t, OSSL_FUNC_KDF_DERIVE, (swift_fn *)derive);
	swift_add(t, OSSL_FUNC_KDF_SET_CTX_PARAMS, (swift_fn *)set_ctx_params);
	swift_add(t, OSSL_FUNC_KDF_GET_CTX_PARAMS, (swift_fn *)get_ctx_params);
	swift_add(t, OSSL_FUNC_KDF_SETTABLE_CTX_PARAMS, (swift_fn *)settable_ctx_params);
	swift_add(t, OSSL_FUNC_KDF_GETTABLE_CTX_PARAMS, (swift_fn *)gettable_ctx_params);
	return true;
}
