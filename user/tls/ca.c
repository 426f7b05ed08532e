// SPDX-License-Identifier: GPL-2.0-only
#include "ca.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/rand.h>
#include <openssl/x509v3.h>

#include "pair.h"
#include "secret.h"
#include "why.h"

#define ROOT_S (3650L * 86400)
#define SKEW_S 3600 /* clients' clocks may be behind ours */
#define CN_MAX 64   /* ub-common-name, RFC 5280 appendix A */

struct ca {
	pthread_mutex_t lock;
	char *dir;
	struct pair *root; /* NULL until the first need */
};

struct ca *ca_new(const char *dir)
{
	struct ca *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	c->dir = strdup(dir);
	if (!c->dir) {
		free(c);
		return NULL;
	}
	pthread_mutex_init(&c->lock, NULL);
	return c;
}

void ca_free(struct ca *c)
{
	if (!c)
		return;
	pair_put(c->root);
	pthread_mutex_destroy(&c->lock);
	free(c->dir);
	free(c);
}

/* ---- a certificate ---- */

static int openssl_failed(const char *what, struct fault *f)
{
	char why[128];

	return fault_set(f, 500, 0, "", "%s: %s", what, why_queue(why, sizeof(why)));
}

static int add(X509 *x, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *e;
	X509V3_CTX ctx;
	int ok;

	X509V3_set_ctx(&ctx, issuer, x, NULL, NULL, 0);
	X509V3_set_ctx_nodb(&ctx);
	e = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	ok = e && X509_add_ext(x, e, -1) == 1;
	X509_EXTENSION_free(e);
	return ok;
}

static int set_serial(X509 *x)
{
	unsigned char bytes[16];
	BIGNUM *bn;
	int ok;

	if (RAND_bytes(bytes, sizeof(bytes)) != 1)
		return 0;
	bytes[0] = (bytes[0] & 0x7f) | 0x40; /* positive, and always of one length */
	bn = BN_bin2bn(bytes, sizeof(bytes), NULL);
	ok = bn && BN_to_ASN1_INTEGER(bn, X509_get_serialNumber(x));
	BN_free(bn);
	return ok;
}

/* Unsigned, for <key>, from a little before <now> for <life>. */
static X509 *blank(EVP_PKEY *key, const char *org, const char *cn, time_t now, long life)
{
	X509 *x = X509_new();
	X509_NAME *name = x ? X509_get_subject_name(x) : NULL;

	if (x && X509_set_version(x, X509_VERSION_3) == 1 && set_serial(x) &&
	    ASN1_TIME_set(X509_getm_notBefore(x), now - SKEW_S) &&
	    ASN1_TIME_set(X509_getm_notAfter(x), now + life) && X509_set_pubkey(x, key) == 1 &&
	    (!org || X509_NAME_add_entry_by_txt(name, "O", MBSTRING_UTF8,
						(const unsigned char *)org, -1, -1, 0) == 1) &&
	    (strlen(cn) > CN_MAX ||
	     X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, (const unsigned char *)cn, -1,
					-1, 0) == 1))
		return x;
	X509_free(x);
	return NULL;
}

static int finish_root(X509 *x, EVP_PKEY *key)
{
	return X509_set_issuer_name(x, X509_get_subject_name(x)) == 1 &&
	       add(x, x, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
	       add(x, x, NID_key_usage, "critical,keyCertSign,cRLSign") &&
	       add(x, x, NID_subject_key_identifier, "hash") && X509_sign(x, key, EVP_sha256());
}

static int finish_leaf(X509 *x, const struct pair *root, const char *name)
{
	char san[300];

	/* a subject that is empty makes the alternative names critical, RFC 5280 4.2.1.6 */
	snprintf(san, sizeof(san), "%sDNS:%s", strlen(name) > CN_MAX ? "critical," : "", name);
	return X509_set_issuer_name(x, X509_get_subject_name(root->leaf)) == 1 &&
	       add(x, root->leaf, NID_basic_constraints, "critical,CA:FALSE") &&
	       add(x, root->leaf, NID_key_usage, "critical,digitalSignature") &&
	       add(x, root->leaf, NID_ext_key_usage, "serverAuth") &&
	       add(x, root->leaf, NID_subject_key_identifier, "hash") &&
	       add(x, root->leaf, NID_authority_key_identifier, "keyid:always") &&
	       add(x, root->leaf, NID_subject_alt_name, san) &&
	       X509_sign(x, root->key, EVP_sha256());
}

/* <root> NULL: a root. */
static struct pair *make(const struct pair *root, const char *name, time_t now)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	STACK_OF(X509) *chain = sk_X509_new_null();
	long life = root ? CA_LEAF_S : ROOT_S;
	X509 *x = NULL;

	if (root && now + life > root->not_after)
		life = root->not_after - now;
	if (key && chain)
		x = blank(key, root ? NULL : "snisplit", name, now, life);
	if (x && (root ? finish_leaf(x, root, name) : finish_root(x, key)))
		return pair_new(x, chain, key);
	X509_free(x);
	sk_X509_free(chain);
	EVP_PKEY_free(key);
	return NULL;
}

