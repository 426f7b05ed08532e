/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cidr - a range of IP addresses: "192.0.2.0/24", "2001:db8::/32", or one address.
 *
 * IPv4 lives in ::ffff:0:0/96 here, so that both families are one key, laid out as the kernel's LPM
 * trie wants it: ranges to insert, and cidr_of() an address to look up.  The families stay apart:
 * "::/0" is all of IPv6 and nothing of IPv4.  cidr_match() sees to that; a trie needs CIDR_V4_ALL
 * inserted with "no rule" as its value wherever "0.0.0.0/0" has none, else an IPv4 address that no
 * rule names is found in ::/0.
 *
 * Equal ranges are equal bytes.
 */
#ifndef CIDR_H
#define CIDR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#define CIDR_TEXT_MAX 52 /* 45 of address, "/128" and the NUL */
#define CIDR_WHY_MAX 128

struct cidr {
	uint32_t prefixlen; /* of all 128 bits: 96 more than IPv4's own */
	uint8_t addr[16];   /* zeroes behind the prefix */
};

#define CIDR_V4_ALL                              \
	{                                        \
		96,                              \
		{                                \
			[10] = 0xff, [11] = 0xff \
		}                                \
	}

/*
 * Strict: no zero in front of a number, no zone, no bit set behind the prefix (the likely mistake
 * is the address or the length, we cannot know which).  Returns 0, or -EINVAL with a text in <why>
 * that completes "'TEXT' ..." and says what would be right; *ret_c is then untouched.
 */
int cidr_parse(const char *text, struct cidr *ret_c, char why[CIDR_WHY_MAX]);

/* The range of one address, IPv4-mapped ones as IPv4; false: neither IPv4 nor IPv6. */
bool cidr_of(const struct sockaddr_storage *sa, struct cidr *ret_c);

bool cidr_is_v4(const struct cidr *c);
/* Is <inner> within <c>, in the same family? */
bool cidr_contains(const struct cidr *c, const struct cidr *inner);
/* The same for an address. */
bool cidr_match(const struct cidr *c, const struct sockaddr_storage *sa);

/* The same for any of <n> ranges. */
bool cidr_match_any(const struct cidr *list, unsigned n, const struct sockaddr_storage *sa);

/* Canonical, always with its length: "192.0.2.1/32". */
const char *cidr_text(const struct cidr *c, char out[CIDR_TEXT_MAX]);

#endif
