// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "half.h"

#define PIPE_BYTES (1024 * 1024) /* fs.pipe-max-size's default */
#define PIPE_LEAST (64 * 1024)
#define TURN_BYTES (4U * 1024 * 1024)
#define COPY_BYTES (256 * 1024)
#define REFUSED_MAX 500 /* ten seconds at the longest step of the caller's clock */
#define LOOKS_UNTIL_ERROR 16
#define CHUNK_BYTES (1024 * 1024)
#define PENDING_MAX (1U << 30) /* far above what is ever read at once */

static inline uint64_t load(const __u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}

void pump_done(struct pump *p)
{
	while (p->n_pipes) {
		close(p->pipes[--p->n_pipes][0]);
		close(p->pipes[p->n_pipes][1]);
	}
	free(p->buf);
	p->buf = NULL;
}

void half_init(struct half *h, struct end *src, struct end *dst)
{
	memset(h, 0, sizeof(*h));
	h->src = src;
	h->dst = dst;
	h->pipe[0] = h->pipe[1] = -1;
}

static void pipe_close(struct half *h)
{
	if (h->pipe[0] == -1)
		return;
	close(h->pipe[0]);
	close(h->pipe[1]);
	h->pipe[0] = h->pipe[1] = -1;
}

/* An idle connection holds no pipe: an empty one goes back to the worker's stock. */
static void pipe_put(struct half *h, struct pump *p)
{
	if (h->pipe[0] == -1)
		return;
	if (p->n_pipes == PUMP_PIPES) {
		pipe_close(h);
		return;
	}
	memcpy(p->pipes[p->n_pipes++], h->pipe, sizeof(h->pipe));
	h->pipe[0] = h->pipe[1] = -1;
}

/*
 * Once fs.pipe-user-pages-soft is used up a pipe has two pages.  That does for plain sockets; of a
 * session of the kernel's, splice(2) may lose what it has no room for (6.1, tls_sw_splice_read).
 */
static bool pipe_has_room(const struct half *h)
{
	return !h->src->tls || fcntl(h->pipe[1], F_GETPIPE_SZ) >= PIPE_LEAST;
}

static int pipe_get(struct half *h, struct pump *p)
{
	if (p->n_pipes) {
		memcpy(h->pipe, p->pipes[--p->n_pipes], sizeof(h->pipe));
	} else if (pipe2(h->pipe, O_NONBLOCK | O_CLOEXEC)) {
		h->pipe[0] = h->pipe[1] = -1;
		return -errno;
	} else {
		fcntl(h->pipe[1], F_SETPIPE_SZ, PIPE_BYTES);
	}
	if (pipe_has_room(h))
		return 0;
	pipe_close(h);
	return -ENOBUFS;
}

void half_done(struct half *h)
{
	half_forget(h);
	free(h->pending);
	h->pending = NULL;
	h->pending_len = h->pending_off = h->pending_size = 0;
	pipe_close(h);
}

int half_push(struct half *h, const void *bytes, size_t len)
{
	size_t need = (size_t)h->pending_off + h->pending_len + len, size = h->pending_size;
	uint8_t *p;

	if (!len)
		return 0; /* of nothing there may be no address */
	if (need > PENDING_MAX)
		return -ENOMEM;
	if (need > size) {
		for (size = size ? size : 2048; size < need; size *= 2)
			;
		p = realloc(h->pending, size);
		if (!p)
			return -ENOMEM;
		h->pending = p;
		h->pending_size = (uint32_t)size;
	}
	memcpy(h->pending + h->pending_off + h->pending_len, bytes, len);
	h->pending_len += (uint32_t)len;
	return 0;
}

void half_keep(struct half *h)
{
	h->keeps = !h->moved;
}

void half_forget(struct half *h)
{
	free(h->kept);
	h->kept = NULL;
	h->kept_len = 0;
	h->keeps = false;
}

