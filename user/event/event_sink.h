/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event_sink - a file (or stdout) that lines are appended to.
 *
 * Used by one thread at a time.  A reader never sees half a line that stays
 * half: what a full disk cut is taken back, or closed with a newline as soon as
 * something can be written again.
 */
#ifndef EVENT_SINK_H
#define EVENT_SINK_H
#include <stddef.h>

struct event_sink;

/*
 * Opens <path> for appending, 0640, making missing directories (0750); "-" is
 * stdout.  Returns 0 or -errno.
 */
int event_sink_open(const char *path, struct event_sink **ret_s);
void event_sink_close(struct event_sink *s); /* NULL is fine */

/* Opens the path again.  On failure it keeps the old file: logged. */
void event_sink_reopen(struct event_sink *s);

/*
 * Appends whole lines.  Returns how many of them were not written; that is
 * logged, but not more than every ten seconds.  A pipe that is full is waited
 * for at most <patience_ms>.
 */
size_t event_sink_write(struct event_sink *s, const char *lines, size_t len, int patience_ms);
#endif
