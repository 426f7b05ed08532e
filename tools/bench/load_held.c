// SPDX-License-Identifier: GPL-2.0-only
/* load held, stalled, first - what connections cost while they are open, and the first one. */
#include "load.h"

#include <err.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define FEW 100
#define IDLE 5000
#define MANY 9000
#define ACTIVE 90 /* of the few and of the many: the same work, beside more that is open */
#define TRIP 64
#define AT_ONCE 64
#define STILL_MS 300
#define STALLED_MAX_MS 6000

static void pause_ms(unsigned ms)
{
	const struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000};

	nanosleep(&ts, NULL);
}

/* The number behind <key> in a file of the kernel's, or 0: of the line that starts with <line>. */
static uint64_t number_in(const char *path, const char *line, const char *key)
{
	uint64_t value = 0;
	char text[512];
	char *at;
	FILE *f;

	f = fopen(path, "re");
	if (!f)
		err(1, "%s", path);
	while (fgets(text, sizeof(text), f)) {
		if (strncmp(text, line, strlen(line)))
			continue;
		at = strstr(text, key);
		if (at)
			value = strtoull(at + strlen(key), NULL, 10);
		break;
	}
	fclose(f);
	return value;
}

static int64_t pss_kb(char **pids)
{
	int64_t sum = 0;
	char path[64];

	for (; *pids; pids++) {
		snprintf(path, sizeof(path), "/proc/%s/smaps_rollup", *pids);
		sum += (int64_t)number_in(path, "Pss:", "Pss:");
	}
	return sum;
}

/* Reads what is there; ends the program when the connection does. */
static void take(struct conn *c)
{
	ssize_t n;

	while ((n = recv(c->fd, buf, BUF, MSG_DONTWAIT)) > 0)
		c->in += (uint64_t)n;
	if (!n || errno != EAGAIN)
		err(1, "a held connection ended");
}

static void trip(struct conn *c)
{
	c->in = 0;
	if (send(c->fd, buf, TRIP, MSG_NOSIGNAL) != TRIP)
		err(1, "send");
}

/* Opens connections until there are <upto>, each after one round trip, so that it has its upstream.
 */
static void open_more(struct conn **conns, unsigned *count, unsigned upto)
{
	struct epoll_event evs[AT_ONCE];
	unsigned busy = 0, opened = *count;
	struct conn *c;
	int i, n;

	while (opened < upto || busy) {
		for (; opened < upto && busy < AT_ONCE; busy++)
			conns[opened++] = open_conn();
		n = epoll_wait(epoll_fd, evs, AT_ONCE, 10000);
		if (n <= 0)
			errx(1, "%u held, %u more do not get ready", opened - busy, busy);
		for (i = 0; i < n; i++) {
			c = evs[i].data.ptr;
			if (!c->ready) {
				if (send_first(c))
					trip(c);
				continue;
			}
			if (c->half)
				continue;
			take(c);
			if (c->in == TRIP) {
				c->half = true; /* here: it is ready */
				busy--;
			}
		}
	}
	*count = upto;
}

/* One round trip at a time, over some of the open ones in turn: those in between keep still. */
static void in_turn(struct conn **conns, unsigned count, double seconds)
{
	uint64_t t = now_ns(), end = t + (uint64_t)(seconds * 1e9), begin;
	struct epoll_event evs[8];
	struct conn *c;
	unsigned k;

	for (k = 0; t < end; k = (k + 1) % ACTIVE) {
		c = conns[k * count / ACTIVE];
		begin = now_ns();
		trip(c);
		while (c->in < TRIP) {
			if (epoll_wait(epoll_fd, evs, 8, 10000) <= 0)
				errx(1, "no answer");
			take(c);
		}
		t = now_ns();
		sample(t - begin);
	}
}

void held(double seconds, char **pids)
{
	const struct rlimit files = {.rlim_cur = MANY + 100, .rlim_max = MANY + 100};
	static struct conn *conns[MANY];
	unsigned count = 0;
	int64_t before;

	if (setrlimit(RLIMIT_NOFILE, &files))
		err(1, "%u files", MANY + 100);
	before = pss_kb(pids);
	open_more(conns, &count, FEW);
	in_turn(conns, count, seconds);
	print_latency("active100.");
	open_more(conns, &count, IDLE);
	if (*pids) {
		pause_ms(300);
		printf("idle.kb_each %.2f\n", (double)(pss_kb(pids) - before) / IDLE);
	}
	open_more(conns, &count, MANY);
	in_turn(conns, count, seconds);
	print_latency("active9000.");
}

