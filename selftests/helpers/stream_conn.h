/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream_conn - one end of a checked connection: what it sends, what it must
 * receive, and how both directions must end.
 *
 * The client's plan travels in its hello, so the server needs no options.
 */
#ifndef STREAM_CONN_H
#define STREAM_CONN_H
#include <stdbool.h>
#include <sys/epoll.h>

#include "clienthello.h"
#include "pattern.h"
#include "sock.h"
#include "stream_tls.h"

#define PLAN_MAGIC 0x736e6970U
#define TURN_BYTES (256U * 1024) /* moved one way before others get their turn */
#define PAUSES_MAX 40		 /* of one end: bounds how long a connection takes */
#define SIP_AFTER_NS 2000000000ULL

enum order {
	ORDER_CLIENT,	/* the client ends its stream first */
	ORDER_SERVER,	/* the server does */
	ORDER_TOGETHER, /* each when it has sent everything */
	ORDER_CLIENT_RST,
	ORDER_SERVER_RST,
	ORDER_MAX
};

#define PLAN_ANSWER_AFTER (1U << 0) /* who ends second sends only after the other's end */
#define PLAN_HOLD (1U << 1)	    /* the server does not read before SIGUSR1 */
#define PLAN_NEVER_READ                                                           \
	(1U << 2) /* who resets reads only when nothing moves, see conn_may_sip() \
		   */

struct plan {
	uint32_t magic, conn;
	uint64_t seed, up, down;
	uint32_t wire_len, sum;			      /* of the hello */
	uint32_t read_kbps, stall_ms, sndbuf, rcvbuf; /* the server's, 0: as the kernel likes */
	uint8_t tag, order, flags, pause;	      /* pause: percent of writes followed by one */
	uint32_t write_kbps;			      /* the server's */
};
_Static_assert(sizeof(struct plan) == CLIENTHELLO_MINE, "plan fits the hello");

enum end { END_NONE, END_FIN, END_RST, END_SELF_RST };
enum fault {
	FAULT_NONE,
	FAULT_LOST,
	FAULT_REPEATED,
	FAULT_FOREIGN,
	FAULT_GARBAGE,
	FAULT_TRUNCATED, /* ended before everything came */
	FAULT_LONG,	 /* more than everything came */
	FAULT_RESET,	 /* an RST where a FIN belongs */
	FAULT_WRONG_END, /* a FIN where an RST belongs */
	FAULT_HUNG,
	FAULT_CONNECT,
	FAULT_HELLO,
	FAULT_MAX
};

static const char *const fault_names[FAULT_MAX] = {
	"ok",	  "lost",  "repeated",	"foreign", "garbage", "truncated",
	"longer", "reset", "wrong_end", "hung",	   "connect", "hello",
};

struct conn {
	int fd;
	bool client, polite, connected, greeted, planned, eof, fin_sent, held, told, done, piled_up,
		sips;
	struct plan plan;
	struct stream_tls tls;
	uint8_t *hello; /* the client's to send; the server's so far */
	uint32_t hello_len, hello_at, segment, segment_gap_us;
	struct pattern out, in;
	uint64_t out_total, in_total, sent, got, hash_out, hash_in;
	uint64_t send_at, recv_at, moved_at; /* ns; at: not before, 0 now */
	uint32_t read_kbps, write_kbps, stall_ms, chunk_max, mask;
	uint32_t pauses; /* left */
	uint8_t own_tag; /* the server's; 0: the plan's */
	uint64_t random;
	enum end end;
	enum fault fault;
	char why[160];
	struct conn *next, **link; /* all live ones */
};

static inline uint32_t conn_random(struct conn *c, uint32_t below)
{
	c->random += 0x9e3779b97f4a7c15ULL;
	return (uint32_t)(pattern_mix(c->random) >> 32) % below;
}

/* The streams, once the plan is known. */
static inline void conn_set_plan(struct conn *c, const struct plan *p)
{
	bool client = c->client;

	c->plan = *p;
	c->out = pattern_new(p->seed, p->conn, c->own_tag ? c->own_tag : p->tag, !client);
	c->in = pattern_new(p->seed, p->conn, p->tag, client);
	c->out_total = client ? p->up : p->down;
	c->in_total = client ? p->down : p->up;
	c->random = p->seed + p->conn * 2 + client;
	c->pauses = PAUSES_MAX;
	if (!c->chunk_max)
		c->chunk_max = p->pause ? 32768 : 65536;
}

static inline void conn_finish(struct conn *c, enum end end, enum fault fault)
{
	if (c->done)
		return;
	c->done = true;
	c->end = end;
	if (c->fault == FAULT_NONE)
		c->fault = fault;
}

static inline bool conn_we_reset(const struct conn *c)
{
	return c->plan.order == (c->client ? ORDER_CLIENT_RST : ORDER_SERVER_RST);
}

static inline bool conn_they_reset(const struct conn *c)
{
	return c->plan.order == (c->client ? ORDER_SERVER_RST : ORDER_CLIENT_RST);
}

