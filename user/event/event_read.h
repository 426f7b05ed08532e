/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event_read - a line of the event stream as another daemon has written it, see events_relay().
 */
#ifndef EVENT_READ_H
#define EVENT_READ_H
#include "event.h"
#include "source.h"

/* What can be asked of it; facts.server_name points here. */
struct event_told {
	struct facts facts;
	char server_name[256];
	char connection_id[40]; /* "" when it is of no connection */
};

/* 0, or -EBADMSG: it is not one whole line of a known type, newline included. */
int event_read(const char *line, size_t len, struct event_told *ret_t);
#endif
