/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * swift_private - the provider's own, for swift*.c only.
 */
#ifndef SWIFT_PRIVATE_H
#define SWIFT_PRIVATE_H

#include <openssl/core.h>
#include <openssl/core_dispatch.h>
#include <openssl/provider.h>

#define SWIFT_FUNCTIONS_MAX 24

/* A table of functions that is filled at run time, ended by a zero. */
struct swift_table {
	OSSL_DISPATCH at[SWIFT_FUNCTIONS_MAX + 1];
	unsigned n;
};

/* The default provider's functions that ours call; all there, or nothing is offered. */
struct swift_x25519 {
	OSSL_FUNC_keymgmt_new_fn *key_new;
	OSSL_FUNC_keymgmt_free_fn *key_free;
	OSSL_FUNC_keymgmt_import_fn *key_import;
	OSSL_FUNC_keyexch_newctx_fn *exchange_new;
	OSSL_FUNC_keyexch_init_fn *exchange_init;
	OSSL_FUNC_keyexch_set_peer_fn *exchange_set_peer;
	OSSL_FUNC_keyexch_derive_fn *exchange_derive;
	OSSL_FUNC_keyexch_freectx_fn *exchange_free;
	void *base; /* a key: the base point, as of a peer */
	struct swift_table keys, exchange;
};

struct swift_kdf {
	OSSL_FUNC_kdf_newctx_fn *new;
	OSSL_FUNC_kdf_freectx_fn *free;
	OSSL_FUNC_kdf_reset_fn *reset;
	OSSL_FUNC_kdf_derive_fn *derive;
	OSSL_FUNC_kdf_set_ctx_params_fn *set_ctx_params;
	OSSL_FUNC_kdf_get_ctx_params_fn *get_ctx_params;
	OSSL_FUNC_kdf_settable_ctx_params_fn *settable_ctx_params;
	OSSL_FUNC_kdf_gettable_ctx_params_fn *gettable_ctx_params;
	struct swift_table functions;
};

/* The provider's context. */
struct swift {
	OSSL_LIB_CTX *lib; /* with the default provider in it, and nothing else */
	OSSL_PROVIDER *theirs;
	void *their_ctx;
	struct swift_x25519 x25519;
	struct swift_kdf kdf;
	OSSL_ALGORITHM keymgmt[2], keyexch[2], kdfs[2];
};

typedef void swift_fn(void);

/* NULL: <d> has none of this number. */
swift_fn *swift_find(const OSSL_DISPATCH *d, int id);
void swift_add(struct swift_table *t, int id, swift_fn *fn);

/* From the default provider's functions.  False: something is not as we know it. */
bool swift_x25519_open(struct swift *s, const OSSL_DISPATCH *keys, const OSSL_DISPATCH *exchange);
void swift_x25519_close(struct swift *s);
bool swift_kdf_open(struct swift *s, const OSSL_DISPATCH *theirs);

#endif
