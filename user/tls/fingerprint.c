// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "ca.h"

int ca_fingerprint(const char *pem, char ret_fingerprint[CA_FINGERPRINT_MAX])
{
	const char begin[] = "-----BEGIN ", *first = strstr(pem, begin);
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	BIO *bio;
	X509 *x;

	/* who checks this trusts all of the text: a second one, behind the right one, would be
	 * whose a man in the middle wants */
	if (!first || strstr(first + 1, begin))
		return -1;
	bio = BIO_new_mem_buf(pem, -1);
	x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	if (x && X509_digest(x, EVP_sha256(), hash, &len) != 1)
		len = 0;
	for (unsigned i = 0; i < len; i++)
		snprintf(ret_fingerprint + 3 * i, 4, "%02X%s", hash[i], i + 1 < len ? ":" : "");
	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	return len ? 0 : -1;
}
