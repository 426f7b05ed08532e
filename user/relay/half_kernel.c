// SPDX-License-Identifier: GPL-2.0-only
/*
 * half_kernel - MOVER_KERNEL: what is left for user space to do, that is to relay what the program
 * has passed, and to find out when the stream has ended.
 */
#include <errno.h>
#include <sys/socket.h>

#include "half_private.h"

#define REFUSED_MAX 500 /* ten seconds at the longest step of the caller's clock */
#define LOOKS_UNTIL_ERROR 16

/* How much dst is to have been given, with what is still on the way to its TCP queue. */
static uint64_t dst_total(const struct half *h)
{
	const struct flow *f = h->src->flow;

	return half_load(&f->redir) + f->relayed + h->before + h->prefix - h->skipped;
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
	uint64_t gone = half_load(&f->redir) + f->relayed + h->before;
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
	if (h->pending_len || half_load(&f->passed) != f->relayed)
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
			half_fail(h, h->src, n ? errno : EPIPE);
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
 * opens when all that comes is the kernel's.  Returns as half_copy_once().
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
			half_fail(h, h->dst, errno);
		return errno == EAGAIN ? -ENOBUFS : n;
	}
	half_hold(h, p->buf + h->unread, (size_t)w);
	half_written(h, (size_t)w);
	h->unread += (uint32_t)w;
	return w;
}

unsigned half_kernel_pump(struct half *h, struct pump *p)
{
	struct flow *f = h->src->flow;
	size_t turn = 0;
	ssize_t n;
	int r;

	if (f->broken)
		return half_fail(h, h->src, EPROTO);
	for (;;) {
		if (!h->pending_len && half_load(&f->passed) == f->relayed) {
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
		r = half_flush(h);
		if (r <= 0)
			return r < 0 ? 0 : HALF_WANT_WRITE;
		if (half_load(&f->passed) == f->relayed)
			continue;
		if (turn >= HALF_TURN_BYTES)
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
			return half_fail(h, h->src, (int)-n);
		if (!n)
			return half_eof(h) ? HALF_WANT_RETRY : 0;
		turn += (size_t)n;
	}
	if (h->src->fin && !h->src->err && h->state == HALF_OPEN)
		h->state = HALF_EOF;
	if (h->state != HALF_EOF)
		return 0; /* the program works; events tell of FIN and PASS */
#ifdef MUTANT
	if (p->mutant == MUTANT_NAIVE_CLOSE) {
		half_end(h);
		return 0;
	}
#endif
	if (!half_drained(h)) {
		/* long: the kernel's worker may have met an error that has not closed dst */
		if (!(++h->looks % LOOKS_UNTIL_ERROR) && end_error(h->dst))
			return half_fail(h, h->dst, h->dst->err);
		return HALF_WANT_RETRY;
	}
	half_end(h);
	return 0;
}

uint64_t half_kernel_bytes(const struct half *h)
{
	return h->mover == MOVER_KERNEL && h->src->flow ? half_load(&h->src->flow->redir) : 0;
}
