// SPDX-License-Identifier: GPL-2.0-only
/* test_ja4 - fingerprints as JA4's public description and its published examples have them. */
#include "ja4.h"

#include "hellos.h"

/* The ciphers of the description's example, in its order, GREASE in front. */
#define CHROME_CIPHERS                                                                             \
	"\x0a\x0a\x13\x01\x13\x02\x13\x03\xc0\x2b\xc0\x2f\xc0\x2c\xc0\x30\xcc\xa9\xcc\xa8\xc0\x13" \
	"\xc0\x14\x00\x9c\x00\x9d\x00\x2f\x00\x35"

/* Its extensions in its order (001b,0000,0033,0010,...), GREASE around and in the lists. */
#define CHROME_EXTS(sni, alpn, sigalgs)                                                            \
	"\x1a\x1a\0\0"                                                                             \
	"\0\x1b\0\0" sni "\0\x33\0\0" alpn "\x44\x69\0\0\0\x17\0\0\0\x2d\0\0" sigalgs              \
	"\0\x05\0\0\0\x23\0\0\0\x12\0\0\0\x2b\0\x07\x06\x3a\x3a\3\4\3\3\xff\1\0\0\0\x0b\0\0\0\x0a" \
	"\0\0"                                                                                     \
	"\xaa\xaa\0\1\0\0\x15\0\0"
#define CHROME_SIGALGS "\0\x0d\0\x12\0\x10\4\3\x08\4\4\1\5\3\x08\5\5\1\x08\6\6\1"
#define GREASED_SIGALGS "\0\x0d\0\x14\0\x12\4\3\x08\4\4\1\x8a\x8a\5\3\x08\5\5\1\x08\6\6\1"

static const struct {
	const char *name;
	const char *ciphers;
	size_t ciphers_len;
	const char *exts;
	size_t exts_len;
	const char *want;
} rows[] = {
	{"the description's example", BYTES(CHROME_CIPHERS),
	 BYTES(CHROME_EXTS(SNI, ALPN, CHROME_SIGALGS)), "t13d1516h2_8daaf6152771_e5627efa2ab1"},
	{"no name", BYTES(CHROME_CIPHERS), BYTES(CHROME_EXTS("", ALPN, CHROME_SIGALGS)),
	 "t13i1515h2_8daaf6152771_e5627efa2ab1"},
	{"no alpn", BYTES(CHROME_CIPHERS), BYTES(CHROME_EXTS(SNI, "", CHROME_SIGALGS)),
	 "t13d151500_8daaf6152771_e5627efa2ab1"},
	{"grease in the signature algorithms", BYTES(CHROME_CIPHERS),
	 BYTES(CHROME_EXTS(SNI, ALPN, GREASED_SIGALGS)), "t13d1516h2_8daaf6152771_e5627efa2ab1"},
	{"nothing", BYTES(""), NULL, 0, "t12i000000_000000000000_000000000000"},
	{"grease alone", BYTES("\x0a\x0a\xfa\xfa"), BYTES("\x2a\x2a\0\0"),
	 "t12i000000_000000000000_000000000000"},
	{"name and alpn alone", BYTES(""), BYTES(SNI ALPN), "t12d0002h2_000000000000_000000000000"},
};

static void build(struct bytes *b, const char *ciphers, size_t len, const char *exts, size_t n)
{
	b->len = 0;
	put_n(b, 1, 1);
	put_n(b, 0, 3);
	put_n(b, 0x0303, 2);
	while (b->len < 38)
		put_n(b, 7, 1);
	put_n(b, 0, 1);
	put_n(b, len, 2);
	put(b, ciphers, len);
	put_n(b, 0x0100, 2);
	if (exts) {
		put_n(b, n, 2);
		put(b, exts, n);
	}
	close_length(b, 4, 3);
}

static void expect(const char *name, const struct bytes *b, const char *want)
{
	char got[JA4_LEN + 1] = "";
	enum hello_verdict v;
	struct hello h;

	v = hello_parse_message(b->at, b->len, &h);
	if (v == HELLO_OK || v == HELLO_NO_SNI)
		ja4_write(b->at, &h, got);
	if (strcmp(got, want) != 0)
		FAIL("%s: got '%s', want '%s'", name, got, want);
}