static void keep(struct half *h, const void *bytes, size_t n)
{
	uint8_t *p;

	if (!h->keeps || !n)
		return;
	p = h->kept_len + n <= HALF_KEEP_MAX ? realloc(h->kept, h->kept_len + n) : NULL;
	if (!p) {
		half_forget(h);
		return;
	}
	memcpy(p + h->kept_len, bytes, n);
	h->kept = p;
	h->kept_len += (uint32_t)n;
}

bool half_take_back(struct half *h)
{
	const struct flow *f = h->src->flow;
	size_t waits = h->pending_len;
	struct half was = *h;

	if (!h->keeps || h->moved != h->kept_len || h->piped || h->unread ||
	    (f && (f->redir || f->based)))
		return false;
	h->pending = NULL;
	h->pending_off = h->pending_len = h->pending_size = 0;
	if (half_push(h, was.kept, was.kept_len) ||
	    half_push(h, was.pending + was.pending_off, waits)) {
		free(h->pending);
		*h = was;
		return false;
	}
	free(was.pending);
	half_forget(h);
	h->moved = h->prefix = 0;
	h->state = HALF_OPEN;
	return true;
}

static unsigned fail(struct half *h, struct end *which, int err)
{
	if (!which->err)
		which->err = err;
	h->src_failed = which == h->src;
	h->state = HALF_FAILED;
	return 0;
}

struct end *half_failed_end(const struct half *h)
{
	return h->src_failed ? h->src : h->dst;
}

static void written(struct half *h, size_t n)
{
	h->moved += n;
	/* published after the bytes are in dst's queue: the program may redirect
	 * behind them from now on */
	if (h->mover == MOVER_KERNEL)
		__atomic_store_n(&h->src->flow->relayed, h->src->flow->relayed + n,
				 __ATOMIC_SEQ_CST);
}

/* Writes what is pending, and what dst's session holds back.  1: all gone, 0: blocked, -1: failed.
 */
static int flush_pending(struct half *h)
{
	ssize_t n;

	while (h->pending_len) {
		n = end_write(h->dst, h->pending + h->pending_off, h->pending_len);
		if (n == -EAGAIN)
			return 0;
		if (n < 0) {
			fail(h, h->dst, (int)-n);
			return -1;
		}
		keep(h, h->pending + h->pending_off, (size_t)n);
		h->pending_off += (uint32_t)n;
		h->pending_len -= (uint32_t)n;
		written(h, (size_t)n);
	}
	free(h->pending);
	h->pending = NULL;
	h->pending_off = h->pending_size = 0;
	n = end_flush(h->dst);
	if (!n || n == -EAGAIN)
		return !n;
	fail(h, h->dst, (int)-n);
	return -1;
}

/* Reads once and writes once.  Returns bytes read (0: EOF), or -errno; what dst
 * did not take is pending then. */
static ssize_t copy_once(struct half *h, struct pump *p)
{
	ssize_t n, w;

	n = end_read(h->src, p->buf, COPY_BYTES);
	if (n <= 0)
		return n;
	w = end_put(h->dst, p->buf, (size_t)n);
	if (w < 0 && w != -EAGAIN) {
		fail(h, h->dst, (int)-w);
		return n;
	}
	if (w < 0)
		w = 0;
	keep(h, p->buf, (size_t)w);
	written(h, (size_t)w);
	if (w < n && half_push(h, p->buf + w, (size_t)(n - w)))
		fail(h, h->src, ENOMEM);
	return n;
}

/* Ends dst's stream.  Returns what that waits for, 0 when it is done. */
static unsigned shut(struct half *h)
{
	if (h->last && !h->dst->tls) {
		h->state = HALF_SHUT;
		h->owes_shut = true;
		return 0;
	}
	switch (end_shut(h->dst)) {
	case -EAGAIN:
		return HALF_WANT_WRITE;
	case -EINPROGRESS:
		return HALF_WANT_RETRY;
	}
	h->state = HALF_SHUT;
	return 0;
}

void half_shut_now(struct half *h)
{
	if (h->owes_shut)
		end_shut(h->dst);
	h->owes_shut = false;
}

/* recv() said 0.  After a reset it does so as well: that must never look like a
 * clean end to dst.  False: failed. */