/* All memory but the free, the page cache's and the processes' own, in kB. */
static int64_t kernel_kb(void)
{
	static const char *const not_it[] = {"MemFree:", "Buffers:", "Cached:", "AnonPages:"};
	int64_t sum = (int64_t)number_in("/proc/meminfo", "MemTotal:", "MemTotal:");
	unsigned i;

	for (i = 0; i < sizeof(not_it) / sizeof(*not_it); i++)
		sum -= (int64_t)number_in("/proc/meminfo", not_it[i], not_it[i]);
	return sum;
}

/* What is charged to TCP sockets, in kB. */
static int64_t tcp_kb(void)
{
	return (int64_t)number_in("/proc/net/sockstat", "TCP:", " mem ") * (getpagesize() / 1024);
}

/* Waits until what TCP holds keeps still, for STILL_MS; false: not within STALLED_MAX_MS. Meanwhile
 * <c> sends. */
static bool stands_still(struct conn *c)
{
	int64_t level = 0, kb;
	unsigned ms, still = 0;
	ssize_t n;

	for (ms = 0; still < STILL_MS && ms < STALLED_MAX_MS; ms += 10, still += 10) {
		while (c && (n = send(c->fd, buf, BUF, MSG_NOSIGNAL | MSG_DONTWAIT)) > 0) {
			c->out += (uint64_t)n;
			still = 0;
		}
		if (c && errno != EAGAIN)
			err(1, "send");
		pause_ms(10);
		kb = tcp_kb();
		if (llabs(kb - level) > level / 50 + 64) {
			level = kb;
			still = 0;
		}
	}
	return still >= STILL_MS;
}

/* Over a connection of its own: how much the server has sent over the one that nobody reads. */
static uint64_t ask_server(const char *name)
{
	struct epoll_event ev;
	uint64_t answer;
	struct conn *c;
	ssize_t n;

	make_first(name, 'q', 0);
	c = open_conn();
	do {
		if (epoll_wait(epoll_fd, &ev, 1, 5000) <= 0)
			errx(1, "the server does not say how much it has sent");
		n = ev.data.ptr == c && send_first(c) ? recv(c->fd, &answer, sizeof(answer), 0) : 0;
	} while (n != sizeof(answer));
	finish(c);
	return answer;
}

void stalled(bool up, const char *name)
{
	const struct linger reset = {.l_onoff = 1};
	struct epoll_event ev;
	int64_t kernel, tcp;
	struct conn *c;
	bool still;

	stands_still(NULL);
	kernel = kernel_kb();
	tcp = tcp_kb();
	make_first(name, up ? 's' : 'd', UINT64_MAX);
	c = open_conn();
	while (!send_first(c))
		if (epoll_wait(epoll_fd, &ev, 1, 5000) <= 0)
			errx(1, "no connection");
	still = stands_still(up ? c : NULL);
	kernel = kernel_kb() - kernel;
	tcp = tcp_kb() - tcp;
	if (!up)
		c->out = ask_server(name);
	printf("taken_mb %.2f\nkernel_mb %.2f\ntcp_mb %.2f\ngrows %d\n", (double)c->out / (1 << 20),
	       (double)kernel / 1024, (double)tcp / 1024, !still);
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
	finish(c);
}

void first_answer(void)
{
	const uint64_t end = now_ns() + 60000000000ULL;
	struct timeval patience = {.tv_sec = 5};
	struct conn c = {0};

	while (now_ns() < end) {
		c.fd = socket(AF_INET, SOCK_STREAM, 0);
		setsockopt(c.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
		c.ready = false;
		if (!connect(c.fd, (struct sockaddr *)&target, sizeof(target)) && send_first(&c) &&
		    recv(c.fd, buf, BUF, 0) > 0)
			return;
		close(c.fd);
		pause_ms(1);
	}
	errx(1, "no answer in a minute");
}
