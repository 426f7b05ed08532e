/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hellos - ClientHellos to test with: a builder, hand-made cases with the verdict they must get,
 * and the files of real ones beside a table of what they ask for.
 *
 * For test programs, one source file each: all static, failures are printed and counted.
 */
#ifndef HELLOS_H
#define HELLOS_H

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hello.h"
#include "unit.h"

#define UNUSED __attribute__((unused))
#define BYTES(s) (s), sizeof(s) - 1

static const char *const verdict_names[HELLO_VERDICT_MAX] UNUSED = {
	"OK", "MORE", "NO_SNI", "NOT_TLS", "BAD", "TOO_BIG", "SPLIT",
};

struct bytes {
	size_t len;
	__u8 at[1 << 19];
};

static UNUSED void put(struct bytes *b, const void *data, size_t len)
{
	memcpy(b->at + b->len, data, len);
	b->len += len;
}

static UNUSED void put_n(struct bytes *b, unsigned long value, int bytes)
{
	while (bytes--)
		b->at[b->len++] = value >> 8 * bytes;
}

/* Sets the <bytes> of length before <from> to what has been put since. */
static UNUSED void close_length(struct bytes *b, size_t from, int bytes)
{
	size_t end = b->len, len = end - from;

	b->len = from - bytes;
	put_n(b, len, bytes);
	b->len = end;
}

static UNUSED void put_ext(struct bytes *b, unsigned type, const void *data, size_t len)
{
	put_n(b, type, 2);
	put_n(b, len, 2);
	put(b, data, len);
}

static UNUSED void put_name(struct bytes *b, const void *name, size_t len)
{
	put_n(b, 0, 2);
	put_n(b, len + 5, 2);
	put_n(b, len + 3, 2);
	put_n(b, 0, 1);
	put_n(b, len, 2);
	put(b, name, len);
}

/* A handshake message around <exts>; <exts> NULL: without an extension block. */
static UNUSED void build_message(struct bytes *b, const void *exts, size_t len)
{
	static const __u8 ciphers[] = {0x1a, 0x1a, 0x13, 1, 0x13, 2, 0x13, 3, 0xc0, 0x2b};
	int i;

	b->len = 0;
	put_n(b, 1, 1);
	put_n(b, 0, 3);
	put_n(b, 0x0303, 2);
	for (i = 0; i < 32; i++)
		put_n(b, 0x40 + i, 1);
	put_n(b, 32, 1);
	for (i = 0; i < 32; i++)
		put_n(b, 0x80 + i, 1);
	put_n(b, sizeof(ciphers), 2);
	put(b, ciphers, sizeof(ciphers));
	put_n(b, 0x0100, 2);
	if (exts) {
		put_n(b, len, 2);
		put(b, exts, len);
	}
	close_length(b, 4, 3);
}

/* <msg> in records of at most <max> bytes. */
static UNUSED void build_records(struct bytes *b, const __u8 *msg, size_t len, size_t max)
{
	size_t n;

	b->len = 0;
	for (; len; msg += n, len -= n) {
		n = len < max ? len : max;
		put_n(b, 22, 1);
		put_n(b, 0x0301, 2);
		put_n(b, n, 2);
		put(b, msg, n);
	}
}

#define SNI                        \
	"\0\0\0\x0a\0\x08\0\0\x05" \
	"ab.cd"
#define ALPN "\0\x10\0\x0e\0\x0c\x02h2\x08http/1.1"
#define VERSIONS "\0\x2b\0\x07\x06\x2a\x2a\x03\x04\x03\x03"
#define SIGALGS "\0\x0d\0\x08\0\x06\x04\x03\x08\x04\x04\x01"

