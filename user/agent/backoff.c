// SPDX-License-Identifier: GPL-2.0-only
/*
 * backoff - how long to wait for the next try.
 */
#include <sys/random.h>

#include "agent.h"

#define SLOW_MS 60000 /* at most */

/* Quick at first, then slower and slower; a fifth of it by chance, so that agents do not march. */
uint64_t backoff_ms(unsigned tries)
{
	uint64_t ms = 50;
	uint8_t dice = 0;

	for (unsigned i = 1; i < tries && ms < SLOW_MS; i++)
		if (ms < BACKOFF_QUICK_MS || i > BACKOFF_QUICK_TRIES)
			ms *= 2;
	if (ms > BACKOFF_QUICK_MS && tries <= BACKOFF_QUICK_TRIES)
		ms = BACKOFF_QUICK_MS;
	if (ms > SLOW_MS)
		ms = SLOW_MS;
	if (getrandom(&dice, 1, GRND_NONBLOCK) != 1)
		dice = 128;
	return ms - ms * dice / (5 * 256);
}
