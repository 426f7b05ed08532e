// SPDX-License-Identifier: GPL-2.0-only
#include "tls_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "pem.h"
#include "sha256.h"
#include "tls_private.h"
#include "why.h"

static void hash_text(struct sha256 *h, const char *text)
{
	sha256_add(h, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* What a ticket is bound to: the endpoint, and what it asks of its clients. */
static void bind_tickets(struct tls_server *s, const struct tls_server_conf *conf)
{
	const unsigned char versions[2] = {(unsigned char)s->min, (unsigned char)s->max};
	struct sha256 h;

	sha256_init(&h);
	hash_text(&h, conf->id);
	hash_text(&h, conf->name);
	hash_text(&h, conf->client_cas);
	sha256_add(&h, versions, sizeof(versions));
	sha256_end(&h, s->sid_context);
}

static int set_alpn(struct tls_server *s, const char *list, struct fault *f)
{
	size_t len, n = 0;

	if (!list || !*list)
		return 0;
	s->alpn = malloc(strlen(list) + 1);
	if (!s->alpn)
		return fault_set(f, 500, 0, "alpn", "out of memory");
	for (const char *p = list; *p; p += len + (p[len] == '\n')) {
		len = strcspn(p, "\n");
		if (!len || len > 255)
			return fault_set(f, 400, 0, "alpn", "a protocol has 1 to 255 bytes");
		s->alpn[n++] = (unsigned char)len;
		memcpy(s->alpn + n, p, len);
		n += len;
	}
	s->alpn_len = (unsigned)n;
	return 0;
}

/* Trust in an intermediate CA is enough: "chains to any of these". */
static X509_STORE *store_of(STACK_OF(X509) * cas)
{
	X509_STORE *store = X509_STORE_new();

	for (int i = 0; store && i < sk_X509_num(cas); i++) {
		if (X509_STORE_add_cert(store, sk_X509_value(cas, i)) == 1)
			continue;
		X509_STORE_free(store);
		store = NULL;
	}
	if (store)
		X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
	return store;
}

static STACK_OF(X509_NAME) * names_of(STACK_OF(X509) * cas)
{
	STACK_OF(X509_NAME) *names = sk_X509_NAME_new_null();
	X509_NAME *name;

	for (int i = 0; names && i < sk_X509_num(cas); i++) {
		name = X509_NAME_dup(X509_get_subject_name(sk_X509_value(cas, i)));
		if (name && sk_X509_NAME_push(names, name))
			continue;
		X509_NAME_free(name);
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		names = NULL;
	}
	return names;
}

int tls_server_check_cas(const char *pem, struct fault *f)
{
	STACK_OF(X509) *cas = pem_cas(pem, "mutual_tls_cas", TLS_CLIENT_CAS_MAX, f);

	if (!cas)
		return -1;
	sk_X509_pop_free(cas, X509_free);
	return 0;
}

static int set_client_cas(struct tls_server *s, const char *pem, struct fault *f)
{
	STACK_OF(X509) * cas;

	if (!pem)
		return 0;
	cas = pem_cas(pem, "mutual_tls_cas", TLS_CLIENT_CAS_MAX, f);
	if (!cas)
		return -1;
	s->client_cas = store_of(cas);
	s->client_ca_names = names_of(cas);
	sk_X509_pop_free(cas, X509_free);
	if (s->client_cas && s->client_ca_names)
		return 0;
	ERR_clear_error();
	return fault_set(f, 500, 0, "mutual_tls_cas", "out of memory");
}

static int set_pair(struct tls_server *s, const struct tls_server_conf *conf, struct fault *f)
{
	char why[128];
	SSL *trial;
	int err;

	if (!conf->crt && !conf->key)
		return s->certs ? 0 : fault_set(f, 400, 0, "crt", "is missing");
	if (!conf->key)
		return fault_set(f, 400, 0, "key", "is missing: crt needs it");
	if (!conf->crt)
		return fault_set(f, 400, 0, "crt", "is missing: key needs it");
	s->pair = pair_read(conf->crt, conf->key, "crt", "key", f);
	if (!s->pair)
		return -1;
	trial = SSL_new(s->base->server);
	err = trial ? pair_use(s->pair, trial) : -1;
	SSL_free(trial);
	return err ? fault_set(f, 400, 0, "crt", "cannot be used: %s", why_queue(why, sizeof(why)))
		   : 0;
}

struct tls_server *tls_server_new(struct tls_base *b, struct certs *certs,
				  const struct tls_server_conf *conf, struct fault *f)
{
	struct tls_server *s = calloc(1, sizeof(*s));

	if (!s) {
		fault_set(f, 500, 0, "", "out of memory");
		return NULL;
	}
	atomic_init(&s->refs, 1);
	s->base = b;
	s->certs = certs;
	s->min = tls_version_number(conf->min, TLS1_2_VERSION);
	s->max = tls_version_number(conf->max, TLS1_3_VERSION);
	snprintf(s->name, sizeof(s->name), "%s", conf->name);
	if (s->min > s->max) {
		fault_set(f, 400, 0, "min_version", "is above max_version");
		goto fail;
	}
	if (set_pair(s, conf, f) || set_client_cas(s, conf->client_cas, f) ||
	    set_alpn(s, conf->alpn, f))
		goto fail;
	bind_tickets(s, conf);
	return s;
fail:
	tls_server_put(s);
	return NULL;
}

struct tls_server *tls_server_get(struct tls_server *s)
{
	atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
	return s;
}

void tls_server_put(struct tls_server *s)
{
	if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
		return;
	pair_put(s->pair);
	X509_STORE_free(s->client_cas);
	sk_X509_NAME_pop_free(s->client_ca_names, X509_NAME_free);
	free(s->alpn);
	free(s);
}

static int apply_client_cas(struct tls_server *s, SSL *ssl)
{
	STACK_OF(X509_NAME) * names;

	if (!s->client_cas)
		return 0;
	names = SSL_dup_CA_list(s->client_ca_names);
	if (!names || SSL_set1_verify_cert_store(ssl, s->client_cas) != 1) {
		sk_X509_NAME_pop_free(names, X509_NAME_free);
		return -1;
	}
	SSL_set_client_CA_list(ssl, names);
	SSL_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	return 0;
}

int tls_server_apply(struct tls_server *s, SSL *ssl)
{
	SSL_set_accept_state(ssl);
	return SSL_set_min_proto_version(ssl, s->min) == 1 &&
			       SSL_set_max_proto_version(ssl, s->max) == 1 &&
			       SSL_set_session_id_context(ssl, s->sid_context,
							  sizeof(s->sid_context)) == 1
		       ? apply_client_cas(s, ssl)
		       : -1;
}
