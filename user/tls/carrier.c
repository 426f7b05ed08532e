// SPDX-License-Identifier: GPL-2.0-only
#include "carrier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#define OUT_SMALL 1000 /* most flights; malloc(3) has such a one at hand */
#define TYPE_ALERT 21
#define TYPE_APPLICATION_DATA 23
#define PLAIN_MAX                                                                       \
	(5 + 16384 + 16) /* OpenSSL leaves room for a tag that the kernel has taken off \
			  */

static size_t read_ahead(struct carrier *c, char *buf, size_t len)
{
	size_t n = c->ahead_len - c->ahead_off;

	if (n > len)
		n = len;
	memcpy(buf, c->ahead + c->ahead_off, n);
	c->ahead_off += n;
	if (c->ahead_off == c->ahead_len) {
		free(c->ahead);
		c->ahead = NULL;
	}
	return n;
}

/* recv(2), or a record from the kernel with a header before it, as OpenSSL wants it. */
static ssize_t receive(struct carrier *c, char *buf, size_t len)
{
	if (c->eof)
		return 0;
	if (!c->ktls.rx)
		return recv(c->fd, buf, len, 0);
	/* the kernel would put several into one that is larger than a record can be */
	return BIO_read(c->ktls.socket, buf, len < PLAIN_MAX ? (int)len : PLAIN_MAX);
}

static int on_read(BIO *b, char *buf, int len)
{
	struct carrier *c = BIO_get_data(b);
	ssize_t n;

	BIO_clear_retry_flags(b);
	if (len <= 0)
		return 0;
	if (c->ahead)
		return (int)read_ahead(c, buf, (size_t)len);
	if (c->err_in)
		return -1;
	if (c->in_turn && c->out) {
		BIO_set_retry_read(b);
		return -1;
	}
	do
		n = receive(c, buf, (size_t)len);
	while (n == -1 && errno == EINTR);
	if (n > 0) {
		c->bytes_in += (uint64_t)n;
		return (int)n;
	}
	if (n == -1 && errno != EAGAIN) {
		c->err_in = errno;
		return -1;
	}
	c->eof = !n;
	BIO_set_retry_read(b);
	return -1;
}

/* Makes way for another record type.  False: it has to wait. */
static bool change_type(struct carrier *c)
{
	uint8_t type = c->next_type ? c->next_type : TYPE_APPLICATION_DATA;

	if (!c->ktls.tx || (c->out && c->out_type == type))
		return true;
	if (carrier_flush(c))
		return false;
	c->out_type = type;
	return true;
}

/* For <len> bytes more, or all there may be.  False: out of memory. */
static bool make_room(struct carrier *c, size_t len)
{
	size_t size = c->out_len + len <= OUT_SMALL ? OUT_SMALL : CARRIER_OUT_MAX;
	uint8_t *out;

	if (c->out && size <= c->out_size)
		return true;
	out = realloc(c->out, size);
	if (!out)
		return false;
	c->out = out;
	c->out_size = size;
	return true;
}

static int on_write(BIO *b, const char *buf, int len)
{
	struct carrier *c = BIO_get_data(b);
	size_t room;

	BIO_clear_retry_flags(b);
	if (len <= 0)
		return 0;
	if (!change_type(c) && !c->err_out) {
		BIO_set_retry_write(b);
		return -1;
	}
	room = CARRIER_OUT_MAX - c->out_len;
	if (c->err_out)
		return -1;
	if (!make_room(c, (size_t)len)) {
		c->err_out = ENOMEM;
		return -1;
	}
	if (!room) {
		BIO_set_retry_write(b);
		return -1;
	}
	if ((size_t)len > room)
		len = (int)room;
	memcpy(c->out + c->out_len, buf, (size_t)len);
	c->out_len += (size_t)len;
	c->next_type = 0;
	return len;
}

/* Only between records: what is on its way here, in either direction, was OpenSSL's work. */
static bool start_ktls(struct carrier *c, bool tx, void *keys)
{
	if (tx ? carrier_flush(c) != 0 : c->ahead != NULL)
		return false;
	return ktls_start(&c->ktls, c->fd, tx, keys);
}

static long on_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	struct carrier *c = BIO_get_data(b);

	switch (cmd) {
	case BIO_CTRL_FLUSH:
	case BIO_CTRL_DUP:
		return 1;
	case KTLS_CTRL_START:
		return start_ktls(c, num, ptr);
	case BIO_CTRL_GET_KTLS_SEND:
		return c->ktls.tx;
	case BIO_CTRL_GET_KTLS_RECV:
		return c->ktls.rx;
	case KTLS_CTRL_SET_TYPE:
		c->next_type = (uint8_t)num;
		return 0;
	case KTLS_CTRL_CLEAR_TYPE:
		c->next_type = 0;
		return 0;
	}
	return 0;
}

BIO_METHOD *carrier_method_new(void)
{
	BIO_METHOD *m = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "carrier");

	if (m && BIO_meth_set_read(m, on_read) && BIO_meth_set_write(m, on_write) &&
	    BIO_meth_set_ctrl(m, on_ctrl))
		return m;
	BIO_meth_free(m);
	return NULL;
}

int carrier_init(struct carrier *c, int fd, const void *ahead, size_t len)
{
	*c = (struct carrier){.fd = fd, .ahead_len = len, .bytes_in = len};
	if (!len)
		return 0;
	c->ahead = malloc(len);
	if (!c->ahead)
		return -ENOMEM;
	memcpy(c->ahead, ahead, len);
	return 0;
}

void carrier_done(struct carrier *c)
{
	free(c->ahead);
	free(c->out);
	c->ahead = c->out = NULL;
	ktls_done(&c->ktls);
}

bool carrier_has_room(const struct carrier *c)
{
	if (c->ktls.tx && c->out && c->out_type != TYPE_APPLICATION_DATA)
		return false;
	return CARRIER_OUT_MAX - c->out_len >= CARRIER_RECORD_MAX;
}

static ssize_t transmit(struct carrier *c, int flags)
{
	const uint8_t *p = c->out + c->out_off;
	size_t len = c->out_len - c->out_off;
	ssize_t n;

	if (c->ktls.tx && c->out_type != TYPE_APPLICATION_DATA)
		n = ktls_send(c->fd, c->out_type, p, len);
	else
		n = send(c->fd, p, len, MSG_NOSIGNAL | (c->ktls.tx ? 0 : flags));
	if (n > 0 && c->ktls.tx)
		c->ktls.plain += (uint64_t)n;
	return n;
}

static int flush(struct carrier *c, int flags)
{
	ssize_t n;

	while (c->out_off < c->out_len) {
		if (c->err_out)
			return -c->err_out;
		n = transmit(c, flags);
		if (n >= 0) {
			c->out_off += (size_t)n;
			c->bytes_out += (uint64_t)n;
		} else if (errno == EAGAIN) {
			return -EAGAIN;
		} else if (errno != EINTR) {
			c->err_out = errno;
		}
	}
	free(c->out);
	c->out = NULL;
	c->out_len = c->out_off = c->out_size = 0;
	return 0;
}

int carrier_flush(struct carrier *c)
{
	return flush(c, 0);
}

int carrier_flush_ahead(struct carrier *c)
{
	return flush(c, MSG_MORE);
}

void carrier_refuse(struct carrier *c, const uint8_t *alert, size_t len)
{
	if (!carrier_flush(c))
		ktls_send(c->fd, TYPE_ALERT, alert, len);
	c->err_out = EPROTO;
}
