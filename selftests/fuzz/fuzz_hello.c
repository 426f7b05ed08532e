// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_hello - no input makes hello.h or what reads its offsets step outside; however the bytes are
 * cut, the answer is the same.
 */
#include <stdlib.h>
#include <string.h>

#include "alpn.h"
#include "ja4.h"
#include "sni.h"

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size);

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void check_range(__u32 off, __u32 len, __u32 end)
{
	CHECK(off <= end && len <= end - off);
}

static void check_found(const __u8 *buf, const struct hello *h, __u32 len)
{
	char key[HELLO_KEY_LEN], alpn[300], ja4[JA4_LEN + 1];
	int n;

	CHECK(h->end <= len);
	check_range(h->name_off, h->name_len, h->end);
	check_range(h->alpn_off, h->alpn_len, h->end);
	check_range(h->ciphers_off, h->ciphers_len, h->end);
	check_range(h->exts_off, h->exts_len, h->end);
	check_range(h->versions_off, h->versions_len, h->end);
	check_range(h->sigalgs_off, h->sigalgs_len, h->end);
	n = hello_name(buf, h, key);
	CHECK(n >= 0 && n <= HELLO_NAME_MAX && n <= (int)h->name_len);
	CHECK(!n || strlen(key) == (size_t)n);
	CHECK(alpn_write(buf, h, alpn, sizeof(alpn)) < sizeof(alpn));
	ja4_write(buf, h, ja4);
	CHECK(strlen(ja4) == JA4_LEN);
}

static bool is_found(enum hello_verdict v)
{
	return v == HELLO_OK || v == HELLO_NO_SNI;
}

/* Fed by pieces of <step>, sni must say what it says to the whole, at the same byte. */
static void check_cut(const struct sni *whole, const __u8 *data, size_t size, size_t step)
{
	struct sni s;
	size_t i;

	sni_init(&s, whole->max);
	for (i = 0; i < size; i += step)
		CHECK(sni_feed(&s, data + i, size - i < step ? size - i : step) >= 0);
	CHECK(s.verdict == whole->verdict && s.wire == whole->wire && s.end == whole->end);
	CHECK(!memcmp(&s.hello, &whole->hello, sizeof(s.hello)));
	CHECK(!memcmp(s.name, whole->name, sizeof(s.name)));
	sni_done(&s);
}

/* The slow path agrees with the fast one wherever that decides. */
static void check_sni(const __u8 *data, size_t size, enum hello_verdict v, const struct hello *h)
{
	char key[HELLO_KEY_LEN];
	struct sni s;
	int n;

	sni_init(&s, HELLO_MESSAGE_MAX);
	CHECK(sni_feed(&s, data, size) >= 0);
	CHECK(s.wire <= size);
	n = sni_claim(&s, key);
	CHECK(n >= 0 && n <= HELLO_NAME_MAX && (!n || strlen(key) == (size_t)n));
	if (s.verdict == HELLO_OK)
		CHECK(n == s.name_len && (!n || !strcmp(key, s.name)));
	if (is_found(s.verdict))
		check_found(s.msg, &s.hello, s.len);
	if (v != HELLO_SPLIT)
		CHECK(s.verdict == v);
	if (is_found(v)) {
		CHECK(s.end == h->end && s.hello.seen == h->seen);
		CHECK(s.hello.name_off + (h->name_len ? HELLO_RECORD_HEADER : 0) == h->name_off);
		CHECK(s.hello.name_len == h->name_len);
	}
	check_cut(&s, data, size, 1);
	check_cut(&s, data, size, size / 2 + 1);
	sni_done(&s);
}

int LLVMFuzzerTestOneInput(const __u8 *data, size_t size)
{
	enum hello_verdict v;
	struct hello h, m;

	v = hello_parse(data, size, &h);
	CHECK(v < HELLO_VERDICT_MAX);
	if (is_found(v))
		check_found(data, &h, size);
	check_sni(data, size, v, &h);

	v = hello_parse_message(data, size, &m);
	CHECK(v < HELLO_VERDICT_MAX && v != HELLO_SPLIT);
	if (is_found(v))
		check_found(data, &m, size);
	return 0;
}
