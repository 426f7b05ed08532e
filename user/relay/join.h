/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * join - the two halves of one connection, <up> from the client and <down> to it: how they begin
 * and what is left when both have ended.
 */
#ifndef JOIN_H
#define JOIN_H
#include "half.h"

/*
 * Bytes on their way to one peer (redirected or relayed, not acknowledged): above
 * HARD the program passes, which closes the source's window; below SOFT the
 * passed bytes are relayed and the kernel goes on.  So a stalled connection costs
 * HARD plus a receive buffer.  The send buffer must be well above HARD in skb
 * truesize, or the kernel's worker sleeps a jiffy for each full buffer.
 *
 * Over loopback a source answers the news of room within the recv(2) that tells
 * it, with all of its send buffer (4 MiB by default): that goes into the socket's
 * backlog, and as long as it is run over, its length counts as room taken
 * (tcp_space()).  With a receive buffer (doubled by the kernel) of no more than
 * that, the window can be told to be shut, and nobody tell otherwise until the
 * source probes after 200 ms.
 */
#define JOIN_SOFT (4U << 20)
#define JOIN_HARD (32U << 20)
#define JOIN_SNDBUF (64 << 20)
#define JOIN_RCVBUF (4 << 20)
#define JOIN_COPY_SNDBUF (1 << 20)
#define JOIN_PUMP_BYTES \
	(8 * 1024 * 1024) /* all that a receive buffer can hold; touched when used */

/* Before connect(2) or listen(2): the buffers of a socket that may be enrolled; needs CAP_NET_ADMIN
 * to have them whole. */
void join_enlarge(int fd);
/* It is not: send() is the gate then, and not the verdict program. */
void join_shrink(int fd);

/* Both ends are enrolled: the program moves their bytes from now on. */
void join_kernel(struct half *up, struct half *down);
/* User space does, by splice(2) where it can. */
void join_user(struct half *up, struct half *down);
/* Before the ends are closed: nothing may be redirected to a socket that is going. */
void join_part(struct half *up, struct half *down);

/* HALF_WANT_RETRY: how long to wait this time, by how long it was last time; 0: it is the first. */
uint32_t join_retry_ns(uint32_t before, const struct half *up, const struct half *down);

/*
 * h->src is broken: moves what it had sent before, which is dst's still.  True: dst has
 * acknowledged all there is of it, or is broken too; else ask again soon.
 */
bool join_flush(struct half *h, struct pump *p);

/*
 * Both are HALF_SHUT.  Is what the ends have not acknowledged little enough for the kernel to
 * finish it after close()?  Asks TCP only if it may be too much; <more>: bytes sent that are no
 * half's.
 */
bool join_may_close(const struct half *up, const struct half *down, uint64_t more);
#endif
