/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * listener - the sockets a worker accepts from; every worker has one an address
 * (SO_REUSEPORT).  The worker's thread only, but for listener_open().
 */
#ifndef LISTENER_H
#define LISTENER_H
#include "worker.h"

/* Before worker_start().  0 or -errno. */
int listener_open(struct worker *w, const struct config_addr *addr);
void listener_close_all(struct worker *w);
/* Off for a while when descriptors have run out. */
void listener_watch_all(struct worker *w, bool on);
/* Accepts some, not all that wait: others have a turn too. */
void listener_on_readable(struct listener *l);
#endif
