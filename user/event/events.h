/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * events - from the workers to everywhere: one queue in, a destination each out, and the newest
 * lines for followers.
 *
 * events_closed() is called by workers, once for every accepted connection; it formats and hands
 * the line to the writer thread, which only copies it to the destinations' own queues.  So no slow
 * disk and no dead network stalls a worker or another destination.  What does not fit is counted.
 */
#ifndef EVENTS_H
#define EVENTS_H
#include <stdint.h>
#include <sys/types.h>
#include <time.h>

#include "destination.h"
#include "event.h"
#include "route.h"

struct events;

/* Whose routes: each is replaced as a whole, and leaves the other's alone. */
enum events_owner { EVENTS_OF_FILE, EVENTS_OF_API, EVENTS_OWNER_MAX };

/* NULL on failure, logged. */
struct events *events_open(void);
/* Writes what is queued, then stops.  NULL is fine. */
void events_close(struct events *ev);
/* SIGUSR1: files were rotated away, open them again. */
void events_reopen(struct events *ev);

/*
 * From now on these are the owner's routes.  Those that stay go on, even with other sources; those
 * that leave get to write what they have (up to two seconds: this waits).  0, or -1 with <f> and
 * nothing changed: a file cannot be opened.
 */
int events_set(struct events *ev, enum events_owner owner, const struct event_route *routes,
	       unsigned n, struct fault *f);

/* Any thread; never blocks. */
void events_closed(struct events *ev, const struct event_closed *c);
void events_upstream(struct events *ev, const struct event_upstream *u);
uint64_t events_emitted(const struct events *ev);

/*
 * A line that an earlier daemon has written (event_read.h): for our destinations and followers, as
 * if it were ours.
 */
void events_relay(struct events *ev, const struct facts *facts, const char *line, size_t len);

/*
 * The other side of that, once: from now on the writer offers each line to <fn>, which may wait;
 * true: it has passed it on, and nobody here gets it.  <line> NULL: some before it are lost.
 * Nothing is offered until events_release(), or until <hold_ms> are over.
 */
void events_divert(struct events *ev, bool (*fn)(void *arg, const char *line, size_t len),
		   void *arg, unsigned hold_ms);
void events_release(struct events *ev);
/* Is there something that waits for that? */
bool events_held(struct events *ev);
/* An event counts once for each destination that missed it. */
uint64_t events_lost(struct events *ev);

/* Calls <fn> for each destination; stops at non-zero. */
int events_each(struct events *ev, int (*fn)(void *arg, const struct destination_state *s),
		void *arg);

/*
 * For followers: the newest lines stay in memory for a while.  events_seek()
 * gives the number of the first line at or after <since> that still is; NULL:
 * of the next one to come.
 *
 * events_read() copies whole lines from number *seq on and advances it.  With
 * none there it waits up to <timeout_ms>.  Returns the bytes, 0: timed out, or
 * -ESHUTDOWN once events_wake() or events_close() was called.  *ret_skipped: lines the
 * caller was too slow for.  <size> >= EVENT_LINE_MAX.
 */
uint64_t events_seek(struct events *ev, const struct timespec *since);
ssize_t events_read(struct events *ev, uint64_t *seq, char *buf, size_t size, int timeout_ms,
		    uint64_t *ret_skipped);
/* Ends every events_read() now and from now on, so that their callers can be joined. */
void events_wake(struct events *ev);

/* "libcurl X", for --version. */
const char *events_library_version(void);
#endif
