/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * visitor - one client as limits see it: an IPv4 address (also a mapped one), or an IPv6 /64.
 */
#ifndef VISITOR_H
#define VISITOR_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct visitor {
	uint64_t prefix; /* the first 64 bits; of IPv4 all 32 */
	uint32_t v4;
	uint32_t pad0;
};

/* False: neither IPv4 nor IPv6. */
bool visitor_of(const struct sockaddr_storage *sa, struct visitor *ret_s);
bool visitor_is(const struct visitor *a, const struct visitor *b);

/* With a secret <key>, so that who chooses addresses cannot choose places. */
uint64_t visitor_hash(const struct visitor *s, uint64_t where, uint64_t key);
#endif
