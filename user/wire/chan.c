// SPDX-License-Identifier: GPL-2.0-only
#include "chan.h"

#include <stdlib.h>
#include <string.h>

#define FIELD_HEADER 5 /* u8 tag, u32 length */

static uint32_t get32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void set32(uint8_t *p, uint32_t n)
{
	p[0] = (uint8_t)(n >> 24);
	p[1] = (uint8_t)(n >> 16);
	p[2] = (uint8_t)(n >> 8);
	p[3] = (uint8_t)n;
}

uint64_t chan_get64(const uint8_t at[8])
{
	return (uint64_t)get32(at) << 32 | get32(at + 4);
}

void chan_set64(uint8_t at[8], uint64_t n)
{
	set32(at, (uint32_t)(n >> 32));
	set32(at + 4, (uint32_t)n);
}

/* ---- reading ---- */

static bool is_right(const struct chan_field *field)
{
	if (field->tag & CHAN_TEXT)
		return field->len && memchr(field->at, 0, field->len) == field->at + field->len - 1;
	return field->tag >= CHAN_TAG_PROOF || field->len == 8;
}

bool chan_next(const struct chan_frame *f, size_t *pos, struct chan_field *ret_field)
{
	if (f->len - *pos < FIELD_HEADER)
		return false;
	ret_field->tag = f->fields[*pos];
	ret_field->len = get32(f->fields + *pos + 1);
	ret_field->at = f->fields + *pos + FIELD_HEADER;
	if (ret_field->len > f->len - *pos - FIELD_HEADER)
		return false;
	*pos += FIELD_HEADER + ret_field->len;
	return true;
}

enum chan_verdict chan_frame_read(const uint8_t *buf, size_t len, size_t max,
				  struct chan_frame *ret_f)
{
	struct chan_field field;
	struct chan_frame f;
	size_t pos = 0, n;

	if (len < 4)
		return CHAN_MORE;
	n = get32(buf);
	if (n < 1 || n > max)
		return CHAN_BAD;
	if (len < 4 + n)
		return CHAN_MORE;
	f = (struct chan_frame){
		.type = buf[4], .fields = buf + CHAN_HEADER_LEN, .len = n - 1, .end = 4 + n};
	while (chan_next(&f, &pos, &field))
		if (!is_right(&field))
			return CHAN_BAD;
	if (pos != f.len)
		return CHAN_BAD;
	*ret_f = f;
	return CHAN_OK;
}

static bool find(const struct chan_frame *f, enum chan_tag tag, struct chan_field *ret_field)
{
	size_t pos = 0;

	while (chan_next(f, &pos, ret_field))
		if (ret_field->tag == tag)
			return true;
	return false;
}

const char *chan_text(const struct chan_frame *f, enum chan_tag tag)
{
	struct chan_field field;

	return find(f, tag, &field) ? (const char *)field.at : NULL;
}

uint64_t chan_field_number(const struct chan_field *field)
{
	return chan_get64(field->at);
}

uint64_t chan_number(const struct chan_frame *f, enum chan_tag tag, uint64_t otherwise)
{
	struct chan_field field;

	return find(f, tag, &field) ? chan_field_number(&field) : otherwise;
}

const char *chan_type_name(uint8_t type)
{
	static const char *const names[CHAN_TYPE_MAX] = {
		[CHAN_HELLO] = "HELLO",		[CHAN_WELCOME] = "WELCOME",
		[CHAN_REFUSED] = "REFUSED",	[CHAN_LISTEN] = "LISTEN",
		[CHAN_LISTENING] = "LISTENING", [CHAN_UNLISTEN] = "UNLISTEN",
		[CHAN_OFFLINE] = "OFFLINE",	[CHAN_DIAL] = "DIAL",
		[CHAN_STARTED] = "STARTED",	[CHAN_PING] = "PING",
		[CHAN_PONG] = "PONG",		[CHAN_DRAIN] = "DRAIN",
		[CHAN_FAILED] = "FAILED",
	};

	return type < CHAN_TYPE_MAX && names[type] ? names[type] : "?";
}

/* ---- writing ---- */

void chan_out_done(struct chan_out *o)
{
	if (o->at)
		explicit_bzero(o->at, o->size);
	free(o->at);
	memset(o, 0, sizeof(*o));
}

/* Room for <n> more bytes, or NULL. */
static uint8_t *grow(struct chan_out *o, size_t n)
{
	size_t size = o->size ? o->size : 512;
	uint8_t *p;

	while (size < o->len + n)
		size *= 2;
	if (size != o->size) {
		p = realloc(o->at, size);
		if (!p) {
			o->failed = true;
			return NULL;
		}
		o->at = p;
		o->size = size;
	}
	o->len += n;
	return o->at + o->len - n;
}

void chan_begin(struct chan_out *o, enum chan_type type)
{
	uint8_t *p;

	o->begin = o->len;
	p = grow(o, CHAN_HEADER_LEN);
	if (p)
		p[4] = (uint8_t)type;
}

void chan_put_bytes(struct chan_out *o, enum chan_tag tag, const void *bytes, size_t len)
{
	uint8_t *p = grow(o, FIELD_HEADER + len);

	if (!p)
		return;
	p[0] = (uint8_t)tag;
	set32(p + 1, (uint32_t)len);
	memcpy(p + FIELD_HEADER, bytes, len);
}

void chan_put_text(struct chan_out *o, enum chan_tag tag, const char *text)
{
	if (text)
		chan_put_bytes(o, tag, text, strlen(text) + 1);
}

void chan_put_number(struct chan_out *o, enum chan_tag tag, uint64_t n)
{
	uint8_t be[8];

	chan_set64(be, n);
	chan_put_bytes(o, tag, be, sizeof(be));
}

void chan_end(struct chan_out *o)
{
	if (!o->failed)
		set32(o->at + o->begin, (uint32_t)(o->len - o->begin - 4));
}

void chan_out_drop(struct chan_out *o, size_t n)
{
	o->len -= n;
	memmove(o->at, o->at + n, o->len);
	if (!o->len)
		chan_out_done(o);
}

/* ---- channels ---- */

void chan_proof_write(uint8_t out[CHAN_PROOF_LEN], uint64_t number,
		      const uint8_t token[CHAN_TOKEN_LEN])
{
	/* bytes, no text. NOLINTNEXTLINE(bugprone-not-null-terminated-result) */
	memcpy(out, CHAN_MAGIC_CHANNEL, CHAN_MAGIC_LEN);
	chan_set64(out + CHAN_MAGIC_LEN, number);
	memcpy(out + CHAN_MAGIC_LEN + 8, token, CHAN_TOKEN_LEN);
}

bool chan_proof_read(const uint8_t in[CHAN_PROOF_LEN], uint64_t *ret_number,
		     const uint8_t **ret_token)
{
	if (memcmp(in, CHAN_MAGIC_CHANNEL, CHAN_MAGIC_LEN) != 0)
		return false;
	*ret_number = chan_get64(in + CHAN_MAGIC_LEN);
	*ret_token = in + CHAN_MAGIC_LEN + 8;
	return true;
}
