/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * churn - opens connections at a rate and ends each in some state, early or late, well or badly.
 *
 *   churn --connect ADDR:PORT --upstream ADDR:PORT --name NAME [--rate N] [--seconds N] [--seed N]
 *
 * A thread of its own is the upstream: what it does with a connection stands in the hello.
 * Prints JSON.  It does not judge the bytes, only that whole exchanges succeed; what is left in the
 * edge afterwards is for the test to look at.
 */
#include <fcntl.h>
#include <getopt.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "clienthello.h"
#include "pattern.h"
#include "sock.h"

#define LIVE_MAX 4000
#define PATIENCE_NS 3000000000ULL /* with an upstream that says nothing */
#define HUNG_NS 20000000000ULL	  /* with one that does: more than a busy machine needs */
#define ANSWER 1000
#define LONG_ANSWER (512 * 1024)

enum client_way {
	AFTER_SYN_FIN,
	AFTER_SYN_RST,
	BEFORE_ESTABLISHED,
	PART_OF_HELLO_FIN,
	PART_OF_HELLO_RST,
	HELLO_FIN, /* close() at once */
	HELLO_RST,
	FIRST_BYTE_RST, /* in the middle of the answer */
	FIRST_BYTE_CLOSE,
	HALF_CLOSE, /* FIN after the hello, then reads to the end */
	WHOLE,	    /* reads the answer to its end */
	NOT_TLS,
	UNKNOWN_NAME,
	CLIENT_WAYS
};

enum upstream_way { SHORT, LONG, LONG_RST, SILENT, CLOSE_AT_ONCE, RST_AT_ONCE, UPSTREAM_WAYS };

struct conn {
	int fd;
	bool connected;
	uint8_t way, upstream_way;
	uint64_t start, got;
	struct conn *next, **link;
};

static struct {
	struct sock_addr to, upstream;
	const char *name;
	unsigned rate, seconds;
	uint64_t random;
} opt = {.rate = 5000, .seconds = 10, .random = 1};

static struct {
	int epoll;
	struct conn *live;
	unsigned n_live, started, refused, hung, whole, whole_failed, peak;
} run;
static int listener;

static unsigned dice(unsigned sides)
{
	opt.random += 0x9e3779b97f4a7c15ULL;
	return (unsigned)(pattern_mix(opt.random) >> 33) % sides;
}

/* ---- the upstream ---- */
struct serving {
	int fd;
	size_t left;
	bool answering, rst;
};

static bool serve_hello(struct serving *s, const uint8_t *buf, size_t n)
{
	unsigned at = 5 + clienthello_mine_at(0);
	enum upstream_way way = n > at ? (enum upstream_way)buf[at] : SHORT;

	s->answering = true;
	switch (way) {
	case SILENT:
		s->left = 0;
		return true;
	case CLOSE_AT_ONCE:
		return false;
	case RST_AT_ONCE:
		s->rst = true;
		return false;
	case LONG:
	case LONG_RST:
		s->left = LONG_ANSWER;
		s->rst = way == LONG_RST;
		return true;
	default:
		s->left = ANSWER;
		return true;
	}
}

/* False: this connection is over. */
static bool serve(struct serving *s, uint32_t events)
{
	static uint8_t buf[65536];
	ssize_t n;
	bool silent = s->answering && !s->left;

	if (events & (EPOLLIN | EPOLLHUP | EPOLLERR)) {
		n = recv(s->fd, buf, sizeof(buf), 0);
		if (n == -1 && errno != EAGAIN)
			return false;
		if (n == 0 && (!s->answering || silent))
			return false;
		if (n > 0 && !s->answering && !serve_hello(s, buf, (size_t)n))
			return false;
	}
	while (s->left) {
		n = send(s->fd, buf, s->left < sizeof(buf) ? s->left : sizeof(buf), MSG_NOSIGNAL);
		if (n == -1)
			return errno == EAGAIN;
		s->left -= (size_t)n;
		if (!s->left)
			return false;
		if (s->rst && s->left < LONG_ANSWER / 2)
			return false;
	}
	return true;
}

