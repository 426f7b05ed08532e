// SPDX-License-Identifier: GPL-2.0-only
/* test_proxy - each header is read as the specification says, at the first byte that decides, and
 * what is written is read as it was meant. */
#include "proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "proxies.h"
#include "unit.h"

static const char *const names[] = {"OK", "MORE", "NONE", "BAD"};

/* In memory of just that size: a byte read behind it is ASan's to tell. */
static enum proxy_verdict read_copy(const uint8_t *bytes, size_t len, struct proxy *out)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum proxy_verdict v;

	memcpy(copy, bytes, len);
	v = proxy_read(len ? copy : copy + 1, len, out);
	free(copy);
	return v;
}

static void add_text(FILE *f, const char *before, const uint8_t *buf, const struct proxy_range *r)
{
	if (r->off)
		fprintf(f, "%s%.*s", before, (int)r->len, (const char *)buf + r->off);
}

/* "SRC DST crc authority=A alpn=A id=I ssl=CLIENT/VERIFY VERSION CIPHER CN", what there is of it.
 */
static void describe(const uint8_t *buf, const struct proxy *h, char *out, size_t size)
{
	char src[ADDR_TEXT_MAX], dst[ADDR_TEXT_MAX];
	FILE *f = fmemopen(out, size, "w");

	if (h->has_addr)
		fprintf(f, "%s %s", addr_text(&h->src, src), addr_text(&h->dst, dst));
	else
		fprintf(f, "-");
	if (h->has_crc)
		fprintf(f, " crc");
	add_text(f, " authority=", buf, &h->authority);
	add_text(f, " alpn=", buf, &h->alpn);
	add_text(f, " id=", buf, &h->unique_id);
	if (h->has_ssl) {
		fprintf(f, " ssl=%u/%u ", h->ssl_client, h->ssl_verify);
		add_text(f, "", buf, &h->ssl_version);
		add_text(f, " ", buf, &h->ssl_cipher);
		add_text(f, " ", buf, &h->ssl_cn);
	}
	fclose(f);
}

/* The verdict falls at <at> bytes and stands whatever follows; the reason is told. */
static void check_prefixes(const struct proxy_case *c, size_t at, size_t end)
{
	uint8_t more[1000];
	struct proxy h;
	size_t len;
	enum proxy_verdict v, want;

	memcpy(more, c->bytes, c->len);
	memset(more + c->len, '\r', sizeof(more) - c->len);
	for (len = 0; len < c->len + 20; len++) {
		v = read_copy(more, len, &h);
		want = len < at ? PROXY_MORE : c->want;
		if (v != want)
			FAIL("%s, %zu bytes: got %s, want %s", c->name, len, names[v], names[want]);
		if (v == PROXY_OK && h.end != end)
			FAIL("%s, %zu bytes: end is %u", c->name, len, h.end);
		if (v == PROXY_MORE && h.end && (h.end <= len || (end && h.end != end)))
			FAIL("%s, %zu bytes: to end at %u", c->name, len, h.end);
		if (!h.why != (v != PROXY_BAD))
			FAIL("%s, %zu bytes: why: %s", c->name, len, h.why ? h.why : "none");
	}
	memset(more + c->len, 'x', sizeof(more) - c->len);
	v = read_copy(more, sizeof(more), &h);
	if (c->want != PROXY_MORE && v != c->want)
		FAIL("%s, with more behind: got %s", c->name, names[v]);
}

static void check_unmapped(const char *name, const struct sockaddr_storage *sa)
{
	struct sockaddr_storage plain = *sa;

	addr_unmap(&plain);
	if (memcmp(&plain, sa, sizeof(plain)) != 0)
		FAIL("%s: an IPv4 address is left mapped", name);
}

static void test_read(void)
{
	char text[1000];
	struct proxy h;
	size_t i;

	for (i = 0; i < COUNT(proxy_cases); i++) {
		const struct proxy_case *c = &proxy_cases[i];
		enum proxy_verdict v = read_copy(c->bytes, c->len, &h);

		if (v != c->want)
			FAIL("%s: got %s (%s), want %s", c->name, names[v], h.why ? h.why : "",
			     names[c->want]);
		if (c->want == PROXY_MORE)
			continue;
		check_prefixes(c, c->at ? c->at : c->len, v == PROXY_OK ? h.end : 0);
		if (v != PROXY_OK)
			continue;
		check_unmapped(c->name, &h.src);
		check_unmapped(c->name, &h.dst);
		describe(c->bytes, &h, text, sizeof(text));
		if (strcmp(text, c->text) != 0)
			FAIL("%s: got '%s', want '%s'", c->name, text, c->text);
	}
}

/* All that the length field can say. */
static void test_longest(void)
{
	static uint8_t buf[PROXY_MAX];
	size_t noop = PROXY_MAX - PROXY_V2_HEADER - 12 - 3;
	struct proxy h;

	memcpy(buf, SIG "\x21\x11\xff\xff" V4 "\4", 29);
	buf[29] = (uint8_t)(noop >> 8);
	buf[30] = (uint8_t)noop;
	if (read_copy(buf, PROXY_MAX - 1, &h) != PROXY_MORE || h.end != PROXY_MAX)
		FAIL("a byte less than the longest: end is %u", h.end);
	if (read_copy(buf, PROXY_MAX, &h) != PROXY_OK || h.end != PROXY_MAX || !h.has_addr)
		FAIL("the longest: %s", h.why ? h.why : "");
}

