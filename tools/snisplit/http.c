// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "http.h"

#define LINE_MAX_BYTES 8192
#define HEADERS_MAX 100

/* At least one byte in the buffer: 1; the end: 0; or -errno. */
static int fill(struct http *h)
{
	ssize_t n;

	if (h->at < h->end)
		return 1;
	do
		n = read(h->fd, h->buf, sizeof(h->buf));
	while (n == -1 && errno == EINTR);
	if (n == -1)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	h->at = 0;
	h->end = (size_t)n;
	return n > 0;
}

/* One line without its CRLF. */
static int read_line(struct http *h, char line[LINE_MAX_BYTES])
{
	size_t n = 0;
	int res;

	while ((res = fill(h)) > 0) {
		char c = h->buf[h->at++];

		if (c == '\n') {
			if (n && line[n - 1] == '\r')
				n--;
			line[n] = '\0';
			return 0;
		}
		if (!c || n == LINE_MAX_BYTES - 1)
			return -EPROTO;
		line[n++] = c;
	}
	return res ? res : -ECONNRESET;
}

static const char *value_of(const char *line, const char *name)
{
	size_t n = strlen(name);

	if (strncasecmp(line, name, n) || line[n] != ':')
		return NULL;
	return line + n + 1 + strspn(line + n + 1, " \t");
}

static int read_number(const char *text, int base, long long *ret_n)
{
	char *end;
	long long n;

	errno = 0;
	n = strtoll(text, &end, base);
	if (end == text || n < 0 || errno || (*end && *end != ';' && *end != ' '))
		return -EPROTO;
	*ret_n = n;
	return 0;
}

int http_read_head(struct http *h, struct http_head *ret_head)
{
	struct http_head head = {.length = -1};
	char line[LINE_MAX_BYTES];
	const char *value;
	int err;

	err = read_line(h, line);
	if (err)
		return err;
	if (strncmp(line, "HTTP/1.", 7) || strlen(line) < 12)
		return -EPROTO;
	head.status = atoi(line + 9);
	if (head.status < 200 || head.status > 599)
		return -EPROTO;
	for (int i = 0; i < HEADERS_MAX; i++) {
		err = read_line(h, line);
		if (err)
			return err;
		if (!*line) {
			if (head.status == 204)
				head.length = 0;
			*ret_head = head;
			return 0;
		}
		value = value_of(line, "Content-Length");
		if (value && read_number(value, 10, &head.length))
			return -EPROTO;
		value = value_of(line, "Transfer-Encoding");
		if (value)
			head.chunked = !strcasecmp(value, "chunked");
	}
	return -EPROTO;
}

/* <left> bytes, or with -1 all until the end. */
static int read_bytes(struct http *h, long long left,
		      int (*fn)(void *arg, const char *data, size_t len), void *arg)
{
	size_t n;
	int res;

	while (left) {
		res = fill(h);
		if (res < 0)
			return res;
		if (!res)
			return left < 0 ? 0 : -ECONNRESET;
		n = h->end - h->at;
		if (left >= 0 && (long long)n > left)
			n = (size_t)left;
		res = fn(arg, h->buf + h->at, n);
		if (res)
			return res;
		h->at += n;
		if (left > 0)
			left -= (long long)n;
	}
	return 0;
}

static int read_chunks(struct http *h, int (*fn)(void *arg, const char *data, size_t len),
		       void *arg)
{
	char line[LINE_MAX_BYTES];
	long long size;
	int err;

	for (;;) {
		err = read_line(h, line);
		if (!err)
			err = read_number(line, 16, &size);
		if (!err && !size)
			return 0; /* no trailers from our daemon, and the connection ends here */
		if (!err)
			err = read_bytes(h, size, fn, arg);
		if (!err)
			err = read_line(h, line);
		if (!err && *line)
			err = -EPROTO;
		if (err)
			return err;
	}
}

int http_read_body(struct http *h, const struct http_head *head,
		   int (*fn)(void *arg, const char *data, size_t len), void *arg)
{
	return head->chunked ? read_chunks(h, fn, arg) : read_bytes(h, head->length, fn, arg);
}
