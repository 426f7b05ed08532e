// SPDX-License-Identifier: GPL-2.0-only
/* swift - its secrets are RFC 8448's and the default provider's, its keys the ones of their private
 * halves; and who asks for it negotiates X25519 with whom does not, and has it from there.
 */
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/kdf.h>
#include <openssl/ssl.h>

#include "pki.h"
#include "swift.h"
#include "unit.h"

#define OURS "provider=" SWIFT_NAME
#define THEIRS "provider=default"

static size_t from_hex(const char *text, unsigned char *out)
{
	size_t n = 0;

	for (; text[2 * n]; n++)
		sscanf(text + 2 * n, "%2hhx", &out[n]);
	return n;
}

/* What TLS13-KDF is asked; NULL or SIZE_MAX: not said. */
struct ask {
	const char *digest;
	int mode;
	const unsigned char *key, *salt, *data;
	size_t key_len, salt_len, data_len, len;
	const char *prefix, *label;
};

static void add(OSSL_PARAM **end, const char *name, const void *at, size_t len)
{
	if (at)
		*(*end)++ = OSSL_PARAM_construct_octet_string(name, (void *)at, len);
}

/* <early>: all is set before it is asked, as other users of a KDF do. */
static bool derive(const char *properties, const struct ask *a, bool early, unsigned char *out)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", properties);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	OSSL_PARAM p[8], *end = p;
	int mode = a->mode;
	bool ok;

	*end++ = OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode);
	*end++ = OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)a->digest, 0);
	add(&end, OSSL_KDF_PARAM_KEY, a->key, a->key_len);
	add(&end, OSSL_KDF_PARAM_SALT, a->salt, a->salt_len);
	add(&end, OSSL_KDF_PARAM_PREFIX, a->prefix, a->prefix ? strlen(a->prefix) : 0);
	add(&end, OSSL_KDF_PARAM_LABEL, a->label, a->label ? strlen(a->label) : 0);
	add(&end, OSSL_KDF_PARAM_DATA, a->data, a->data_len);
	*end = OSSL_PARAM_construct_end();
	if (early)
		ok = EVP_KDF_CTX_set_params(ctx, p) == 1 &&
		     EVP_KDF_derive(ctx, out, a->len, NULL) == 1;
	else
		ok = EVP_KDF_derive(ctx, out, a->len, p) == 1;
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
	return ok;
}

/* RFC 8448, 3: the simple handshake's first secrets. */
static void test_rfc(void)
{
	static const struct {
		int mode;
		const char *key, *salt, *label, *data, *want;
	} rows[] = {
		{EVP_KDF_HKDF_MODE_EXTRACT_ONLY, NULL, NULL, "derived", NULL,
		 "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a"},
		{EVP_KDF_HKDF_MODE_EXPAND_ONLY,
		 "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a", NULL,
		 "derived", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		 "6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba"},
		{EVP_KDF_HKDF_MODE_EXTRACT_ONLY,
		 "8bd4054fb55b9d63fdfbacf9f04b9f0d35e6d63f537563efd46272900f89492d",
		 "33ad0a1c607ec03b09e6cd9893680ce210adf300aa1f2660e1b22e10f170f92a", "derived",
		 NULL, "1dc826e93606aa6fdc0aadc12f741b01046aa6b99f691ed221a9f0ca043fbeac"},
	};
	unsigned char key[64], salt[64], data[64], want[64], got[64];

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct ask a = {.digest = "SHA256", .mode = rows[i].mode, .prefix = "tls13 "};

		a.label = rows[i].label;
		a.len = from_hex(rows[i].want, want);
		if (rows[i].key) {
			a.key = key;
			a.key_len = from_hex(rows[i].key, key);
		}
		if (rows[i].salt) {
			a.salt = salt;
			a.salt_len = from_hex(rows[i].salt, salt);
		}
		if (rows[i].data) {
			a.data = data;
			a.data_len = from_hex(rows[i].data, data);
		}
		CHECK(derive(OURS, &a, false, got), "row %zu", i);
		CHECK(!memcmp(got, want, a.len), "row %zu", i);
	}
}

