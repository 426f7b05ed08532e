// SPDX-License-Identifier: GPL-2.0-only
/* load server - does what the first bytes behind the hello ask for. */
#include "load.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static uint64_t given; /* by the newest source */

static size_t hello_need(const struct conn *c)
{
	if (c->have < 5)
		return 5;
	return 5 + (size_t)(c->hello[3] << 8 | c->hello[4]) + sizeof(struct order);
}

/* False: closed. */
static bool server_send(struct conn *c)
{
	ssize_t n;

	while (c->owed) {
		n = send(c->fd, buf, c->owed < BUF ? c->owed : BUF, MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return true;
		if (n <= 0)
			goto gone;
		c->owed -= (uint64_t)n;
		if (c->order.what == 'd')
			given = c->order.bytes - c->owed;
	}
	if (c->order.what == 'd' || c->order.what == 'a' || c->half)
		goto gone;
	return true;
gone:
	finish(c);
	return false;
}

/* The hello and the order; 0 when complete, -1 closed, 1 more to come. */
static int server_start(struct conn *c)
{
	size_t need;
	ssize_t n;

	for (;;) {
		need = hello_need(c);
		if (need > sizeof(c->hello))
			errx(1, "hello too long");
		if (c->have == need)
			break;
		n = recv(c->fd, c->hello + c->have, need - c->have, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return 1;
		if (n <= 0) {
			finish(c);
			return -1;
		}
		c->have += (size_t)n;
	}
	memcpy(&c->order, c->hello + need - sizeof(c->order), sizeof(c->order));
	c->ready = true;
	if (c->order.what == 'd')
		c->owed = c->order.bytes;
	if (c->order.what == 'a')
		c->owed = c->order.bytes;
	return 0;
}

static void server_on(struct conn *c, uint32_t mask)
{
	ssize_t n;

	if (!c->ready) {
		if (server_start(c))
			return;
	}
	if (c->order.what == 's') {
		if (mask & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
			finish(c);
		return;
	}
	if (c->order.what == 'q') {
		if (send(c->fd, &given, sizeof(given), MSG_NOSIGNAL) < 0)
			warn("send");
		finish(c);
		return;
	}
	if (c->owed && !server_send(c))
		return;
	if (c->order.what == 'd' || c->order.what == 'a')
		return;
	for (;;) { /* edge-triggered: to the end */
		if (c->order.what == 'e' && c->owed)
			return;
		n = recv(c->fd, buf, BUF, MSG_DONTWAIT);
		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			finish(c);
			return;
		}
		if (!n) {
			c->half = true;
			finish(c);
			return;
		}
		c->in += (uint64_t)n;
		/* all there: tell how much.  Not at EOF: nginx does not half-close. */
		if (c->order.what == 'u' && c->in >= c->order.bytes &&
		    send(c->fd, &c->in, sizeof(c->in), MSG_NOSIGNAL) < 0)
			warn("send");
		if (c->order.what == 'e') {
			c->owed += (uint64_t)n;
			if (!server_send(c))
				return;
		}
	}
}

int serve(const char *at)
{
	struct sockaddr_in sa = parse(at);
	struct epoll_event evs[256];
	struct conn listener = {0}, *c;
	int one = 1, n, i, fd;

	listener.fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	setsockopt(listener.fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(listener.fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (bind(listener.fd, (struct sockaddr *)&sa, sizeof(sa)) || listen(listener.fd, 4096))
		err(1, "%s", at);
	watch(&listener, EPOLL_CTL_ADD, EPOLLIN);
	for (;;) {
		n = epoll_wait(epoll_fd, evs, 256, -1);
		for (i = 0; i < n; i++) {
			c = evs[i].data.ptr;
			if (c != &listener) {
				server_on(c, evs[i].events);
				continue;
			}
			while ((fd = accept4(listener.fd, NULL, NULL, SOCK_NONBLOCK)) != -1) {
				c = calloc(1, sizeof(*c));
				if (!c)
					err(1, "calloc");
				c->fd = fd;
				watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
			}
		}
	}
}
