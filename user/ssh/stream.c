// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream - connections: a socket of the edge's side and a channel of the client's, both ways, each
 * ended by itself.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "log.h"
#include "proxy.h"
#include "session.h"

#define OPEN_MS 60000 /* for the client to reach its service */
#define HEADER_MAX 1024
#define BURST (256 << 10) /* bytes of one stream in a turn */

/* ---- from the client ---- */

/* How many were taken; the rest stays in the channel, whose window shrinks by it. */
static int on_data(ssh_session ssh, ssh_channel ch, void *data, uint32_t len, int is_stderr,
		   void *arg)
{
	struct stream *st = arg;
	ssize_t n;

	(void)ssh, (void)ch;
	if (is_stderr || st->broken || st->shut)
		return (int)len;
	if (st->held)
		return 0;
	n = send(st->fd, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0 && errno != EAGAIN) {
		st->broken = true;
		return (int)len;
	}
	if (n < (ssize_t)len)
		st->held = true;
	return n < 0 ? 0 : (int)n;
}

static void on_eof(ssh_session ssh, ssh_channel ch, void *arg)
{
	struct stream *st = arg;

	(void)ssh, (void)ch;
	st->eof = true;
}

static void on_close(ssh_session ssh, ssh_channel ch, void *arg)
{
	struct stream *st = arg;

	(void)ssh, (void)ch;
	st->gone = true;
}

/* What was held goes on.  False: the socket is full again. */
static bool push_up(struct stream *st)
{
	ssize_t n;
	int got;

	for (;;) {
		while (st->up_len) {
			n = send(st->fd, st->up + st->up_off, st->up_len,
				 MSG_DONTWAIT | MSG_NOSIGNAL);
			if (n < 0) {
				st->broken = errno != EAGAIN;
				return false;
			}
			st->up_off += (size_t)n;
			st->up_len -= (size_t)n;
		}
		if (!st->up)
			st->up = malloc(SESSION_BUFFER);
		if (!st->up) {
			st->broken = true;
			return false;
		}
		got = ssh_channel_read_nonblocking(st->channel, st->up, SESSION_BUFFER, 0);
		if (got <= 0)
			break;
		st->up_off = 0;
		st->up_len = (size_t)got;
	}
	st->held = false;
	free(st->up);
	st->up = NULL;
	return true;
}

static void run_up(struct stream *st)
{
	if (st->held && !push_up(st))
		return;
	if (st->eof && !st->shut && !st->held) {
		st->shut = true;
		shutdown(st->fd, SHUT_WR);
	}
}

/* ---- to the client ---- */

static bool is_sending(const struct session *s)
{
	return ssh_get_poll_flags(s->ssh) & SSH_WRITE_PENDING;
}

/* What was taken from the socket.  False: it does not go just now. */
static bool push_down(struct stream *st)
{
	uint32_t window = ssh_channel_window_size(st->channel);
	size_t n = st->down_len < window ? st->down_len : window;
	int sent;

	if (!st->down_len)
		return true;
	sent = n ? ssh_channel_write(st->channel, st->down + st->down_off, (uint32_t)n) : 0;
	if (sent < 0) {
		st->broken = true;
		return false;
	}
	st->down_off += (size_t)sent;
	st->down_len -= (size_t)sent;
	if (st->down_len)
		return false;
	free(st->down);
	st->down = NULL;
	return true;
}

static void keep(struct stream *st, const uint8_t *bytes, size_t len)
{
	st->down = malloc(len);
	if (!st->down) {
		st->broken = true;
		return;
	}
	memcpy(st->down, bytes, len);
	st->down_off = 0;
	st->down_len = len;
}

static void run_down(struct stream *st)
{
	uint8_t *buf = st->session->buffer;
	size_t moved = 0, room;
	ssize_t n;
	int sent;

	while (!st->broken && !st->fin && moved < BURST && push_down(st) &&
	       !is_sending(st->session)) {
		room = ssh_channel_window_size(st->channel);
		if (!room)
			return;
		n = recv(st->fd, buf, room < SESSION_BUFFER ? room : SESSION_BUFFER, MSG_DONTWAIT);
		if (n < 0) {
			st->broken = errno != EAGAIN;
			return;
		}
		if (!n) {
			st->fin = true;
			ssh_channel_send_eof(st->channel);
			return;
		}
		sent = ssh_channel_write(st->channel, buf, (uint32_t)n);
		if (sent < 0)
			st->broken = true;
		else if (sent < n)
			keep(st, buf + sent, (size_t)(n - sent));
		moved += (size_t)n;
	}
}

/* ---- begin and end ---- */

/* What closes <fd> without shutting it down resets it: also the end of a process that is killed. */
static void set_reset(int fd, bool on)
{
	struct linger now = {.l_onoff = on};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
}

static void stream_free(struct stream *st, bool reset)
{
	set_reset(st->fd, reset);
	close(st->fd);
	ssh_remove_channel_callbacks(st->channel, &st->callbacks);
	ssh_channel_free(st->channel);
	list_del(&st->link);
	st->session->n_streams--;
	free(st->up);
	free(st->down);
	free(st);
}

