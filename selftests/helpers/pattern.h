/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pattern - bytes that say where they belong.
 *
 * Byte i of a stream is a function of (seed, connection, tag, direction, i), and
 * every aligned 8-byte word can be turned back into these: a wrong byte tells
 * whether it was lost, repeated or someone else's.
 */
#ifndef PATTERN_H
#define PATTERN_H
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct pattern {
	uint64_t seed;
	uint64_t key; /* conn << 40 | tag << 32 | dir << 31 */
};

enum pattern_fault {
	PATTERN_OK,
	PATTERN_LOST,	  /* later bytes of this stream */
	PATTERN_REPEATED, /* earlier ones */
	PATTERN_FOREIGN,  /* of another connection, endpoint or direction */
	PATTERN_GARBAGE,  /* of no stream at all */
};

#define PATTERN_INDEX 0x7fffffffULL /* words in one stream: 16 GiB */

static inline struct pattern pattern_new(uint64_t seed, uint32_t conn, uint8_t tag, int dir)
{
	return (struct pattern){seed, (uint64_t)conn << 40 | (uint64_t)tag << 32 |
					      (uint64_t)(dir & 1) << 31};
}

static inline uint64_t pattern_mix(uint64_t z)
{
	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static inline uint64_t pattern_unmix(uint64_t z)
{
	z = (z ^ z >> 31 ^ z >> 62) * 0x319642b2d24d8ec3ULL;
	z = (z ^ z >> 27 ^ z >> 54) * 0x96de1b173f119089ULL;
	return z ^ z >> 30 ^ z >> 60;
}

static inline uint64_t pattern_word(const struct pattern *p, uint64_t index)
{
	return pattern_mix(p->seed ^ (p->key | (index & PATTERN_INDEX)));
}

/* Bytes [pos, pos + n) of the stream. */
static inline void pattern_fill(const struct pattern *p, uint64_t pos, uint8_t *out, size_t n)
{
	uint64_t w, i = pos / 8;
	size_t skip = pos % 8, take;

	for (; n; out += take, n -= take, skip = 0, i++) {
		w = pattern_word(p, i);
		take = 8 - skip < n ? 8 - skip : n;
		memcpy(out, (uint8_t *)&w + skip, take);
	}
}

/* What the wrong bytes <buf>, found at <pos>, are; in words in <why>. */
static inline enum pattern_fault pattern_explain(const struct pattern *p, uint64_t pos,
						 const uint8_t *buf, size_t n, char *why,
						 size_t why_size)
{
	uint64_t w, x, at;
	uint8_t check[16];
	struct pattern q;
	size_t shift;

	for (shift = 0; shift < 8 && shift + 16 <= n; shift++) {
		memcpy(&w, buf + shift, 8);
		x = pattern_unmix(w) ^ p->seed;
		q = (struct pattern){p->seed, x & ~PATTERN_INDEX};
		at = (x & PATTERN_INDEX) * 8;
		pattern_fill(&q, at, check, sizeof(check));
		if (memcmp(check, buf + shift, sizeof(check)))
			continue;
		if (q.key == p->key) {
			snprintf(why, why_size, "at %llu came byte %llu of the same stream",
				 (unsigned long long)pos, (unsigned long long)(at - shift));
			return at - shift > pos ? PATTERN_LOST : PATTERN_REPEATED;
		}
		snprintf(why, why_size, "at %llu came byte %llu of connection %u tag %u dir %u",
			 (unsigned long long)pos, (unsigned long long)(at - shift),
			 (unsigned)(x >> 40), (unsigned)(x >> 32 & 255), (unsigned)(x >> 31 & 1));
		return PATTERN_FOREIGN;
	}
	snprintf(why, why_size, "at %llu came %zu bytes of no known stream: %02x%02x%02x%02x",
		 (unsigned long long)pos, n, buf[0], n > 1 ? buf[1] : 0, n > 2 ? buf[2] : 0,
		 n > 3 ? buf[3] : 0);
	return PATTERN_GARBAGE;
}

/* Compares received bytes.  PATTERN_OK, or what is wrong with the first wrong one. */
static inline enum pattern_fault pattern_check(const struct pattern *p, uint64_t pos,
					       const uint8_t *buf, size_t n, char *why,
					       size_t why_size)
{
	uint8_t want[4096];
	size_t part, i;

	for (; n; buf += part, pos += part, n -= part) {
		part = n < sizeof(want) ? n : sizeof(want);
		pattern_fill(p, pos, want, part);
		if (!memcmp(want, buf, part))
			continue;
		for (i = 0; want[i] == buf[i]; i++)
			;
		return pattern_explain(p, pos + i, buf + i, n - i, why, why_size);
	}
	return PATTERN_OK;
}

/* Position dependent sum: the same for every way to cut the stream. */
static inline uint64_t pattern_hash(uint64_t h, uint64_t pos, const uint8_t *buf, size_t n)
{
	uint64_t w;
	size_t skip = pos % 8, take;

	for (; n; buf += take, pos += take, n -= take, skip = 0) {
		take = 8 - skip < n ? 8 - skip : n;
		w = 0;
		memcpy((uint8_t *)&w + skip, buf, take);
		h += w * (2 * (pos / 8) + 1);
	}
	return h;
}
#endif
