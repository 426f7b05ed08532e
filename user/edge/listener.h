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
/* A listening socket for one worker, or -errno; any thread. */
int listener_socket(const struct config_addr *addr, bool kernel);
/* Does nobody listen there?  SO_REUSEPORT would share the port with another program.  -errno: <why>
 */
int listener_probe(const struct config_addr *addr, char *why, size_t why_size);
/* One that another daemon has opened, for the same address; takes <fd>. */
int listener_adopt(struct worker *w, int fd, const char *text);
/* listeners.c: those of all workers, some of them another daemon's.  0, or -errno with <why>. */
int listeners_open(struct edge *g, char *why, size_t why_size);
void listener_close_all(struct worker *w);
/* Off for a while when descriptors have run out. */
void listener_watch_all(struct worker *w, bool on);

/*
 * One for the endpoint <tcp> (its tcp://HOST:PORT), which may come and go: made by any thread, then
 * the worker's by a posted listener_join(), until a posted listener_leave() frees it.
 */
struct listener *listener_new_tcp(const char *tcp, int fd); /* NULL: out of memory */
void listener_join(struct worker *w, void *listener);
void listener_leave(struct worker *w, void *listener);
void listener_free(struct listener *l); /* that has never joined */

/* Accepts some, not all that wait: others have a turn too. */
void listener_on_readable(struct listener *l);
#endif
