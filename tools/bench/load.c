// SPDX-License-Identifier: GPL-2.0-only
/*
 * load - the two ends of a benchmark: a server that does what the first bytes
 * behind the hello ask for, and a client that measures.
 *
 *   load server ADDR:PORT
 *   load up|down ADDR:PORT NAME CONNS BYTES          Gb/s over all connections
 *   load echo ADDR:PORT NAME CONNS SIZE SECONDS      round trips a second, latency in us
 *   load short ADDR:PORT NAME CONNS SECONDS [SIZE]   hello, answer (1 kB), close: per second,
 * latency load first ADDR:PORT NAME                        waits until a connection is answered
 *   load held ADDR:PORT NAME SECONDS PID...          latency beside 100 and 9,000 open, memory of
 * PIDs with 5,000 load stalled ADDR:PORT NAME up|down              what the kernel holds when the
 * reader stands still
 *
 * Prints "name value" lines, or "test.name value" where a run is several tests.
 * One thread an end; it checks lengths, not contents (selftests/helpers/stream does).
 */
#include "load.h"

#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <linux/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define SAMPLES_MAX 4000000
#define ANSWER 1024
#define DIGITS 6
#define PATIENCE_NS \
	10000000000ULL /* beyond the time that was asked for, until something is measured */

uint8_t buf[BUF];
int epoll_fd;

uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000ULL + (uint64_t)ts.tv_nsec;
}

struct sockaddr_in parse(const char *text)
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

void watch(struct conn *c, int op, uint32_t mask)
{
	struct epoll_event ev = {.events = mask, .data.ptr = c};

	if (epoll_ctl(epoll_fd, op, c->fd, &ev))
		err(1, "epoll_ctl");
}

void finish(struct conn *c)
{
	close(c->fd);
	free(c);
}

/* ---- client ---- */

struct sockaddr_in target;
static uint8_t first[HELLO_MAX + sizeof(struct order)];
static size_t first_len;
static uint8_t *digits; /* of the name in <first>, when it changes */
static uint32_t names;
static uint32_t *samples;
static size_t n_samples;

