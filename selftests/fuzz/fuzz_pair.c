// SPDX-License-Identifier: GPL-2.0-only
/*
 * pair - any text for a certificate and its key, or for CAs, is read or refused with a reason.  The
 * first zero byte parts the two.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"
#include "pem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int count(void *arg, const char *name)
{
	*(size_t *)arg += strlen(name);
	return 0;
}

static void refused(const struct fault *f)
{
	if (f->status != 400 && f->status != 500)
		abort();
	if (!*f->msg)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *crt = calloc(1, size + 2);
	struct fault f = {0};
	STACK_OF(X509) * cas;
	struct pair *p;
	size_t len = 0;
	char *again;

	if (!crt)
		abort();
	if (size)
		memcpy(crt, data, size);
	p = pair_read(crt, crt + strlen(crt) + 1, "crt", "key", &f);
	if (p) {
		pair_each_name(p, count, &len);
		again = pair_crt_pem(p);
		if (!again)
			abort();
		free(again);
	} else {
		refused(&f);
	}
	pair_put(p);
	memset(&f, 0, sizeof(f));
	cas = pem_cas(crt, "ca", 10, &f);
	if (!cas)
		refused(&f);
	sk_X509_pop_free(cas, X509_free);
	free(crt);
	return 0;
}
