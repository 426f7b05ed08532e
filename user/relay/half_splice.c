// SPDX-License-Identifier: GPL-2.0-only
/*
 * half_splice - MOVER_SPLICE: from socket to socket through a pipe, without a copy.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "half_private.h"

#define PIPE_BYTES (1024 * 1024) /* fs.pipe-max-size's default */
#define PIPE_LEAST (64 * 1024)
#define CHUNK_BYTES (1024 * 1024)

void half_pipe_close(struct half *h)
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
		half_pipe_close(h);
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
	half_pipe_close(h);
	return -ENOBUFS;
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
			half_fail(h, h->dst, n ? errno : EPIPE);
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
 * has to judge a record of another type, a FIN without close_notify, an error.  As
 * half_copy_once().
 */
static ssize_t splice_in(struct half *h, struct pump *p)
{
	ssize_t n;

	if (end_has_pending(h->src))
		return half_copy_once(h, p);
	do
		n = splice(h->src->fd, NULL, h->pipe[1], NULL, CHUNK_BYTES,
			   SPLICE_F_MOVE | SPLICE_F_NONBLOCK);
	while (n < 0 && errno == EINTR);
	if (n > 0)
		h->piped = (uint32_t)n;
	if (n > 0 || (n < 0 && errno == EAGAIN))
		return n > 0 ? n : -EAGAIN;
	if (h->src->tls)
		return half_copy_once(h, p);
	return n ? -errno : 0;
}

unsigned half_splice_pump(struct half *h, struct pump *p)
{
	size_t turn = 0;
	ssize_t n;
	int r;

	for (;;) {
		r = half_flush(h);
		if (r > 0)
			r = splice_out(h);
		if (r <= 0)
			return r < 0 ? 0 : HALF_WANT_WRITE;
		if (h->state == HALF_EOF) {
			pipe_put(h, p);
			return half_end(h);
		}
		if (turn >= HALF_TURN_BYTES)
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
			return half_fail(h, h->src, (int)-n);
		if (!n && !half_eof(h))
			return 0;
		turn += (size_t)n;
	}
}
