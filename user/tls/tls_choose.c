// SPDX-License-Identifier: GPL-2.0-only
/*
 * tls_choose - what a server decides during a handshake: is this the name it was routed by, which
 * certificate, which protocol, which staple, is this ticket still good.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include <openssl/err.h>
#include <openssl/x509.h>

#include "certs.h"
#include "name.h"
#include "tls_private.h"

/* The first host name in a server_name extension, normalised; "" for none that counts as one. */
static void name_in(const unsigned char *ext, size_t len, char ret_name[NAME_KEY_LEN])
{
	char text[TLS_NAME_MAX];
	const char *why;
	size_t n;

	ret_name[0] = '\0';
	/* list length, name type 0, name length: OpenSSL refuses any other shape right after us */
	if (len < 5 || ext[2])
		return;
	n = (size_t)ext[3] << 8 | ext[4];
	if (n > len - 5 || n >= sizeof(text) || memchr(ext + 5, '\0', n))
		return;
	memcpy(text, ext + 5, n);
	text[n] = '\0';
	if (name_normalise(text, ret_name, false, &why) < 0)
		ret_name[0] = '\0';
}

int tls_on_hello(SSL *ssl, int *alert, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);
	const unsigned char *ext = NULL;
	char name[NAME_KEY_LEN];
	size_t len = 0;

	(void)arg;
	name[0] = '\0';
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_server_name, &ext, &len) == 1)
		name_in(ext, len, name);
	if (t->any_name || !strcmp(name, t->sni))
		return SSL_CLIENT_HELLO_SUCCESS;
	strcpy(t->why, "the hello's name is not the one that was routed by");
	*alert = SSL_AD_UNRECOGNIZED_NAME;
	return SSL_CLIENT_HELLO_ERROR;
}

int tls_on_cert(SSL *ssl, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);
	struct tls_server *s = t->server;
	struct fault f = {.msg = ""};

	(void)arg;
	pairs_done(&t->chosen);
	if (s->pair)
		t->chosen = (struct pairs){.p = {pair_get(s->pair)}, .n = 1};
	else if (certs_choose(s->certs, t->sni, s->name, time(NULL), &t->chosen, &f))
		snprintf(t->why, sizeof(t->why), "no certificate for the name: %.200s", f.msg);
	for (unsigned i = 0; i < t->chosen.n; i++)
		if (pair_use(t->chosen.p[i], ssl))
			return 0;
	return t->chosen.n != 0;
}

int tls_on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_len,
		const unsigned char *in, unsigned in_len, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);
	struct tls_server *s = t->server;
	unsigned len;

	(void)arg;
	if (!t->alpn && s->alpn) {
		if (SSL_select_next_proto((unsigned char **)out, out_len, s->alpn, s->alpn_len, in,
					  in_len) == OPENSSL_NPN_NEGOTIATED)
			return SSL_TLSEXT_ERR_OK;
		return SSL_TLSEXT_ERR_ALERT_FATAL; /* no_application_protocol, RFC 7301 3.2 */
	}
	if (!t->alpn || !*t->alpn)
		return SSL_TLSEXT_ERR_NOACK;
	len = (unsigned)strlen(t->alpn);
	for (unsigned i = 0; i < in_len; i += 1 + in[i]) {
		if (in[i] != len || in_len - i - 1 < len || memcmp(in + i + 1, t->alpn, len))
			continue;
		*out = in + i + 1;
		*out_len = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* The pair of the certificate that OpenSSL has decided on. */
static struct pair *pair_in_use(struct tls *t)
{
	X509 *leaf = SSL_get_certificate(t->ssl);

	for (unsigned i = 0; i < t->chosen.n; i++)
		if (t->chosen.p[i]->leaf == leaf)
			return t->chosen.p[i];
	return NULL;
}

int tls_on_status(SSL *ssl, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);
	struct pair *p = pair_in_use(t);
	unsigned char *copy;

	(void)arg;
	if (!p || !p->ocsp || p->ocsp_until <= time(NULL))
		return SSL_TLSEXT_ERR_NOACK;
	copy = OPENSSL_memdup(p->ocsp, p->ocsp_len);
	if (!copy)
		return SSL_TLSEXT_ERR_NOACK;
	SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)p->ocsp_len); /* takes it over */
	return SSL_TLSEXT_ERR_OK;
}

SSL_TICKET_RETURN tls_on_ticket(SSL *ssl, SSL_SESSION *session, const unsigned char *keyname,
				size_t keyname_len, SSL_TICKET_STATUS status, void *arg)
{
	struct tls *t = SSL_get_app_data(ssl);
	X509 *peer;

	(void)keyname;
	(void)keyname_len;
	(void)arg;
	if (status == SSL_TICKET_EMPTY || status == SSL_TICKET_NO_DECRYPT)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (t->server->client_cas) {
		peer = SSL_SESSION_get0_peer(session);
		if (!peer || X509_cmp_current_time(X509_get0_notAfter(peer)) <= 0)
			return SSL_TICKET_RETURN_IGNORE_RENEW; /* a full handshake will tell */
	}
	return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW
						  : SSL_TICKET_RETURN_USE;
}
