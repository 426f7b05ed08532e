/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sha256 - the hash of FIPS 180-4, for fingerprints and identifiers; keys and signatures belong to
 * OpenSSL.  A struct sha256 is its caller's; nothing fails.
 */
#ifndef SHA256_H
#define SHA256_H

#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32

struct sha256 {
	uint32_t state[8];
	uint64_t len; /* bytes so far */
	uint8_t block[64];
};

void sha256_init(struct sha256 *s);
void sha256_add(struct sha256 *s, const void *data, size_t len);

/* The hash of all that was added; <s> needs sha256_init() before it is used again. */
void sha256_end(struct sha256 *s, uint8_t out[SHA256_LEN]);

#endif
