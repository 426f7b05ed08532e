// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_proxy - no input makes proxy.h read or point outside; a verdict once given stands; and what
 * was read is the same when it is written and read again, by either version.
 */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "proxy.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void check_range(const struct proxy_range *r, const struct proxy *h)
{
	CHECK(r->off <= h->end && r->len <= h->end - r->off);
	CHECK(!r->off || (h->version == 2 && r->off >= PROXY_V2_HEADER + 3));
}

static void check_found(const struct proxy *h, size_t size)
{
	CHECK(h->end && h->end <= size && !h->why);
	CHECK(h->version == 1 ? h->end <= PROXY_V1_MAX : h->end >= PROXY_V2_HEADER);
	check_range(&h->authority, h);
	check_range(&h->alpn, h);
	check_range(&h->unique_id, h);
	check_range(&h->ssl_version, h);
	check_range(&h->ssl_cipher, h);
	check_range(&h->ssl_cn, h);
	CHECK(h->unique_id.len <= PROXY_UNIQUE_ID_MAX);
	CHECK(h->has_addr == (h->src.ss_family != AF_UNSPEC));
}

/* What <len> of the bytes say, told from a copy of just that length. */
static enum proxy_verdict read_copy(const uint8_t *data, size_t len, struct proxy *h)
{
	uint8_t *copy = malloc(len ? len : 1);
	enum proxy_verdict v;

	if (len)
		memcpy(copy, data, len);
	v = proxy_read(copy, len, h);
	CHECK(v <= PROXY_BAD && (v == PROXY_BAD) == !!h->why);
	free(copy);
	return v;
}

/* MORE up to one length, the whole's verdict from there. */
static void check_prefixes(const uint8_t *data, size_t size, enum proxy_verdict want, uint32_t end)
{
	enum proxy_verdict v = PROXY_MORE, before = PROXY_MORE;
	struct proxy h;
	size_t len;

	for (len = 0; len <= size; len += len < 300 || len + 997 >= size ? 1 : 997) {
		v = read_copy(data, len, &h);
		CHECK(v == want || (v == PROXY_MORE && before == PROXY_MORE));
		CHECK(v != PROXY_OK || (h.end == end && len >= end));
		CHECK(want != PROXY_OK || v == PROXY_OK || len < end);
		before = v;
	}
	CHECK(v == want);
}

static bool same_addr(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	char x[ADDR_TEXT_MAX], y[ADDR_TEXT_MAX];

	return a->ss_family == b->ss_family && !strcmp(addr_text(a, x), addr_text(b, y));
}

static void check_addrs(const struct proxy *want, const struct proxy *got)
{
	CHECK(got->has_addr == want->has_addr);
	CHECK(!want->has_addr ||
	      (same_addr(&want->src, &got->src) && same_addr(&want->dst, &got->dst)));
}

static struct proxy_bytes bytes_of(const uint8_t *data, const struct proxy_range *r)
{
	return (struct proxy_bytes){data + r->off, r->len};
}

static void check_bytes(const struct proxy_bytes *want, const uint8_t *buf,
			const struct proxy_range *got)
{
	CHECK(got->len == want->len &&
	      (!want->len || !memcmp(buf + got->off, want->at, want->len)));
}

static void check_v1(const struct proxy *h)
{
	uint8_t buf[PROXY_V1_MAX];
	struct proxy again;
	int n;

	n = proxy_write_v1(buf, sizeof(buf), &h->src, &h->dst);
	CHECK(n > 0 && read_copy(buf, (size_t)n, &again) == PROXY_OK && again.end == (uint32_t)n);
	check_addrs(h, &again);
}

static void check_v2(const uint8_t *data, const struct proxy *h)
{
	const struct proxy_ssl ssl = {
		.client = h->ssl_client,
		.verify = h->ssl_verify,
		.version = bytes_of(data, &h->ssl_version),
		.cipher = bytes_of(data, &h->ssl_cipher),
		.cn = bytes_of(data, &h->ssl_cn),
	};
	const struct proxy_extra x = {
		.authority = bytes_of(data, &h->authority),
		.alpn = bytes_of(data, &h->alpn),
		.unique_id = bytes_of(data, &h->unique_id),
		.ssl = h->has_ssl ? &ssl : NULL,
		.crc32c = h->end < 60000, /* the longest have no room for one */
	};
	size_t room = h->end + 64;
	uint8_t *buf = malloc(room);
	struct proxy again;
	int n;

	n = proxy_write_v2(buf, room, &h->src, &h->dst, &x);
	CHECK(n > 0 && read_copy(buf, (size_t)n, &again) == PROXY_OK && again.end == (uint32_t)n);
	check_addrs(h, &again);
	CHECK(again.has_crc == x.crc32c && again.has_ssl == h->has_ssl);
	CHECK(again.ssl_client == h->ssl_client && again.ssl_verify == h->ssl_verify);
	check_bytes(&x.authority, buf, &again.authority);
	check_bytes(&x.alpn, buf, &again.alpn);
	check_bytes(&x.unique_id, buf, &again.unique_id);
	check_bytes(&ssl.version, buf, &again.ssl_version);
	check_bytes(&ssl.cipher, buf, &again.ssl_cipher);
	check_bytes(&ssl.cn, buf, &again.ssl_cn);
	CHECK(proxy_write_v2(buf, (size_t)n - 1, &h->src, &h->dst, &x) < 0);
	free(buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum proxy_verdict v;
	struct proxy h;

	v = read_copy(data, size, &h);
	if (v == PROXY_OK) {
		check_found(&h, size);
		check_v1(&h);
		check_v2(data, &h);
	}
	check_prefixes(data, size, v, h.end);
	return 0;
}