static inline bool conn_never_reads(const struct conn *c)
{
	return (c->plan.flags & PLAN_NEVER_READ) && conn_we_reset(c);
}

static inline bool conn_ends_second(const struct conn *c)
{
	return c->plan.order == (c->client ? ORDER_SERVER : ORDER_CLIENT);
}

static inline bool conn_wants_write(const struct conn *c)
{
	if (!c->connected || (c->client && c->hello_at < c->hello_len))
		return true;
	if (!c->greeted || c->fin_sent || (c->polite && !c->got))
		return false;
	if (conn_ends_second(c) && !c->eof &&
	    ((c->plan.flags & PLAN_ANSWER_AFTER) || c->sent == c->out_total))
		return false;
	if (c->sent < c->out_total)
		return true;
	if (conn_they_reset(c))
		return false;
	return !conn_we_reset(c) || c->got || !c->in_total || conn_never_reads(c);
}

static inline void conn_on_error(struct conn *c, int e)
{
	if (!c->connected)
		snprintf(c->why, sizeof(c->why), "connect: %s", strerror(e));
	if (!c->connected || (c->client && c->hello_at < c->hello_len))
		conn_finish(c, END_NONE, FAULT_CONNECT);
	else
		conn_finish(c, END_RST, conn_they_reset(c) ? FAULT_NONE : FAULT_RESET);
}

/*
 * An end that never reads may see its own data acknowledged never again, by TCP's fault: it drops
 * a last small segment that its full buffer has no room for and shuts its window, and the other
 * side's acknowledgements, whose sequence number is that segment's end, are beyond the window
 * (Linux 6.18: TcpExtTCPRcvQDrop, then TcpExtBeyondWindow and TCPACKSkippedSeq count).  Reading a
 * little, as real ends do some day, opens the window and ends that at once: what stands still
 * after it is not TCP's fault.
 */
static inline bool conn_may_sip(const struct conn *c, uint64_t now)
{
	return conn_never_reads(c) && c->greeted && !c->piled_up &&
	       now - c->moved_at > SIP_AFTER_NS;
}

static inline void conn_write(struct conn *c, uint64_t now)
{
	static uint8_t buf[65536];
	uint64_t turn = 0;
	size_t n;
	ssize_t r;

	while (!c->done && !c->send_at && conn_wants_write(c) && turn < TURN_BYTES) {
		if (c->client && c->hello_at < c->hello_len) {
			n = c->hello_len - c->hello_at;
			if (c->segment && n > c->segment)
				n = c->segment;
			r = stream_send(&c->tls, c->fd, c->hello + c->hello_at, n);
			if (r > 0) {
				c->hello_at += (uint32_t)r;
				c->moved_at = now;
				if (c->segment)
					c->send_at = now + c->segment_gap_us * 1000ULL;
				continue;
			}
		} else if (c->sent == c->out_total) {
			if (conn_never_reads(c) && !c->piled_up) {
				c->piled_up = true;
				c->send_at = now + conn_random(c, 300000000);
				break;
			}
			if (conn_we_reset(c)) {
				conn_finish(c, END_SELF_RST, FAULT_NONE);
				return;
			}
			if (stream_end(&c->tls, c->fd) == 0 || errno == ENOTCONN) {
				c->fin_sent = true;
				c->moved_at = now;
				break;
			}
		} else {
			n = c->out_total - c->sent < c->chunk_max ? c->out_total - c->sent
								  : c->chunk_max;
			if (c->plan.pause && c->pauses)
				n = 1 + conn_random(c, (uint32_t)n) % (1U << conn_random(c, 17));
			if (n < c->tls.retry)
				n = c->tls.retry;
			pattern_fill(&c->out, c->sent, buf, n);
			r = stream_send(&c->tls, c->fd, buf, n);
			if (r > 0) {
				c->hash_out = pattern_hash(c->hash_out, c->sent, buf, (size_t)r);
				c->sent += (uint64_t)r;
				turn += (uint64_t)r;
				c->moved_at = now;
				c->told = false;
				if (c->write_kbps)
					c->send_at = now + (uint64_t)r * 1000000ULL / c->write_kbps;
				if (c->pauses && conn_random(c, 100) < c->plan.pause) {
					c->pauses--;
					c->send_at = now + conn_random(c, 3000000);
				}
				continue;
			}
		}
		if (errno != EAGAIN)
			conn_on_error(c, errno);
		return;
	}
	if (!c->done && c->fin_sent && c->eof)
		conn_finish(c, END_FIN, FAULT_NONE);
}

