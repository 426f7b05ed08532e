// SPDX-License-Identifier: GPL-2.0-only
#include "handover.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

/* A place in a table says the tag: numbers from 1, addresses from 0x40, texts from 0x80. */
struct place {
	size_t at, size;
};

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static const struct place numbers[] = {
#define X(name) {offsetof(struct handover, name), sizeof(uint64_t)},
	HANDOVER_NUMBERS(X)
#undef X
};
static const struct place texts[] = {
#define X(name, n) {offsetof(struct handover, name), n},
	HANDOVER_TEXTS(X)
#undef X
};
static const struct place conn_numbers[] = {
#define X(name) {offsetof(struct handover_conn, name), sizeof(uint64_t)},
	HANDOVER_CONN_NUMBERS(X)
#undef X
};
static const struct place conn_addrs[] = {
#define X(name) {offsetof(struct handover_conn, name), HANDOVER_ADDR_MAX},
	HANDOVER_CONN_ADDRS(X)
#undef X
};
static const struct place conn_texts[] = {
#define X(name, n) {offsetof(struct handover_conn, name), n},
	HANDOVER_CONN_TEXTS(X)
#undef X
};
static const struct place info_numbers[] = {
#define X(name) {offsetof(struct handover_info, name), sizeof(uint64_t)},
	HANDOVER_INFO_NUMBERS(X)
#undef X
};
static const struct place info_addrs[] = {
#define X(name) {offsetof(struct handover_info, name), HANDOVER_ADDR_MAX},
	HANDOVER_INFO_ADDRS(X)
#undef X
};
static const struct place info_texts[] = {
#define X(name, n) {offsetof(struct handover_info, name), n},
	HANDOVER_INFO_TEXTS(X)
#undef X
};
static const struct place event_texts[] = {
#define X(name, n) {offsetof(struct handover_event, name), n},
	HANDOVER_EVENT_TEXTS(X)
#undef X
};
_Static_assert(COUNT(conn_numbers) < CHAN_TAG_PROOF, "numbers have tags below the bytes'");

struct form {
	const struct place *numbers, *addrs, *texts;
	size_t n_numbers, n_addrs, n_texts;
};

static const struct form plain = {numbers, NULL, texts, COUNT(numbers), 0, COUNT(texts)};
static const struct form of_conn = {conn_numbers,	 conn_addrs,	    conn_texts,
				    COUNT(conn_numbers), COUNT(conn_addrs), COUNT(conn_texts)};
static const struct form of_info = {info_numbers,	 info_addrs,	    info_texts,
				    COUNT(info_numbers), COUNT(info_addrs), COUNT(info_texts)};
static const struct form of_event = {NULL, NULL, event_texts, 0, 0, COUNT(event_texts)};

static void write_all(struct chan_out *o, const struct form *m, const void *from)
{
	const uint8_t *p = from;
	uint64_t n;

	for (size_t i = 0; i < m->n_numbers; i++) {
		memcpy(&n, p + m->numbers[i].at, sizeof(n));
		if (n)
			chan_put_number(o, (enum chan_tag)(1 + i), n);
	}
	for (size_t i = 0; i < m->n_addrs; i++)
		chan_put_bytes(o, (enum chan_tag)(CHAN_TAG_PROOF + i), p + m->addrs[i].at,
			       m->addrs[i].size);
	for (size_t i = 0; i < m->n_texts; i++)
		if (p[m->texts[i].at])
			chan_put_text(o, (enum chan_tag)(CHAN_TEXT + i),
				      (const char *)p + m->texts[i].at);
	chan_end(o);
}