/* Whatever is asked, and however, the answer is the default provider's: also that there is none. */
static void test_kdf(void)
{
	static const char *const digests[] = {"SHA256", "SHA384",   "SHA2-256",	  "sha384",
					      "SHA512", "SHA3-256", "no such one"};
	static const char *const labels[] = {"derived", "c hs traffic", "key", NULL};
	static const size_t lens[] = {0, 1, 12, 16, 32, 48, 64};
	unsigned char bytes[3][64], ours[64], theirs[64];
	unsigned answered = 0;

	srandom(8446);
	for (int i = 0; i < 6000; i++) {
		struct ask a = {.digest = digests[random() % 7], .mode = (int)(random() % 3)};
		bool early = !(random() % 8), ok;

		for (size_t j = 0; j < sizeof(bytes); j++)
			((unsigned char *)bytes)[j] = (unsigned char)random();
		a.prefix = random() % 16 ? "tls13 " : NULL;
		a.label = labels[random() % 4];
		a.key = random() % 8 ? bytes[0] : NULL;
		a.salt = random() % 2 ? bytes[1] : NULL;
		a.data = random() % 2 ? bytes[2] : NULL;
		a.key_len = lens[random() % 7];
		a.salt_len = lens[random() % 7];
		a.data_len = lens[random() % 7];
		a.len = lens[1 + random() % 6];
		memset(ours, 0, sizeof(ours));
		memset(theirs, 0, sizeof(theirs));
		ok = derive(THEIRS, &a, early, theirs);
		answered += ok;
		CHECK(derive(OURS, &a, early, ours) == ok && (!ok || !memcmp(ours, theirs, a.len)),
		      "%d: digest %s mode %d key %zu salt %zu data %zu len %zu label %s early %d",
		      i, a.digest, a.mode, a.key ? a.key_len : 0, a.salt ? a.salt_len : 0,
		      a.data ? a.data_len : 0, a.len, a.label ? a.label : "-", early);
	}
	CHECK(answered > 1000, "%u", answered);
}

/* What an earlier call has said is not there for the next one: so there is none. */
static void test_second_call(void)
{
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", OURS);
	EVP_KDF_CTX *ctx = EVP_KDF_CTX_new(kdf);
	unsigned char key[32] = {1}, salt[32] = {2}, out[2][32];
	int mode = EVP_KDF_HKDF_MODE_EXTRACT_ONLY;
	OSSL_PARAM p[] = {
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_SALT, salt, sizeof(salt)),
		OSSL_PARAM_construct_int(OSSL_KDF_PARAM_MODE, &mode),
		OSSL_PARAM_construct_utf8_string(OSSL_KDF_PARAM_DIGEST, (char *)"SHA256", 0),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_KEY, key, sizeof(key)),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_PREFIX, (char *)"tls13 ", 6),
		OSSL_PARAM_construct_octet_string(OSSL_KDF_PARAM_LABEL, (char *)"derived", 7),
		OSSL_PARAM_construct_end(),
	};

	CHECK(EVP_KDF_derive(ctx, out[0], 32, p) == 1, "the first");
	CHECK(EVP_KDF_derive(ctx, out[1], 32, p + 1) != 1, "without the salt");
	CHECK(EVP_KDF_CTX_set_params(ctx, p + 1) != 1, "without the salt");
	EVP_KDF_CTX_reset(ctx);
	CHECK(EVP_KDF_derive(ctx, out[1], 32, p) == 1, "after a reset");
	CHECK(!memcmp(out[0], out[1], 32), "another secret");
	EVP_KDF_CTX_free(ctx);
	EVP_KDF_free(kdf);
}

static size_t shared(EVP_PKEY *key, EVP_PKEY *peer, const char *properties, unsigned char out[32])
{
	EVP_PKEY_CTX *ctx = EVP_PKEY_CTX_new_from_pkey(NULL, key, properties);
	size_t len = 32;

	if (EVP_PKEY_derive_init(ctx) != 1 || EVP_PKEY_derive_set_peer(ctx, peer) != 1 ||
	    EVP_PKEY_derive(ctx, out, &len) != 1)
		len = 0;
	EVP_PKEY_CTX_free(ctx);
	return len;
}