static bool eof(struct half *h)
{
	if (h->src->err) {
		fail(h, h->src, h->src->err);
		return false;
	}
	h->src->fin = true;
	h->state = HALF_EOF;
	return true;
}

/* Leaves nothing behind in dst's session; else what that waits for comes before <want>. */
static unsigned leave(struct half *h, unsigned want)
{
	int r = flush_pending(h);

	return r > 0 ? want : r < 0 ? 0 : HALF_WANT_WRITE;
}

/* src has failed, but what it said before is dst's. */
static unsigned leave_failed(struct half *h, int err)
{
	unsigned want;

	if (!h->src->err) /* the kernel tells it once */
		h->src->err = err;
	want = leave(h, 0);
	return want || h->state == HALF_FAILED ? want : fail(h, h->src, err);
}

static unsigned copy_pump(struct half *h, struct pump *p)
{
	size_t turn = 0;
	ssize_t n;
	int r;

	for (;;) {
		/* a session's last record, close_notify and FIN are one segment: so what was copied
		 * just now waits until the next look at src says that it is not the last */
		r = turn && !h->pending_len ? 1 : flush_pending(h);
		if (r <= 0)
			return r < 0 ? 0 : HALF_WANT_WRITE;
		if (h->state == HALF_EOF)
			return shut(h);
		if (turn >= TURN_BYTES)
			return leave(h, HALF_WANT_TURN);
		n = copy_once(h, p);
		if (h->state == HALF_FAILED)
			return 0;
		if (n == -EAGAIN)
			return leave(h, HALF_WANT_READ);
		if (n < 0 || (!n && h->src->err))
			return leave_failed(h, n ? (int)-n : h->src->err);
		if (!n)
			eof(h);
		turn += (size_t)n;
	}
}

/* Is FIN all that can come behind what is in the pipe or in src?  Then it goes with the last bytes:
 * a segment, its acknowledgement and a wake-up of the reader less.  (A session holds back records.)
 */
static bool ends_soon(const struct half *h)
{
	return h->src->fin && !h->src->err && !h->dst->tls;
}

/* Out of the pipe.  1: it is empty, 0: blocked, -1: failed. */
static int splice_out(struct half *h)
{
	unsigned flags = SPLICE_F_MOVE | SPLICE_F_NONBLOCK;
	ssize_t n;

	if (ends_soon(h))
		flags |= SPLICE_F_MORE;
	while (h->piped) {
		n = splice(h->pipe[0], NULL, h->dst->fd, NULL, h->piped, flags);
		if (n < 0 && errno == EAGAIN) {
			if (h->dst->tls)
				end_push(h->dst);
			return 0;
		}
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0) {
			fail(h, h->dst, n ? errno : EPIPE);
			return -1;
		}
		h->piped -= (uint32_t)n;
		h->moved += (size_t)n;
		end_spliced(h->dst, (size_t)n);
	}
	return 1;
}

/*
 * Into the pipe.  By a session's own hands what it has decrypted already, and what is no data: it
 * has to judge a record of another type, a FIN without close_notify, an error.  As copy_once().
 */