static void test_rows(void)
{
	static struct bytes b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		build(&b, rows[i].ciphers, rows[i].ciphers_len, rows[i].exts, rows[i].exts_len);
		expect(rows[i].name, &b, rows[i].want);
	}
}

/* The part of the fingerprint that shows the version, and the first protocol. */
static void test_short_fields(void)
{
	static const struct {
		const char *name, *exts;
		size_t len;
		const char *want;
	} fields[] = {
		{"ab", BYTES("\0\x10\0\4\0\2\1\xab"), "t12i0001ab"},
		{"abcd", BYTES("\0\x10\0\5\0\3\2\xab\xcd"), "t12i0001ad"},
		{"30ab", BYTES("\0\x10\0\5\0\3\2\x30\xab"), "t12i00013b"},
		{"3031abcd", BYTES("\0\x10\0\7\0\5\4\x30\x31\xab\xcd"), "t12i00013d"},
		{"30abcd31", BYTES("\0\x10\0\7\0\5\4\x30\xab\xcd\x31"), "t12i000101"},
		{"one character", BYTES("\0\x10\0\4\0\2\1h"), "t12i0001hh"},
		{"acme-tls/1",
		 BYTES("\0\x10\0\x0d\0\x0b\x0a"
		       "acme-tls/1"),
		 "t12i0001a1"},
		{"1.0", BYTES("\0\x2b\0\3\2\3\1"), "t10i000100"},
		{"1.1", BYTES("\0\x2b\0\3\2\3\2"), "t11i000100"},
		{"1.2", BYTES("\0\x2b\0\3\2\3\3"), "t12i000100"},
		{"1.3, not first", BYTES("\0\x2b\0\7\6\3\3\3\4\3\1"), "t13i000100"},
		{"ssl 3", BYTES("\0\x2b\0\3\2\3\0"), "ts3i000100"},
		{"ssl 2", BYTES("\0\x2b\0\3\2\0\2"), "ts2i000100"},
		{"draft", BYTES("\0\x2b\0\3\2\x7f\x1c"), "t00i000100"},
		{"grease alone", BYTES("\0\x2b\0\3\2\x1a\x1a"), "t00i000100"},
	};
	char got[JA4_LEN + 1];
	static struct bytes b;
	struct hello h;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		build(&b, "", 0, fields[i].exts, fields[i].len);
		hello_parse_message(b.at, b.len, &h);
		ja4_write(b.at, &h, got);
		if (strncmp(got, fields[i].want, 10) != 0)
			FAIL("%s: got '%s', want '%s'", fields[i].name, got, fields[i].want);
	}
}

/* 99 is as far as it counts; the largest hello still fits its tables. */
static void test_crowd(void)
{
	static char ciphers[60000];
	char got[JA4_LEN + 1];
	static struct bytes b, exts;
	struct hello h;
	int i;

	for (i = 0; i < 30000; i++) {
		ciphers[2 * i] = i >> 8;
		ciphers[2 * i + 1] = i;
	}
	exts.len = 0;
	for (i = 0; i < 1000; i++)
		put_ext(&exts, 0x2000 + i, "", 0);
	build(&b, ciphers, sizeof(ciphers), (char *)exts.at, exts.len);
	if (hello_parse_message(b.at, b.len, &h) != HELLO_NO_SNI)
		FAIL("the crowd is refused");
	ja4_write(b.at, &h, got);
	if (strncmp(got, "t12i999900_", 11) != 0)
		FAIL("crowd: got '%s'", got);
}

static int seen;

static void check_capture(const struct capture *c)
{
	char got[JA4_LEN + 1];
	struct hello h;

	if (c->ja4[0] != 't' || hello_parse(c->data.at, c->data.len, &h) > HELLO_NO_SNI)
		return;
	seen++;
	ja4_write(c->data.at, &h, got);
	if (strcmp(got, c->ja4) != 0)
		FAIL("%s: got '%s', want '%s'", c->id, got, c->ja4);
}

int main(void)
{
	test_rows();
	test_short_fields();
	test_crowd();
	each_capture("selftests/fixtures/hellos", "expected.tsv", check_capture);
	printf("%d captured fingerprints, %d failures\n", seen, failures);
	return failures ? 1 : 0;
}
