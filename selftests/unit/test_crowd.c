// SPDX-License-Identifier: GPL-2.0-only
/* crowd - counts against a plain table, through many arrivals and departures. */
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "crowd.h"
#include "unit.h"

#define SOURCES 300
#define STEPS 200000

static struct sockaddr_storage ip(const char *text)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (addr_parse(text, &sa, &len))
		CHECK(0, "%s", text);
	return sa;
}

/* <of> shares its source with those of the same number; the port and the host part differ. */
static struct sockaddr_storage nth(unsigned of, unsigned step)
{
	char text[64];

	if (of % 2)
		snprintf(text, sizeof(text), "[2001:db8:0:%x::%x]:%u", of, step % 0xffff,
			 1 + step % 9);
	else
		snprintf(text, sizeof(text), "10.0.%u.%u:%u", of / 256, of % 256, 1 + step % 9);
	return ip(text);
}

static void check_counts(void)
{
	static struct crowd_place *in[2][SOURCES][8];
	static unsigned counts[2][SOURCES];
	struct crowd *cr = crowd_new();
	uint32_t dice = 7;
	unsigned n;

	for (unsigned step = 0; step < STEPS; step++) {
		unsigned place, of, *count;

		dice = dice * 1664525 + 1013904223;
		place = dice >> 31;
		of = (dice >> 8) % SOURCES;
		count = &counts[place][of];
		if (*count == 8 || (*count && dice & 0x80)) {
			crowd_leave(cr, in[place][of][--*count]);
			continue;
		}
		struct sockaddr_storage sa = nth(of, step);

		in[place][of][*count] = crowd_enter(cr, &counts[place], &sa, &n);
		CHECK(n == ++*count, "source %u: %u, want %u", of, n, *count);
	}
	for (unsigned place = 0; place < 2; place++)
		for (unsigned of = 0; of < SOURCES; of++)
			while (counts[place][of])
				crowd_leave(cr, in[place][of][--counts[place][of]]);
	struct sockaddr_storage mapped = ip("[::ffff:10.0.0.2]:1"), plain = ip("10.0.0.2:1"), none;
	struct crowd_place *a = crowd_enter(cr, cr, &mapped, &n),
			   *b = crowd_enter(cr, cr, &plain, &n);

	CHECK(n == 2, "a mapped address is the same source: %u", n);
	crowd_leave(cr, a);
	crowd_leave(cr, b);
	memset(&none, 0, sizeof(none));
	CHECK(!crowd_enter(cr, cr, &none, &n) && !n, "no address: %u", n);
	crowd_leave(cr, NULL);
	crowd_free(cr);
}

int main(void)
{
	check_counts();
	return failures != 0;
}
