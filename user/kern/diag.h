/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * diag - ends a TCP connection of ours at once, whatever is queued: sock_diag's SOCK_DESTROY sends
 * the RST and throws all queues away.
 *
 * Needs CONFIG_INET_DIAG_DESTROY and CAP_NET_ADMIN; without them close() with SO_LINGER 0 does
 * nearly the same.  Used by one thread at a time.
 */
#ifndef DIAG_H
#define DIAG_H

struct diag;

/* 0 or -errno. */
int diag_open(struct diag **ret_d);
void diag_close(struct diag *d); /* NULL is fine */

/* The socket <fd> stays ours to close.  0, or -errno: -EOPNOTSUPP the kernel cannot. */
int diag_destroy(struct diag *d, int fd);
#endif
