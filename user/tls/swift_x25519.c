// SPDX-License-Identifier: GPL-2.0-only
/*
 * swift_x25519 - the default provider's X25519, but for how a new key is made: swift.h.
 */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/rand.h>

#include "swift_private.h"

#define LEN 32

static const unsigned char base_point[LEN] = {9};

static int import(const struct swift_x25519 *x, void *key, const unsigned char *private,
		  const unsigned char *public)
{
	OSSL_PARAM p[3], *end = p;
	int selection = OSSL_KEYMGMT_SELECT_PUBLIC_KEY;

	*end++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PUB_KEY, (void *)public, LEN);
	if (private) {
		*end++ = OSSL_PARAM_construct_octet_string(OSSL_PKEY_PARAM_PRIV_KEY,
							   (void *)private, LEN);
		selection = OSSL_KEYMGMT_SELECT_KEYPAIR;
	}
	*end = OSSL_PARAM_construct_end();
	return x->key_import(key, selection, p);
}

/* What <key>, which has a private half, and the base point share: its public half. */
static bool derive(const struct swift *s, void *key, unsigned char public[LEN])
{
	const struct swift_x25519 *x = &s->x25519;
	void *ctx = x->exchange_new(s->their_ctx);
	size_t len = LEN;
	bool ok;

	ok = ctx && x->exchange_init(ctx, key, NULL) && x->exchange_set_peer(ctx, x->base) &&
	     x->exchange_derive(ctx, public, &len, LEN) && len == LEN;
	if (ctx) /* theirs does not look */
		x->exchange_free(ctx);
	return ok;
}

static bool fill(const struct swift *s, void *key)
{
	const struct swift_x25519 *x = &s->x25519;
	unsigned char private[LEN], public[LEN];
	bool ok = RAND_priv_bytes(private, LEN) == 1;

	/* RFC 7748, 5: as the default provider leaves them */
	private[0] &= 0xf8;
	private[LEN - 1] = (private[LEN - 1] & 0x7f) | 0x40;
	ok = ok && import(x, key, private, base_point) && derive(s, key, public) &&
	     import(x, key, NULL, public);
	OPENSSL_cleanse(private, LEN);
	return ok;
}

/* ---- key management ---- */

struct gen {
	const struct swift *swift;
	int selection;
};

static void *new (void *provctx)
{
	const struct swift *s = provctx;

	return s->x25519.key_new(s->their_ctx);
}

static int gen_set_params(void *genctx, const OSSL_PARAM params[])
{
	const OSSL_PARAM *p =
		params ? OSSL_PARAM_locate_const(params, OSSL_PKEY_PARAM_GROUP_NAME) : NULL;

	(void)genctx;
	return !p || (p->data_type == OSSL_PARAM_UTF8_STRING && p->data &&
		      !strcasecmp(p->data, "x25519"));
}

static const OSSL_PARAM *gen_settable_params(void *genctx, void *provctx)
{
	static const OSSL_PARAM known[] = {
		OSSL_PARAM_utf8_string(OSSL_PKEY_PARAM_GROUP_NAME, NULL, 0),
		OSSL_PARAM_END,
	};

	(void)genctx;
	(void)provctx;
	return known;
}

static void *gen_init(void *provctx, int selection, const OSSL_PARAM params[])
{
	struct gen *g;

	if (!gen_set_params(NULL, params))
		return NULL;
	g = calloc(1, sizeof(*g));
	if (g)
		*g = (struct gen){.swift = provctx, .selection = selection};
	return g;
}

static void *gen(void *genctx, OSSL_CALLBACK *on_progress, void *arg)
{
	const struct gen *g = genctx;
	const struct swift *s = g->swift;
	void *key = s->x25519.key_new(s->their_ctx);

	(void)on_progress;
	(void)arg;
	if (!key || !(g->selection & OSSL_KEYMGMT_SELECT_KEYPAIR) || fill(s, key))
		return key; /* without a pair: what a peer's public half is put into */
	s->x25519.key_free(key);
	return NULL;
}

static void gen_cleanup(void *genctx)
{
	free(genctx);
}

/* ---- key exchange ---- */

static void *newctx(void *provctx)
{
	const struct swift *s = provctx;

	return s->x25519.exchange_new(s->their_ctx);
}

/* ---- the tables ---- */

/* Of functions that are handed keys and contexts only, which are the default provider's. */
static void inherit(struct swift_table *t, const OSSL_DISPATCH *from, const int *ids)
{
	for (; *ids; ids++)
		if (swift_find(from, *ids))
			swift_add(t, *ids, swift_find(from, *ids));
}

