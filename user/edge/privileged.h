/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * privileged - the thread that has CAP_NET_ADMIN, for those that parse what strangers send.
 *
 * It only makes sockets, with buffers above the system's limit and on ports below 1024, and
 * destroys them.
 */
#ifndef PRIVILEGED_H
#define PRIVILEGED_H
#include "worker.h"

struct privileged;

int privileged_start(struct privileged **ret_p); /* 0, or -errno */
void privileged_stop(struct privileged *p);	 /* NULL is fine */

/*
 * Resets the connection of <fd>, with all that is queued (SOCK_DESTROY); any thread.  0, or -errno:
 * the kernel may lack it.
 */
int privileged_destroy(struct privileged *p, int fd);

/* listener_socket() and listener_probe(), from any thread. */
int privileged_listen(struct privileged *p, const struct config_addr *addr, bool kernel);
int privileged_probe(struct privileged *p, const struct config_addr *addr, char *why,
		     size_t why_size);

/*
 * A socket for a connection to an upstream that the kernel path may carry.  Of the worker's stock,
 * which is filled with as many as were used lately.  The descriptor, or -errno.
 */
int privileged_socket(struct worker *w, int family);
/* Once in a while: closes a stock that nobody uses. */
void privileged_tick(struct worker *w);
void privileged_drop(struct worker *w);
#endif