static void test_keys(void)
{
	EVP_PKEY *before = NULL;

	for (int i = 0; i < 64; i++) {
		EVP_PKEY *key = EVP_PKEY_Q_keygen(NULL, OURS, "X25519"), *same;
		EVP_PKEY *peer = EVP_PKEY_Q_keygen(NULL, THEIRS, "X25519");
		unsigned char private[32], public[2][32], secret[2][32];
		size_t n = 32, n0 = 32, n1 = 32;

		CHECK(EVP_PKEY_get_raw_private_key(key, private, &n) == 1 && n == 32, "%zu", n);
		CHECK(!(private[0] & 7) && (private[31] & 0xc0) == 0x40, "%d: not clamped", i);
		same = EVP_PKEY_new_raw_private_key_ex(NULL, "X25519", THEIRS, private, n);
		CHECK(EVP_PKEY_get_raw_public_key(key, public[0], &n0) == 1 &&
			      EVP_PKEY_get_raw_public_key(same, public[1], &n1) == 1,
		      "%d", i);
		CHECK(n0 == 32 && n1 == 32 && !memcmp(public[0], public[1], 32), "%d", i);
		CHECK(!before || EVP_PKEY_eq(before, key) == 0, "%d: the same key twice", i);
		CHECK(shared(key, peer, OURS, secret[0]) == 32, "%d", i);
		CHECK(shared(peer, key, THEIRS, secret[1]) == 32, "%d", i);
		CHECK(!memcmp(secret[0], secret[1], 32), "%d", i);
		EVP_PKEY_free(before);
		before = key;
		EVP_PKEY_free(same);
		EVP_PKEY_free(peer);
	}
	EVP_PKEY_free(before);
	CHECK(!EVP_PKEY_Q_keygen(NULL, OURS, "X448"), "it has no X448");
}

/* ---- short of memory ---- */

static unsigned long allocations, fails_at; /* 0: none does */

static void *scarce_malloc(size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return ++allocations == fails_at ? NULL : malloc(n);
}

static void *scarce_realloc(void *p, size_t n, const char *file, int line)
{
	(void)file;
	(void)line;
	return ++allocations == fails_at ? NULL : realloc(p, n);
}

static void scarce_free(void *p, const char *file, int line)
{
	(void)file;
	(void)line;
	free(p);
}

/* There is a key, or there is none. */
static void test_no_memory(void)
{
	EVP_PKEY *key = NULL;

	for (unsigned long n = 1; !key && n < 1000; n++) {
		allocations = 0;
		fails_at = n;
		key = EVP_PKEY_Q_keygen(NULL, OURS, "X25519");
		if (allocations >= n) {
			EVP_PKEY_free(key);
			key = NULL;
		}
	}
	fails_at = 0;
	CHECK(key, "never");
	EVP_PKEY_free(key);
}

static void carry(SSL *from, SSL *to)
{
	char buf[1 << 14];
	int n = BIO_read(SSL_get_wbio(from), buf, sizeof(buf));

	if (n > 0)
		BIO_write(SSL_get_rbio(to), buf, n);
}

static SSL *session(SSL_CTX *ctx)
{
	SSL *ssl = SSL_new(ctx);

	SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	return ssl;
}

/* libssl drops a group without a word when its keys are of another provider than it is. */
static void test_handshake(const char *client_query, const char *server_query)
{
	SSL_CTX *cctx = SSL_CTX_new_ex(NULL, client_query, TLS_client_method());
	SSL_CTX *sctx = SSL_CTX_new_ex(NULL, server_query, TLS_server_method());
	struct pki cert = pki_make((struct pki_conf){.cn = "app.test"});
	SSL *c, *s;

	CHECK(SSL_CTX_use_cert_and_key(sctx, cert.x, cert.key, NULL, 1) == 1, "certificate");
	CHECK(SSL_CTX_set1_groups_list(cctx, "X25519:P-256") == 1, "client's groups");
	CHECK(SSL_CTX_set1_groups_list(sctx, "X25519:P-256:P-384:X448") == 1, "server's groups");
	c = session(cctx);
	s = session(sctx);
	SSL_set_connect_state(c);
	SSL_set_accept_state(s);
	for (int i = 0; i < 4; i++) {
		SSL_do_handshake(c);
		carry(c, s);
		SSL_do_handshake(s);
		carry(s, c);
	}
	CHECK(SSL_is_init_finished(c) && SSL_is_init_finished(s), "no handshake");
	CHECK(SSL_get_negotiated_group(s) == NID_X25519, "group %ld", SSL_get_negotiated_group(s));
	SSL_free(c);
	SSL_free(s);
	SSL_CTX_free(cctx);
	SSL_CTX_free(sctx);
	pki_done(&cert);
}