static uint8_t *u16(uint8_t *p, size_t v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

void make_first(const char *given, char what, uint64_t bytes)
{
	static const uint8_t fixed[] = {0x00, 0x2b, 0, 3, 2, 3, 4, 0x00, 0x0a, 0, 4, 0, 2, 0, 0x1d};
	struct order o = {.what = what, .bytes = bytes};
	uint8_t *p = first, *ext;
	size_t len, pad, at;
	char name[256];

	at = strcspn(given, "%");
	if (given[at]) {
		names = (uint32_t)strtoul(given + at + 1, NULL, 10);
		len = strcspn(given, ".");
		snprintf(name, sizeof(name), "%.*s%0*u%s", (int)at, given, DIGITS, 0, given + len);
	} else {
		snprintf(name, sizeof(name), "%s", given);
	}
	len = strlen(name);

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
	if (names)
		digits = p + at;
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

static void next_name(void)
{
	static uint32_t state = 1;
	uint32_t n;
	int i;

	state ^= state << 13;
	state ^= state >> 17;
	state ^= state << 5;
	n = state % names;
	for (i = DIGITS - 1; i >= 0; i--, n /= 10)
		digits[i] = (uint8_t)('0' + n % 10);
}

struct conn *open_conn(void)
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

bool send_first(struct conn *c)
{
	ssize_t n;

	if (c->ready)
		return true;
	if (digits)
		next_name();
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

void sample(uint64_t ns)
{
	if (n_samples < SAMPLES_MAX)
		samples[n_samples++] = ns / 100 > UINT32_MAX ? UINT32_MAX : (uint32_t)(ns / 100);
}

static double at_share(double share)
{
	return samples[(size_t)((double)n_samples * share)] / 10.0;
}

void print_latency(const char *prefix)
{
	if (!n_samples)
		errx(1, "nothing measured");
	qsort(samples, n_samples, sizeof(*samples), by_value);
	printf("%sp50_us %.1f\n%sp90_us %.1f\n%sp99_us %.1f\n%sp999_us %.1f\n", prefix,
	       at_share(0.5), prefix, at_share(0.9), prefix, at_share(0.99), prefix,
	       at_share(0.999));
	n_samples = 0;
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

static void echo(unsigned conns, uint64_t size, double seconds)
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
	end = begin + (uint64_t)(seconds * 1e9);
	while ((t = now_ns()) < end || (!trips && t < end + PATIENCE_NS)) {
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
	print_latency("");
}

static void brief(unsigned conns, double seconds, uint64_t size)
{
	uint64_t begin = now_ns(), end = begin + (uint64_t)(seconds * 1e9), done = 0, bytes = 0, t;
	struct epoll_event evs[256];
	struct conn *c;
	unsigned i;
	ssize_t n;
	int k, ne;

	for (i = 0; i < conns; i++)
		open_conn();
	while ((t = now_ns()) < end || (!done && t < end + PATIENCE_NS)) {
		ne = epoll_wait(epoll_fd, evs, 256, 100);
		for (k = 0; k < ne; k++) {
			c = evs[k].data.ptr;
			if (!send_first(c))
				continue;
			while ((n = recv(c->fd, buf, BUF, MSG_DONTWAIT)) > 0)
				c->in += (uint64_t)n, bytes += (uint64_t)n;
			if (n < 0 && errno == EAGAIN)
				continue;
			if (n < 0 || c->in != size)
				errx(1, "answer of %llu bytes: %s", (unsigned long long)c->in,
				     n < 0 ? strerror(errno) : "EOF");
			sample(now_ns() - c->started);
			done++;
			finish(c);
			open_conn();
		}
	}
	printf("conns_per_s %.0f\ngbps %.3f\n", (double)done * 1e9 / (double)(now_ns() - begin),
	       (double)bytes * 8 / (double)(now_ns() - begin));
	print_latency("");
}

static uint64_t number(const char *text)
{
	return strtoull(text, NULL, 10);
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";
	uint64_t size;

	signal(SIGPIPE, SIG_IGN);
	epoll_fd = epoll_create1(0);
	samples = malloc(SAMPLES_MAX * sizeof(*samples));
	if (epoll_fd == -1 || !samples)
		err(1, "start");
	if (argc == 3 && !strcmp(mode, "server"))
		return serve(argv[2]);
	if (argc < 4)
		errx(2, "usage: load server ADDR | MODE ADDR NAME ..., see load.c");
	target = parse(argv[2]);
	if ((!strcmp(mode, "up") || !strcmp(mode, "down")) && argc == 6) {
		make_first(argv[3], mode[0], number(argv[5]) / number(argv[4]));
		bulk(mode[0] == 'u', (unsigned)number(argv[4]), number(argv[5]));
	} else if (!strcmp(mode, "echo") && argc == 7) {
		make_first(argv[3], 'e', 0);
		echo((unsigned)number(argv[4]), number(argv[5]), atof(argv[6]));
	} else if (!strcmp(mode, "short") && (argc == 6 || argc == 7)) {
		size = argc == 7 ? number(argv[6]) : ANSWER;
		make_first(argv[3], 'a', size);
		brief((unsigned)number(argv[4]), atof(argv[5]), size);
	} else if (!strcmp(mode, "first") && argc == 4) {
		make_first(argv[3], 'a', ANSWER);
		first_answer();
	} else if (!strcmp(mode, "held") && argc >= 5) {
		make_first(argv[3], 'e', 0);
		held(atof(argv[4]), argv + 5);
	} else if (!strcmp(mode, "stalled") && argc == 5) {
		stalled(argv[4][0] == 'u', argv[3]);
	} else {
		errx(2, "%s: unknown mode, or not its arguments", mode);
	}
	return 0;
}
