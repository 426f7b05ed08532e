// SPDX-License-Identifier: GPL-2.0-only
/* test_chan - frames are read as they were written, their prefixes are unfinished, bent ones bad.
 */
#include "chan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static void expect(const char *what, uint64_t got, uint64_t want)
{
	if (got == want)
		return;
	failures++;
	fprintf(stderr, "%s: got %llu, want %llu\n", what, (unsigned long long)got,
		(unsigned long long)want);
}

/* From memory of exactly this length, so that a sanitizer sees an overread. */
static enum chan_verdict read_exact(const uint8_t *buf, size_t len, size_t max,
				    struct chan_frame *f)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum chan_verdict v;

	memcpy(copy, buf, len);
	v = chan_frame_read(copy, len, max, f);
	free(copy);
	return v;
}

static void round_trip(void)
{
	struct chan_out o = {0};
	struct chan_field field;
	struct chan_frame f = {0};
	size_t pos = 0, n = 0;

	chan_begin(&o, CHAN_LISTEN);
	chan_put_number(&o, CHAN_TAG_REQUEST, 7);
	chan_put_text(&o, CHAN_TAG_NAME, "url");
	chan_put_text(&o, CHAN_TAG_VALUE, "tls://a.test");
	chan_put_text(&o, CHAN_TAG_MESSAGE, NULL);
	chan_put_bytes(&o, CHAN_TAG_PROOF, "\0\1", 2);
	chan_end(&o);
	chan_begin(&o, CHAN_PING);
	chan_end(&o);
	expect("whole", chan_frame_read(o.at, o.len, CHAN_FRAME_MAX, &f), CHAN_OK);
	expect("type", f.type, CHAN_LISTEN);
	expect("number", chan_number(&f, CHAN_TAG_REQUEST, 0), 7);
	expect("absent number", chan_number(&f, CHAN_TAG_CODE, 9), 9);
	expect("text", (uint64_t)strcmp(chan_text(&f, CHAN_TAG_VALUE), "tls://a.test"), 0);
	expect("absent text", !chan_text(&f, CHAN_TAG_MESSAGE), 1);
	while (chan_next(&f, &pos, &field))
		n++;
	expect("fields", n, 4);
	for (size_t len = 0; len < f.end; len++)
		expect("prefix", read_exact(o.at, len, CHAN_FRAME_MAX, &(struct chan_frame){0}),
		       CHAN_MORE);
	expect("too long", read_exact(o.at, o.len, f.end - 5, &(struct chan_frame){0}), CHAN_BAD);
	chan_out_drop(&o, f.end);
	expect("second", chan_frame_read(o.at, o.len, CHAN_FRAME_MAX, &f), CHAN_OK);
	expect("second type", f.type, CHAN_PING);
	chan_out_done(&o);
}

static const struct {
	const char *what;
	const char *bytes;
	size_t len;
	enum chan_verdict want;
} rows[] = {
#define BYTES(s) s, sizeof(s) - 1
	{"no type", BYTES("\0\0\0\0"), CHAN_BAD},
	{"longer than the limit", BYTES("\0\x10\0\1"), CHAN_BAD},
	{"no fields", BYTES("\0\0\0\1\xa"), CHAN_OK},
	{"unknown type", BYTES("\0\0\0\1\xff"), CHAN_OK},
	{"half a field", BYTES("\0\0\0\3\xa\x40\0"), CHAN_BAD},
	{"field longer than the frame", BYTES("\0\0\0\6\xa\x40\0\0\0\1"), CHAN_BAD},
	{"huge field", BYTES("\0\0\0\6\xa\x40\xff\xff\xff\xff"), CHAN_BAD},
	{"number of 7",
	 BYTES("\0\0\0\xd\xa\1\0\0\0\7"
	       "1234567"),
	 CHAN_BAD},
	{"text without NUL",
	 BYTES("\0\0\0\7\xa\x80\0\0\0\1"
	       "a"),
	 CHAN_BAD},
	{"text with two",
	 BYTES("\0\0\0\x9\xa\x80\0\0\0\3"
	       "a\0\0"),
	 CHAN_BAD},
	{"empty text field", BYTES("\0\0\0\6\xa\x80\0\0\0\0"), CHAN_BAD},
	{"empty text", BYTES("\0\0\0\7\xa\x80\0\0\0\1\0"), CHAN_OK},
	{"unknown text", BYTES("\0\0\0\7\xa\xff\0\0\0\1\0"), CHAN_OK},
};

int main(void)
{
	uint8_t proof[CHAN_PROOF_LEN], token[CHAN_TOKEN_LEN] = "token";
	const uint8_t *got;
	struct chan_frame f;
	uint64_t number;

	round_trip();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(rows[i].what,
		       read_exact((const uint8_t *)rows[i].bytes, rows[i].len, 1U << 20, &f),
		       rows[i].want);
	chan_proof_write(proof, 0x0102030405060708, token);
	expect("proof", chan_proof_read(proof, &number, &got), 1);
	expect("its number", number, 0x0102030405060708);
	expect("its token", (uint64_t)memcmp(got, token, sizeof(token)), 0);
	proof[7] ^= 1;
	expect("no proof", chan_proof_read(proof, &number, &got), 0);
	if (!failures)
		printf("test_chan: %zu rows, frames, proofs\n", sizeof(rows) / sizeof(rows[0]));
	return failures != 0;
}
