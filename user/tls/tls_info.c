// SPDX-License-Identifier: GPL-2.0-only
/*
 * tls_info - what a session has agreed on, and with whom; what library and kernel there are.
 */
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include "tls.h"
#include "tls_private.h"

/* RFC 2253; whatever is not printable ASCII is escaped by OpenSSL, control characters included. */
static void write_subject(X509_NAME *name, char *out, size_t size)
{
	BIO *mem = BIO_new(BIO_s_mem());
	char *text;
	long len;

	out[0] = '\0';
	if (mem && X509_NAME_print_ex(mem, name, 0, XN_FLAG_RFC2253) >= 0) {
		len = BIO_get_mem_data(mem, &text);
		if (len > 0)
			snprintf(out, size, "%.*s", (int)len, text);
	}
	BIO_free(mem);
}

static void write_cn(X509_NAME *name, char *out, size_t size)
{
	int i = X509_NAME_get_index_by_NID(name, NID_commonName, -1);
	unsigned char *utf8;
	int len;

	out[0] = '\0';
	if (i < 0)
		return;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, i)));
	if (len < 0)
		return;
	if ((size_t)len >= size)
		len = (int)size - 1;
	for (i = 0; i < len; i++)
		out[i] = utf8[i] < ' ' || utf8[i] == 0x7f ? '?' : (char)utf8[i];
	out[len] = '\0';
	OPENSSL_free(utf8);
}

void tls_info(const struct tls *t, struct tls_info *ret_i)
{
	const unsigned char *alpn = NULL;
	unsigned len = 0;
	X509 *peer;

	memset(ret_i, 0, sizeof(*ret_i));
	ret_i->version_name = SSL_get_version(t->ssl);
	ret_i->version = !strncmp(ret_i->version_name, "TLSv", 4) ? ret_i->version_name + 4 : "";
	ret_i->cipher = SSL_get_current_cipher(t->ssl) ? SSL_get_cipher_name(t->ssl) : "";
	ret_i->resumed = SSL_session_reused(t->ssl);
	ret_i->verify = SSL_get_verify_result(t->ssl);
	SSL_get0_alpn_selected(t->ssl, &alpn, &len);
	if (len < sizeof(ret_i->alpn))
		memcpy(ret_i->alpn, alpn ? alpn : (const unsigned char *)"", len);
	peer = SSL_get0_peer_certificate(t->ssl);
	if (!peer)
		return;
	ret_i->has_peer_cert = true;
	write_subject(X509_get_subject_name(peer), ret_i->peer_subject,
		      sizeof(ret_i->peer_subject));
	write_cn(X509_get_subject_name(peer), ret_i->peer_cn, sizeof(ret_i->peer_cn));
	ERR_clear_error();
}

bool tls_ktls_available(char *why, size_t size)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int err = fd == -1 ? errno : 0;

	why[0] = '\0';
	if (!err && setsockopt(fd, IPPROTO_TCP, TCP_ULP, "tls", sizeof("tls")) == -1)
		err = errno;
	if (fd != -1)
		close(fd);
	if (!err || err == ENOTCONN) /* it is there, and wants a connection */
		return true;
	if (err == ENOENT)
		snprintf(why, size, "the kernel lacks CONFIG_TLS, or its module tls");
	else
		snprintf(why, size, "%s", strerror(err));
	return false;
}

const char *tls_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}
