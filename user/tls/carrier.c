// SPDX-License-Identifier: GPL-2.0-only
#include "carrier.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

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
	do
		n = c->eof ? 0 : recv(c->fd, buf, (size_t)len, 0);
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

static int on_write(BIO *b, const char *buf, int len)
{
	struct carrier *c = BIO_get_data(b);
	size_t room = CARRIER_OUT_MAX - c->out_len;

	BIO_clear_retry_flags(b);
	if (len <= 0)
		return 0;
	if (c->err_out)
		return -1;
	if (!c->out)
		c->out = malloc(CARRIER_OUT_MAX);
	if (!c->out) {
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
	return len;
}

static long on_ctrl(BIO *b, int cmd, long num, void *ptr)
{
	(void)b;
	(void)num;
	(void)ptr;
	return cmd == BIO_CTRL_FLUSH || cmd == BIO_CTRL_DUP;
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
}

bool carrier_has_room(const struct carrier *c)
{
	return CARRIER_OUT_MAX - c->out_len >= CARRIER_RECORD_MAX;
}

int carrier_flush(struct carrier *c)
{
	ssize_t n;

	while (c->out_off < c->out_len) {
		if (c->err_out)
			return -c->err_out;
		n = send(c->fd, c->out + c->out_off, c->out_len - c->out_off, MSG_NOSIGNAL);
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
	c->out_len = c->out_off = 0;
	return 0;
}
