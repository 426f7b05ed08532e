// SPDX-License-Identifier: GPL-2.0-only
/* test_sha256 - NIST's example messages, and the same hash however the bytes are cut. */
#include "sha256.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static void hex(struct sha256 *s, char out[65])
{
	uint8_t sum[SHA256_LEN];
	int i;

	sha256_end(s, sum);
	for (i = 0; i < SHA256_LEN; i++)
		sprintf(out + 2 * i, "%02x", sum[i]);
}

static void expect(const char *name, struct sha256 *s, const char *want)
{
	char got[65];

	hex(s, got);
	if (strcmp(got, want) != 0) {
		failures++;
		fprintf(stderr, "%s: got %s, want %s\n", name, got, want);
	}
}

static const struct {
	const char *in, *want;
} rows[] = {
	{"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
	{"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
	{"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	 "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
	{"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
	 "lmnopqrsmnopqrstnopqrstu",
	 "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

int main(void)
{
	char text[1000], want[65];
	struct sha256 s;
	size_t i, cut;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		sha256_init(&s);
		sha256_add(&s, rows[i].in, strlen(rows[i].in));
		expect(rows[i].in, &s, rows[i].want);
	}
	memset(text, 'a', sizeof(text));
	sha256_init(&s);
	for (i = 0; i < 1000; i++)
		sha256_add(&s, text, sizeof(text));
	expect("a million a", &s,
	       "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");

	/* every length around the padding's edges, cut in two everywhere */
	for (i = 0; i < 200; i++) {
		sha256_init(&s);
		sha256_add(&s, text, i);
		hex(&s, want);
		for (cut = 0; cut <= i; cut++) {
			sha256_init(&s);
			sha256_add(&s, text, cut);
			sha256_add(&s, text + cut, i - cut);
			expect("cut in two", &s, want);
		}
	}
	return failures != 0;
}
