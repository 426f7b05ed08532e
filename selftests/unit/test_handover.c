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

/* A list is one after another, and each says where the next one is. */
static void lists(void)
{
	struct handover_info i = {.bytes_in = 1ULL << 40, .datapath = 1, .worker = 7}, got;
	struct handover_info bare = {.id = "conn_2"};
	struct chan_out o = {0};
	struct handover h;
	size_t used = 0, next;

	memset(i.client, 1, sizeof(i.client));
	memset(i.upstream, 2, sizeof(i.upstream));
	snprintf(i.id, sizeof(i.id), "conn_1");
	memset(i.name, 'n', sizeof(i.name) - 1);
	snprintf(i.state, sizeof(i.state), "open");
	handover_info_write(&o, &i);
	next = o.len;
	handover_info_write(&o, &bare);
	memset(&got, 0, sizeof(got));
	expect("first of a list", handover_info_read(o.at, o.len, &got, &used), 0);
	expect("first same", memcmp(&i, &got, sizeof(i)), 0);
	expect("where the next is", (long long)used, (long long)next);
	expect("second", handover_info_read(o.at + used, o.len - used, &got, &used), 0);
	expect("second same", memcmp(&bare, &got, sizeof(bare)), 0);
	expect("end of the list", (long long)(next + used), (long long)o.len);
	expect("after the end", handover_info_read(o.at + o.len, 0, &got, &used), -EBADMSG);
	expect("no message", handover_read(o.at, next, &h), -EBADMSG);
	for (size_t n = 0; n < next; n++) { /* of exactly that length, for a sanitizer */
		uint8_t *part = malloc(n ? n : 1);

		memcpy(part, o.at, n);
		expect("a part", handover_info_read(part, n, &got, &used), -EBADMSG);
		free(part);
	}
	chan_out_done(&o);
	handover_write(&o, &(struct handover){.type = HANDOVER_ASK, .use = HANDOVER_ASK_LIST});
	expect("an ask is no info", handover_info_read(o.at, o.len, &got, &used), -EBADMSG);
	chan_out_done(&o);
}

/* A line is as long as an event may be, and no longer. */
static void events(void)
{
	static struct handover_event e, got;
	struct chan_out o = {0};
	struct handover_conn c;
	struct handover h;

	memset(e.line, 'e', sizeof(e.line) - 1);
	handover_event_write(&o, &e);
	expect("event read", handover_event_read(o.at, o.len, &got), 0);
	expect("event same", memcmp(&e, &got, sizeof(e)), 0);
	expect("event is no plain one", handover_read(o.at, o.len, &h), -EBADMSG);
	expect("event is no conn", handover_conn_read(o.at, o.len, &c), -EBADMSG);
	for (size_t n = 0; n < o.len; n += 97) { /* of exactly that length, for a sanitizer */
		uint8_t *part = malloc(n ? n : 1);

		memcpy(part, o.at, n);
		expect("a part of it", handover_event_read(part, n, &got), -EBADMSG);
		free(part);
	}
	chan_out_done(&o);
	handover_write(&o, &(struct handover){.type = HANDOVER_ASK, .use = HANDOVER_ASK_EVENTS});
	expect("an ask is no event", handover_event_read(o.at, o.len, &got), -EBADMSG);
	chan_out_done(&o);
}

/* Who was built before there were asks skips the ability, and is skipped: missing means none. */
static void abilities(void)
{
	struct handover h = {.type = HANDOVER_READY, .pid = 5}, got;
	struct chan_out o = {0};

	handover_write(&o, &h);
	expect("of an older one", handover_read(o.at, o.len, &got), 0);
	expect("none", (long long)got.abilities, 0);
	chan_out_done(&o);
	h.abilities = HANDOVER_ABLE_ANSWERS;
	handover_write(&o, &h);
	expect("of this one", handover_read(o.at, o.len, &got), 0);
	expect("answers", (long long)got.abilities, HANDOVER_ABLE_ANSWERS);
	chan_out_done(&o);
}

static void refuse(const char *what, uint8_t type, enum chan_tag tag, size_t len, int want)
{
	struct chan_out o = {0};
	struct handover_conn c;
	struct handover_info i;
	struct handover h;
	static struct handover_event e;
	uint8_t bytes[HANDOVER_LINE_MAX + 1];
	size_t used;
	int got;

	memset(bytes, 'x', sizeof(bytes));
	bytes[len - 1] = '\0';
	chan_begin(&o, (enum chan_type)type);
	chan_put_bytes(&o, tag, bytes, len);
	chan_end(&o);
	if (type == HANDOVER_INFO)
		got = handover_info_read(o.at, o.len, &i, &used);
	else if (type == HANDOVER_CONN)
		got = handover_conn_read(o.at, o.len, &c);
	else if (type == HANDOVER_EVENT)
		got = handover_event_read(o.at, o.len, &e);
	else
		got = handover_read(o.at, o.len, &h);
	expect(what, got, want);
	chan_out_done(&o);
}

int main(void)
{
	round_trips();
	lists();
	events();
	abilities();
	refuse("text that fits", HANDOVER_REFUSED, CHAN_TEXT, 512, 0);
	refuse("text too long", HANDOVER_REFUSED, CHAN_TEXT, 513, -EBADMSG);
	refuse("unknown text", HANDOVER_REFUSED, (enum chan_tag)(CHAN_TEXT + 100), 600, 0);
	refuse("unknown number", HANDOVER_REFUSED, (enum chan_tag)60, 8, 0);
	refuse("number of 7 bytes", HANDOVER_REFUSED, (enum chan_tag)1, 7, -EBADMSG);
	refuse("address", HANDOVER_CONN, CHAN_TAG_PROOF, HANDOVER_ADDR_MAX, 0);
	refuse("address of 27", HANDOVER_CONN, CHAN_TAG_PROOF, HANDOVER_ADDR_MAX - 1, -EBADMSG);
	refuse("id that fits", HANDOVER_INFO, CHAN_TEXT, 64, 0);
	refuse("id too long", HANDOVER_INFO, CHAN_TEXT, 65, -EBADMSG);
	refuse("info: address of 29", HANDOVER_INFO, CHAN_TAG_PROOF, HANDOVER_ADDR_MAX + 1,
	       -EBADMSG);
	refuse("info: unknown text", HANDOVER_INFO, (enum chan_tag)(CHAN_TEXT + 100), 600, 0);
	refuse("info: number of 7 bytes", HANDOVER_INFO, (enum chan_tag)1, 7, -EBADMSG);
	refuse("line that fits", HANDOVER_EVENT, CHAN_TEXT, HANDOVER_LINE_MAX, 0);
	refuse("line too long", HANDOVER_EVENT, CHAN_TEXT, HANDOVER_LINE_MAX + 1, -EBADMSG);
	refuse("event: unknown number", HANDOVER_EVENT, (enum chan_tag)1, 8, 0);
	refuse("ask: id too long", HANDOVER_ASK, (enum chan_tag)(CHAN_TEXT + 2), 65, -EBADMSG);
	refuse("unknown type", HANDOVER_TYPE_MAX, CHAN_TEXT, 5, -EBADMSG);
	refuse("type 0", 0, CHAN_TEXT, 5, -EBADMSG);
	return failures != 0;
}
