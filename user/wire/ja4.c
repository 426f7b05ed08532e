// SPDX-License-Identifier: GPL-2.0-only
#include "ja4.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "sha256.h"

#define ITEMS_MAX (HELLO_MESSAGE_MAX / 2)

static const char hex[] = "0123456789abcdef";

/* The u16s of one part of the fingerprint. */
struct items {
	__u32 n;
	__u16 at[ITEMS_MAX];
};

static bool is_grease(__u32 v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static bool is_alnum(__u8 c)
{
	return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
}

/* Linear: a hello may hold 32,000 ciphers, and its sender is a stranger. */
static void sort(struct items *v)
{
	__u16 tmp[ITEMS_MAX], *from = v->at, *to = tmp, *swap;
	__u32 start[257], i;
	int shift;

	for (shift = 0; shift < 16; shift += 8) {
		memset(start, 0, sizeof(start));
		for (i = 0; i < v->n; i++)
			start[(from[i] >> shift & 0xff) + 1]++;
		for (i = 1; i < 256; i++)
			start[i] += start[i - 1];
		for (i = 0; i < v->n; i++)
			to[start[from[i] >> shift & 0xff]++] = from[i];
		swap = from;
		from = to;
		to = swap;
	}
}

static void hash_item(struct sha256 *s, char before, __u16 item)
{
	char text[5] = {before, hex[item >> 12], hex[item >> 8 & 15], hex[item >> 4 & 15],
			hex[item & 15]};

	sha256_add(s, before ? text : text + 1, before ? 5 : 4);
}

static void hash_items(struct sha256 *s, const struct items *v)
{
	__u32 i;

	for (i = 0; i < v->n; i++)
		hash_item(s, i ? ',' : 0, v->at[i]);
}

static void put_hash(struct sha256 *s, char out[12])
{
	__u8 sum[SHA256_LEN];
	int i;

	sha256_end(s, sum);
	for (i = 0; i < 6; i++) {
		out[2 * i] = hex[sum[i] >> 4];
		out[2 * i + 1] = hex[sum[i] & 15];
	}
}

/* The ciphers, sorted.  Returns how many. */
static __u32 put_ciphers(const __u8 *buf, const struct hello *h, char out[12])
{
	struct items v;
	struct sha256 s;
	__u32 i, c;

	v.n = 0;
	for (i = 0; i < h->ciphers_len; i += 2) {
		c = hello_u16(buf, h->ciphers_off + i);
		if (!is_grease(c))
			v.at[v.n++] = c;
	}
	memset(out, '0', 12);
	if (!v.n)
		return 0;
	sort(&v);
	sha256_init(&s);
	hash_items(&s, &v);
	put_hash(&s, out);
	return v.n;
}

/* The extension types but SNI and ALPN, sorted; then the signature algorithms as they come.
 * Returns how many extensions there are, those two included. */
static __u32 put_extensions(const __u8 *buf, const struct hello *h, char out[12])
{
	__u32 i, type, n = 0, end = h->exts_off + h->exts_len;
	struct items v;
	struct sha256 s;
	char before = '_';

	v.n = 0;
	for (i = h->exts_off; i < end; i += 4 + hello_u16(buf, i + 2)) {
		type = hello_u16(buf, i);
		if (is_grease(type))
			continue;
		n++;
		if (type != HELLO_EXT_SERVER_NAME && type != HELLO_EXT_ALPN)
			v.at[v.n++] = type;
	}
	memset(out, '0', 12);
	if (!v.n)
		return n;
	sort(&v);
	sha256_init(&s);
	hash_items(&s, &v);
	for (i = 0; i < h->sigalgs_len; i += 2) {
		type = hello_u16(buf, h->sigalgs_off + i);
		if (is_grease(type))
			continue;
		hash_item(&s, before, type);
		before = ',';
	}
	put_hash(&s, out);
	return n;
}

static const char *version(const __u8 *buf, const struct hello *h)
{
	__u32 i, v, best = h->versions_len ? 0 : h->version;

	for (i = 0; i < h->versions_len; i += 2) {
		v = hello_u16(buf, h->versions_off + i);
		if (!is_grease(v) && v > best)
			best = v;
	}
	switch (best) {
	case 0x0304:
		return "13";
	case 0x0303:
		return "12";
	case 0x0302:
		return "11";
	case 0x0301:
		return "10";
	case 0x0300:
		return "s3";
	case 0x0002:
		return "s2";
	default:
		return "00";
	}
}

/* First and last character of the first protocol; of its hex form when one is not alphanumeric. */
static void put_alpn(const __u8 *buf, const struct hello *h, char out[2])
{
	__u8 first, last;

	memset(out, '0', 2);
	if (!h->alpn_len)
		return;
	first = buf[h->alpn_off + 1];
	last = buf[h->alpn_off + buf[h->alpn_off]];
	if (is_alnum(first) && is_alnum(last)) {
		out[0] = first;
		out[1] = last;
	} else {
		out[0] = hex[first >> 4];
		out[1] = hex[last & 15];
	}
}

void ja4_write(const __u8 *buf, const struct hello *h, char out[JA4_LEN + 1])
{
	char ciphers[12], exts[12], alpn[2];
	__u32 n_ciphers, n_exts;

	n_ciphers = put_ciphers(buf, h, ciphers);
	n_exts = put_extensions(buf, h, exts);
	put_alpn(buf, h, alpn);
	snprintf(out, JA4_LEN + 1, "t%s%c%02u%02u%.2s_%.12s_%.12s", version(buf, h),
		 hello_has_ext(h, HELLO_EXT_SERVER_NAME) ? 'd' : 'i',
		 n_ciphers < 99 ? n_ciphers : 99, n_exts < 99 ? n_exts : 99, alpn, ciphers, exts);
}
