/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conn_move - a live connection goes from one daemon to the next; see upgrade.h.
 *
 * On both sides the connection's worker stands still or has not started.
 */
#ifndef CONN_MOVE_H
#define CONN_MOVE_H
#include <stdbool.h>

#include "handover.h"

struct conn;
struct worker;

/*
 * Can all there is of it be told?  Not TLS that ends here, nor what is dialling, being refused or
 * broken, nor bytes that user space has read and not written, nor what has a place in the kernel's
 * maps: these are its daemon's own, and the kernel moves its bytes there until it ends.
 */
bool conn_may_move(struct conn *c);
/* What there is to tell, and its descriptors, which stay ours. */
void conn_describe(const struct conn *c, struct handover_conn *ret_h, int fds[HANDOVER_FDS_MAX],
		   unsigned *ret_n);

/* Which worker of <n> has it. */
unsigned conn_move_worker(const struct handover_conn *h, unsigned n);
/*
 * Makes it of a description.  Takes the descriptors it needs (-1 in <fds>).  0, -EBADMSG: it cannot
 * be, or -ENOMEM.
 */
int conn_adopt(struct worker *w, const struct handover_conn *h, int *fds, unsigned n_fds);
#endif