/* ---- written ---- */

static void addr(const char *text, struct sockaddr_storage *sa)
{
	char bare[ADDR_TEXT_MAX], *port = strrchr(text, ':') + 1;
	socklen_t len;

	*sa = (struct sockaddr_storage){.ss_family = AF_UNIX};
	if (!strcmp(text, ":"))
		return;
	/* addr_parse() has no port 0 */
	snprintf(bare, sizeof(bare), "%.*s%s", (int)(port - text), text,
		 strcmp(port, "0") != 0 ? port : "1");
	if (addr_parse(bare, sa, &len))
		FAIL("no address: %s", text);
	if (!strcmp(port, "0"))
		memset((char *)sa + 2, 0, 2);
}

static const struct write_case {
	const char *src, *dst; /* ":" is a unix socket's, NULL our own connection */
	const char *v1;
	const uint8_t *v2;
	size_t v2_len;
	const char *text; /* both, read again */
} write_cases[] = {
	{"192.0.2.1:50001", "198.51.100.2:443", "PROXY TCP4 192.0.2.1 198.51.100.2 50001 443\r\n",
	 B(SIG "\x21\x11\0\14" V4), V4_TEXT},
	{"[2001:db8::1]:50001", "[2001:db8::2]:443",
	 "PROXY TCP6 2001:db8::1 2001:db8::2 50001 443\r\n", B(SIG "\x21\x21\0\44" V6), V6_TEXT},
	{"[::ffff:192.0.2.1]:50001", "[::ffff:198.51.100.2]:443",
	 "PROXY TCP4 192.0.2.1 198.51.100.2 50001 443\r\n", B(SIG "\x21\x11\0\14" V4), V4_TEXT},
	{"[::ffff:192.0.2.1]:50001", "198.51.100.2:443",
	 "PROXY TCP4 192.0.2.1 198.51.100.2 50001 443\r\n", B(SIG "\x21\x11\0\14" V4), V4_TEXT},
	{"192.0.2.1:50001", "[2001:db8::2]:443",
	 "PROXY TCP6 0:0:0:0:0:ffff:c000:201 2001:db8::2 50001 443\r\n",
	 B(SIG "\x21\x21\0\44\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1" DB8_2 PORTS),
	 "192.0.2.1:50001 [2001:db8::2]:443"},
	{"[2001:db8::1]:50001", "[::ffff:192.0.2.1]:443",
	 "PROXY TCP6 2001:db8::1 0:0:0:0:0:ffff:c000:201 50001 443\r\n",
	 B(SIG "\x21\x21\0\44" DB8_1 "\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\0\2\1" PORTS),
	 "[2001:db8::1]:50001 192.0.2.1:443"},
	{"[::192.0.2.1]:0", "[::]:65535", "PROXY TCP6 0:0:0:0:0:0:c000:201 :: 0 65535\r\n",
	 B(SIG "\x21\x21\0\44\0\0\0\0\0\0\0\0\0\0\0\0\xc0\0\2\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0"
	       "\xff\xff"),
	 "[::192.0.2.1]:0 [::]:65535"},
	{":", ":", "PROXY UNKNOWN\r\n", B(SIG "\x21\0\0\0"), "-"},
	{"192.0.2.1:50001", ":", "PROXY UNKNOWN\r\n", B(SIG "\x21\0\0\0"), "-"},
	{NULL, NULL, "PROXY UNKNOWN\r\n", B(SIG "\x20\0\0\0"), "-"},
};

/* Enough room, just enough, and one byte too little. */
static void expect(const char *name, const struct write_case *c, int version, const void *want,
		   size_t want_len)
{
	struct sockaddr_storage src = {0}, dst = {0};
	uint8_t room[300], *buf;
	size_t size;
	struct proxy h;
	char text[300];
	int n;

	if (c->src) {
		addr(c->src, &src);
		addr(c->dst, &dst);
	}
	for (size = want_len + 1; size >= want_len - 1; size--) {
		buf = malloc(size);
		n = version == 1 ? proxy_write_v1(buf, size, c->src ? &src : NULL, &dst)
				 : proxy_write_v2(buf, size, c->src ? &src : NULL, &dst, NULL);
		if (n != (size < want_len ? -ENOSPC : (int)want_len))
			FAIL("%s, room for %zu of %zu: got %d", name, size, want_len, n);
		else if (n > 0 && memcmp(buf, want, want_len) != 0)
			FAIL("%s: wrong bytes: %.*s", name, n, (const char *)buf);
		if (n > 0)
			memcpy(room, buf, (size_t)n);
		free(buf);
	}
	if (read_copy(room, want_len, &h) != PROXY_OK || h.end != want_len)
		FAIL("%s: not read: %s", name, h.why ? h.why : "");
	describe(room, &h, text, sizeof(text));
	if (strcmp(text, c->text) != 0)
		FAIL("%s: read as '%s', want '%s'", name, text, c->text);
}

