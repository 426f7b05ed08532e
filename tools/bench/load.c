// SPDX-License-Identifier: GPL-2.0-only
/*
 * load - the two ends of a benchmark: a server that does what the first bytes
 * behind the hello ask for, and a client that measures.
 *
 *   load server ADDR:PORT
 *   load up|down ADDR:PORT NAME CONNS BYTES        Gb/s over all connections
 *   load echo ADDR:PORT NAME CONNS SIZE SECONDS    round trips a second, p50 and p99 in us
 *   load short ADDR:PORT NAME CONNS SECONDS        hello, 1 kB answer, close: per second, p50, p99
 *
 * Prints "name value" lines.  One thread an end; it checks lengths, not contents
 * (selftests/helpers/stream does).
 */
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BUF (256 * 1024)
#define SAMPLES_MAX 4000000
#define ANSWER 1024
#define HELLO_MAX 600

/* Behind the hello: what the server is to do. */
struct order {
	char what; /* 'u' sink, 'd' source, 'e' echo, 'a' answer and close */
	char pad[7];
	uint64_t bytes;
};

struct conn {
	int fd;
	uint8_t hello[HELLO_MAX + sizeof(struct order)];
	size_t have, want; /* of hello and order */
	struct order order;
	bool ready;
	uint64_t in, out, owed; /* owed: bytes still to be sent */
	uint64_t started;
	bool half; /* the peer has sent FIN */
};

static uint8_t buf[BUF];
static int epoll_fd;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

static struct sockaddr_in parse(const char *text)
{
	struct sockaddr_in sa = {.sin_family = AF_INET};
	char host[64];
	unsigned port;

	if (sscanf(text, "%63[0-9.]:%u", host, &port) != 2 ||
	    inet_pton(AF_INET, host, &sa.sin_addr) != 1)
		errx(2, "%s: want IPV4:PORT", text);
	sa.sin_port = htons((uint16_t)port);
	return sa;
}

static void watch(struct conn *c, int op, uint32_t mask)
{
	struct epoll_event ev = {.events = mask, .data.ptr = c};

	if (epoll_ctl(epoll_fd, op, c->fd, &ev))
		err(1, "epoll_ctl");
}

/* ---- server ---- */

static void finish(struct conn *c)
{
	close(c->fd);
	free(c);
}

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
		c->owed = ANSWER;
	return 0;
}

static void server_on(struct conn *c)
{
	ssize_t n;

	if (!c->ready) {
		if (server_start(c))
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

static int serve(const char *at)
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
				server_on(c);
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

/* ---- client ---- */

static struct sockaddr_in target;
static uint8_t first[HELLO_MAX + sizeof(struct order)];
static size_t first_len;
static uint32_t *samples;
static size_t n_samples;

static uint8_t *u16(uint8_t *p, size_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

/* A TLS 1.3 ClientHello of 517 bytes (record 512), as browsers pad it. */
static void make_first(const char *name, char what, uint64_t bytes)
{
	static const uint8_t fixed[] = {0x00, 0x2b, 0, 3, 2, 3, 4, 0x00, 0x0a, 0, 4, 0, 2, 0, 0x1d};
	struct order o = {.what = what, .bytes = bytes};
	size_t len = strlen(name), pad;
	uint8_t *p = first, *ext;

	*p++ = 22;
	p = u16(p, 0x0301);
	p = u16(p, 512);
	*p++ = 1;
	*p++ = 0;
	p = u16(p, 508);
	p = u16(p, 0x0303);
	memset(p, 7, 32);
	p += 32;
	*p++ = 0;
	p = u16(p, 2);
	p = u16(p, 0x1301);
	*p++ = 1;
	*p++ = 0;
	ext = p;
	p += 2;
	p = u16(p, 0);
	p = u16(p, len + 5);
	p = u16(p, len + 3);
	*p++ = 0;
	p = u16(p, len);
	memcpy(p, name, len);
	p += len;
	memcpy(p, fixed, sizeof(fixed));
	p += sizeof(fixed);
	pad = 517 - (size_t)(p - first) - 4;
	p = u16(p, 21);
	p = u16(p, pad);
	memset(p, 0, pad);
	p += pad;
	u16(ext, (size_t)(p - ext) - 2);
	memcpy(p, &o, sizeof(o));
	first_len = (size_t)(p - first) + sizeof(o);
}

static struct conn *open_conn(void)
{
	struct conn *c = calloc(1, sizeof(*c));
	int one = 1;

	if (!c)
		err(1, "calloc");
	c->fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	if (c->fd == -1)
		err(1, "socket");
	setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	c->started = now_ns();
	if (connect(c->fd, (struct sockaddr *)&target, sizeof(target)) && errno != EINPROGRESS)
		err(1, "connect");
	watch(c, EPOLL_CTL_ADD, EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET);
	return c;
}

/* The hello; true once it is sent. */
static bool send_first(struct conn *c)
{
	ssize_t n;

	if (c->ready)
		return true;
	n = send(c->fd, first, first_len, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == ENOTCONN))
		return false;
	if (n != (ssize_t)first_len)
		err(1, "hello");
	c->ready = true;
	return true;
}

static int by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return x < y ? -1 : x > y;
}

static void sample(uint64_t ns)
{
	if (n_samples < SAMPLES_MAX)
		samples[n_samples++] = ns / 100 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 100);
}

static void print_latency(void)
{
	if (!n_samples)
		errx(1, "nothing measured");
	qsort(samples, n_samples, sizeof(*samples), by_value);
	printf("p50_us %.1f\np99_us %.1f\n", samples[n_samples / 2] / 10.0,
	       samples[n_samples * 99 / 100] / 10.0);
}

