// SPDX-License-Identifier: GPL-2.0-only
/* test_handover - what one daemon writes is what the next one reads; anything bent is refused. */
#include "handover.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

static void expect(const char *what, long long got, long long want)
{
	if (got == want)
		return;
	failures++;
	fprintf(stderr, "%s: got %lld, want %lld\n", what, got, want);
}

static struct handover_conn a_conn(void)
{
	struct handover_conn c = {.has_proxy = true};
	uint64_t n = 1;

#define X(name) c.name = n++ << 32 | 7;
	HANDOVER_CONN_NUMBERS(X)
#undef X
#define X(name) memset(c.name, (int)n++, sizeof(c.name));
	HANDOVER_CONN_ADDRS(X)
#undef X
#define X(name, size) snprintf(c.name, sizeof(c.name), #name " %llu", (unsigned long long)n++);
	HANDOVER_CONN_TEXTS(X)
#undef X
	return c;
}

static void round_trips(void)
{
	struct handover_conn c = a_conn(), got;
	struct handover h = {.type = HANDOVER_LISTENER, .use = 3, .worker = 1, .text = "x"}, back;
	struct chan_out o = {0};

	memset(&got, 0, sizeof(got));
	handover_conn_write(&o, &c);
	expect("conn read", handover_conn_read(o.at, o.len, &got), 0);
	expect("conn same", memcmp(&c, &got, sizeof(c)), 0);
	expect("conn is no plain one", handover_read(o.at, o.len, &back), -EBADMSG);
	chan_out_done(&o);

	c.has_proxy = false;
	handover_conn_write(&o, &c);
	expect("without proxy", handover_conn_read(o.at, o.len, &got), 0);
	expect("has none", got.has_proxy, false);
	chan_out_done(&o);

	handover_write(&o, &h);
	memset(&back, 0, sizeof(back));
	expect("plain read", handover_read(o.at, o.len, &back), 0);
	expect("plain same", memcmp(&h, &back, sizeof(h)), 0);
	expect("plain is no conn", handover_conn_read(o.at, o.len, &got), -EBADMSG);
	for (size_t n = 0; n < o.len; n++) { /* of exactly that length, for a sanitizer */
		uint8_t *part = malloc(n ? n : 1);

		memcpy(part, o.at, n);
		expect("a part of it", handover_read(part, n, &back), -EBADMSG);
		free(part);
	}
	chan_out_done(&o);
}

static void refuse(const char *what, uint8_t type, enum chan_tag tag, size_t len, int want)
{
	struct chan_out o = {0};
	struct handover_conn c;
	struct handover h;
	uint8_t bytes[600];

	memset(bytes, 'x', sizeof(bytes));
	bytes[len - 1] = '\0';
	chan_begin(&o, (enum chan_type)type);
	chan_put_bytes(&o, tag, bytes, len);
	chan_end(&o);
	expect(what,
	       type == HANDOVER_CONN ? handover_conn_read(o.at, o.len, &c)
				     : handover_read(o.at, o.len, &h),
	       want);
	chan_out_done(&o);
}

int main(void)
{
	round_trips();
	refuse("text that fits", HANDOVER_REFUSED, CHAN_TEXT, 512, 0);
	refuse("text too long", HANDOVER_REFUSED, CHAN_TEXT, 513, -EBADMSG);
	refuse("unknown text", HANDOVER_REFUSED, (enum chan_tag)(CHAN_TEXT + 100), 600, 0);
	refuse("unknown number", HANDOVER_REFUSED, (enum chan_tag)60, 8, 0);
	refuse("number of 7 bytes", HANDOVER_REFUSED, (enum chan_tag)1, 7, -EBADMSG);
	refuse("address", HANDOVER_CONN, CHAN_TAG_PROOF, HANDOVER_ADDR_MAX, 0);
	refuse("address of 27", HANDOVER_CONN, CHAN_TAG_PROOF, HANDOVER_ADDR_MAX - 1, -EBADMSG);
	refuse("unknown type", HANDOVER_TYPE_MAX, CHAN_TEXT, 5, -EBADMSG);
	refuse("type 0", 0, CHAN_TEXT, 5, -EBADMSG);
	return failures != 0;
}
