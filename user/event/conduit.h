/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conduit - a stream connection that is made again whenever it breaks.
 *
 * Used by one thread.  Resolving may block in the C library; nothing else waits longer than the
 * patience of the sink.
 */
#ifndef CONDUIT_H
#define CONDUIT_H
#include "sink.h"

struct conduit {
	const char *address; /* the owner's: a path that starts with "/", or HOST:PORT */
	int fd;		     /* -1: not connected */
	unsigned tries;	     /* that failed, in a row */
};

/* One try.  A descriptor in *ret_fd that does not block, or -errno. */
int conduit_dial(const char *address, int type, const struct patience *p, int *ret_fd);

/*
 * Sends <data>, which ends in a newline; after a break it goes on with the first line that was not
 * taken as a whole.  Returns how many lines were given up, which happens at the end only.
 */
size_t conduit_send(struct conduit *c, struct sink *s, const char *data, size_t len);
void conduit_close(struct conduit *c);
#endif
