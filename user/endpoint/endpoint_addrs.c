// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint.h"

const struct endpoint_addrs endpoint_addrs_none;

bool endpoint_addrs_ask(const char *text, struct endpoint_addrs *ret_a)
{
	struct sockaddr_storage sa[ENDPOINT_ADDRS_MAX];
	socklen_t len[ENDPOINT_ADDRS_MAX];
	int n = addr_resolve(text, sa, len, ENDPOINT_ADDRS_MAX);

	if (n <= 0)
		return false;
	memset(ret_a, 0, sizeof(*ret_a));
	for (ret_a->n = 0; ret_a->n < (unsigned)n; ret_a->n++)
		addr_narrow((const struct sockaddr *)&sa[ret_a->n], len[ret_a->n],
			    &ret_a->at[ret_a->n]);
	return true;
}

static size_t size_of(unsigned n)
{
	return offsetof(struct endpoint_addrs, at) + n * sizeof(union addr_ip);
}

bool endpoint_addrs_same(const struct endpoint_addrs *a, const struct endpoint_addrs *b)
{
	/* addr_narrow() leaves no byte of an address unset */
	return a->n == b->n && !memcmp(a->at, b->at, a->n * sizeof(a->at[0]));
}

struct endpoint_addrs endpoint_addrs_whole(const struct endpoint_addrs *a)
{
	struct endpoint_addrs whole = {.n = 0};

	memcpy(&whole, a, size_of(a->n));
	return whole;
}

int endpoint_addrs_keep(const struct endpoint_addrs **keep, const struct endpoint_addrs *a)
{
	struct endpoint_addrs *fresh = NULL;

	if (a && a->n) {
		fresh = malloc(size_of(a->n));
		if (!fresh)
			return -ENOMEM;
		memcpy(fresh, a, size_of(a->n));
	}
	if (*keep != &endpoint_addrs_none)
		free((void *)*keep);
	*keep = fresh ? fresh : &endpoint_addrs_none;
	return 0;
}
