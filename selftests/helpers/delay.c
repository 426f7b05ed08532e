/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * delay LISTEN TARGET MS - a relay whose every byte takes MS to the other side, as over a long
 * link: a connection is there after two of them, its first bytes after one more.  Where there is no
 * netem.
 */
#include <err.h>
#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "sock.h"

#define READ_BYTES 65536

struct conn;
struct side {
	struct conn *conn;
	struct side *other;
	int fd;
	bool told; /* its end is on the way */
};

struct conn {
	struct side client, target;
	unsigned ends; /* that have arrived */
	unsigned on_the_way;
};

/* Something on the way; in the order in which it arrives. */
struct item {
	struct item *next;
	uint64_t due;
	struct side *from;
	size_t len; /* 0: the end */
	char bytes[];
};

static struct queue {
	struct item *first, **last;
} connects = {NULL, &connects.first}, data = {NULL, &data.first};
static struct sock_addr to;
static uint64_t delay_ns;
static int epoll;

static void push(struct queue *q, struct side *from, uint64_t due, const void *bytes, size_t len)
{
	struct item *i = malloc(sizeof(*i) + len);

	if (!i)
		err(1, "malloc");
	i->next = NULL;
	i->due = due;
	i->from = from;
	i->len = len;
	if (len)
		memcpy(i->bytes, bytes, len);
	*q->last = i;
	q->last = &i->next;
	from->conn->on_the_way++;
}

static void watch(struct side *s)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = s};

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, s->fd, &ev))
		err(1, "epoll_ctl");
}

static void send_end(struct side *s)
{
	if (s->told)
		return;
	s->told = true;
	epoll_ctl(epoll, EPOLL_CTL_DEL, s->fd, NULL);
	push(&data, s, sock_now() + delay_ns, NULL, 0);
}

static void on_readable(struct side *s)
{
	static char buf[READ_BYTES];
	ssize_t n = recv(s->fd, buf, sizeof(buf), MSG_DONTWAIT);

	if (n > 0)
		push(&data, s, sock_now() + delay_ns, buf, (size_t)n);
	else if (n == 0 || errno != EAGAIN)
		send_end(s);
}

static void on_accept(int fd)
{
	struct conn *c;
	int client;

	while ((client = accept4(fd, NULL, NULL, SOCK_CLOEXEC)) != -1) {
		c = calloc(1, sizeof(*c));
		if (!c)
			err(1, "calloc");
		c->client = (struct side){.conn = c, .other = &c->target, .fd = client};
		c->target = (struct side){.conn = c, .other = &c->client, .fd = -1};
		push(&connects, &c->client, sock_now() + 2 * delay_ns, NULL, 0);
	}
}

static void arrive_connect(struct side *client)
{
	struct side *target = client->other;

	target->fd = socket(to.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (target->fd == -1 || connect(target->fd, (struct sockaddr *)&to.sa, to.len)) {
		close(target->fd);
		close(client->fd);
		free(client->conn);
		return;
	}
	watch(client);
	watch(target);
}

static void arrive(struct item *i)
{
	struct side *dst = i->from->other;
	struct conn *c = dst->conn;

	if (i->len) {
		if (send(dst->fd, i->bytes, i->len, MSG_NOSIGNAL) < 0)
			send_end(dst);
	} else {
		shutdown(dst->fd, SHUT_WR);
		c->ends++;
	}
	if (c->ends < 2 || c->on_the_way)
		return;
	close(c->client.fd);
	close(c->target.fd);
	free(c);
}

/* How long until the next one. */
static int deliver(struct queue *q, uint64_t t)
{
	struct item *i;

	while ((i = q->first) && i->due <= t) {
		q->first = i->next;
		if (!q->first)
			q->last = &q->first;
		i->from->conn->on_the_way--;
		if (q == &connects)
			arrive_connect(i->from);
		else
			arrive(i);
		free(i);
	}
	return i ? (int)((i->due - t) / 1000000) + 1 : 1000;
}

int main(int argc, char **argv)
{
	struct epoll_event ev[64] = {{.events = EPOLLIN}};
	struct sock_addr at;
	int fd, n, a, b;

	if (argc != 4)
		errx(2, "delay LISTEN TARGET MS");
	sock_raise_nofile();
	delay_ns = strtoull(argv[3], NULL, 10) * 1000000;
	at = sock_addr(argv[1]);
	to = sock_addr(argv[2]);
	fd = sock_listen(&at, 4096);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, ev))
		err(1, "epoll_ctl");
	for (;;) {
		a = deliver(&connects, sock_now());
		b = deliver(&data, sock_now());
		n = epoll_wait(epoll, ev, 64, a < b ? a : b);
		for (int i = 0; i < n; i++) {
			if (ev[i].data.ptr)
				on_readable(ev[i].data.ptr);
			else
				on_accept(fd);
		}
	}
}
