// SPDX-License-Identifier: GPL-2.0-only
/* test_sni - a hello cut anywhere, over segments and records, asks for what it asks for whole. */
#include "sni.h"

#include "alpn.h"
#include "hellos.h"

/* Feeds all of <b> in pieces of <step>; the verdict after the last. */
static int feed(struct sni *s, const __u8 *data, size_t len, size_t step)
{
	int v = HELLO_MORE;
	__u8 *piece;
	size_t n;

	for (; len; data += n, len -= n) {
		n = len < step ? len : step;
		piece = malloc(n);
		memcpy(piece, data, n);
		v = sni_feed(s, piece, n);
		free(piece);
	}
	return v;
}

static void expect(const char *name, const struct bytes *b, __u32 max, enum hello_verdict want)
{
	static const size_t steps[] = {1, 2, 3, 7, 64, 1000, 1 << 20};
	struct sni s;
	size_t i;
	int got;

	for (i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		sni_init(&s, max);
		got = feed(&s, b->at, b->len, steps[i]);
		if (got != (int)want)
			FAIL("%s by %zu: got %s, want %s", name, steps[i], verdict_names[got],
			     verdict_names[want]);
		sni_done(&s);
	}
}

/* What one call of hello.h makes of <msg> must come out of every cut. */
static void expect_same(const char *name, const __u8 *msg, size_t len)
{
	static const size_t records[] = {1, 2, 3, 5, 100, 1024, HELLO_RECORD_MAX};
	static const size_t steps[] = {1, 2, 1448, 1 << 20};
	char key[HELLO_KEY_LEN] = "";
	static struct bytes b;
	enum hello_verdict want;
	struct hello h;
	struct sni s;
	size_t i, j;
	int got, n = 0;

	want = hello_parse_message(msg, len, &h);
	if (want == HELLO_OK)
		n = hello_name(msg, &h, key);
	for (i = 0; i < sizeof(records) / sizeof(records[0]); i++) {
		build_records(&b, msg, len, records[i]);
		for (j = 0; j < sizeof(steps) / sizeof(steps[0]); j++) {
			sni_init(&s, HELLO_MESSAGE_MAX);
			got = feed(&s, b.at, b.len, steps[j]);
			if (got != (int)want || memcmp(&s.hello, &h, sizeof(h)) != 0)
				FAIL("%s, records of %zu, by %zu: got %s, want %s", name,
				     records[i], steps[j], verdict_names[got], verdict_names[want]);
			if (s.name_len != n || (n && strcmp(s.name, key) != 0))
				FAIL("%s, records of %zu, by %zu: name is '%s', want '%s'", name,
				     records[i], steps[j], s.name, key);
			if ((want == HELLO_OK || want == HELLO_NO_SNI) && s.end != b.len)
				FAIL("%s, records of %zu: end is %u, want %zu", name, records[i],
				     s.end, b.len);
			sni_done(&s);
		}
	}
}

static void test_cases(void)
{
	static struct bytes msg, b;
	size_t i;

	for (i = 0; i < sizeof(ext_cases) / sizeof(ext_cases[0]); i++) {
		build_message(&msg, ext_cases[i].exts, ext_cases[i].len);
		expect_same(ext_cases[i].name, msg.at, msg.len);
	}
	for (i = 0; i < sizeof(patch_cases) / sizeof(patch_cases[0]); i++) {
		const struct patch_case *c = &patch_cases[i];

		if (c->want == HELLO_SPLIT)
			continue;
		build_good(&b);
		b.at[c->off] = c->value;
		expect(c->name, &b, HELLO_MESSAGE_MAX, c->want);
	}
}

/* Each row replaces the second header of a hello in records of 50 bytes. */
static void test_between_records(void)
{
	static const struct {
		const char *name;
		__u8 header[5];
		enum hello_verdict want;
	} rows[] = {
		{"nothing wrong", {22, 3, 1, 0, 50}, HELLO_OK},
		{"another minor version", {22, 3, 3, 0, 50}, HELLO_OK},
		{"another major version", {22, 2, 1, 0, 50}, HELLO_BAD},
		{"alert", {21, 3, 1, 0, 50}, HELLO_BAD},
		{"change cipher spec", {20, 3, 1, 0, 50}, HELLO_BAD},
		{"application data", {23, 3, 3, 0, 50}, HELLO_BAD},
		{"http", {'G', 'E', 'T', ' ', '/'}, HELLO_BAD},
		{"empty record", {22, 3, 1, 0, 0}, HELLO_BAD},
		{"record above 16384", {22, 3, 1, 0x40, 1}, HELLO_BAD},
	};
	static struct bytes msg, b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		build_message(&msg, BYTES(GOOD_EXTS));
		build_records(&b, msg.at, msg.len, 50);
		memcpy(b.at + 55, rows[i].header, 5);
		expect(rows[i].name, &b, HELLO_MESSAGE_MAX, rows[i].want);
	}
}

