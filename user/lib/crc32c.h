/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * crc32c - Castagnoli's checksum, as in RFC 4960 appendix B and RFC 3720 B.4.
 */
#ifndef CRC32C_H
#define CRC32C_H

#include <stddef.h>
#include <stdint.h>

/* Goes on from <crc>, which is 0 at the start: crc32c(crc32c(0, a), b) is crc32c(0, ab). */
uint32_t crc32c(uint32_t crc, const void *data, size_t len);

#endif
