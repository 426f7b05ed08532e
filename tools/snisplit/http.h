/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * http - the reading half of HTTP/1.1, as much as our own daemon speaks:
 * Content-Length, chunked, or until the end.  Bounded everywhere.
 */
#ifndef HTTP_H
#define HTTP_H
#include <stdbool.h>
#include <stddef.h>

struct http {
	int fd;
	char buf[16384];
	size_t at, end;
};

struct http_head {
	int status;
	bool chunked;
	long long length; /* -1: unknown */
};

/* 0, or -errno: -EPROTO for what is not HTTP, -ECONNRESET for an early end. */
int http_read_head(struct http *h, struct http_head *ret_head);

/* Gives the body to <fn> in pieces.  0 when it ended as it should, else as above. */
int http_read_body(struct http *h, const struct http_head *head,
		   int (*fn)(void *arg, const char *data, size_t len), void *arg);
#endif
