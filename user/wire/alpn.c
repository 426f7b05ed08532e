// SPDX-License-Identifier: GPL-2.0-only
#include "alpn.h"

#include <stdio.h>
#include <string.h>

bool alpn_has(const __u8 *buf, const struct hello *h, const char *protocol)
{
	__u32 pos, end = h->alpn_off + h->alpn_len;
	size_t len = strlen(protocol);

	for (pos = h->alpn_off; pos < end; pos += 1 + buf[pos]) {
		if (buf[pos] == len && !memcmp(buf + pos + 1, protocol, len))
			return true;
	}
	return false;
}

/* One protocol, at most 255 bytes, each at most four characters. */
static size_t escape(const __u8 *p, size_t len, char out[4 * 255 + 1])
{
	size_t i, n = 0;

	for (i = 0; i < len; i++) {
		if (p[i] > ' ' && p[i] < 0x7f && p[i] != ',' && p[i] != '\\')
			out[n++] = p[i];
		else
			n += sprintf(out + n, "\\x%02x", p[i]);
	}
	return n;
}

size_t alpn_write(const __u8 *buf, const struct hello *h, char *out, size_t size)
{
	__u32 pos, end = h->alpn_off + h->alpn_len;
	char text[4 * 255 + 1];
	size_t len, n = 0;

	for (pos = h->alpn_off; pos < end; pos += 1 + buf[pos]) {
		len = escape(buf + pos + 1, buf[pos], text);
		if (n + !!n + len >= size)
			break;
		if (n)
			out[n++] = ',';
		memcpy(out + n, text, len);
		n += len;
	}
	out[n] = 0;
	return n;
}
