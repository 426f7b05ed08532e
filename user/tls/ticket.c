// SPDX-License-Identifier: GPL-2.0-only
#include "ticket.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

struct key {
	unsigned char name[16], aes[32], hmac[32];
	time_t made;
};

struct tickets {
	EVP_CIPHER *cipher; /* fetched once: a fetch is a good part of what a ticket costs */
	pthread_rwlock_t lock;
	struct key *now, *before; /* <before> may be NULL */
};

static struct key *key_new(time_t made)
{
	struct key *k = OPENSSL_secure_malloc(sizeof(*k));

	if (!k)
		return NULL;
	k->made = made;
	if (RAND_bytes(k->name, sizeof(k->name)) == 1 &&
	    RAND_priv_bytes(k->aes, sizeof(k->aes)) == 1 &&
	    RAND_priv_bytes(k->hmac, sizeof(k->hmac)) == 1)
		return k;
	OPENSSL_secure_clear_free(k, sizeof(*k));
	return NULL;
}

static void key_free(struct key *k)
{
	OPENSSL_secure_clear_free(k, sizeof(*k));
}

struct tickets *tickets_new(void)
{
	struct tickets *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	pthread_rwlock_init(&k->lock, NULL);
	k->cipher = EVP_CIPHER_fetch(NULL, "AES-256-CBC", NULL);
	if (k->cipher)
		return k;
	tickets_free(k);
	return NULL;
}

void tickets_free(struct tickets *k)
{
	if (!k)
		return;
	EVP_CIPHER_free(k->cipher);
	key_free(k->now);
	key_free(k->before);
	pthread_rwlock_destroy(&k->lock);
	free(k);
}

/*
 * The clock was set back: how old the keys are is not known any more, so they count as one period
 * old, which is safe: a new one comes, and who has a ticket does not notice.
 */
static void forget_future(struct key *key, time_t now)
{
	if (key && key->made > now)
		key->made = now - TICKET_KEY_S;
}

/* A key that should not be used for new tickets any more is replaced. */
static void rotate(struct tickets *k, time_t now)
{
	struct key *fresh;

	pthread_rwlock_wrlock(&k->lock);
	forget_future(k->now, now);
	forget_future(k->before, now);
	if (!k->now || now - k->now->made >= TICKET_KEY_S) {
		fresh = key_new(now);
		if (fresh) {
			key_free(k->before);
			k->before = k->now;
			k->now = fresh;
		}
	}
	if (k->before && now - k->before->made >= 2 * TICKET_KEY_S) {
		key_free(k->before);
		k->before = NULL;
	}
	pthread_rwlock_unlock(&k->lock);
}

static bool is_due(const struct tickets *k, time_t now)
{
	return !k->now || now < k->now->made || now - k->now->made >= TICKET_KEY_S ||
	       (k->before && (now < k->before->made || now - k->before->made >= 2 * TICKET_KEY_S));
}

static int set_keys(const struct tickets *k, const struct key *key, unsigned char *iv,
		    EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	OSSL_PARAM params[3];

	params[0] = OSSL_PARAM_construct_octet_string(OSSL_MAC_PARAM_KEY, (void *)key->hmac,
						      sizeof(key->hmac));
	params[1] = OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, (char *)"SHA256", 0);
	params[2] = OSSL_PARAM_construct_end();
	return EVP_CipherInit_ex(cipher, k->cipher, NULL, key->aes, iv, encrypt) == 1 &&
	       EVP_MAC_CTX_set_params(mac, params) == 1;
}

int tickets_use(struct tickets *k, time_t now, unsigned char name[16], unsigned char *iv,
		EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt)
{
	const struct key *key = NULL;
	int ret = -1;
	bool due;

	pthread_rwlock_rdlock(&k->lock);
	due = is_due(k, now);
	pthread_rwlock_unlock(&k->lock);
	if (due)
		rotate(k, now);
	pthread_rwlock_rdlock(&k->lock);
	if (encrypt) {
		key = k->now;
		if (key && RAND_bytes(iv, EVP_MAX_IV_LENGTH) == 1) {
			memcpy(name, key->name, sizeof(key->name));
			ret = 1;
		}
	} else if (k->now && !memcmp(name, k->now->name, sizeof(k->now->name))) {
		key = k->now;
		ret = 1;
	} else if (k->before && !memcmp(name, k->before->name, sizeof(k->before->name))) {
		key = k->before;
		ret = 2; /* valid, and renewed */
	} else {
		ret = 0;
	}
	if (ret > 0 && !set_keys(k, key, iv, cipher, mac, encrypt))
		ret = -1;
	pthread_rwlock_unlock(&k->lock);
	return ret;
}
