// SPDX-License-Identifier: GPL-2.0-only
/* test_admission - a flood is thinned out at random and ends at the limit; a source that offends is
 * refused until its time is over, its neighbours are not. */
#include "admission.h"

#include <stdio.h>
#include <stdlib.h>

#include "addr.h"
#include "unit.h"

#define EXPECT(what, got, want)                                                                    \
	do {                                                                                       \
		long g = (long)(got), w = (long)(want);                                            \
		if (g != w) {                                                                      \
			failures++;                                                                \
			fprintf(stderr, "line %d: %s: got %ld, want %ld\n", __LINE__, what, g, w); \
		}                                                                                  \
	} while (0)

static struct sockaddr_storage addr(const char *text)
{
	struct sockaddr_storage sa;
	socklen_t len;

	if (addr_parse(text, &sa, &len))
		abort();
	return sa;
}

static void test_crowd(struct admission *a)
{
	struct sockaddr_storage sa = addr("192.0.2.1:1");
	unsigned in = 0;

	admission_init(a, 10, 20);
	for (unsigned i = 0; i < 10; i++)
		EXPECT("below the start", admission_enter(a, &sa, 0, 0), ADMISSION_IN);
	EXPECT("at the start, bad luck", admission_enter(a, &sa, 0, 29), ADMISSION_CROWDED);
	EXPECT("at the start, luck", admission_enter(a, &sa, 0, 30), ADMISSION_IN);
	for (unsigned i = 0; i < 10000; i++)
		in += admission_enter(a, &sa, 0, i) == ADMISSION_IN;
	EXPECT("in all", in + 11, 20);
	EXPECT("waiting", a->waiting, 20);
	admission_leave(a);
	EXPECT("one place", admission_enter(a, &sa, 0, 99), ADMISSION_IN);
	EXPECT("no place", admission_enter(a, &sa, 0, 99), ADMISSION_CROWDED);
}

static void test_penalties(struct admission *a)
{
	struct sockaddr_storage bad = addr("192.0.2.1:1"), other = addr("192.0.2.2:1"),
				mapped = addr("[::ffff:192.0.2.1]:9"), v6 = addr("[2001:db8::1]:1"),
				v6_near = addr("[2001:db8::ff:2]:1"),
				v6_far = addr("[2001:db8:0:1::1]:1");

	admission_init(a, 100, 200);
	admission_punish(a, &bad, 1000, 5000);
	admission_punish(a, &bad, 1000, 5000);
	EXPECT("two offences", admission_enter(a, &bad, 1000, 0), ADMISSION_IN);
	admission_punish(a, &bad, 1000, 5000);
	EXPECT("three", admission_enter(a, &bad, 1000, 0), ADMISSION_PENALTY);
	EXPECT("the same, mapped", admission_enter(a, &mapped, 1000, 0), ADMISSION_PENALTY);
	EXPECT("another", admission_enter(a, &other, 1000, 0), ADMISSION_IN);
	EXPECT("not over yet", admission_enter(a, &bad, 15999, 0), ADMISSION_PENALTY);
	EXPECT("over", admission_enter(a, &bad, 16000, 0), ADMISSION_IN);
	admission_punish(a, &bad, 16000, 5000);
	EXPECT("forgotten", admission_enter(a, &bad, 16000, 0), ADMISSION_IN);
	for (int i = 0; i < 1000; i++)
		admission_punish(a, &v6, 1000, 60000);
	EXPECT("of one /64", admission_enter(a, &v6_near, 1000, 0), ADMISSION_PENALTY);
	EXPECT("another /64", admission_enter(a, &v6_far, 1000, 0), ADMISSION_IN);
	EXPECT("ten minutes at most", admission_enter(a, &v6, 1000 + ADMISSION_LONGEST_MS, 0),
	       ADMISSION_IN);
}

/* More sources than are remembered: nothing breaks, the newest is known. */
static void test_many(struct admission *a)
{
	struct sockaddr_storage sa;
	char text[32];

	admission_init(a, 100, 200);
	for (int i = 0; i < 65536; i++) {
		snprintf(text, sizeof(text), "10.1.%d.%d:1", i >> 8, i & 255);
		sa = addr(text);
		admission_punish(a, &sa, 1000 + (uint64_t)i, 20000);
	}
	EXPECT("the last", admission_enter(a, &sa, 70000, 0), ADMISSION_PENALTY);
}

int main(void)
{
	struct admission *a = malloc(sizeof(*a));

	test_crowd(a);
	test_penalties(a);
	test_many(a);
	free(a);
	return failures != 0;
}
