// SPDX-License-Identifier: GPL-2.0-only
#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include "ulid.h"

#define RANDOM_LEN 10

/* Random bytes are fetched in batches: a connection's id must not cost a system call. */
static void take_random(uint8_t out[RANDOM_LEN])
{
	static __thread uint8_t batch[RANDOM_LEN * 24]; /* <= 256: getrandom() is never short */
	static __thread size_t left;

	if (!left) {
		if (getrandom(batch, sizeof(batch), 0) != (ssize_t)sizeof(batch))
			abort(); /* identifiers that repeat are worse than none */
		left = sizeof(batch);
	}
	left -= RANDOM_LEN;
	memcpy(out, batch + left, RANDOM_LEN);
}

const char *ulid_new(const char *prefix, char *out, size_t size)
{
	static const char alphabet[] = "0123456789abcdefghjkmnpqrstvwxyz";
	size_t n = strlen(prefix);
	unsigned __int128 value = 0;
	uint8_t rnd[RANDOM_LEN];
	struct timespec now;
	uint64_t ms;

	assert(size > n + ULID_LEN);
	clock_gettime(CLOCK_REALTIME, &now);
	ms = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
	take_random(rnd);
	value = ms & 0xffffffffffff;
	for (int i = 0; i < RANDOM_LEN; i++)
		value = value << 8 | rnd[i];
	memcpy(out, prefix, n);
	for (int i = ULID_LEN - 1; i >= 0; i--, value >>= 5)
		out[n + (size_t)i] = alphabet[(unsigned)value & 31];
	out[n + ULID_LEN] = '\0';
	return out;
}