static void *upstream(void *arg)
{
	struct epoll_event ev[256], e = {EPOLLIN, {.ptr = NULL}};
	int epoll = epoll_create1(EPOLL_CLOEXEC), i, n, fd;
	struct serving *s;

	epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &e);
	for (;;) {
		n = epoll_wait(epoll, ev, 256, -1);
		for (i = 0; i < n; i++) {
			s = ev[i].data.ptr;
			if (s) {
				if (serve(s, ev[i].events))
					continue;
				if (s->rst)
					sock_reset(s->fd);
				else
					close(s->fd);
				free(s);
				continue;
			}
			while ((fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) !=
			       -1) {
				s = calloc(1, sizeof(*s));
				if (!s)
					errx(2, "out of memory");
				s->fd = fd;
				e = (struct epoll_event){EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET,
							 {.ptr = s}};
				epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &e);
			}
		}
	}
	return arg;
}

/* ---- the clients ---- */
static void conn_end(struct conn *c, bool rst)
{
	if (rst)
		sock_reset(c->fd);
	else
		close(c->fd);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	run.n_live--;
	free(c);
}

static void say(struct conn *c)
{
	uint8_t mine[CLIENTHELLO_MINE] = {c->upstream_way}, hello[CLIENTHELLO_MAX];
	unsigned n =
		clienthello(hello, c->way == UNKNOWN_NAME ? "unknown.test" : opt.name, mine, 0, 0);

	if (c->way == PART_OF_HELLO_FIN || c->way == PART_OF_HELLO_RST)
		n = 1 + dice(n - 1);
	if (c->way == NOT_TLS)
		hello[0] = 'G';
	if (send(c->fd, hello, n, MSG_NOSIGNAL) == -1 && errno != EPIPE && errno != ECONNRESET)
		warn("send");
}

static void on_connected(struct conn *c)
{
	int e = 0;
	socklen_t len = sizeof(e);

	getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len);
	if (e) {
		run.refused++;
		conn_end(c, false);
		return;
	}
	c->connected = true;
	if (c->way == AFTER_SYN_FIN || c->way == AFTER_SYN_RST) {
		conn_end(c, c->way == AFTER_SYN_RST);
		return;
	}
	say(c);
	switch (c->way) {
	case PART_OF_HELLO_FIN:
	case HELLO_FIN:
		conn_end(c, false);
		break;
	case PART_OF_HELLO_RST:
	case HELLO_RST:
		conn_end(c, true);
		break;
	case HALF_CLOSE:
		shutdown(c->fd, SHUT_WR);
		break;
	default:
		break;
	}
}

static void on_answer(struct conn *c)
{
	static uint8_t buf[65536];
	size_t want = c->upstream_way == LONG ? LONG_ANSWER : ANSWER;
	bool told = c->upstream_way == SHORT || c->upstream_way == LONG;
	ssize_t n;

	while ((n = recv(c->fd, buf, sizeof(buf), 0)) > 0) {
		c->got += (uint64_t)n;
		if (c->way == FIRST_BYTE_RST || c->way == FIRST_BYTE_CLOSE) {
			conn_end(c, c->way == FIRST_BYTE_RST);
			return;
		}
	}
	if (n == -1 && errno == EAGAIN)
		return;
	if ((c->way == WHOLE || c->way == HALF_CLOSE) && told) {
		run.whole++;
		if (n || c->got != want) {
			if (run.whole_failed++ < 5)
				warnx("way %u/%u: %llu of %zu bytes, then %s", c->way,
				      c->upstream_way, (unsigned long long)c->got, want,
				      n ? "RST" : "FIN");
		}
	}
	conn_end(c, false);
}

