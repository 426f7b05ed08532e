/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ulid - identifiers that sort by the time they were made: a prefix, 48 bits of
 * milliseconds and 80 random bits in 26 characters of Crockford's base 32.
 */
#ifndef ULID_H
#define ULID_H
#include <stddef.h>

#define ULID_LEN 26

/* "ep_" -> "ep_01hq...".  <size> must hold the prefix, ULID_LEN and the NUL.  Any thread. */
const char *ulid_new(const char *prefix, char *out, size_t size);
#endif
