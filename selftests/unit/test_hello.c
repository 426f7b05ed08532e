// SPDX-License-Identifier: GPL-2.0-only
/* test_hello - hello.h gives each hand-made hello its verdict, and MORE to each strict prefix. */
#include "hello.h"

#include "hellos.h"

/* Parses an exact copy, so that a sanitizer sees an overread. */
static enum hello_verdict parse(const __u8 *data, size_t len, struct hello *h)
{
	__u8 *copy = malloc(len ? len : 1);
	enum hello_verdict v;

	memcpy(copy, data, len);
	v = hello_parse(copy, len, h);
	free(copy);
	return v;
}

static void expect(const char *name, const struct bytes *b, enum hello_verdict want)
{
	enum hello_verdict got;
	struct hello h;

	got = parse(b->at, b->len, &h);
	if (got != want)
		FAIL("%s: got %s, want %s", name, verdict_names[got], verdict_names[want]);
}

static void expect_prefixes(const char *name, const struct bytes *b, __u32 end)
{
	enum hello_verdict got;
	struct hello h;
	__u32 i;

	for (i = 0; i < end; i++) {
		got = parse(b->at, i, &h);
		if (got != HELLO_MORE)
			FAIL("%s: first %u of %u bytes: got %s", name, i, end, verdict_names[got]);
	}
}

static void test_extensions(void)
{
	static struct bytes msg, b;
	char key[HELLO_KEY_LEN];
	struct hello h;
	size_t i;

	for (i = 0; i < sizeof(ext_cases) / sizeof(ext_cases[0]); i++) {
		const struct ext_case *c = &ext_cases[i];

		build_message(&msg, c->exts, c->len);
		build_records(&b, msg.at, msg.len, HELLO_RECORD_MAX);
		expect(c->name, &b, c->want);
		if (c->want != HELLO_OK && c->want != HELLO_NO_SNI)
			continue;
		expect_prefixes(c->name, &b, b.len);
		hello_parse(b.at, b.len, &h);
		if (h.end != b.len)
			FAIL("%s: end is %u, want %zu", c->name, h.end, b.len);
		if (c->want == HELLO_OK && (hello_name(b.at, &h, key) != 5 || strcmp(key, "ab.cd")))
			FAIL("%s: name is '%s'", c->name, key);
	}
	build_message(&msg, NULL, 0);
	build_records(&b, msg.at, msg.len, HELLO_RECORD_MAX);
	expect("no extension block", &b, HELLO_NO_SNI);
}

static void test_patches(void)
{
	static struct bytes b;
	size_t i;

	for (i = 0; i < sizeof(patch_cases) / sizeof(patch_cases[0]); i++) {
		build_good(&b);
		b.at[patch_cases[i].off] = patch_cases[i].value;
		expect(patch_cases[i].name, &b, patch_cases[i].want);
	}
}

/* Lists in front of the extensions, each as long as it says. */
static void test_fields(void)
{
	static const struct {
		const char *name;
		int session, ciphers, compressions;
		enum hello_verdict want;
	} rows[] = {
		{"usual", 32, 10, 1, HELLO_OK},
		{"no session id", 0, 10, 1, HELLO_OK},
		{"session id of 33", 33, 10, 1, HELLO_BAD},
		{"session id of 255", 255, 10, 1, HELLO_BAD},
		{"no ciphers", 32, 0, 1, HELLO_OK},
		{"half a cipher", 32, 1, 1, HELLO_BAD},
		{"five ciphers and a half", 32, 11, 1, HELLO_BAD},
		{"4000 ciphers", 32, 8000, 1, HELLO_OK},
		{"no compressions", 32, 10, 0, HELLO_OK},
		{"255 compressions", 32, 10, 255, HELLO_OK},
	};
	static const __u8 zero[8000];
	static struct bytes msg, b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		msg.len = 0;
		put_n(&msg, 1, 1);
		put_n(&msg, 0, 3);
		put_n(&msg, 0x0303, 2);
		put(&msg, zero, 32);
		put_n(&msg, rows[i].session, 1);
		put(&msg, zero, rows[i].session);
		put_n(&msg, rows[i].ciphers, 2);
		put(&msg, zero, rows[i].ciphers);
		put_n(&msg, rows[i].compressions, 1);
		put(&msg, zero, rows[i].compressions);
		put_n(&msg, sizeof(SNI) - 1, 2);
		put(&msg, BYTES(SNI));
		close_length(&msg, 4, 3);
		build_records(&b, msg.at, msg.len, HELLO_RECORD_MAX);
		expect(rows[i].name, &b, rows[i].want);
	}
}

