/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cert_watch - a thread that says when something in a set of directories has changed.
 *
 * Changes are told once it has been quiet for 200 ms, at the latest 2 s after the first one.
 * Besides, it asks every minute (every 5 s while <eager>), for what inotify does not see.
 */
#ifndef CERT_WATCH_H
#define CERT_WATCH_H

#include <stdbool.h>

struct cert_watch;

/* <changed> is called on the thread.  0 or -errno. */
int cert_watch_open(void (*changed)(void *arg), void *arg, struct cert_watch **ret_w);
void cert_watch_close(struct cert_watch *w); /* waits for the thread; NULL is fine */

/* Any thread.  Adding one again, or one that is not there, is fine.  0 or -errno. */
int cert_watch_add(struct cert_watch *w, const char *dir);
void cert_watch_set_eager(struct cert_watch *w, bool eager);

#endif