bool swift_x25519_open(struct swift *s, const OSSL_DISPATCH *keys, const OSSL_DISPATCH *exchange)
{
	static const int of_keys[] = {OSSL_FUNC_KEYMGMT_FREE,
				      OSSL_FUNC_KEYMGMT_GET_PARAMS,
				      OSSL_FUNC_KEYMGMT_GETTABLE_PARAMS,
				      OSSL_FUNC_KEYMGMT_SET_PARAMS,
				      OSSL_FUNC_KEYMGMT_SETTABLE_PARAMS,
				      OSSL_FUNC_KEYMGMT_HAS,
				      OSSL_FUNC_KEYMGMT_VALIDATE,
				      OSSL_FUNC_KEYMGMT_MATCH,
				      OSSL_FUNC_KEYMGMT_IMPORT,
				      OSSL_FUNC_KEYMGMT_IMPORT_TYPES,
				      OSSL_FUNC_KEYMGMT_EXPORT,
				      OSSL_FUNC_KEYMGMT_EXPORT_TYPES,
				      OSSL_FUNC_KEYMGMT_DUP,
				      0};
	static const int of_exchange[] = {OSSL_FUNC_KEYEXCH_INIT,   OSSL_FUNC_KEYEXCH_SET_PEER,
					  OSSL_FUNC_KEYEXCH_DERIVE, OSSL_FUNC_KEYEXCH_FREECTX,
					  OSSL_FUNC_KEYEXCH_DUPCTX, 0};
	struct swift_x25519 *x = &s->x25519;

	x->key_new = (OSSL_FUNC_keymgmt_new_fn *)swift_find(keys, OSSL_FUNC_KEYMGMT_NEW);
	x->key_free = (OSSL_FUNC_keymgmt_free_fn *)swift_find(keys, OSSL_FUNC_KEYMGMT_FREE);
	x->key_import = (OSSL_FUNC_keymgmt_import_fn *)swift_find(keys, OSSL_FUNC_KEYMGMT_IMPORT);
	x->exchange_new =
		(OSSL_FUNC_keyexch_newctx_fn *)swift_find(exchange, OSSL_FUNC_KEYEXCH_NEWCTX);
	x->exchange_init =
		(OSSL_FUNC_keyexch_init_fn *)swift_find(exchange, OSSL_FUNC_KEYEXCH_INIT);
	x->exchange_set_peer =
		(OSSL_FUNC_keyexch_set_peer_fn *)swift_find(exchange, OSSL_FUNC_KEYEXCH_SET_PEER);
	x->exchange_derive =
		(OSSL_FUNC_keyexch_derive_fn *)swift_find(exchange, OSSL_FUNC_KEYEXCH_DERIVE);
	x->exchange_free =
		(OSSL_FUNC_keyexch_freectx_fn *)swift_find(exchange, OSSL_FUNC_KEYEXCH_FREECTX);
	if (!x->key_new || !x->key_free || !x->key_import || !x->exchange_new ||
	    !x->exchange_init || !x->exchange_set_peer || !x->exchange_derive || !x->exchange_free)
		return false;
	x->base = x->key_new(s->their_ctx);
	if (!x->base || !import(x, x->base, NULL, base_point))
		return false;
	inherit(&x->keys, keys, of_keys);
	swift_add(&x->keys, OSSL_FUNC_KEYMGMT_NEW, (swift_fn *)new);
	swift_add(&x->keys, OSSL_FUNC_KEYMGMT_GEN_INIT, (swift_fn *)gen_init);
	swift_add(&x->keys, OSSL_FUNC_KEYMGMT_GEN_SET_PARAMS, (swift_fn *)gen_set_params);
	swift_add(&x->keys, OSSL_FUNC_KEYMGMT_GEN_SETTABLE_PARAMS, (swift_fn *)gen_settable_params);
	swift_add(&x->keys, OSSL_FUNC_KEYMGMT_GEN, (swift_fn *)gen);
	swift_add(&x->keys, OSSL_FUNC_KEYMGMT_GEN_CLEANUP, (swift_fn *)gen_cleanup);
	inherit(&x->exchange, exchange, of_exchange);
	swift_add(&x->exchange, OSSL_FUNC_KEYEXCH_NEWCTX, (swift_fn *)newctx);
	return true;
}

void swift_x25519_close(struct swift *s)
{
	if (s->x25519.base)
		s->x25519.key_free(s->x25519.base);
	s->x25519.base = NULL;
}
