// SPDX-License-Identifier: GPL-2.0-only
#include "visitor.h"

#include <string.h>

#include "cidr.h"

bool visitor_of(const struct sockaddr_storage *sa, struct visitor *ret_s)
{
	struct visitor s = {0};
	struct cidr one;

	if (!cidr_of(sa, &one))
		return false;
	s.v4 = cidr_is_v4(&one);
	memcpy(&s.prefix, s.v4 ? one.addr + 12 : one.addr, s.v4 ? 4 : 8);
	*ret_s = s;
	return true;
}

bool visitor_is(const struct visitor *a, const struct visitor *b)
{
	return a->prefix == b->prefix && a->v4 == b->v4;
}

/* murmur3's finaliser, keyed before each round. */
uint64_t visitor_hash(const struct visitor *s, uint64_t where, uint64_t key)
{
	uint64_t h = s->prefix ^ key;

	h = (h ^ h >> 33) * 0xff51afd7ed558ccdULL;
	h ^= (where << 1 | s->v4) + (key << 32 | key >> 32);
	h = (h ^ h >> 33) * 0xc4ceb9fe1a85ec53ULL;
	return h ^ h >> 33;
}
