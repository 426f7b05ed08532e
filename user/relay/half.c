// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "half.h"
#include "half_private.h"

#define COPY_BYTES (256 * 1024)
#define PENDING_MAX (1U << 30) /* far above what is ever read at once */

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

void half_done(struct half *h)
{
	half_forget(h);
	free(h->pending);
	h->pending = NULL;
	h->pending_len = h->pending_off = h->pending_size = 0;
	half_pipe_close(h);
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

void half_hold(struct half *h, const void *bytes, size_t n)
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

/* What was relayed is in src still, and in <kept>: it is to be there once. */
static bool drop_unread(struct half *h)
{
	uint8_t buf[4096];
	ssize_t n;

	while (h->unread) {
		n = recv(h->src->fd, buf, h->unread < sizeof(buf) ? h->unread : sizeof(buf),
			 MSG_DONTWAIT);
		if (n <= 0)
			return false;
		h->unread -= (uint32_t)n;
	}
	return true;
}

bool half_take_back(struct half *h)
{
	const struct flow *f = h->src->flow;
	size_t waits = h->pending_len;
	struct half was;

	if (!h->keeps || h->moved != h->kept_len || h->piped || (f && (f->redir || f->based)) ||
	    !drop_unread(h))
		return false;
	was = *h;
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

unsigned half_fail(struct half *h, struct end *which, int err)
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

void half_written(struct half *h, size_t n)
{
	h->moved += n;
	/* published after the bytes are in dst's queue: the program may redirect
	 * behind them from now on */
	if (h->mover == MOVER_KERNEL)
		__atomic_store_n(&h->src->flow->relayed, h->src->flow->relayed + n,
				 __ATOMIC_SEQ_CST);
}

int half_flush(struct half *h)
{
	ssize_t n;

	while (h->pending_len) {
		n = end_write(h->dst, h->pending + h->pending_off, h->pending_len);
		if (n == -EAGAIN)
			return 0;
		if (n < 0) {
			half_fail(h, h->dst, (int)-n);
			return -1;
		}
		half_hold(h, h->pending + h->pending_off, (size_t)n);
		h->pending_off += (uint32_t)n;
		h->pending_len -= (uint32_t)n;
		half_written(h, (size_t)n);
	}
	free(h->pending);
	h->pending = NULL;
	h->pending_off = h->pending_size = 0;
	n = end_flush(h->dst);
	if (!n || n == -EAGAIN)
		return !n;
	half_fail(h, h->dst, (int)-n);
	return -1;
}

ssize_t half_copy_once(struct half *h, struct pump *p)
{
	ssize_t n, w;

	n = end_read(h->src, p->buf, COPY_BYTES);
	if (n <= 0)
		return n;
	w = end_put(h->dst, p->buf, (size_t)n);
	if (w < 0 && w != -EAGAIN) {
		half_fail(h, h->dst, (int)-w);
		return n;
	}
	if (w < 0)
		w = 0;
	half_hold(h, p->buf, (size_t)w);
	half_written(h, (size_t)w);
	if (w < n && half_push(h, p->buf + w, (size_t)(n - w)))
		half_fail(h, h->src, ENOMEM);
	return n;
}

unsigned half_end(struct half *h)
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

bool half_eof(struct half *h)
{
	if (h->src->err) {
		half_fail(h, h->src, h->src->err);
		return false;
	}
	h->src->fin = true;
	h->state = HALF_EOF;
	return true;
}

/* Leaves nothing behind in dst's session; else what that waits for comes before <want>. */
static unsigned leave(struct half *h, unsigned want)
{
	int r = half_flush(h);

	return r > 0 ? want : r < 0 ? 0 : HALF_WANT_WRITE;
}

/* src has failed, but what it said before is dst's. */
static unsigned leave_failed(struct half *h, int err)
{
	unsigned want;

	if (!h->src->err) /* the kernel tells it once */
		h->src->err = err;
	want = leave(h, 0);
	return want || h->state == HALF_FAILED ? want : half_fail(h, h->src, err);
}

static unsigned copy_pump(struct half *h, struct pump *p)
{
	size_t turn = 0;
	ssize_t n;
	int r;

	for (;;) {
		/* a session's last record, close_notify and FIN are one segment: so what was copied
		 * just now waits until the next look at src says that it is not the last */
		r = turn && !h->pending_len ? 1 : half_flush(h);
		if (r <= 0)
			return r < 0 ? 0 : HALF_WANT_WRITE;
		if (h->state == HALF_EOF)
			return half_end(h);
		if (turn >= HALF_TURN_BYTES)
			return leave(h, HALF_WANT_TURN);
		n = half_copy_once(h, p);
		if (h->state == HALF_FAILED)
			return 0;
		if (n == -EAGAIN)
			return leave(h, HALF_WANT_READ);
		if (n < 0 || (!n && h->src->err))
			return leave_failed(h, n ? (int)-n : h->src->err);
		if (!n)
			half_eof(h);
		turn += (size_t)n;
	}
}

unsigned half_pump(struct half *h, struct pump *p)
{
	if (h->state == HALF_SHUT || h->state == HALF_FAILED)
		return 0;
	switch (h->mover) {
	case MOVER_SPLICE:
		return half_splice_pump(h, p);
	case MOVER_KERNEL:
		return half_kernel_pump(h, p);
	default:
		return copy_pump(h, p);
	}
}

uint64_t half_user_bytes(const struct half *h)
{
	return h->moved;
}
