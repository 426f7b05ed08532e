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
	BIO *bio = BIO_new_mem_buf(pem, -1);
	X509 *x = bio ? PEM_read_bio_X509(bio, NULL, NULL, NULL) : NULL;
	unsigned char hash[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (x && X509_digest(x, EVP_sha256(), hash, &len) != 1)
		len = 0;
	for (unsigned i = 0; i < len; i++)
		snprintf(ret_fingerprint + 3 * i, 4, "%02X%s", hash[i], i + 1 < len ? ":" : "");
	X509_free(x);
	BIO_free(bio);
	ERR_clear_error();
	return len ? 0 : -1;
}