static void test_query(const char *query)
{
	EVP_KEYMGMT *keys = EVP_KEYMGMT_fetch(NULL, "X25519", query);
	EVP_KDF *kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", query);
	EVP_MD *md = EVP_MD_fetch(NULL, "SHA256", query);

	CHECK(!strcmp(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(keys)), SWIFT_NAME),
	      "keys");
	CHECK(!strcmp(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)), SWIFT_NAME), "kdf");
	CHECK(!strcmp(OSSL_PROVIDER_get0_name(EVP_MD_get0_provider(md)), "default"), "md");
	EVP_KEYMGMT_free(keys);
	EVP_KDF_free(kdf);
	EVP_MD_free(md);
}

/* Elsewhere: who does not ask for ours does not get it. */
static void test_guest(void)
{
	OSSL_PROVIDER *p;
	EVP_KEYMGMT *keys;
	EVP_KDF *kdf;

	swift_be_guest();
	p = swift_load();
	CHECK(p, "not loaded");
	keys = EVP_KEYMGMT_fetch(NULL, "X25519", NULL);
	kdf = EVP_KDF_fetch(NULL, "TLS13-KDF", NULL);
	CHECK(!strcmp(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(keys)), "default"), "keys");
	CHECK(!strcmp(OSSL_PROVIDER_get0_name(EVP_KDF_get0_provider(kdf)), "default"), "kdf");
	EVP_KEYMGMT_free(keys);
	EVP_KDF_free(kdf);
	test_query(swift_query());
	test_handshake(swift_query(), swift_query());
	/* an operator's word is heard */
	CHECK(EVP_set_default_properties(NULL, THEIRS) == 1, "properties");
	keys = EVP_KEYMGMT_fetch(NULL, "X25519", SWIFT_QUERY);
	CHECK(!strcmp(OSSL_PROVIDER_get0_name(EVP_KEYMGMT_get0_provider(keys)), "default"), "keys");
	EVP_KEYMGMT_free(keys);
	test_handshake(SWIFT_QUERY, SWIFT_QUERY);
	OSSL_PROVIDER_unload(p);
}

static void in_another_process(void (*test)(void))
{
	pid_t pid = fork();
	int status = -1;

	if (!pid) {
		test();
		exit(failures != 0);
	}
	CHECK(waitpid(pid, &status, 0) == pid && !status, "status %#x", (unsigned)status);
}

int main(void)
{
	OSSL_PROVIDER *first, *second;

	CHECK(CRYPTO_set_mem_functions(scarce_malloc, scarce_realloc, scarce_free), "too late");
	in_another_process(test_guest);
	first = swift_load();
	second = swift_load();
	CHECK(first && second, "not loaded");
	OSSL_PROVIDER_unload(second);
	test_rfc();
	test_kdf();
	test_second_call();
	test_keys();
	test_no_memory();
	test_query(SWIFT_QUERY);
	test_query(swift_query());
	test_handshake(SWIFT_QUERY, SWIFT_QUERY);
	test_handshake(NULL, SWIFT_QUERY);
	test_handshake(SWIFT_QUERY, NULL);
	test_handshake(swift_query(), swift_query());
	OSSL_PROVIDER_unload(first);
	test_handshake(NULL, NULL);
	CHECK(swift_query() && !strcmp(swift_query(), SWIFT_QUERY), "it is not there");
	return failures != 0;
}