/* A hello of <len> bytes of message. */
static void build_long(struct bytes *msg, size_t len)
{
	static const __u8 zero[65536];
	static struct bytes exts;

	build_message(msg, BYTES(SNI));
	exts.len = 0;
	put_ext(&exts, 0x4000, zero, len - msg->len - 4);
	put(&exts, BYTES(SNI));
	build_message(msg, exts.at, exts.len);
	if (msg->len != len)
		abort();
}

static void test_limits(void)
{
	static const struct {
		const char *name;
		size_t len, record;
		__u32 max;
		enum hello_verdict want;
	} rows[] = {
		{"at the limit", 2000, 16384, 2000, HELLO_OK},
		{"above the limit", 2001, 16384, 2000, HELLO_TOO_BIG},
		{"64 kB in records of two bytes", 65536, 2, 65536, HELLO_OK},
		{"64 kB in full records", 65536, 16384, 65536, HELLO_OK},
		{"64 kB, more allowed than there is", 65536, 16384, 1 << 20, HELLO_OK},
		{"2000 bytes in records of one byte", 2000, 1, 65536, HELLO_OK},
		{"64 kB in records of one byte", 65536, 1, 65536, HELLO_TOO_BIG},
	};
	static struct bytes msg, b;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		build_long(&msg, rows[i].len);
		build_records(&b, msg.at, msg.len, rows[i].record);
		expect(rows[i].name, &b, rows[i].max, rows[i].want);
	}
}

/* The answer stands: nothing behind the hello is looked at, nor after a refusal. */
static void test_after(void)
{
	static struct bytes b;
	struct sni s;
	__u32 end;

	build_good(&b);
	end = b.len;
	put(&b, BYTES("\x17\3\3\0\4data"));
	sni_init(&s, HELLO_MESSAGE_MAX);
	if (feed(&s, b.at, b.len, b.len) != HELLO_OK || s.end != end || s.wire != end)
		FAIL("early data: end is %u, want %u", s.end, end);
	if (sni_feed(&s, BYTES("GET /")) != HELLO_OK || sni_feed(&s, "", 0) != HELLO_OK)
		FAIL("the verdict changed");
	sni_done(&s);
	sni_init(&s, HELLO_MESSAGE_MAX);
	if (sni_feed(&s, "", 0) != HELLO_MORE || sni_feed(&s, "G", 1) != HELLO_NOT_TLS ||
	    sni_feed(&s, b.at, b.len) != HELLO_NOT_TLS)
		FAIL("the refusal changed");
	sni_done(&s);
}

/* A promise of 64 kB costs what was sent. */
static void test_memory(void)
{
	static const __u8 promise[] = {22, 3, 1, 0x40, 0, 1, 0, 0xff, 0xfc, 3, 3};
	struct sni s;

	sni_init(&s, HELLO_MESSAGE_MAX);
	if (sni_feed(&s, promise, 5) != HELLO_MORE || s.msg)
		FAIL("memory for a record header");
	if (sni_feed(&s, promise + 5, 6) != HELLO_MORE || s.cap > 2048)
		FAIL("%u bytes for a promise", s.cap);
	sni_done(&s);
}

