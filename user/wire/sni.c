// SPDX-License-Identifier: GPL-2.0-only
#include "sni.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CAP_MIN 2048

void sni_init(struct sni *s, __u32 max)
{
	memset(s, 0, sizeof(*s));
	s->verdict = HELLO_MORE;
	s->max = max < HELLO_MESSAGE_MAX ? max : HELLO_MESSAGE_MAX;
}

void sni_done(struct sni *s)
{
	free(s->msg);
	s->msg = NULL;
}

/* What the record header says as far as it is there; MORE: nothing against it. */
static enum hello_verdict judge_header(const struct sni *s)
{
	/* The first header decides what is spoken, the others have to go on with it. */
	enum hello_verdict stranger = s->len ? HELLO_BAD : HELLO_NOT_TLS;
	__u32 len;

	if (s->header[0] != 22)
		return stranger;
	if (s->header_len >= 2 && s->header[1] != 3)
		return stranger;
	if (s->header_len < HELLO_RECORD_HEADER)
		return HELLO_MORE;
	len = hello_u16(s->header, 3);
	return len && len <= HELLO_RECORD_MAX ? HELLO_MORE : HELLO_BAD;
}

/* Takes one byte of header; the fifth opens the record. */
static enum hello_verdict take_header(struct sni *s, __u8 byte)
{
	enum hello_verdict v;

	s->header[s->header_len++] = byte;
	v = judge_header(s);
	if (v == HELLO_MORE && s->header_len == HELLO_RECORD_HEADER) {
		s->record_left = hello_u16(s->header, 3);
		s->header_len = 0;
	}
	return v;
}

static int grow(struct sni *s, __u32 need)
{
	__u32 cap = s->cap ? s->cap : CAP_MIN;
	__u8 *msg;

	if (need <= s->cap)
		return 0;
	while (cap < need)
		cap *= 2;
	msg = realloc(s->msg, cap);
	if (!msg)
		return -ENOMEM;
	s->msg = msg;
	s->cap = cap;
	return 0;
}

/* How long the message is to be at least, as far as is known. */
static __u32 wanted(const struct sni *s)
{
	if (s->len < HELLO_MESSAGE_HEADER)
		return s->len ? HELLO_MESSAGE_HEADER : 1;
	return HELLO_MESSAGE_HEADER + hello_u16(s->msg, 2);
}

/* The message has grown to what was wanted of it. */
static enum hello_verdict judge_message(struct sni *s)
{
	enum hello_verdict v = hello_parse_message(s->msg, s->len, &s->hello);

	if (v == HELLO_MORE && s->len >= HELLO_MESSAGE_HEADER && wanted(s) > s->max)
		return HELLO_TOO_BIG;
	if (v == HELLO_OK || v == HELLO_NO_SNI)
		s->end = s->wire;
	if (v == HELLO_OK)
		s->name_len = hello_name(s->msg, &s->hello, s->name);
	return v;
}

/* Takes up to <len> bytes of the open record, as many as the next judgement wants. */
static int take_body(struct sni *s, const __u8 *bytes, size_t len)
{
	__u32 n = wanted(s) - s->len;

	if (n > s->record_left)
		n = s->record_left;
	if (n > len)
		n = len;
	if (grow(s, s->len + n) < 0)
		return -ENOMEM;
	memcpy(s->msg + s->len, bytes, n);
	s->len += n;
	s->record_left -= n;
	s->wire += n;
	return n;
}

/* Where the extensions of a message start, or 0: it does not go as far. */
static __u32 find_extensions(const struct sni *s)
{
	__u32 off = HELLO_MESSAGE_HEADER + 2 + 32;

	if (!hello_has(s->len, off, 1))
		return 0;
	off += 1 + s->msg[off]; /* session id */
	if (!hello_has(s->len, off, 2))
		return 0;
	off += 2 + hello_u16(s->msg, off); /* ciphers */
	if (!hello_has(s->len, off, 1))
		return 0;
	off += 1 + s->msg[off]; /* compressions */
	return hello_has(s->len, off, 2) ? off + 2 : 0;
}

int sni_claim(const struct sni *s, char key[HELLO_KEY_LEN])
{
	__u32 off, len, type;

	if (!s->len || s->msg[0] != 1)
		return 0;
	for (off = find_extensions(s); off && hello_has(s->len, off, 4); off += 4 + len) {
		type = hello_u16(s->msg, off);
		len = hello_u16(s->msg, off + 2);
		if (type != HELLO_EXT_SERVER_NAME)
			continue;
		/* u16 list, u8 type 0, u16 name: one, that fills it */
		if (len < 5 || !hello_has(s->len, off + 4, len) ||
		    hello_u16(s->msg, off + 4) != len - 2 || s->msg[off + 6] ||
		    hello_u16(s->msg, off + 7) != len - 5)
			return 0;
		return hello_key(s->msg, off + 9, len - 5, key);
	}
	return 0;
}

int sni_feed(struct sni *s, const void *bytes, size_t len)
{
	const __u8 *p = bytes, *end = p + len;
	__u32 want;
	int n;

	while (p < end && s->verdict == HELLO_MORE) {
		if (s->wire >= SNI_WIRE_FACTOR * s->max) {
			s->verdict = HELLO_TOO_BIG;
		} else if (!s->record_left) {
			s->wire++;
			s->verdict = take_header(s, *p++);
		} else {
			want = wanted(s);
			n = take_body(s, p, end - p);
			if (n < 0)
				return n;
			p += n;
			if (s->len == want)
				s->verdict = judge_message(s);
		}
	}
	return s->verdict;
}
