// SPDX-License-Identifier: GPL-2.0-only
#include "tls_client.h"

#include <stdlib.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "pem.h"
#include "tls_private.h"
#include "why.h"

static int set_cas(struct tls_client *c, const char *pem, struct fault *f)
{
	STACK_OF(X509) * cas;
	int ok;

	if (!pem)
		return 0;
	cas = pem_cas(pem, "upstream_tls_verify_cas", 0, f);
	if (!cas)
		return -1;
	c->cas = X509_STORE_new();
	ok = c->cas && X509_STORE_set_flags(c->cas, X509_V_FLAG_PARTIAL_CHAIN) == 1;
	for (int i = 0; ok && i < sk_X509_num(cas); i++)
		ok = X509_STORE_add_cert(c->cas, sk_X509_value(cas, i)) == 1;
	sk_X509_pop_free(cas, X509_free);
	ERR_clear_error();
	return ok ? 0 : fault_set(f, 500, 0, "upstream_tls_verify_cas", "out of memory");
}

static int set_pair(struct tls_client *c, const struct tls_client_conf *conf, struct fault *f)
{
	if (!conf->crt && !conf->key)
		return 0;
	if (!conf->key)
		return fault_set(f, 400, 0, "upstream_key", "is missing: upstream_crt needs it");
	if (!conf->crt)
		return fault_set(f, 400, 0, "upstream_crt", "is missing: upstream_key needs it");
	c->pair = pair_read(conf->crt, conf->key, "upstream_crt", "upstream_key", f);
	return c->pair ? 0 : -1;
}

struct tls_client *tls_client_new(struct tls_base *b, const struct tls_client_conf *conf,
				  struct fault *f)
{
	struct tls_client *c = calloc(1, sizeof(*c));

	if (!c) {
		fault_set(f, 500, 0, "", "out of memory");
		return NULL;
	}
	atomic_init(&c->refs, 1);
	sessions_init(&c->sessions);
	c->base = b;
	c->verify = conf->verify;
	c->min = tls_version_number(conf->min, TLS1_2_VERSION);
	c->max = tls_version_number(conf->max, TLS1_3_VERSION);
	if (c->min > c->max) {
		fault_set(f, 400, 0, "min_version", "is above max_version");
		goto fail;
	}
	if (set_cas(c, conf->cas, f) || set_pair(c, conf, f))
		goto fail;
	return c;
fail:
	tls_client_put(c);
	return NULL;
}

struct tls_client *tls_client_get(struct tls_client *c)
{
	atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
	return c;
}

void tls_client_put(struct tls_client *c)
{
	if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
		return;
	pair_put(c->pair);
	X509_STORE_free(c->cas);
	sessions_done(&c->sessions);
	free(c);
}

int tls_on_session(SSL *ssl, SSL_SESSION *session)
{
	struct tls *t = SSL_get_app_data(ssl);

	sessions_put(&t->client->sessions, t->sni, session);
	return 1; /* it is ours now */
}

int tls_client_apply(struct tls_client *c, SSL *ssl, const char *name)
{
	SSL_set_connect_state(ssl);
	if (SSL_set_min_proto_version(ssl, c->min) != 1 ||
	    SSL_set_max_proto_version(ssl, c->max) != 1 ||
	    (*name && SSL_set_tlsext_host_name(ssl, name) != 1) ||
	    (c->pair && pair_use(c->pair, ssl)))
		return -1;
	if (!c->verify)
		return 0;
	if (c->cas && SSL_set1_verify_cert_store(ssl, c->cas) != 1)
		return -1;
	SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	SSL_set_verify(ssl, SSL_VERIFY_PEER, NULL);
	return SSL_set1_host(ssl, name) == 1 ? 0 : -1;
}
