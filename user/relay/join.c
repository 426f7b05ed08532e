// SPDX-License-Identifier: GPL-2.0-only
#include "join.h"

#include <sys/socket.h>

#define RETRY_MIN_NS (200U * 1000) /* prototype: the best of 50 us to 2 ms */
#define RETRY_MAX_NS (20U * 1000000)
/*
 * Of an ended stream what is missing is with the kernel's worker, which waits for a CPU: soon it is
 * not, and if it takes longer, FIN is not to come twice as late as that.
 */
#define RETRY_END_NS (20U * 1000)
#define RETRY_END_FINE_NS (100U * 1000) /* from here on by quarters */
#define UNACKED_MAX (256 * 1024)	/* the kernel may finish this much after close() */

void join_enlarge(int fd)
{
	const int snd = JOIN_SNDBUF, rcv = JOIN_RCVBUF;

	if (setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &snd, sizeof(snd)))
		setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &snd, sizeof(snd));
	if (setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcv, sizeof(rcv)))
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &rcv, sizeof(rcv));
}

void join_shrink(int fd)
{
	const int bytes = JOIN_COPY_SNDBUF;

	setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &bytes, sizeof(bytes));
}

void join_kernel(struct half *up, struct half *down)
{
	struct flow *a = up->src->flow, *b = down->src->flow;

	up->mover = down->mover = MOVER_KERNEL;
	/* these bytes are dealt with, although the other side has none of them */
	__atomic_store_n(&a->relayed, up->skipped, __ATOMIC_SEQ_CST);
	a->peer = down->src->slot;
	b->peer = up->src->slot;
	__atomic_store_n(&b->peer_cookie, a->cookie, __ATOMIC_SEQ_CST);
	__atomic_store_n(&a->peer_cookie, b->cookie, __ATOMIC_SEQ_CST);
}

static enum half_mover mover_of(const struct half *h)
{
	return end_splices_from(h->src) && end_splices_to(h->dst) ? MOVER_SPLICE : MOVER_COPY;
}

void join_user(struct half *up, struct half *down)
{
	up->mover = mover_of(up);
	down->mover = mover_of(down);
}

void join_part(struct half *up, struct half *down)
{
	if (up->src->flow)
		__atomic_store_n(&up->src->flow->peer_cookie, 0, __ATOMIC_SEQ_CST);
	if (down->src->flow)
		__atomic_store_n(&down->src->flow->peer_cookie, 0, __ATOMIC_SEQ_CST);
}

uint32_t join_retry_ns(uint32_t before, const struct half *up, const struct half *down)
{
	bool ended = up->state == HALF_EOF || down->state == HALF_EOF;

	if (!before)
		return ended ? RETRY_END_NS : RETRY_MIN_NS;
	if (ended && before >= RETRY_END_FINE_NS && before < RETRY_MAX_NS)
		return before + before / 4;
	return before < RETRY_MAX_NS / 2 ? before * 2 : RETRY_MAX_NS;
}

bool join_flush(struct half *h, struct pump *p)
{
	if (h->state != HALF_SHUT && h->state != HALF_FAILED)
		half_pump(h, p);
	if (end_is_broken(h->dst))
		return true;
	return (h->state == HALF_FAILED || half_drained(h)) && !h->pending_len && !h->piped &&
	       !end_unacked(h->dst);
}

bool join_may_close(const struct half *up, const struct half *down, uint64_t more)
{
	const struct end *client = up->src, *upstream = down->src;
	uint64_t moved = half_kernel_bytes(up) + half_user_bytes(up) + half_kernel_bytes(down) +
			 half_user_bytes(down);

	if (client->final && upstream->final)
		return true;
	if (moved + more <= UNACKED_MAX && !client->tls && !upstream->tls)
		return true;
	return end_unacked(client) + end_unacked(upstream) <= UNACKED_MAX;
}
