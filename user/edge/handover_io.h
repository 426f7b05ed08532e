/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handover_io - messages of handover.h over a SOCK_SEQPACKET socket pair, descriptors beside them.
 */
#ifndef HANDOVER_IO_H
#define HANDOVER_IO_H
#include "handover.h"

/* One message as it came; its descriptors are the receiver's (close-on-exec). */
struct parcel {
	uint8_t bytes[HANDOVER_BYTES_MAX];
	size_t len;
	int fds[HANDOVER_FDS_MAX];
	unsigned n_fds;
};

/* Sends what <o> holds, which is one message, and empties it.  0 or -errno; -EPIPE: it is gone. */
int handover_send(int fd, struct chan_out *o, const int *fds, unsigned n_fds);
/* The same for a plain one. */
int handover_say(int fd, const struct handover *h, const int *fds, unsigned n_fds);
/* 0; -EPIPE: the other side is gone; -ETIMEDOUT; -EBADMSG: too long, or cut off; or -errno. */
int handover_receive(int fd, struct parcel *ret_p, int timeout_ms);
/* Closes the descriptors nobody took: a taken one is -1. */
void parcel_close(struct parcel *p);
/* Takes the <i>th out of it; -1: there is none. */
int parcel_take(struct parcel *p, unsigned i);
#endif
