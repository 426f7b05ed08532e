// SPDX-License-Identifier: GPL-2.0-only
/* fuzz_handover - no message makes the next daemon read outside; what it took in, it can pass on.
 */
#include <stdlib.h>
#include <string.h>

#include "event_read.h"
#include "event_read.h"
#include "handover.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void check_same(struct chan_out *a, struct chan_out *b)
{
	CHECK(a->len == b->len && !memcmp(a->at, b->at, a->len));
	chan_out_done(a);
	chan_out_done(b);
}

/* A line of an earlier daemon's events goes on as it is: one line it must be. */
static void check_line(const uint8_t *data, size_t size)
{
	struct event_told t;
	char *copy = malloc(size ? size : 1); /* (of its size: nothing may be read behind it) */

	CHECK(copy);
	if (size)
		memcpy(copy, data, size);
	if (!event_read(copy, size, &t))
		CHECK(copy[size - 1] == '\n' && memchr(copy, '\n', size) == copy + size - 1);
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chan_out a = {0}, b = {0};
	struct handover_conn c;
	static struct handover_event e;
	struct event_told about;
	struct handover_info i;
	struct handover h;
	size_t used;

	if (!handover_read(data, size, &h)) {
		handover_write(&a, &h);
		CHECK(!handover_read(a.at, a.len, &h));
		handover_write(&b, &h);
		check_same(&a, &b);
	}
	if (!handover_conn_read(data, size, &c)) {
		handover_conn_write(&a, &c);
		CHECK(!handover_conn_read(a.at, a.len, &c));
		handover_conn_write(&b, &c);
		check_same(&a, &b);
	}
	if (!handover_info_read(data, size, &i, &used)) {
		CHECK(used && used <= size);
		handover_info_write(&a, &i);
		CHECK(!handover_info_read(a.at, a.len, &i, &used) && used == a.len);
		handover_info_write(&b, &i);
		check_same(&a, &b);
	}
	if (!handover_event_read(data, size, &e)) {
		handover_event_write(&a, &e);
		CHECK(!handover_event_read(a.at, a.len, &e));
		handover_event_write(&b, &e);
		check_same(&a, &b);
		/* and what is in it */
		if (!event_read(e.line, strlen(e.line), &about))
			CHECK(about.facts.server_name == about.server_name &&
			      source_types[about.facts.type]);
	}
	check_line(data, size);
	return 0;
}
