/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sink - the last step of an event: a file, a socket, syslog or a webhook.
 *
 * A sink belongs to one thread.  It may wait as its patience allows; it delivers whole lines in
 * order and tells how many it gave up.
 */
#ifndef SINK_H
#define SINK_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "patience.h"
#include "target.h"

struct sink {
	const struct sink_ops *ops;
	const struct patience *patience;
	pthread_mutex_t lock; /* of <why> */
	char why[200];	      /* why the last thing failed; "" when it works */
	time_t told;	      /* CLOCK_MONOTONIC; when the log last heard of a failure */
	bool told_of_this;    /* of the present one */
};

struct sink_ops {
	/* 0 or -errno.  Sinks over the network connect when there is something to say. */
	int (*open)(const struct target *t, struct sink **ret_s);
	/* Writes whole lines.  Returns how many were not delivered. */
	size_t (*write)(struct sink *s, const char *lines, size_t len);
	void (*reopen)(struct sink *s); /* SIGUSR1; NULL: nothing to open */
	void (*close)(struct sink *s);
};

extern const struct sink_ops sink_file, sink_stream, sink_syslog, sink_webhook;

/* 0, or -errno with the reason in the log. */
int sink_open(const struct target *t, const struct patience *p, struct sink **ret_s);

void sink_close(struct sink *s); /* NULL is fine */
/* What is wrong now; "" when nothing is.  Any thread, also while a write waits. */
void sink_why(struct sink *s, char out[200]);

/* For sinks: the lines in <text>; and a failure, kept in <why>, logged now and then. */
size_t sink_count_lines(const char *text, size_t len);
void sink_failed(struct sink *s, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* It works again: said once. */
void sink_works(struct sink *s);
/* How long to wait before try <n> (from 1): doubles up to half a minute, with chance in it. */
int sink_backoff_ms(unsigned n);
#endif
