// SPDX-License-Identifier: GPL-2.0-only
/* limit - how many get through in which time, and what a full table forgets. */
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "limit.h"
#include "unit.h"

#define SECOND 1000000000ULL

static struct sockaddr_storage ip(const char *text)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (addr_parse(text, &sa, &len))
		CHECK(0, "%s", text);
	return sa;
}

static void check_rate(void)
{
	static const unsigned rates[] = {1, 3, 1000, 1000000};

	for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++) {
		struct limit_rate r = {0};
		uint64_t now = 5 * SECOND;
		unsigned n = 0;

		while (limit_rate_take(&r, rates[i], now) && n <= rates[i])
			n++;
		CHECK(n == rates[i], "%u at once of %u", n, rates[i]);
		/* half a second later half of them */
		now += SECOND / 2;
		for (n = 0; limit_rate_take(&r, rates[i], now) && n <= rates[i]; n++)
			;
		CHECK(n == rates[i] / 2, "%u later of %u", n, rates[i]);
		/* and after a quiet time no more than at first */
		now += 100 * SECOND;
		for (n = 0; limit_rate_take(&r, rates[i], now) && n <= rates[i]; n++)
			;
		CHECK(n == rates[i], "%u after a pause of %u", n, rates[i]);
	}
}

static void check_sources(void)
{
	struct limit_sources *ls = limit_sources_new(LIMIT_SOURCES);
	struct sockaddr_storage a = ip("192.0.2.1:5"), b = ip("192.0.2.2:5"),
				port = ip("192.0.2.1:6");
	struct sockaddr_storage net = ip("[2001:db8::1]:5"), same = ip("[2001:db8::ffff:2]:5"),
				other = ip("[2001:db8:0:1::1]:5");
	uint64_t now = SECOND;

	CHECK(limit_source_take(ls, 1, &a, 1, now), "the first");
	CHECK(!limit_source_take(ls, 1, &a, 1, now), "the second");
	CHECK(!limit_source_take(ls, 1, &port, 1, now), "from another port");
	CHECK(limit_source_take(ls, 1, &b, 1, now), "another address");
	CHECK(limit_source_take(ls, 2, &a, 1, now), "another endpoint");
	CHECK(limit_source_take(ls, 1, &net, 1, now), "IPv6");
	CHECK(!limit_source_take(ls, 1, &same, 1, now), "the same /64");
	CHECK(limit_source_take(ls, 1, &other, 1, now), "another /64");
	CHECK(limit_source_take(ls, 1, &a, 1, now + SECOND), "a second later");
	limit_sources_free(ls);
}

/* A full row loses the one with the least history, whoever keeps coming stays known. */
static void check_flood(void)
{
	struct limit_sources *ls = limit_sources_new(8);
	struct sockaddr_storage busy = ip("192.0.2.1:5"), s;
	unsigned got = 0;
	char text[32];

	for (int i = 0; i < 500; i++) {
		snprintf(text, sizeof(text), "10.0.%d.%d:1", i / 250, i % 250);
		s = ip(text);
		CHECK(limit_source_take(ls, 1, &s, 100, SECOND), "%s", text);
		got += limit_source_take(ls, 1, &busy, 10, SECOND);
	}
	CHECK(got == 10, "%u of a busy source", got);
	limit_sources_free(ls);
}

int main(void)
{
	check_rate();
	check_sources();
	check_flood();
	return failures != 0;
}