static void bulk(bool up, unsigned conns, uint64_t bytes)
{
	uint64_t each = bytes / conns, begin, total = 0, told;
	struct epoll_event evs[64];
	unsigned left = conns, i;
	struct conn *c;
	ssize_t n;
	int k, ne;

	begin = now_ns();
	for (i = 0; i < conns; i++) {
		c = open_conn();
		c->owed = up ? each : 0;
	}
	while (left) {
		ne = epoll_wait(epoll_fd, evs, 64, 30000);
		if (ne <= 0)
			errx(1, "nothing moves: %u connections left", left);
		for (k = 0; k < ne; k++) {
			c = evs[k].data.ptr;
			if (!send_first(c))
				continue;
			while (c->owed) {
				n = send(c->fd, buf, c->owed < BUF ? c->owed : BUF,
					 MSG_NOSIGNAL | MSG_DONTWAIT);
				if (n < 0 && errno == EAGAIN)
					break;
				if (n < 0)
					err(1, "send");
				c->owed -= (uint64_t)n;
			}
			while ((n = recv(c->fd, buf, BUF, MSG_DONTWAIT)) > 0) {
				if (up && n == sizeof(told)) {
					memcpy(&told, buf, sizeof(told));
					total += told;
					shutdown(c->fd, SHUT_WR);
				}
				c->in += (uint64_t)n;
			}
			if (n < 0 && errno == EAGAIN)
				continue;
			if (n < 0)
				err(1, "recv");
			if (!up)
				total += c->in;
			finish(c);
			left--;
		}
	}
	if (total != each * conns)
		errx(1, "%llu bytes arrived, want %llu", (unsigned long long)total,
		     (unsigned long long)(each * conns));
	printf("gbps %.3f\n", (double)total * 8 / (double)(now_ns() - begin));
}

static void echo(unsigned conns, uint64_t size, unsigned seconds)
{
	uint64_t begin, end, t, trips = 0;
	struct epoll_event evs[64];
	struct conn *c;
	unsigned i;
	ssize_t n;
	int k, ne;

	for (i = 0; i < conns; i++)
		open_conn();
	begin = now_ns();
	end = begin + seconds * 1000000000ULL;
	while ((t = now_ns()) < end) {
		ne = epoll_wait(epoll_fd, evs, 64, 100);
		for (k = 0; k < ne; k++) {
			c = evs[k].data.ptr;
			if (!c->ready) {
				if (!send_first(c))
					continue;
				c->in = size; /* as if a trip had ended */
			} else {
				while ((n = recv(c->fd, buf, BUF, MSG_DONTWAIT)) > 0)
					c->in += (uint64_t)n;
				if (!n || (n < 0 && errno != EAGAIN))
					err(1, "echo ended");
			}
			if (c->in < size)
				continue;
			t = now_ns();
			if (c->out) {
				sample(t - c->started);
				trips++;
			}
			c->in = 0;
			c->started = t;
			c->out += size;
			if (send(c->fd, buf, size, MSG_NOSIGNAL) != (ssize_t)size)
				err(1, "send");
		}
	}
	printf("trips_per_s %.0f\n", (double)trips * 1e9 / (double)(now_ns() - begin));
	print_latency();
}

static void brief(unsigned conns, unsigned seconds)
{
	uint64_t begin = now_ns(), end = begin + seconds * 1000000000ULL, done = 0;
	struct epoll_event evs[256];
	struct conn *c;
	unsigned i;
	ssize_t n;
	int k, ne;

	for (i = 0; i < conns; i++)
		open_conn();
	while (now_ns() < end) {
		ne = epoll_wait(epoll_fd, evs, 256, 100);
		for (k = 0; k < ne; k++) {
			c = evs[k].data.ptr;
			if (!send_first(c))
				continue;
			while ((n = recv(c->fd, buf, BUF, MSG_DONTWAIT)) > 0)
				c->in += (uint64_t)n;
			if (n < 0 && errno == EAGAIN)
				continue;
			if (n < 0 || c->in != ANSWER)
				errx(1, "answer of %llu bytes: %s", (unsigned long long)c->in,
				     n < 0 ? strerror(errno) : "EOF");
			sample(now_ns() - c->started);
			done++;
			finish(c);
			open_conn();
		}
	}
	printf("conns_per_s %.0f\n", (double)done * 1e9 / (double)(now_ns() - begin));
	print_latency();
}

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	epoll_fd = epoll_create1(0);
	samples = malloc(SAMPLES_MAX * sizeof(*samples));
	if (epoll_fd == -1 || !samples)
		err(1, "start");
	if (argc == 3 && !strcmp(argv[1], "server"))
		return serve(argv[2]);
	if (argc < 6)
		errx(2, "usage: load server ADDR | up|down ADDR NAME CONNS BYTES | "
			"echo ADDR NAME CONNS SIZE SECONDS | short ADDR NAME CONNS SECONDS");
	target = parse(argv[2]);
	make_first(argv[3], argv[1][0] == 's' ? 'a' : argv[1][0],
		   strtoull(argv[5], NULL, 10) / strtoul(argv[4], NULL, 10));
	if (!strcmp(argv[1], "up") || !strcmp(argv[1], "down"))
		bulk(argv[1][0] == 'u', (unsigned)strtoul(argv[4], NULL, 10),
		     strtoull(argv[5], NULL, 10));
	else if (!strcmp(argv[1], "echo") && argc == 7)
		echo((unsigned)strtoul(argv[4], NULL, 10), strtoull(argv[5], NULL, 10),
		     (unsigned)strtoul(argv[6], NULL, 10));
	else if (!strcmp(argv[1], "short"))
		brief((unsigned)strtoul(argv[4], NULL, 10), (unsigned)strtoul(argv[5], NULL, 10));
	else
		errx(2, "unknown mode %s", argv[1]);
	return 0;
}