/* ---- the root ---- */

static int store_root(struct ca *c, const struct pair *root, struct fault *f)
{
	char path[4200];
	char *crt = pair_crt_pem(root), *key = pair_key_pem(root);
	int err = crt && key ? 0 : -ENOMEM;

	if (!err && mkdir(c->dir, 0700) == -1 && errno != EEXIST)
		err = -errno;
	/* the key first: a root without a key is a mistake to tell, a key alone is made anew */
	snprintf(path, sizeof(path), "%s/root.key", c->dir);
	if (!err)
		err = secret_write(path, key, true);
	if (!err) {
		snprintf(path, sizeof(path), "%s/root.pem", c->dir);
		err = secret_write(path, crt, true);
	}
	free(crt);
	secret_free(key);
	return err ? fault_set(f, 500, 0, "", "the local CA: %s cannot be written: %s", path,
			       strerror(-err))
		   : 0;
}

/* A name by which a browser's list of authorities tells two machines apart. */
static struct pair *make_root(struct ca *c, struct fault *f)
{
	char host[40] = "", name[CN_MAX + 1];
	unsigned char mark[3];
	struct pair *p;

	gethostname(host, sizeof(host) - 1);
	if (RAND_bytes(mark, sizeof(mark)) != 1) {
		openssl_failed("the local CA", f);
		return NULL;
	}
	snprintf(name, sizeof(name), "local CA of %.30s, %02x%02x%02x", host, mark[0], mark[1],
		 mark[2]);
	p = make(NULL, name, time(NULL));
	if (!p) {
		openssl_failed("the local CA", f);
		return NULL;
	}
	if (!store_root(c, p, f))
		return p;
	pair_put(p);
	return NULL;
}

static struct pair *load_root(struct ca *c, struct fault *f)
{
	char crt_path[4200], key_path[4200];
	char *crt, *key;
	struct pair *p = NULL;
	int err;

	snprintf(crt_path, sizeof(crt_path), "%s/root.pem", c->dir);
	snprintf(key_path, sizeof(key_path), "%s/root.key", c->dir);
	err = secret_read(crt_path, &crt);
	if (err == -ENOENT)
		return make_root(c, f);
	if (err) {
		fault_set(f, 500, 0, "", "the local CA: %s: %s", crt_path, strerror(-err));
		return NULL;
	}
	err = secret_read(key_path, &key);
	if (err)
		fault_set(f, 500, 0, "", "the local CA: %s: %s", key_path, strerror(-err));
	else
		p = pair_read(crt, key, crt_path, key_path, f);
	if (!p && f)
		f->status = 500; /* whoever asks has not given it to us */
	if (p && p->not_after <= time(NULL)) {
		/* not replaced by itself: clients trust this one and no other */
		fault_set(f, 500, 0, "", "the local CA has expired; remove %s and %s for a new one",
			  crt_path, key_path);
		pair_put(p);
		p = NULL;
	}
	free(crt);
	if (!err)
		secret_free(key);
	return p;
}

/* With the lock held. */
static struct pair *root_of(struct ca *c, struct fault *f)
{
	if (!c->root)
		c->root = load_root(c, f);
	return c->root;
}

char *ca_root(struct ca *c, char ret_fingerprint[CA_FINGERPRINT_MAX], struct fault *f)
{
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	struct pair *root;
	char *pem = NULL;

	pthread_mutex_lock(&c->lock);
	root = root_of(c, f);
	if (root && X509_digest(root->leaf, EVP_sha256(), hash, &len) == 1)
		pem = pair_crt_pem(root);
	if (root && !pem)
		openssl_failed("the local CA", f);
	pthread_mutex_unlock(&c->lock);
	for (unsigned i = 0; pem && i < len; i++)
		snprintf(ret_fingerprint + 3 * i, 4, "%02X%s", hash[i], i + 1 < len ? ":" : "");
	return pem;
}

struct pair *ca_issue(struct ca *c, const char *name, time_t now, struct fault *f)
{
	struct pair *root, *p = NULL;

	pthread_mutex_lock(&c->lock);
	root = root_of(c, f);
	if (root) {
		p = make(root, name, now);
		if (!p)
			openssl_failed("the local CA cannot issue a certificate", f);
	}
	pthread_mutex_unlock(&c->lock);
	return p;
}

int ca_is_good(struct ca *c, const struct pair *p, const char *name, time_t now)
{
	time_t life = p->not_after - p->not_before;
	struct fault f;
	struct pair *root;
	int good;

	if (now < p->not_before || now - p->not_before >= life / 3 * 2)
		return 0;
	pthread_mutex_lock(&c->lock);
	root = root_of(c, &f);
	good = root && X509_verify(p->leaf, X509_get0_pubkey(root->leaf)) == 1 &&
	       pair_has_name(p, name);
	pthread_mutex_unlock(&c->lock);
	ERR_clear_error();
	return good;
}
