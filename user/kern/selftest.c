// SPDX-License-Identifier: GPL-2.0-only
#include "selftest.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"
#include "clock.h"
#include "snisplit.skel.h"

#define SLOTS 16
/*
 * How long a step waits while nothing moves: usually microseconds.  On a machine that is busy, or
 * short of memory for TCP, a step has its pauses, and they grow as TCP's retries do, twice as long
 * each: so the longer it has taken so far, getting on, the longer it is waited for.
 */
#define PATIENCE_MS 8000
#define PATIENCE_MAX_MS 40000
#define NAPS 2000		/* of a millisecond at least */
#define BYTES 40000		/* several segments, less than any buffer */
#define HARD (256U * 1024)	/* of this test: the gate closes early */
#define MANY (2U * 1024 * 1024) /* more than the gate lets through */

struct trial {
	struct snisplit_bpf *skel;
	struct flow *flows;
	uint32_t mutant, next_slot;
	int err;	   /* of selftest_run() */
	unsigned begun_ms; /* the step */
	char why[300];
};

/* client -- <a> edge <b> -- upstream, <a> and <b> under the program and paired. */
struct line {
	int client, a, b, upstream;
	struct flow *fa, *fb;
	uint64_t sent; /* so far, of a pattern */
};

static int fail(struct trial *t, const char *what, const char *how)
{
	if (!*t->why)
		snprintf(t->why, sizeof(t->why), "%s: %s", what, how);
	return -1;
}

static unsigned now_ms(void)
{
	return (unsigned)(clock_ns() / 1000000);
}

static int patience_ms(const struct trial *t)
{
	unsigned ms = PATIENCE_MS + (now_ms() - t->begun_ms);

	return ms < PATIENCE_MAX_MS ? (int)ms : PATIENCE_MAX_MS;
}

/* Who gets to run for a moment only now and then does not count the time between. */
static bool is_patient(unsigned from_ms, int patience, unsigned naps)
{
	return (int)(now_ms() - from_ms) < patience || naps < NAPS;
}

static uint8_t pattern(uint64_t at)
{
	return (uint8_t)(at * 31 + (at >> 8));
}

/* ---- sockets ---- */

static int lo_up(void)
{
	struct ifreq ifr = {.ifr_name = "lo", .ifr_flags = IFF_UP | IFF_RUNNING};
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), err;

	err = fd == -1 || ioctl(fd, SIOCSIFFLAGS, &ifr) ? -errno : 0;
	if (fd != -1)
		close(fd);
	return err;
}

static void set_patience(int fd)
{
	const struct timeval tv = {.tv_sec = PATIENCE_MS / 1000};

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tv, sizeof(tv));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &tv, sizeof(tv));
}