/* The server: collects the hello, then takes the plan out of it.  The bytes used. */
static inline size_t conn_read_hello(struct conn *c, const uint8_t *buf, size_t n)
{
	uint8_t msg[CLIENTHELLO_MAX];
	uint32_t used = 0, len = 0, part, sum;
	struct plan p;
	unsigned i;

	if (c->hello_len + n > CLIENTHELLO_MAX)
		n = CLIENTHELLO_MAX - c->hello_len;
	memcpy(c->hello + c->hello_len, buf, n);
	c->hello_len += (uint32_t)n;
	while (len < CLIENTHELLO_HEAD ||
	       len < ((uint32_t)msg[1] << 16 | (uint32_t)msg[2] << 8 | msg[3]) + CLIENTHELLO_HEAD) {
		if (c->hello_len < used + 5)
			return n;
		part = (uint32_t)c->hello[used + 3] << 8 | c->hello[used + 4];
		if (c->hello[used] != 0x16 || len + part > sizeof(msg))
			goto bad;
		if (c->hello_len < used + 5 + part)
			return n;
		memcpy(msg + len, c->hello + used + 5, part);
		len += part;
		used += 5 + part;
	}
	for (i = 0; i < CLIENTHELLO_MINE; i++)
		((uint8_t *)&p)[i] = msg[clienthello_mine_at(i)];
	sum = p.sum;
	for (i = 0; i < sizeof(p.sum); i++)
		msg[clienthello_mine_at((unsigned)offsetof(struct plan, sum) + i)] = 0;
	if (p.magic != PLAN_MAGIC || p.wire_len != used ||
	    sum != (uint32_t)pattern_hash(0, 0, msg, len))
		goto bad;
	conn_set_plan(c, &p);
	c->greeted = true;
	c->hello_at = used;
	if (c->own_tag && c->own_tag != p.tag) {
		snprintf(c->why, sizeof(c->why), "meant for tag %u, came to %u", p.tag, c->own_tag);
		c->fault = FAULT_FOREIGN;
	}
	return n - (c->hello_len - used);
bad:
	snprintf(c->why, sizeof(c->why), "the hello was changed");
	conn_finish(c, END_NONE, FAULT_HELLO);
	return n;
}

static inline void conn_on_eof(struct conn *c)
{
	c->eof = true;
	if (!c->greeted)
		conn_finish(c, END_FIN, c->hello_len ? FAULT_HELLO : FAULT_NONE);
	else if (conn_they_reset(c))
		conn_finish(c, END_FIN, FAULT_WRONG_END);
	else if (c->got < c->in_total && !conn_we_reset(c))
		conn_finish(c, END_FIN, FAULT_TRUNCATED);
	else if (c->fin_sent)
		conn_finish(c, END_FIN, FAULT_NONE);
}

static inline void conn_check(struct conn *c, const uint8_t *buf, size_t n, uint64_t now)
{
	enum pattern_fault f;

	if (c->got + n > c->in_total) {
		snprintf(c->why, sizeof(c->why), "%llu bytes where %llu belong",
			 (unsigned long long)(c->got + n), (unsigned long long)c->in_total);
		conn_finish(c, END_NONE, FAULT_LONG);
		return;
	}
	f = pattern_check(&c->in, c->got, buf, n, c->why, sizeof(c->why));
	if (f != PATTERN_OK) {
		conn_finish(c, END_NONE, (enum fault)(FAULT_LOST + (f - PATTERN_LOST)));
		return;
	}
	c->hash_in = pattern_hash(c->hash_in, c->got, buf, n);
	if (c->stall_ms && c->got < 65536 && c->got + n >= 65536)
		c->recv_at = now + c->stall_ms * 1000000ULL;
	c->got += n;
	if (c->read_kbps)
		c->recv_at = now + n * 1000000ULL / c->read_kbps;
}

static inline void conn_read(struct conn *c, uint64_t now)
{
	static uint8_t buf[65536];
	size_t turn = 0, used, want = sizeof(buf);
	ssize_t n;

	if (c->read_kbps && c->read_kbps * 4 < want) /* about 4 ms each */
		want = c->read_kbps * 4 + 1;
	while (!c->done && !c->eof && (!c->held || c->sips) && !c->recv_at && turn < TURN_BYTES) {
		n = stream_recv(&c->tls, c->fd, buf, want);
		if (n == -1) {
			if (errno != EAGAIN)
				conn_on_error(c, errno);
			return;
		}
		if (n)
			c->moved_at = now;
		if (n == 0) {
			conn_on_eof(c);
			return;
		}
		turn += (size_t)n;
		used = c->greeted ? 0 : conn_read_hello(c, buf, (size_t)n);
		if (!c->done && used < (size_t)n)
			conn_check(c, buf + used, (size_t)n - used, now);
		if (used) /* the plan may say not to read on */
			return;
	}
}

/* What epoll must watch; 0: nothing, a timer or a signal comes first. */
static inline uint32_t conn_mask(const struct conn *c)
{
	uint32_t mask = 0;

	if (!c->send_at && conn_wants_write(c))
		mask |= EPOLLOUT;
	if (c->connected && !c->eof && !c->held && !c->recv_at)
		mask |= EPOLLIN;
	if (c->tls.wants_read) /* for what it sends */
		mask = EPOLLIN;
	return mask;
}
#endif
