// SPDX-License-Identifier: GPL-2.0-only
#include "why.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/x509_vfy.h>

const char *why_queue(char *out, size_t size)
{
	unsigned long code = ERR_get_error();
	const char *reason = code ? ERR_reason_error_string(code) : NULL;

	if (reason)
		snprintf(out, size, "%s", reason);
	else if (code && ERR_SYSTEM_ERROR(code))
		snprintf(out, size, "%s", strerror(ERR_GET_REASON(code)));
	else
		snprintf(out, size, "unknown error");
	ERR_clear_error();
	return out;
}

static bool is_verify(unsigned long code)
{
	return ERR_GET_LIB(code) == ERR_LIB_SSL &&
	       ERR_GET_REASON(code) == SSL_R_CERTIFICATE_VERIFY_FAILED;
}

const char *why_session(const SSL *ssl, char *out, size_t size)
{
	long verify = SSL_get_verify_result(ssl);

	/* last: what the look into the system's CAs has left in the queue stands before it */
	if (verify != X509_V_OK &&
	    (is_verify(ERR_peek_error()) || is_verify(ERR_peek_last_error()))) {
		snprintf(out, size, "%s's certificate refused: %s",
			 SSL_is_server((SSL *)ssl) ? "client" : "upstream",
			 X509_verify_cert_error_string(verify));
		ERR_clear_error();
		return out;
	}
	return why_queue(out, size);
}
