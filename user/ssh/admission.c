// SPDX-License-Identifier: GPL-2.0-only
#include "admission.h"

#include <netinet/in.h>
#include <string.h>

#include "addr.h"

#define FIRST_PERCENT 30 /* refused when <begin> is reached */

void admission_init(struct admission *a, unsigned begin, unsigned full)
{
	memset(a, 0, sizeof(*a));
	a->begin = begin;
	a->full = full > begin ? full : begin + 1;
}

static void key_of(const struct sockaddr_storage *from, uint8_t key[16])
{
	struct sockaddr_storage sa = *from;

	addr_unmap(&sa);
	memset(key, 0, 16);
	if (sa.ss_family == AF_INET6)
		memcpy(key, &((const struct sockaddr_in6 *)&sa)->sin6_addr, 8);
	else if (sa.ss_family == AF_INET)
		memcpy(key + 12, &((const struct sockaddr_in *)&sa)->sin_addr, 4);
}

/* The row that <key> is in. */
static struct admission_source *row_of(struct admission *a, const uint8_t key[16])
{
	uint32_t h = 2166136261U;

	for (int i = 0; i < 16; i++)
		h = (h ^ key[i]) * 16777619U;
	return &a->sources[h % (ADMISSION_SOURCES / ADMISSION_ROW) * ADMISSION_ROW];
}

static struct admission_source *find(struct admission *a, const uint8_t key[16])
{
	struct admission_source *row = row_of(a, key);

	for (int i = 0; i < ADMISSION_ROW; i++)
		if (row[i].until_ms && !memcmp(row[i].key, key, 16))
			return &row[i];
	return NULL;
}

static bool is_crowded(const struct admission *a, uint32_t dice)
{
	unsigned percent;

	if (a->waiting < a->begin)
		return false;
	if (a->waiting >= a->full)
		return true;
	percent = FIRST_PERCENT +
		  (100 - FIRST_PERCENT) * (a->waiting - a->begin) / (a->full - a->begin);
	return dice % 100 < percent;
}

enum admission_verdict admission_enter(struct admission *a, const struct sockaddr_storage *sa,
				       uint64_t now_ms, uint32_t dice)
{
	struct admission_source *s;
	uint8_t key[16];

	key_of(sa, key);
	s = find(a, key);
	if (s && s->until_ms <= now_ms) {
		memset(s, 0, sizeof(*s));
		s = NULL;
	}
	if (s && s->refused)
		return ADMISSION_PENALTY;
	if (is_crowded(a, dice))
		return ADMISSION_CROWDED;
	a->waiting++;
	return ADMISSION_IN;
}

void admission_leave(struct admission *a)
{
	a->waiting--;
}

void admission_punish(struct admission *a, const struct sockaddr_storage *sa, uint64_t now_ms,
		      unsigned cost_ms)
{
	struct admission_source *s, *row;
	uint8_t key[16];

	key_of(sa, key);
	s = find(a, key);
	if (!s) {
		row = row_of(a, key);
		s = row;
		for (int i = 1; i < ADMISSION_ROW; i++)
			if (row[i].until_ms < s->until_ms)
				s = &row[i];
		memset(s, 0, sizeof(*s));
		memcpy(s->key, key, 16);
	}
	if (s->until_ms <= now_ms) {
		s->until_ms = now_ms;
		s->refused = false;
	}
	s->until_ms += cost_ms;
	if (s->until_ms > now_ms + ADMISSION_LONGEST_MS)
		s->until_ms = now_ms + ADMISSION_LONGEST_MS;
	if (s->until_ms - now_ms >= ADMISSION_LIMIT_MS)
		s->refused = true;
}