static int tcp_pair(int *ret_near, int *ret_far)
{
	struct sockaddr_in sin = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t len = sizeof(sin);
	int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, err = 0;

	*ret_near = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	*ret_far = -1;
	if (l == -1 || *ret_near == -1 || bind(l, (struct sockaddr *)&sin, sizeof(sin)) ||
	    listen(l, 1) || getsockname(l, (struct sockaddr *)&sin, &len) ||
	    connect(*ret_near, (struct sockaddr *)&sin, sizeof(sin)) ||
	    (*ret_far = accept4(l, NULL, NULL, SOCK_CLOEXEC)) == -1)
		err = -errno;
	if (l != -1)
		close(l);
	if (err)
		return err;
	setsockopt(*ret_near, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(*ret_far, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	set_patience(*ret_near);
	set_patience(*ret_far);
	return 0;
}

static struct flow *enrol(struct trial *t, int fd)
{
	struct flow *f = &t->flows[t->next_slot];
	socklen_t len = sizeof(uint64_t);
	uint64_t cookie, value = (uint64_t)fd;

	if (t->next_slot == SLOTS || getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &len))
		return NULL;
	memset(f, 0, sizeof(*f));
	f->cookie = cookie;
	f->role = FLOW_UPSTREAM; /* no hello is looked for */
	if (bpf_map_update_elem(bpf_map__fd(t->skel->maps.slots), &cookie, &t->next_slot, 0) ||
	    bpf_map_update_elem(bpf_map__fd(t->skel->maps.sockets), &cookie, &value, 0))
		return NULL;
	t->next_slot++;
	return f;
}

static void line_close(struct line *l)
{
	const int fds[] = {l->client, l->a, l->b, l->upstream};

	for (int i = 0; i < 4; i++)
		if (fds[i] != -1)
			close(fds[i]);
}

static int line_open(struct trial *t, struct line *l)
{
	*l = (struct line){-1, -1, -1, -1, NULL, NULL, 0};
	if (tcp_pair(&l->client, &l->a) || tcp_pair(&l->b, &l->upstream))
		return fail(t, "connecting over a loopback of our own", strerror(errno));
	l->fa = enrol(t, l->a);
	l->fb = enrol(t, l->b);
	if (!l->fa || !l->fb)
		return fail(t, "putting a socket into the map", strerror(errno));
	l->fb->peer_cookie = l->fa->cookie;
	l->fa->peer_cookie = l->fb->cookie;
	return 0;
}

/* ---- steps ---- */

static int send_some(struct trial *t, int fd, uint64_t *at, size_t n, const char *what)
{
	uint8_t buf[4096];
	ssize_t w;

	while (n) {
		size_t len = n < sizeof(buf) ? n : sizeof(buf);

		for (size_t i = 0; i < len; i++)
			buf[i] = pattern(*at + i);
		w = send(fd, buf, len, MSG_NOSIGNAL);
		if (w <= 0)
			return fail(t, what, strerror(errno));
		*at += (uint64_t)w;
		n -= (size_t)w;
	}
	return 0;
}

/* <n> bytes of the pattern from <at> on, and if <eof> the end right behind them. */
static int expect(struct trial *t, int fd, uint64_t at, size_t n, bool eof, const char *what)
{
	char how[100];
	uint8_t buf[4096];
	size_t got = 0;
	ssize_t r;

	while (got < n) {
		r = recv(fd, buf, n - got < sizeof(buf) ? n - got : sizeof(buf), 0);
		if (r <= 0) {
			snprintf(how, sizeof(how), "%s after %zu of %zu bytes",
				 r ? strerror(errno) : "the end", got, n);
			return fail(t, what, how);
		}
		for (ssize_t i = 0; i < r; i++)
			if (buf[i] != pattern(at + got + (size_t)i))
				return fail(t, what, "other bytes than were sent");
		got += (size_t)r;
	}
	if (!eof)
		return 0;
	r = recv(fd, buf, 1, 0);
	return r ? fail(t, what, r > 0 ? "bytes behind the end" : strerror(errno)) : 0;
}

/* The edge's part at a FIN: it sees it, and passes it on when all bytes have arrived. */
static int pass_fin(struct trial *t, int from, int to, const char *what)
{
	struct pollfd p = {.fd = from, .events = POLLRDHUP};

	if (poll(&p, 1, patience_ms(t)) != 1)
		return fail(t, what, "the end is not told");
	if (p.revents & POLLERR)
		return fail(t, what, "an error instead of the end");
	return shutdown(to, SHUT_WR) ? fail(t, what, strerror(errno)) : 0;
}

static int try_redirect(struct trial *t)
{
	uint64_t back = 0;
	struct line l;
	int err = line_open(t, &l);

	if (!err)
		err = send_some(t, l.client, &l.sent, BYTES, "redirecting to the upstream");
	if (!err)
		err = expect(t, l.upstream, 0, BYTES, false, "redirecting to the upstream");
	if (!err)
		err = send_some(t, l.upstream, &back, BYTES, "redirecting to the client");
	if (!err)
		err = expect(t, l.client, 0, BYTES, false, "redirecting to the client");
	if (!err && (l.fa->redir != BYTES || l.fb->redir != BYTES))
		err = fail(t, "redirecting", "the bytes went another way");
	line_close(&l);
	return err;
}

/* FIN right behind data; then the answer, on a stream whose other half is closed; both ways. */
static int try_ends(struct trial *t, bool client_first)
{
	const char *what =
		client_first ? "a client's FIN behind data" : "an upstream's FIN behind data";
	int near, far, near_edge, far_edge, err;
	uint64_t back = 0;
	struct line l;

	err = line_open(t, &l);
	near = client_first ? l.client : l.upstream;
	far = client_first ? l.upstream : l.client;
	near_edge = client_first ? l.a : l.b;
	far_edge = client_first ? l.b : l.a;
	if (!err)
		err = send_some(t, near, &l.sent, BYTES, what);
	if (!err && shutdown(near, SHUT_WR))
		err = fail(t, what, strerror(errno));
	if (!err)
		err = expect(t, far, 0, BYTES, false, what);
	if (!err)
		err = pass_fin(t, near_edge, far_edge, what);
	if (!err)
		err = expect(t, far, 0, 0, true, what);
	what = "the answer on a half-closed stream";
	if (!err)
		err = send_some(t, far, &back, BYTES, what);
	if (!err && shutdown(far, SHUT_WR))
		err = fail(t, what, strerror(errno));
	if (!err)
		err = expect(t, near, 0, BYTES, false, what);
	if (!err)
		err = pass_fin(t, far_edge, near_edge, what);
	if (!err)
		err = expect(t, near, 0, 0, true, what);
	line_close(&l);
	return err;
}

static int try_client_end(struct trial *t)
{
	return try_ends(t, true);
}

static int try_upstream_end(struct trial *t)
{
	return try_ends(t, false);
}

static int try_reset(struct trial *t)
{
	const struct linger now = {.l_onoff = 1};
	struct pollfd p = {.events = POLLRDHUP};
	struct line l;
	int err = line_open(t, &l);

	if (!err)
		err = send_some(t, l.client, &l.sent, 100, "RST");
	if (!err)
		err = expect(t, l.upstream, 0, 100, false, "RST");
	if (!err) {
		setsockopt(l.client, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(l.client);
		l.client = -1;
		p.fd = l.a;
		if (poll(&p, 1, patience_ms(t)) != 1 || !(p.revents & POLLERR))
			err = fail(t, "RST", "is not told");
	}
	/* the other end is not hurt by it */
	if (!err)
		err = send_some(t, l.b, &l.sent, 100, "after RST");
	if (!err)
		err = expect(t, l.upstream, 100, 100, false, "after RST");
	line_close(&l);
	return err;
}

static void *write_many(void *arg)
{
	struct line *l = arg;
	uint8_t buf[4096];
	ssize_t w;

	while (l->sent < MANY) {
		for (size_t i = 0; i < sizeof(buf); i++)
			buf[i] = pattern(l->sent + i);
		w = send(l->client, buf, sizeof(buf), MSG_NOSIGNAL);
		if (w <= 0)
			break;
		l->sent += (uint64_t)w;
	}
	return NULL;
}

/* Relays what was passed, as relay/half.c does, while the upstream reads at last. */
static int drain(struct trial *t, struct line *l)
{
	unsigned moved_ms = now_ms(), naps = 0;
	uint64_t out = 0, at = 0;
	int patience = patience_ms(t);
	uint8_t buf[65536];
	bool idle;
	ssize_t r;

	while (out < MANY && is_patient(moved_ms, patience, naps)) {
		idle = true;
		r = recv(l->upstream, buf, sizeof(buf), MSG_DONTWAIT);
		for (ssize_t i = 0; i < r; i++)
			if (buf[i] != pattern(out + (size_t)i))
				return fail(t, "a slow reader", "other bytes than were sent");
		if (r > 0) {
			out += (uint64_t)r;
			idle = false;
		}
		/* what was redirected is there: a write goes behind it */
		at = __atomic_load_n(&l->fa->redir, __ATOMIC_ACQUIRE) + l->fa->relayed;
		if (out == at &&
		    __atomic_load_n(&l->fa->passed, __ATOMIC_ACQUIRE) > l->fa->relayed &&
		    (r = recv(l->a, buf, sizeof(buf), MSG_DONTWAIT)) > 0) {
			if (send(l->b, buf, (size_t)r, MSG_NOSIGNAL) != r)
				return fail(t, "a slow reader", strerror(errno));
			__atomic_store_n(&l->fa->relayed, l->fa->relayed + (uint64_t)r,
					 __ATOMIC_SEQ_CST);
			idle = false;
		}
		if (idle) {
			usleep(1000);
			naps++;
			continue;
		}
		naps = 0;
		moved_ms = now_ms();
		patience = patience_ms(t);
	}
	return out == MANY ? 0 : fail(t, "a slow reader", "bytes are missing");
}

static int try_slow_reader(struct trial *t)
{
	const int small = 64 * 1024, large = 8 * 1024 * 1024;
	pthread_t writer;
	struct line l;
	int patience;
	int err = line_open(t, &l);

	if (err)
		goto out;
	setsockopt(l.upstream, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small));
	setsockopt(l.b, SOL_SOCKET, SO_SNDBUFFORCE, &large, sizeof(large));
	if (pthread_create(&writer, NULL, write_many, &l)) {
		err = fail(t, "a slow reader", "no thread");
		goto out;
	}
	patience = patience_ms(t);
	for (unsigned from = now_ms(), n = 0;
	     !*(volatile __u64 *)&l.fa->passed && is_patient(from, patience, n); n++)
		usleep(1000);
	if (!l.fa->passed)
		err = fail(t, "a slow reader", "is not noticed");
	if (!err)
		err = drain(t, &l);
	if (err)
		shutdown(l.client, SHUT_RDWR); /* the writer need not wait */
	pthread_join(writer, NULL);
out:
	line_close(&l);
	return err;
}

/* Bytes that the program passes wake who waits for them. */
static int try_pass(struct trial *t)
{
	struct epoll_event ev = {.events = EPOLLIN};
	int near, far, ep = epoll_create1(EPOLL_CLOEXEC), err = 0;
	uint64_t at = 0;

	if (ep == -1 || tcp_pair(&near, &far))
		return fail(t, "connecting over a loopback of our own", strerror(errno));
	if (!enrol(t, far) || epoll_ctl(ep, EPOLL_CTL_ADD, far, &ev))
		err = fail(t, "putting a socket into the map", strerror(errno));
	if (!err)
		err = send_some(t, near, &at, BYTES, "SK_PASS to epoll");
	if (!err && epoll_wait(ep, &ev, 1, patience_ms(t)) != 1)
		err = fail(t, "SK_PASS to epoll", "it is not woken");
	if (!err)
		err = expect(t, far, 0, BYTES, false, "SK_PASS to epoll");
	close(ep);
	close(near);
	close(far);
	return err;
}

struct reader {
	struct trial *trial;
	int fd, err;
};

static void *read_blocked(void *arg)
{
	struct reader *r = arg;

	r->err = expect(r->trial, r->fd, 0, BYTES, false, "SK_PASS to a blocked reader");
	return NULL;
}

static int try_pass_blocked(struct trial *t)
{
	struct reader r = {.trial = t};
	int near, err = 0;
	pthread_t thread;
	uint64_t at = 0;

	if (tcp_pair(&near, &r.fd))
		return fail(t, "connecting over a loopback of our own", strerror(errno));
	if (!enrol(t, r.fd))
		err = fail(t, "putting a socket into the map", strerror(errno));
	if (!err && pthread_create(&thread, NULL, read_blocked, &r))
		err = fail(t, "SK_PASS to a blocked reader", "no thread");
	if (!err) {
		usleep(1000); /* likely asleep by now; awake it proves less, not wrongly */
		err = send_some(t, near, &at, BYTES, "SK_PASS to a blocked reader");
		pthread_join(thread, NULL);
		err = err ? err : r.err;
	}
	close(near);
	close(r.fd);
	return err;
}

/* ---- all of it ---- */

static int load(struct trial *t)
{
	struct snisplit_bpf *s = t->skel = snisplit_bpf__open();
	int err;

	if (!s)
		return -errno;
	s->rodata->cfg_hard = HARD;
	s->rodata->cfg_mutant = t->mutant;
	bpf_map__set_max_entries(s->maps.sockets, SLOTS);
	bpf_map__set_max_entries(s->maps.slots, 8 * SLOTS); /* closed ones stay in it */
	bpf_map__set_max_entries(s->maps.flows, SLOTS);
	bpf_program__set_autoload(s->progs.on_sockops, false);
	err = snisplit_bpf__load(s);
	if (err)
		return err;
	t->flows = mmap(NULL, SLOTS * sizeof(*t->flows), PROT_READ | PROT_WRITE, MAP_SHARED,
			bpf_map__fd(s->maps.flows), 0);
	if (t->flows == MAP_FAILED)
		return -errno;
	return bpf_prog_attach(bpf_program__fd(s->progs.on_verdict), bpf_map__fd(s->maps.sockets),
			       BPF_SK_SKB_STREAM_VERDICT, 0)
		       ? -errno
		       : 0;
}

static void *run(void *arg)
{
	int (*const tries[])(struct trial *
			     t) = {try_redirect,    try_client_end, try_upstream_end, try_reset,
				   try_slow_reader, try_pass,	    try_pass_blocked};
	struct trial *t = arg;
	int err;

	/* of this thread only, and gone with it */
	if (unshare(CLONE_NEWNET) || lo_up()) {
		snprintf(t->why, sizeof(t->why), "not tried: no network namespace of its own: %s",
			 strerror(errno));
		t->err = 1;
		return NULL;
	}
	err = load(t);
	if (err) {
		snprintf(t->why, sizeof(t->why), "not tried: its programs do not load: %s",
			 strerror(-err));
		t->err = 1;
		return NULL;
	}
	for (size_t i = 0; i < sizeof(tries) / sizeof(tries[0]) && !t->err; i++) {
		t->begun_ms = now_ms();
		t->next_slot = 1; /* those of the one before are closed */
		if (tries[i](t))
			t->err = -ENOTSUP;
	}
	return NULL;
}

int selftest_run(uint32_t mutant, char *why, size_t why_size)
{
	struct trial t = {.mutant = mutant};
	unsigned start = now_ms();
	pthread_t thread;

	if (pthread_create(&thread, NULL, run, &t)) {
		snprintf(why, why_size, "not tried: no thread");
		return 1;
	}
	pthread_join(thread, NULL);
	if (t.flows && t.flows != MAP_FAILED)
		munmap(t.flows, SLOTS * sizeof(*t.flows));
	snisplit_bpf__destroy(t.skel);
	if (!t.err)
		snprintf(t.why, sizeof(t.why), "passed in %u ms", now_ms() - start);
	snprintf(why, why_size, "%s", t.why);
	return t.err;
}