/* The PROXY header, which the client's service gets first. */
static void add_header(struct stream *st)
{
	struct sockaddr_storage src, dst;
	uint8_t buf[HEADER_MAX];
	socklen_t len;
	struct proxy_extra x = {
		.authority = {st->conn.name, strlen(st->conn.name)},
		.unique_id = {st->conn.id, strlen(st->conn.id)},
		.crc32c = true,
	};
	bool known = !addr_parse(st->conn.client, &src, &len) &&
		     !addr_parse(st->conn.server, &dst, &len);
	int n = st->session->cmd.proxy_proto == 1
			? proxy_write_v1(buf, sizeof(buf), known ? &src : NULL, &dst)
			: proxy_write_v2(buf, sizeof(buf), known ? &src : NULL, &dst, &x);

	if (n > 0)
		keep(st, buf, (size_t)n);
	else
		st->broken = true;
}

static struct stream *stream_new(struct session *s, struct forward *f, int fd,
				 const struct snisplit_conn *conn)
{
	struct stream *st = calloc(1, sizeof(*st));
	struct ssh_channel_callbacks_struct *cb;

	if (!st)
		return NULL;
	cb = &st->callbacks;
	st->channel = ssh_channel_new(s->ssh);
	if (!st->channel) {
		free(st);
		return NULL;
	}
	st->session = s;
	st->forward = f;
	st->conn = *conn;
	st->fd = fd;
	set_reset(fd, true);
	st->poll = -1;
	st->until_ms = gateway_now_ms() + OPEN_MS;
	cb->userdata = st;
	cb->channel_data_function = on_data;
	cb->channel_eof_function = on_eof;
	cb->channel_close_function = on_close;
	ssh_callbacks_init(cb);
	ssh_set_channel_callbacks(st->channel, cb);
	list_init(&st->link);
	list_add_tail(&s->streams, &st->link);
	s->n_streams++;
	if (s->cmd.proxy_proto)
		add_header(st);
	return st;
}

static void tell(struct stream *st, const char *what)
{
	time_t now = time(NULL);
	char clock[32];
	struct tm tm;

	strftime(clock, sizeof(clock), "%FT%TZ", gmtime_r(&now, &tm));
	order_say(st->session, false, "%s  %s  %s  %s", clock,
		  *st->conn.client ? st->conn.client : "?", st->forward->url, what);
}

/* Asks the client, again until it has answered.  False: not open; perhaps freed. */
static bool open_channel(struct stream *st)
{
	struct sockaddr_storage sa;
	char ip[ADDR_TEXT_MAX] = "0.0.0.0";
	unsigned port = 0;
	socklen_t len;
	int r;

	if (!addr_parse(st->conn.client, &sa, &len)) {
		addr_ip_text(&sa, ip);
		port = addr_port(&sa);
	}
	r = ssh_channel_open_reverse_forward(st->channel, st->forward->host, (int)st->forward->told,
					     ip, (int)port);
	if (r == SSH_OK) {
		st->open = true;
		tell(st, "connected");
		return true;
	}
	if (r != SSH_AGAIN) {
		tell(st, "refused on your side: is the service there?");
		stream_free(st, true);
	} else if (gateway_now_ms() > st->until_ms) {
		tell(st, "your side does not answer");
		stream_free(st, true);
	}
	return false;
}

void streams_accept(struct session *s)
{
	unsigned max = gateway_conf(s->gateway)->channels_max;
	struct snisplit_conn conn;
	int fd;

	for (unsigned i = 0; i < s->n_forwards && !s->over; i++)
		while (s->forwards[i].listener && !s->forwards[i].reserved && s->n_streams < max &&
		       (fd = snisplit_accept(s->forwards[i].listener, &conn, 0)) >= 0)
			if (!stream_new(s, &s->forwards[i], fd, &conn))
				close(fd);
}

int streams_poll(struct session *s, struct pollfd *fds)
{
	bool sending = is_sending(s);
	struct list *it;
	int n = 0;

	list_for_each(it, &s->streams) {
		struct stream *st = list_of(it, struct stream, link);
		short events = 0;

		st->poll = -1;
		if (st->held)
			events |= POLLOUT;
		if (st->open && !st->fin && !sending && ssh_channel_window_size(st->channel))
			events |= POLLIN;
		if (!events)
			continue; /* not even hang-ups, which would be told for ever */
		st->poll = n;
		fds[n++] = (struct pollfd){.fd = st->fd, .events = events};
	}
	return n;
}

static void run_one(struct stream *st, bool ready)
{
	if (!st->open && !open_channel(st))
		return;
	run_up(st);
	if (ready || st->down_len)
		run_down(st);
	if (st->broken || (st->gone && !st->held)) {
		/* closed before both directions had ended: neither side is to take it for an end */
		stream_free(st, st->broken || !st->eof || !st->fin);
		return;
	}
	if (st->fin && st->shut && !st->down_len)
		stream_free(st, false);
}

void streams_run(struct session *s, const struct pollfd *fds)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &s->streams) {
		struct stream *st = list_of(it, struct stream, link);
		bool ready = st->poll >= 0 && fds[st->poll].revents;

		st->poll = -1;
		run_one(st, ready);
	}
}

void streams_close(struct session *s)
{
	while (!list_empty(&s->streams))
		stream_free(list_of(s->streams.next, struct stream, link), true);
}