static void test_write(void)
{
	size_t i;

	for (i = 0; i < COUNT(write_cases); i++) {
		const struct write_case *c = &write_cases[i];

		expect(c->v1, c, 1, c->v1, strlen(c->v1));
		expect(c->text, c, 2, c->v2, c->v2_len);
	}
}

#define TEXT(s)                  \
	{                        \
		s, sizeof(s) - 1 \
	}

/* <want>: as described when read again; NULL: -EMSGSIZE. */
static void expect_extra(const char *name, const struct proxy_extra *x, const char *want)
{
	static uint8_t buf[PROXY_MAX + 100];
	struct sockaddr_storage src, dst;
	char text[1000];
	struct proxy h;
	int n;

	addr("192.0.2.1:50001", &src);
	addr("198.51.100.2:443", &dst);
	n = proxy_write_v2(buf, sizeof(buf), &src, &dst, x);
	if (!want) {
		if (n != -EMSGSIZE)
			FAIL("%s: got %d", name, n);
		return;
	}
	if (n < 0 || read_copy(buf, (size_t)n, &h) != PROXY_OK || h.end != (uint32_t)n) {
		FAIL("%s: %d, %s", name, n, h.why ? h.why : "");
		return;
	}
	describe(buf, &h, text, sizeof(text));
	if (strncmp(text, want, strlen(want)) != 0)
		FAIL("%s: got '%s', want '%s'", name, text, want);
	if (proxy_write_v2(buf, (size_t)n - 1, &src, &dst, x) != -ENOSPC ||
	    proxy_write_v2(NULL, 0, &src, &dst, x) != -ENOSPC)
		FAIL("%s: room for less", name);
}

static void test_extra(void)
{
	static const uint8_t long_text[70000];
	static const struct proxy_ssl ssl = {
		.client = PROXY_SSL | PROXY_SSL_CERT_CONN,
		.verify = 0x01020304,
		.version = TEXT("TLSv1.3"),
		.cipher = TEXT("TLS_AES_128_GCM_SHA256"),
		.cn = TEXT("client"),
	};
	static const struct proxy_ssl bare = {.client = PROXY_SSL},
				      too_long = {.version = {long_text, 30000},
						  .cipher = {long_text, 30000},
						  .cn = {long_text, 6000}};
	static const struct {
		const char *name;
		struct proxy_extra x;
		const char *want;
	} rows[] = {
		{"none", {.crc32c = false}, V4_TEXT},
		{"crc", {.crc32c = true}, V4_TEXT " crc"},
		{"all",
		 {TEXT("app.test"), TEXT("h2"), TEXT("conn_1"), &ssl, true},
		 V4_TEXT " crc authority=app.test alpn=h2 id=conn_1 "
			 "ssl=3/16909060 TLSv1.3 TLS_AES_128_GCM_SHA256 client"},
		{"ssl alone", {.ssl = &bare}, V4_TEXT " ssl=1/0 "},
		{"id of 128", {.unique_id = {long_text, 128}}, V4_TEXT " id="},
		{"id of 129", {.unique_id = {long_text, 129}}, NULL},
		{"as long as can be",
		 {.authority = {long_text, PROXY_MAX - PROXY_V2_HEADER - 12 - 3 - 7},
		  .crc32c = true},
		 V4_TEXT " crc authority="},
		{"one more",
		 {.authority = {long_text, PROXY_MAX - PROXY_V2_HEADER - 12 - 3 - 7 + 1},
		  .crc32c = true},
		 NULL},
		{"authority too long", {.authority = {long_text, 65536}}, NULL},
		{"alpn too long", {.alpn = {long_text, 65536}}, NULL},
		{"ssl too long", {.ssl = &too_long}, NULL},
	};
	size_t i;

	for (i = 0; i < COUNT(rows); i++)
		expect_extra(rows[i].name, &rows[i].x, rows[i].want);
}

/* No bit of a header can be wrong without its checksum being wrong, or gone. */
static void test_flipped_bits(void)
{
	static const struct proxy_extra x = {TEXT("app.test"), TEXT("h2"), TEXT("conn_1"), NULL,
					     true};
	struct sockaddr_storage src, dst;
	uint8_t buf[200];
	struct proxy h;
	int n, bit;

	addr("[2001:db8::1]:50001", &src);
	addr("[2001:db8::2]:443", &dst);
	n = proxy_write_v2(buf, sizeof(buf), &src, &dst, &x);
	for (bit = 0; bit < 8 * n; bit++) {
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
		if (read_copy(buf, (size_t)n, &h) == PROXY_OK && h.has_addr && h.has_crc)
			FAIL("bit %d makes no difference", bit);
		buf[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
}

int main(void)
{
	test_read();
	test_longest();
	test_write();
	test_extra();
	test_flipped_bits();
	printf("%zu headers read, %zu written, %d failures\n", COUNT(proxy_cases),
	       COUNT(write_cases) * 2, failures);
	return failures != 0;
}
