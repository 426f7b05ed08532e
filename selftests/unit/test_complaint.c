// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_complaint - what is said of upstreams, and how often.
 */
#include <stdlib.h>

#include "complaint.h"
#include "unit.h"

#define HOUR (3600ULL * 1000000000)

static void once_an_hour(void)
{
	struct complaints *c = complaints_new();
	unsigned more = 7;

	CHECK(complaint_is_due(c, "a:1", "bad", 5, &more) && !more, "the first: %u", more);
	CHECK(!complaint_is_due(c, "a:1", "bad", HOUR, &more), "again");
	CHECK(!complaint_is_due(c, "a:1", "bad", HOUR + 4, &more), "again");
	CHECK(complaint_is_due(c, "a:1", "worse", 6, &more) && !more, "another reason");
	CHECK(complaint_is_due(c, "b:1", "bad", 6, &more) && !more, "another upstream");
	CHECK(complaint_is_due(c, "a:1", "bad", HOUR + 5, &more) && more == 2, "an hour: %u", more);
	CHECK(!complaint_is_due(c, "a:1", "bad", HOUR + 6, &more), "again");
	complaints_free(c);
}

/* Who has more upstreams than that hears of the first ones, and an hour later of others. */
static void no_more_than_that(void)
{
	struct complaints *c = complaints_new();
	unsigned more, said = 0;
	char name[16];

	for (unsigned i = 0; i < 2 * COMPLAINTS_MAX; i++) {
		snprintf(name, sizeof(name), "u%u:1", i);
		said += complaint_is_due(c, name, "bad", i, &more);
	}
	CHECK(said == COMPLAINTS_MAX, "%u", said);
	CHECK(!complaint_is_due(c, "new:1", "bad", HOUR - 1, &more), "no place yet");
	CHECK(complaint_is_due(c, "new:1", "bad", HOUR, &more) && !more, "a place: %u", more);
	CHECK(!complaint_is_due(c, "u0:1", "bad", HOUR, &more), "the place is taken");
	complaints_free(c);
}

int main(void)
{
	once_an_hour();
	no_more_than_that();
	return failures != 0;
}