/* What stands in the extension block of an otherwise good hello. */
static const struct ext_case {
	const char *name;
	const char *exts;
	size_t len;
	enum hello_verdict want;
} ext_cases[] UNUSED = {
	{"empty block", BYTES(""), HELLO_NO_SNI},
	{"name alone", BYTES(SNI), HELLO_OK},
	{"name first", BYTES(SNI ALPN VERSIONS SIGALGS), HELLO_OK},
	{"name last", BYTES(SIGALGS VERSIONS ALPN SNI), HELLO_OK},
	{"no name", BYTES(SIGALGS VERSIONS ALPN), HELLO_NO_SNI},
	{"grease around", BYTES("\x0a\x0a\0\0" SNI "\xfa\xfa\0\1\0"), HELLO_OK},
	{"one high type twice", BYTES("\x0a\x0a\0\0" SNI "\x0a\x0a\0\0"), HELLO_OK},
	{"ech", BYTES("\xfe\x0d\0\4\0\0\1\0" SNI), HELLO_OK},
	{"padding", BYTES(SNI "\0\x15\0\3\0\0\0"), HELLO_OK},
	{"early data", BYTES("\0\x2a\0\0" SNI), HELLO_OK},

	{"two server_name", BYTES(SNI SNI), HELLO_BAD},
	{"two server_name, one empty", BYTES("\0\0\0\0" SNI), HELLO_BAD},
	{"two alpn", BYTES(SNI ALPN ALPN), HELLO_BAD},
	{"two paddings", BYTES(SNI "\0\x15\0\0\0\x15\0\0"), HELLO_BAD},
	{"two host names", BYTES("\0\0\0\x0a\0\x08\0\0\1a\0\0\1b"), HELLO_BAD},
	{"host name and another type", BYTES("\0\0\0\x0a\0\x08\0\0\1a\1\0\1b"), HELLO_BAD},
	{"other name type", BYTES("\0\0\0\6\0\4\1\0\1a"), HELLO_BAD},
	{"server_name of a server", BYTES("\0\0\0\0"), HELLO_BAD},
	{"server_name, empty list", BYTES("\0\0\0\2\0\0"), HELLO_BAD},
	{"empty name", BYTES("\0\0\0\5\0\3\0\0\0"), HELLO_BAD},
	{"name shorter than its list", BYTES("\0\0\0\7\0\5\0\0\1ab"), HELLO_BAD},
	{"name longer than its list", BYTES("\0\0\0\7\0\5\0\0\3ab"), HELLO_BAD},
	{"list shorter than server_name", BYTES("\0\0\0\7\0\4\0\0\1ab"), HELLO_BAD},
	{"list longer than server_name", BYTES("\0\0\0\7\0\6\0\0\2ab"), HELLO_BAD},
	{"name runs into the next extension", BYTES("\0\0\0\6\0\4\0\0\6a" ALPN), HELLO_BAD},
	{"extension longer than the block", BYTES(SNI "\0\x17\0\1"), HELLO_BAD},
	{"extension of 65535", BYTES(SNI "\0\x17\xff\xff"), HELLO_BAD},
	{"one byte behind the extensions", BYTES(SNI "\0"), HELLO_BAD},
	{"three bytes behind the extensions", BYTES(SNI "\0\x17\0"), HELLO_BAD},

	{"alpn, empty", BYTES(SNI "\0\x10\0\0"), HELLO_BAD},
	{"alpn, empty list", BYTES(SNI "\0\x10\0\2\0\0"), HELLO_BAD},
	{"alpn, empty protocol", BYTES(SNI "\0\x10\0\3\0\1\0"), HELLO_BAD},
	{"alpn, empty first protocol", BYTES(SNI "\0\x10\0\6\0\4\0\2h2"), HELLO_BAD},
	{"alpn, empty second protocol", BYTES(SNI "\0\x10\0\6\0\4\2h2\0"), HELLO_BAD},
	{"alpn, protocol too long", BYTES(SNI "\0\x10\0\5\0\3\3h2"), HELLO_BAD},
	{"alpn, list too short", BYTES(SNI "\0\x10\0\5\0\2\2h2"), HELLO_BAD},
	{"alpn, list too long", BYTES(SNI "\0\x10\0\5\0\4\2h2"), HELLO_BAD},
	{"versions, empty", BYTES(SNI "\0\x2b\0\0"), HELLO_BAD},
	{"versions, none", BYTES(SNI "\0\x2b\0\1\0"), HELLO_BAD},
	{"versions, odd", BYTES(SNI "\0\x2b\0\4\3\3\4\3"), HELLO_BAD},
	{"versions, too long", BYTES(SNI "\0\x2b\0\3\4\3\4"), HELLO_BAD},
	{"versions, too short", BYTES(SNI "\0\x2b\0\5\2\3\4\3\3"), HELLO_BAD},
	{"sigalgs, none", BYTES(SNI "\0\x0d\0\2\0\0"), HELLO_BAD},
	{"sigalgs, odd", BYTES(SNI "\0\x0d\0\5\0\3\4\3\4"), HELLO_BAD},
	{"sigalgs, one byte", BYTES(SNI "\0\x0d\0\1\0"), HELLO_BAD},
};