static ssize_t splice_in(struct half *h, struct pump *p)
{
	ssize_t n;

	if (end_has_pending(h->src))
		return copy_once(h, p);
	do
		n = splice(h->src->fd, NULL, h->pipe[1], NULL, CHUNK_BYTES,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		h->piped = (uint32_t)n;
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return n > 0 ? n : -EAGAIN;
	if (h->src->tls)
		return copy_once(h, p);
	return n ? -errno : 0;
}

static unsigned splice_pump(struct half *h, struct pump *p)
{
	size_t turn = 0;
	ssize_t n;
	int r;

	for (;;) {
		r = flush_pending(h);
		if (r > 0)
			r = splice_out(h);
		if (r <= 0)
			return r < 0 ? 0 : HALF_WANT_WRITE;
		if (h->state == HALF_EOF) {
			pipe_put(h, p);
			return shut(h);
		}
		if (turn >= TURN_BYTES)
			return HALF_WANT_TURN;
		if (h->pipe[0] == -1 && pipe_get(h, p)) {
			/* out of descriptors or pages: this direction copies from now on */
			h->mover = MOVER_COPY;
			return HALF_WANT_TURN;
		}
		n = splice_in(h, p);
		if (h->state == HALF_FAILED)
			return 0;
		if (n < 0 && ends_soon(h))
			end_push(h->dst); /* no FIN after all, or not now */
		if (n == -EAGAIN) {
			pipe_put(h, p);
			return HALF_WANT_READ;
		}
		if (n < 0)
			return fail(h, h->src, (int)-n);
		if (!n && !eof(h))
			return 0;
		turn += (size_t)n;
	}
}

/* How much dst is to have been given, with what is still on the way to its TCP queue. */
static uint64_t dst_total(const struct half *h)
{
	const struct flow *f = h->src->flow;

	return load(&f->redir) + f->relayed + h->before + h->prefix - h->skipped;
}

/* All that was redirected is in dst's TCP queue, so that a write goes behind it. */
static bool dst_absorbed(struct half *h)
{
	struct tcp_info ti;

	if (end_info(h->dst, &ti) || end_enqueued(&ti) < dst_total(h))
		return false;
	end_note(h->dst, &ti);
	return true;
}

/*
 * May user space write what was passed?  What is redirected goes first.  And as
 * long as dst has much to acknowledge, the passed bytes stay where they are, in
 * src's receive buffer, which is what closes its window.
 */
static bool dst_may_relay(const struct half *h, const struct pump *p)
{
	uint64_t out = dst_total(h);
	struct tcp_info ti;

	if (!out)
		return true;
	if (end_info(h->dst, &ti))
		return false;
	return end_enqueued(&ti) >= out &&
	       (out <= ti.tcpi_bytes_acked || out - ti.tcpi_bytes_acked <= p->soft);
}

/* Has the program dealt with all that src's TCP has received? */
static bool src_emptied(const struct half *h)
{
	const struct flow *f = h->src->flow;
	uint64_t gone = load(&f->redir) + f->relayed + h->before;
	struct tcp_info ti;

	/* the stream's length is known, modulo 2^32; less than that is on the way */
	if (__atomic_load_n(&f->ended, __ATOMIC_ACQUIRE) && f->first_ns)
		return (uint32_t)(gone - h->unseen) == f->fin_seq - f->first_seq;
	return !end_info(h->src, &ti) && gone >= end_received(h->src, &ti);
}

bool half_drained(struct half *h)
{
	const struct flow *f = h->src->flow;

	if (h->mover != MOVER_KERNEL)
		return !h->pending_len && !h->piped && end_is_drained(h->dst);
	if (h->pending_len || load(&f->passed) != f->relayed)
		return false;
	if (!src_emptied(h)) {
		end_kick(h->src);
		return false;
	}
	return dst_absorbed(h);
}

/*
 * Takes what was relayed out of src.  The kernel may refuse for a while, although the bytes are
 * there (EAGAIN of tcp_bpf_recvmsg_parser(), 6.1 to 6.18: more has come behind them that the
 * program could not run over yet).  0: all of it, or -errno.
 */
static int consume(struct half *h, struct pump *p)
{
	ssize_t n;

	while (h->unread) {
		n = recv(h->src->fd, p->buf, h->unread, MSG_DONTWAIT);
		if (n < 0 && (errno == EAGAIN || errno == EINTR) && ++h->refused < REFUSED_MAX)
			return -errno;
		if (n <= 0) { /* they were there a moment ago */
			fail(h, h->src, n ? errno : EPIPE);
			return -EPIPE;
		}
		h->unread -= (uint32_t)n;
		h->refused = 0;
	}
	return 0;
}

/*
 * Relays what the program passed: looks (MSG_PEEK), writes, publishes; the caller consumes it when
 * passed == relayed, and not before.  Each read frees room in src's receive buffer, its sender
 * would go on at once, and its bytes would be passed again: a flow that was ever passed would be
 * copied for ever.  This way an episode ends when the buffer is full, at the latest, and the window
 * opens when all that comes is the kernel's.  Returns as copy_once().
 */
static ssize_t relay_passed(struct half *h, struct pump *p)
{
	ssize_t n, w;

	n = recv(h->src->fd, p->buf, p->size, MSG_PEEK | MSG_DONTWAIT);
	if (n <= 0)
		return n ? -errno : 0;
	if ((size_t)n <= h->unread) /* no more than we have seen already */
		return (size_t)n == p->size ? -ENOSPC : -EAGAIN;
	n -= h->unread;
	w = send(h->dst->fd, p->buf + h->unread, (size_t)n, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (w < 0) {
		if (errno != EAGAIN && errno != EINTR)
			fail(h, h->dst, errno);
		return errno == EAGAIN ? -ENOBUFS : n;
	}
	keep(h, p->buf + h->unread, (size_t)w);
	written(h, (size_t)w);
	h->unread += (uint32_t)w;
	return w;
}

static unsigned kernel_pump(struct half *h, struct pump *p)
{
	struct flow *f = h->src->flow;
	size_t turn = 0;
	ssize_t n;
	int r;

	if (f->broken)
		return fail(h, h->src, EPROTO);
	for (;;) {
		if (!h->pending_len && load(&f->passed) == f->relayed) {
			if (h->unread && consume(h, p))
				return h->state == HALF_FAILED ? 0
							       : HALF_WANT_READ | HALF_WANT_RETRY;
			if (f->told_ack == f->told)
				break;
			/* the episode is over: the next PASS tells us again.  Pairs with
			 * the atomic add in pass(): one of the two sees the other. */
			__atomic_store_n(&f->told_ack, f->told, __ATOMIC_SEQ_CST);
			__atomic_thread_fence(__ATOMIC_SEQ_CST);
			continue;
		}
		if (!dst_may_relay(h, p))
			return HALF_WANT_RETRY;
		r = flush_pending(h);
		if (r <= 0)
			return r < 0 ? 0 : HALF_WANT_WRITE;
		if (load(&f->passed) == f->relayed)
			continue;
		if (turn >= TURN_BYTES)
			return HALF_WANT_TURN;
		n = relay_passed(h, p);
		if (h->state == HALF_FAILED)
			return 0;
		if (n == -ENOSPC)
			n = consume(h, p) ? -EAGAIN : 1;
		if (n == -ENOBUFS)
			return HALF_WANT_WRITE;
		/* counted as passed, but not yet handed to the socket; or behind our
		 * own backlog (no event tells when that is gone) */
		if (n == -EAGAIN || n == -EINTR)
			return HALF_WANT_READ | HALF_WANT_RETRY;
		if (n < 0)
			return fail(h, h->src, (int)-n);
		if (!n)
			return eof(h) ? HALF_WANT_RETRY : 0;
		turn += (size_t)n;
	}
	if (h->src->fin && !h->src->err && h->state == HALF_OPEN)
		h->state = HALF_EOF;
	if (h->state != HALF_EOF)
		return 0; /* the program works; events tell of FIN and PASS */
#ifdef MUTANT
	if (p->mutant == MUTANT_NAIVE_CLOSE) {
		shut(h);
		return 0;
	}
#endif
	if (!half_drained(h)) {
		/* long: the kernel's worker may have met an error that has not closed dst */
		if (!(++h->looks % LOOKS_UNTIL_ERROR) && end_error(h->dst))
			return fail(h, h->dst, h->dst->err);
		return HALF_WANT_RETRY;
	}
	shut(h);
	return 0;
}

unsigned half_pump(struct half *h, struct pump *p)
{
	if (h->state == HALF_SHUT || h->state == HALF_FAILED)
		return 0;
	switch (h->mover) {
	case MOVER_SPLICE:
		return splice_pump(h, p);
	case MOVER_KERNEL:
		return kernel_pump(h, p);
	default:
		return copy_pump(h, p);
	}
}

uint64_t half_kernel_bytes(const struct half *h)
{
	return h->mover == MOVER_KERNEL && h->src->flow ? load(&h->src->flow->redir) : 0;
}

uint64_t half_user_bytes(const struct half *h)
{
	return h->moved;
}