static void start_one(void)
{
	struct sock_addr from = opt.to;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&from.sa;
	struct epoll_event ev = {EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, {0}};
	struct conn *c;
	int fd = socket(opt.to.sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		err(2, "socket");
	if (v4->sin_family == AF_INET && ntohl(v4->sin_addr.s_addr) >> 24 == 127) {
		v4->sin_addr.s_addr = htonl(0x7f000100 + run.started % 200); /* more ports */
		v4->sin_port = 0;
		sock_int(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
		if (bind(fd, (struct sockaddr *)v4, sizeof(*v4)) == -1)
			err(2, "bind");
	}
	run.started++;
	if (connect(fd, (struct sockaddr *)&opt.to.sa, opt.to.len) == -1 && errno != EINPROGRESS) {
		run.refused++;
		close(fd);
		return;
	}
	c = calloc(1, sizeof(*c));
	if (!c)
		errx(2, "out of memory");
	c->fd = fd;
	c->way = (uint8_t)dice(CLIENT_WAYS);
	c->upstream_way = (uint8_t)dice(UPSTREAM_WAYS);
	c->start = sock_now();
	c->next = run.live;
	c->link = &run.live;
	if (c->next)
		c->next->link = &c->next;
	run.live = c;
	if (++run.n_live > run.peak)
		run.peak = run.n_live;
	if (c->way == BEFORE_ESTABLISHED) {
		conn_end(c, dice(2));
		return;
	}
	ev.data.ptr = c;
	if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, fd, &ev) == -1)
		err(2, "epoll_ctl");
}

static void end_the_patient(uint64_t now)
{
	struct conn *c, *next;

	for (c = run.live; c; c = next) {
		next = c->next;
		if (now - c->start < (c->upstream_way == SILENT ? PATIENCE_NS : HUNG_NS))
			continue;
		/* nobody answers these: ending them is the client's part */
		if (c->upstream_way != SILENT)
			run.hung++;
		conn_end(c, dice(2));
	}
}

static void loop(void)
{
	struct epoll_event ev[256];
	uint64_t begin = sock_now(), now = begin, swept = begin, due;
	uint64_t end = begin + opt.seconds * 1000000000ULL;
	struct conn *c;
	int i, n;

	while (now < end || run.n_live) {
		due = (now < end ? now - begin : end - begin) * opt.rate / 1000000000ULL;
		while (run.started < due && run.n_live < LIVE_MAX)
			start_one();
		n = epoll_wait(run.epoll, ev, 256, 1);
		for (i = 0; i < n; i++) {
			c = ev[i].data.ptr;
			if (!c->connected)
				on_connected(c); /* what is readable comes as an edge of its own */
			else
				on_answer(c);
		}
		now = sock_now();
		if (now - swept > 50000000) {
			swept = now;
			end_the_patient(now);
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{"connect", required_argument, NULL, 'c'},
		{"upstream", required_argument, NULL, 'u'},
		{"name", required_argument, NULL, 'n'},
		{"rate", required_argument, NULL, 'r'},
		{"seconds", required_argument, NULL, 's'},
		{"seed", required_argument, NULL, 'S'},
		{0},
	};
	pthread_t thread;
	uint64_t start;
	double spent;
	int o;

	while ((o = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (o) {
		case 'c':
			opt.to = sock_addr(optarg);
			break;
		case 'u':
			opt.upstream = sock_addr(optarg);
			break;
		case 'n':
			opt.name = optarg;
			break;
		case 'r':
			opt.rate = (unsigned)atoi(optarg);
			break;
		case 's':
			opt.seconds = (unsigned)atoi(optarg);
			break;
		case 'S':
			opt.random = strtoull(optarg, NULL, 10);
			break;
		default:
			return 2;
		}
	}
	if (!opt.to.len || !opt.upstream.len || !opt.name)
		errx(2, "--connect, --upstream and --name are needed");
	sock_raise_nofile();
	listener = sock_listen(&opt.upstream, 4096);
	if (pthread_create(&thread, NULL, upstream, NULL))
		errx(2, "no thread");
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	start = sock_now();
	loop();
	spent = (double)(sock_now() - start) / 1e9;
	printf("{\"started\":%u,\"rate\":%.0f,\"refused\":%u,\"hung\":%u,\"whole\":%u,\"whole_"
	       "failed\":%u,"
	       "\"peak\":%u,\"seconds\":%.1f}\n",
	       run.started, run.started / (spent > opt.seconds ? opt.seconds : spent), run.refused,
	       run.hung, run.whole, run.whole_failed, run.peak, spent);
	return run.hung || run.whole_failed;
}