/* The good hello (one record, SNI ALPN VERSIONS SIGALGS) with one byte changed. */
static const struct patch_case {
	const char *name;
	__u32 off;
	__u8 value;
	enum hello_verdict want;
} patch_cases[] UNUSED = {
	{"unchanged", 0, 22, HELLO_OK},
	{"alert", 0, 21, HELLO_NOT_TLS},
	{"http", 0, 'G', HELLO_NOT_TLS},
	{"sslv2", 0, 0x80, HELLO_NOT_TLS},
	{"record version 2.1", 1, 2, HELLO_NOT_TLS},
	{"record version 4.1", 1, 4, HELLO_NOT_TLS},
	{"record version 3.0", 2, 0, HELLO_OK},
	{"record version 3.255", 2, 255, HELLO_OK},
	{"record above 16384", 3, 0x40, HELLO_BAD},
	{"record of 60 kB", 3, 0xf0, HELLO_BAD},
	{"record longer than its message", 3, 1, HELLO_OK},
	{"record shorter than its message", 4, 8, HELLO_SPLIT},
	{"record of three bytes", 4, 3, HELLO_SPLIT},
	{"empty record", 4, 0, HELLO_BAD},
	{"server hello", 5, 2, HELLO_BAD},
	{"hello request", 5, 0, HELLO_BAD},
	{"message of 64 kB + 4", 6, 1, HELLO_TOO_BIG},
	{"message of 16 MB", 6, 255, HELLO_TOO_BIG},
	{"message of 60 kB", 7, 0xf0, HELLO_SPLIT},
	{"message shorter than its extensions", 8, 100, HELLO_BAD},
	{"message of three bytes", 8, 3, HELLO_BAD},
	{"version 3.4", 10, 4, HELLO_OK},
	{"version 2.3", 9, 2, HELLO_OK},
	{"session id of 33", 43, 33, HELLO_BAD},
	{"session id of 255", 43, 255, HELLO_BAD},
	{"ciphers odd", 77, 9, HELLO_BAD},
	{"ciphers past the end", 76, 1, HELLO_BAD},
	{"compressions past the end", 88, 255, HELLO_BAD},
	{"extensions too short", 91, 1, HELLO_BAD},
	{"extensions too long", 90, 1, HELLO_BAD},
};

#define GOOD_EXTS SNI ALPN VERSIONS SIGALGS

static UNUSED void build_good(struct bytes *b)
{
	static struct bytes msg;

	build_message(&msg, BYTES(GOOD_EXTS));
	build_records(b, msg.at, msg.len, HELLO_RECORD_MAX);
	if (b->at[4] == 0 || b->at[91] == 1)
		abort(); /* a patch case would not change anything */
}

/* A real hello and what it asks for; "-" is none. */
struct capture {
	char id[64], expect[16], sni[300], alpn[300], ja4[64];
	struct bytes data;
};

static UNUSED bool read_file(const char *path, struct bytes *b)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		return false;
	b->len = fread(b->at, 1, sizeof(b->at), f);
	fclose(f);
	return true;
}

/* Calls <fn> for the rows of <dir>/<table>: id, bytes, expect, status, sni, alpn[, ja4 or others].
 * Returns how many, -1 if there is no such table. */
static UNUSED int each_capture(const char *dir, const char *table,
			       void (*fn)(const struct capture *c))
{
	char path[4096], line[4096], *rest, *cell[7];
	static struct capture c;
	int i, n = 0;
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s", dir, table);
	f = fopen(path, "r");
	if (!f)
		return -1;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = 0;
		rest = line;
		for (i = 0; i < 7; i++)
			cell[i] = rest ? strsep(&rest, "\t") : "";
		if (!strcmp(cell[0], "id"))
			continue;
		snprintf(c.id, sizeof(c.id), "%s", cell[0]);
		snprintf(c.expect, sizeof(c.expect), "%s", cell[2]);
		snprintf(c.sni, sizeof(c.sni), "%s", cell[4]);
		snprintf(c.alpn, sizeof(c.alpn), "%s", cell[5]);
		snprintf(c.ja4, sizeof(c.ja4), "%s", cell[6]);
		snprintf(path, sizeof(path), "%s/%s.bin", dir, c.id);
		if (!read_file(path, &c.data)) {
			FAIL("%s: cannot read", path);
			continue;
		}
		fn(&c);
		n++;
	}
	fclose(f);
	return n;
}

/* Calls <fn> for our own captures and, where they are at hand, the larger collection. */
static UNUSED int each_known_capture(void (*fn)(const struct capture *c))
{
	const char *more = getenv("HELLOS_DIR");
	int own, other;

	own = each_capture("selftests/fixtures/hellos", "expected.tsv", fn);
	if (own < 0)
		FAIL("selftests/fixtures/hellos/expected.tsv: run this in the source tree's root");
	other = each_capture(more ? more : "../shared/data/hellos", "hellos.tsv", fn);
	if (more && other < 0)
		FAIL("%s/hellos.tsv: cannot read", more);
	return (own > 0 ? own : 0) + (other > 0 ? other : 0);
}

#endif