/* Whom a message that is refused means: each row is put in the place of the extensions. */
static void test_claims(void)
{
	static const struct {
		const char *name;
		const char *exts;
		size_t len;
		const char *want;
	} rows[] = {
		{"nothing wrong", BYTES(SNI ALPN), "ab.cd"},
		{"another behind it", BYTES(SNI "\0\0\0\x0a\0\x08\0\0\5AB.CE"), "ab.cd"},
		{"a half one behind it", BYTES(SNI "\0\x0a\0"), "ab.cd"},
		{"one too long behind it", BYTES(SNI "\0\x0a\0\2\0"), "ab.cd"},
		{"odd signature algorithms", BYTES("\0\x0d\0\3\0\1\4" SNI), "ab.cd"},
		{"one too long before it", BYTES("\0\x0a\0\x40\0" SNI), ""},
		{"two names", BYTES("\0\0\0\x0a\0\x08\0\0\1a\0\0\1b"), ""},
		{"a list too short", BYTES("\0\0\0\x0a\0\x07\0\0\5ab.cd"), ""},
		{"a list cut off", BYTES("\0\0\0\x0a\0\x08\0\0\5ab.c"), ""},
		{"of another type", BYTES("\0\0\0\x0a\0\x08\1\0\5ab.cd"), ""},
		{"a length that is not its", BYTES("\0\0\0\x0a\0\x08\0\0\4ab.cd"), ""},
		{"an empty list", BYTES("\0\0\0\2\0\0"), ""},
		{"an empty one", BYTES("\0\0\0\0"), ""},
		{"an empty name", BYTES("\0\0\0\5\0\3\0\0\0"), ""},
		{"no name at all", BYTES("\0\0\0\x0a\0\x08\0\0\5ab/cd"), ""},
		{"none", BYTES(ALPN), ""},
	};
	static struct bytes msg;
	char key[HELLO_KEY_LEN];
	struct sni s = {0};
	size_t i;
	int n;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		build_message(&msg, rows[i].exts, rows[i].len);
		s.msg = msg.at;
		s.len = (__u32)msg.len;
		n = sni_claim(&s, key);
		if (n != (int)strlen(rows[i].want) || (n && strcmp(key, rows[i].want) != 0))
			FAIL("claim, %s: %d '%s', want '%s'", rows[i].name, n, n ? key : "",
			     rows[i].want);
	}
	build_message(&msg, BYTES(SNI));
	s.msg = msg.at;
	for (s.len = 0; s.len < msg.len; s.len++)
		if (sni_claim(&s, key))
			FAIL("claim: cut after %u, there is '%s'", s.len, key);
	s.len = (__u32)msg.len;
	msg.at[38]++; /* a session id of 33: all that follows is one byte off */
	if (sni_claim(&s, key))
		FAIL("claim: '%s' behind a session id of 33", key);
}

static int captures_seen;

static void check_capture(const struct capture *c)
{
	char alpn[1100];
	struct hello h;
	struct sni s;
	size_t step;
	int i;

	captures_seen++;
	if (hello_parse(c->data.at, c->data.len, &h) == HELLO_OK)
		expect_same(c->id, c->data.at + HELLO_RECORD_HEADER, h.end - HELLO_RECORD_HEADER);
	for (i = 0; i < 3; i++) {
		step = i == 0 ? c->data.len : i == 1 ? (c->data.len + 1) / 2 : 1;
		sni_init(&s, HELLO_MESSAGE_MAX);
		feed(&s, c->data.at, c->data.len, step);
		if (!strcmp(c->expect, "route")) {
			alpn_write(s.msg, &s.hello, alpn, sizeof(alpn));
			if (s.verdict != HELLO_OK || strcmp(s.name, c->sni) != 0 ||
			    strcmp(alpn[0] ? alpn : "-", c->alpn) != 0)
				FAIL("%s by %zu: got %s '%s' '%s', want '%s' '%s'", c->id, step,
				     verdict_names[s.verdict], s.name, alpn, c->sni, c->alpn);
		} else if (s.name_len && strcmp(c->expect, "either") != 0) {
			FAIL("%s by %zu: got '%s', want none", c->id, step, s.name);
		}
		sni_done(&s);
	}
}

static void test_alpn(void)
{
	static const char list[] = "\3a,b\2\\\1\2h2";
	struct hello h = {.alpn_off = 0, .alpn_len = sizeof(list) - 1};
	const __u8 *buf = (const __u8 *)list;
	char out[64];

	alpn_write(buf, &h, out, sizeof(out));
	if (strcmp(out, "a\\x2cb,\\x5c\\x01,h2") != 0)
		FAIL("alpn as text: '%s'", out);
	if (alpn_write(buf, &h, out, 17) != 15 || alpn_write(buf, &h, out, 18) != 15 ||
	    alpn_write(buf, &h, out, 19) != 18 || alpn_write(buf, &h, out, 1) != 0)
		FAIL("alpn in little room: '%s'", out);
	if (!alpn_has(buf, &h, "h2") || !alpn_has(buf, &h, "a,b") || alpn_has(buf, &h, "h") ||
	    alpn_has(buf, &h, "acme-tls/1"))
		FAIL("alpn_has");
}

int main(void)
{
	test_cases();
	test_between_records();
	test_limits();
	test_after();
	test_memory();
	test_claims();
	test_alpn();
	each_known_capture(check_capture);
	printf("%d captured hellos, %d failures\n", captures_seen, failures);
	return failures ? 1 : 0;
}