static int read_field(const struct form *m, const struct chan_field *field, uint8_t *to)
{
	size_t i;
	uint64_t n;

	if (field->tag & CHAN_TEXT) {
		i = field->tag - CHAN_TEXT;
		if (i >= m->n_texts)
			return 0;
		if (field->len > m->texts[i].size)
			return -EBADMSG;
		memset(to + m->texts[i].at, 0, m->texts[i].size); /* it may come twice */
		memcpy(to + m->texts[i].at, field->at, field->len);
		return 0;
	}
	if (field->tag >= CHAN_TAG_PROOF) {
		i = field->tag - CHAN_TAG_PROOF;
		if (i >= m->n_addrs)
			return 0;
		if (field->len != m->addrs[i].size)
			return -EBADMSG;
		memcpy(to + m->addrs[i].at, field->at, field->len);
		return 0;
	}
	i = field->tag - 1U;
	if (i >= m->n_numbers)
		return 0;
	n = chan_field_number(field);
	memcpy(to + m->numbers[i].at, &n, sizeof(n));
	return 0;
}

uint8_t handover_type_of(const uint8_t *buf, size_t len)
{
	struct chan_frame f;

	if (chan_frame_read(buf, len, HANDOVER_BYTES_MAX, &f) != CHAN_OK || f.end != len ||
	    !f.type || f.type >= HANDOVER_TYPE_MAX)
		return 0;
	return f.type;
}

static int read_fields(const struct form *m, const struct chan_frame *f, void *to)
{
	struct chan_field field;
	size_t pos = 0;

	while (chan_next(f, &pos, &field))
		if (read_field(m, &field, to))
			return -EBADMSG;
	return 0;
}

static int read_all(const struct form *m, const uint8_t *buf, size_t len, void *to)
{
	struct chan_frame f;

	if (chan_frame_read(buf, len, HANDOVER_BYTES_MAX, &f) != CHAN_OK)
		return -EBADMSG;
	return read_fields(m, &f, to);
}

void handover_write(struct chan_out *o, const struct handover *h)
{
	chan_begin(o, (enum chan_type)h->type);
	write_all(o, &plain, h);
}

void handover_conn_write(struct chan_out *o, const struct handover_conn *c)
{
	struct form m = of_conn;

	if (!c->has_proxy)
		m.n_addrs -= 2; /* the last ones */
	chan_begin(o, (enum chan_type)HANDOVER_CONN);
	write_all(o, &m, c);
}

void handover_info_write(struct chan_out *o, const struct handover_info *i)
{
	chan_begin(o, (enum chan_type)HANDOVER_INFO);
	write_all(o, &of_info, i);
}

void handover_event_write(struct chan_out *o, const struct handover_event *e)
{
	chan_begin(o, (enum chan_type)HANDOVER_EVENT);
	write_all(o, &of_event, e);
}

int handover_read(const uint8_t *buf, size_t len, struct handover *ret_h)
{
	struct handover h = {.type = handover_type_of(buf, len)};

	if (!h.type || h.type == HANDOVER_CONN || h.type == HANDOVER_INFO ||
	    h.type == HANDOVER_EVENT || read_all(&plain, buf, len, &h))
		return -EBADMSG;
	*ret_h = h;
	return 0;
}

int handover_conn_read(const uint8_t *buf, size_t len, struct handover_conn *ret_c)
{
	static const uint8_t none[HANDOVER_ADDR_MAX];
	struct handover_conn c = {.has_proxy = false};

	if (handover_type_of(buf, len) != HANDOVER_CONN || read_all(&of_conn, buf, len, &c))
		return -EBADMSG;
	c.has_proxy = memcmp(c.proxy_peer, none, sizeof(none)) != 0;
	*ret_c = c;
	return 0;
}

int handover_event_read(const uint8_t *buf, size_t len, struct handover_event *ret_e)
{
	struct handover_event e = {.line = ""};

	if (handover_type_of(buf, len) != HANDOVER_EVENT || read_all(&of_event, buf, len, &e))
		return -EBADMSG;
	*ret_e = e;
	return 0;
}

int handover_info_read(const uint8_t *buf, size_t len, struct handover_info *ret_i, size_t *ret_len)
{
	struct handover_info i = {.bytes_in = 0};
	struct chan_frame f;

	if (chan_frame_read(buf, len, HANDOVER_BYTES_MAX, &f) != CHAN_OK ||
	    f.type != HANDOVER_INFO || read_fields(&of_info, &f, &i))
		return -EBADMSG;
	*ret_i = i;
	*ret_len = f.end;
	return 0;
}