/* A first record of any size that is not the whole message is for reassembly. */
static void test_split(void)
{
	static struct bytes msg, b;
	size_t n;

	build_message(&msg, BYTES(GOOD_EXTS));
	for (n = 1; n < msg.len; n++) {
		build_records(&b, msg.at, msg.len, n);
		expect("split", &b, HELLO_SPLIT);
	}
}

static void test_offsets(void)
{
	static struct bytes b;
	struct hello h;

	build_good(&b);
	hello_parse(b.at, b.len, &h);
#define AT(field, text)                                                                \
	do {                                                                           \
		if (h.field##_len != sizeof(text) - 1 ||                               \
		    memcmp(b.at + h.field##_off, text, sizeof(text) - 1) != 0)         \
			FAIL(#field " at %u, %u bytes", h.field##_off, h.field##_len); \
	} while (0)
	AT(name, "ab.cd");
	AT(alpn, "\x02h2\x08http/1.1");
	AT(versions, "\x2a\x2a\x03\x04\x03\x03");
	AT(sigalgs, "\x04\x03\x08\x04\x04\x01");
	AT(ciphers, "\x1a\x1a\x13\1\x13\2\x13\3\xc0\x2b");
	AT(exts, GOOD_EXTS);
#undef AT
	if (h.version != 0x0303 || hello_has_ext(&h, HELLO_EXT_EARLY_DATA) ||
	    !hello_has_ext(&h, HELLO_EXT_ALPN))
		FAIL("version %x, seen %llx", h.version, (unsigned long long)h.seen);
}

/* Bytes behind the hello, in its record or after it, change nothing. */
static void test_followers(void)
{
	static struct bytes b;
	struct hello h;
	__u32 end;

	build_good(&b);
	end = b.len;
	put(&b, BYTES("\x14\3\3\0\1\1\x17\3\3\0\4data"));
	if (parse(b.at, b.len, &h) != HELLO_OK || h.end != end)
		FAIL("records behind the hello: end is %u, want %u", h.end, end);
	close_length(&b, 5, 2);
	if (parse(b.at, b.len, &h) != HELLO_OK || h.end != end)
		FAIL("bytes behind the hello in its record: end is %u, want %u", h.end, end);
}

/* A hello of <n> extensions of <size> bytes, the name behind them. */
static void build_crowd(struct bytes *msg, int n, size_t size)
{
	static const __u8 zero[65536];
	static struct bytes exts;
	int i;

	exts.len = 0;
	for (i = 0; i < n; i++)
		put_ext(&exts, 0x4000 + i, zero, size);
	put(&exts, BYTES(SNI));
	build_message(msg, exts.at, exts.len);
}

static void test_sizes(void)
{
	static const struct {
		const char *name;
		int n;
		size_t size;
		enum hello_verdict want, want_message;
	} rows[] = {
		{"key share of 1216 bytes", 1, 1216, HELLO_OK, HELLO_OK},
		{"ticket of 11 kB", 1, 11000, HELLO_OK, HELLO_OK},
		{"500 extensions", 500, 0, HELLO_OK, HELLO_OK},
		{"4000 extensions", 4000, 0, HELLO_OK, HELLO_OK},
		{"16383 bytes", 1, 16383 - 5 - 4 - 83 - 4 - 14, HELLO_OK, HELLO_OK},
		{"16384 bytes", 1, 16384 - 5 - 4 - 83 - 4 - 14, HELLO_OK, HELLO_OK},
		{"16385 bytes", 1, 16385 - 5 - 4 - 83 - 4 - 14, HELLO_SPLIT, HELLO_OK},
		{"a full record", 1, 16389 - 5 - 4 - 83 - 4 - 14, HELLO_SPLIT, HELLO_OK},
		{"two records", 1, 20000, HELLO_SPLIT, HELLO_OK},
		{"65536 bytes of message", 1, 65536 - 4 - 83 - 4 - 14, HELLO_SPLIT, HELLO_OK},
		{"65537 bytes of message", 1, 65537 - 4 - 83 - 4 - 14, HELLO_TOO_BIG,
		 HELLO_TOO_BIG},
		{"16000 extensions", 16000, 0, HELLO_SPLIT, HELLO_OK},
	};
	static struct bytes msg, b;
	struct hello h;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		build_crowd(&msg, rows[i].n, rows[i].size);
		build_records(&b, msg.at, msg.len, HELLO_RECORD_MAX);
		expect(rows[i].name, &b, rows[i].want);
		if (hello_parse_message(msg.at, msg.len, &h) != rows[i].want_message)
			FAIL("%s: as a message: %s", rows[i].name,
			     verdict_names[hello_parse_message(msg.at, msg.len, &h)]);
	}
}

static void test_message_prefixes(void)
{
	static struct bytes msg;
	enum hello_verdict got;
	struct hello h;
	__u32 i;

	build_message(&msg, BYTES(GOOD_EXTS));
	for (i = 0; i <= msg.len; i++) {
		got = hello_parse_message(msg.at, i, &h);
		if (got != (i < msg.len ? HELLO_MORE : HELLO_OK))
			FAIL("first %u bytes of a message: %s", i, verdict_names[got]);
	}
}

static int captures_seen;

static void check_capture(const struct capture *c)
{
	char key[HELLO_KEY_LEN] = "-";
	enum hello_verdict got;
	struct hello h;

	captures_seen++;
	got = parse(c->data.at, c->data.len, &h);
	if (got == HELLO_OK && !hello_name(c->data.at, &h, key))
		strcpy(key, "-");
	if (!strcmp(c->expect, "route") && (got != HELLO_OK || strcmp(key, c->sni) != 0))
		FAIL("%s: got %s '%s', want '%s'", c->id, verdict_names[got], key, c->sni);
	if (!strcmp(c->expect, "nosni") && got != HELLO_NO_SNI)
		FAIL("%s: got %s, want NO_SNI", c->id, verdict_names[got]);
	if (!strcmp(c->expect, "reject") && got != HELLO_BAD && got != HELLO_NOT_TLS)
		FAIL("%s: got %s, want a refusal", c->id, verdict_names[got]);
	if (!strcmp(c->expect, "either") && got == HELLO_OK && strcmp(key, "-") != 0 &&
	    strcmp(key, c->sni) != 0)
		FAIL("%s: got '%s', want '%s' or none", c->id, key, c->sni);
	if (got == HELLO_OK || got == HELLO_NO_SNI)
		expect_prefixes(c->id, &c->data, h.end);
}

int main(void)
{
	test_extensions();
	test_patches();
	test_fields();
	test_split();
	test_offsets();
	test_followers();
	test_sizes();
	test_message_prefixes();
	each_known_capture(check_capture);
	printf("%zu made, %d captured hellos, %d failures\n",
	       sizeof(ext_cases) / sizeof(ext_cases[0]) +
		       sizeof(patch_cases) / sizeof(patch_cases[0]),
	       captures_seen, failures);
	return failures ? 1 : 0;
}
