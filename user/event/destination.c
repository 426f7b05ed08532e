// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "destination.h"
#include "log.h"
#include "patience.h"
#include "sink.h"
#include "thread.h"

#define LAST_MS 2000	   /* a stuck sink does not hold up the end */
#define ABANDON_S 5	   /* nor does one inside the resolver, which cannot be interrupted */
#define CHUNK (256U << 10) /* what a sink is given at once */

struct destination {
	pthread_t thread;
	struct spool spool;
	struct patience patience;
	struct sink *sink;
	struct target target;
	char id[40];
	atomic_bool reopen;
	atomic_uint_fast64_t written, lost;
	pthread_mutex_t lock; /* of <sources> */
	struct sources *sources;
	/* the thread's own: lines on their way to the sink */
	char *lines;
	size_t len, size;
	unsigned n_lines;
};

/* ---- the thread ---- */

static void flush(struct destination *d)
{
	size_t lost;

	if (!d->n_lines)
		return;
	lost = d->sink->ops->write(d->sink, d->lines, d->len);
	atomic_fetch_add(&d->lost, lost);
	atomic_fetch_add(&d->written, d->n_lines - lost);
	d->len = 0;
	d->n_lines = 0;
}

static void add_line(void *arg, const char *line, size_t len)
{
	struct destination *d = arg;
	char *more;

	if (d->len + len > CHUNK)
		flush(d);
	if (d->len + len > d->size) {
		more = realloc(d->lines, (d->len + len) * 2);
		if (!more) {
			atomic_fetch_add(&d->lost, 1);
			return;
		}
		d->lines = more;
		d->size = (d->len + len) * 2;
	}
	memcpy(d->lines + d->len, line, len);
	d->len += len;
	d->n_lines++;
}

static void write_batch(struct destination *d, const struct batch *b)
{
	const struct record *r;
	struct sources *sources;
	struct facts facts;
	size_t at = 0;

	pthread_mutex_lock(&d->lock);
	sources = sources_get(d->sources);
	pthread_mutex_unlock(&d->lock);
	while ((r = batch_next(b, &at))) {
		record_facts(r, &facts);
		sources_select(sources, &facts, record_line(r), r->line_len, add_line, d);
	}
	flush(d);
	sources_put(sources);
}

static void *work(void *arg)
{
	struct destination *d = arg;
	struct batch b;

	while (spool_take(&d->spool, &b)) {
		if (atomic_exchange(&d->reopen, false) && d->sink->ops->reopen)
			d->sink->ops->reopen(d->sink);
		write_batch(d, &b);
	}
	return NULL;
}

/* ---- life ---- */

static void destroy(struct destination *d)
{
	sink_close(d->sink);
	spool_done(&d->spool);
	patience_done(&d->patience);
	sources_put(d->sources);
	target_done(&d->target);
	pthread_mutex_destroy(&d->lock);
	free(d->lines);
	free(d);
}

static int start(struct destination *d)
{
	/* (with its signals blocked a closed stdout is EPIPE, not the end) */
	return -thread_start(&d->thread, THREAD_FILES, "destination", work, d);
}

int destination_open(const char *id, const struct target *t, struct sources *sources,
		     struct destination **ret_d)
{
	struct destination *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	pthread_mutex_init(&d->lock, NULL);
	snprintf(d->id, sizeof(d->id), "%s", id);
	d->sources = sources_get(sources);
	d->patience.fd = -1;
	err = spool_init(&d->spool);
	if (!err)
		err = target_copy(t, &d->target);
	if (!err)
		err = patience_init(&d->patience);
	if (!err)
		err = sink_open(t, &d->patience, &d->sink);
	if (!err)
		err = start(d);
	if (err) {
		destroy(d);
		return err;
	}
	*ret_d = d;
	return 0;
}

bool destination_is(const struct destination *d, const char *id, const struct target *t)
{
	return !strcmp(d->id, id) && d->target.kind == t->kind &&
	       !strcmp(d->target.address, t->address);
}

void destination_set_sources(struct destination *d, struct sources *sources)
{
	struct sources *old;

	pthread_mutex_lock(&d->lock);
	old = d->sources;
	d->sources = sources_get(sources);
	pthread_mutex_unlock(&d->lock);
	sources_put(old);
}

void destination_put(struct destination *d, const struct batch *b)
{
	atomic_fetch_add(&d->lost, spool_put_batch(&d->spool, b));
}

void destination_reopen(struct destination *d)
{
	atomic_store(&d->reopen, true);
	spool_kick(&d->spool);
}

void destination_state(struct destination *d, struct destination_state *ret_s)
{
	memset(ret_s, 0, sizeof(*ret_s));
	strcpy(ret_s->id, d->id);
	target_text(&d->target, ret_s->target);
	ret_s->written = atomic_load(&d->written);
	ret_s->lost = atomic_load(&d->lost);
	ret_s->waiting = spool_waiting(&d->spool);
	sink_why(d->sink, ret_s->why);
}

void destination_end(struct destination *d)
{
	patience_end(&d->patience, LAST_MS);
	spool_close(&d->spool);
}

void destination_close(struct destination *d)
{
	struct timespec until;
	char text[TARGET_TEXT_MAX];

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ABANDON_S;
	if (!pthread_clockjoin_np(d->thread, NULL, CLOCK_MONOTONIC, &until)) {
		destroy(d);
		return;
	}
	/* its memory goes with it: it may still be used */
	log_err("events: %s does not end; left behind", target_text(&d->target, text));
	pthread_detach(d->thread);
}
