// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "event.h"
#include "event_sink.h"
#include "log.h"
#include "stamp.h"

#define QUEUE_LINES 16384
#define QUEUE_BYTES (QUEUE_LINES * (size_t)1024)
#define RECENT_LINES 4096U	       /* a power of two */
#define RECENT_BYTES ((size_t)4 << 20) /* a power of two */
#define BUSY_LINES 32		       /* a batch of this many: let the next one gather */
#define BUSY_PAUSE_NS 1000000
#define PATIENCE_MS 5000      /* with a reader of stdout that is stuck */
#define LAST_PATIENCE_MS 2000 /* it does not hold up the end */

/* The newest lines, for followers.  Bytes lie in <arena> at <offset> modulo its size. */
struct recent {
	pthread_mutex_t lock;
	pthread_cond_t more;
	char *arena;
	uint64_t used; /* bytes ever put in */
	uint64_t next; /* number of the next line */
	bool woken;
	struct recent_line {
		uint64_t offset;
		size_t len;
		struct timespec at;
	} lines[RECENT_LINES];
};

struct sinks {
	struct event_sink **list;
	unsigned n;
};

struct events {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t more;
	bool idle; /* the writer waits for <more> */
	bool stop, reopen;
	char *filling, *writing; /* the two halves of the queue */
	size_t len;
	unsigned lines;
	struct sinks *coming; /* replace <sinks> */
	struct sinks *sinks;  /* the writer's */
	atomic_uint_fast64_t emitted, lost;
	struct recent recent;
};

/* ---- sinks ---- */

static void sinks_free(struct sinks *k)
{
	if (!k)
		return;
	for (unsigned i = 0; i < k->n; i++)
		event_sink_close(k->list[i]);
	free(k->list);
	free(k);
}

static int sinks_new(char *const *files, unsigned n, struct sinks **ret_k)
{
	struct sinks *k = calloc(1, sizeof(*k));
	int err = 0;

	if (!k)
		return -ENOMEM;
	k->list = calloc(n + 1, sizeof(struct event_sink *));
	if (!k->list)
		err = -ENOMEM;
	for (; !err && k->n < n; k->n += !err) {
		err = event_sink_open(files[k->n], &k->list[k->n]);
		if (err)
			log_err("events: cannot open %s: %s", files[k->n], strerror(-err));
	}
	if (err) {
		sinks_free(k);
		return err;
	}
	*ret_k = k;
	return 0;
}

/* A line counts as lost once for each sink that missed it. */
static size_t sinks_write(struct sinks *k, const char *lines, size_t len, int patience_ms)
{
	size_t lost = 0;

	for (unsigned i = 0; i < k->n; i++)
		lost += event_sink_write(k->list[i], lines, len, patience_ms);
	return lost;
}

/* ---- the newest lines ---- */

static void recent_add(struct recent *r, const char *line, size_t len, const struct timespec *at)
{
	size_t where = (size_t)(r->used & (RECENT_BYTES - 1));
	size_t first = len < RECENT_BYTES - where ? len : RECENT_BYTES - where;
	struct recent_line *l = &r->lines[r->next++ & (RECENT_LINES - 1)];

	memcpy(r->arena + where, line, first);
	memcpy(r->arena, line + first, len - first);
	*l = (struct recent_line){r->used, len, *at};
	r->used += len;
}

static void recent_take(struct recent *r, const char *lines, size_t len)
{
	const char *p = lines, *end = lines + len, *newline;
	struct timespec now = stamp_now();

	pthread_mutex_lock(&r->lock);
	while (p < end && (newline = memchr(p, '\n', (size_t)(end - p)))) {
		recent_add(r, p, (size_t)(newline + 1 - p), &now);
		p = newline + 1;
	}
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
}

/* The oldest line that is still whole. */
static uint64_t recent_oldest(const struct recent *r)
{
	uint64_t seq = r->next > RECENT_LINES ? r->next - RECENT_LINES : 0;

	while (seq < r->next && r->lines[seq & (RECENT_LINES - 1)].offset + RECENT_BYTES < r->used)
		seq++;
	return seq;
}

static void recent_copy(const struct recent *r, const struct recent_line *l, char *out)
{
	size_t where = (size_t)(l->offset & (RECENT_BYTES - 1));
	size_t first = l->len < RECENT_BYTES - where ? l->len : RECENT_BYTES - where;

	memcpy(out, r->arena + where, first);
	memcpy(out + first, r->arena, l->len - first);
}

uint64_t events_seek(struct events *ev, const struct timespec *since)
{
	struct recent *r = &ev->recent;
	uint64_t seq;

	pthread_mutex_lock(&r->lock);
	for (seq = since ? recent_oldest(r) : r->next; seq < r->next; seq++) {
		const struct timespec *at = &r->lines[seq & (RECENT_LINES - 1)].at;

		if (at->tv_sec > since->tv_sec ||
		    (at->tv_sec == since->tv_sec && at->tv_nsec >= since->tv_nsec))
			break;
	}
	pthread_mutex_unlock(&r->lock);
	return seq;
}

static void deadline_in(struct timespec *ts, int ms)
{
	clock_gettime(CLOCK_MONOTONIC, ts);
	ts->tv_sec += ms / 1000;
	ts->tv_nsec += (ms % 1000) * 1000000L;
	if (ts->tv_nsec >= 1000000000) {
		ts->tv_sec++;
		ts->tv_nsec -= 1000000000;
	}
}

ssize_t events_read(struct events *ev, uint64_t *seq, char *buf, size_t size, int timeout_ms,
		    uint64_t *ret_skipped)
{
	struct recent *r = &ev->recent;
	struct timespec deadline;
	uint64_t oldest;
	size_t n = 0;
	int err = 0;

	deadline_in(&deadline, timeout_ms);
	*ret_skipped = 0;
	pthread_mutex_lock(&r->lock);
	while (*seq >= r->next && !r->woken && !err)
		err = pthread_cond_timedwait(&r->more, &r->lock, &deadline);
	oldest = recent_oldest(r);
	if (*seq < oldest) {
		*ret_skipped = oldest - *seq;
		*seq = oldest;
	}
	for (; *seq < r->next; (*seq)++) {
		const struct recent_line *l = &r->lines[*seq & (RECENT_LINES - 1)];

		if (l->len > size - n)
			break;
		recent_copy(r, l, buf + n);
		n += l->len;
	}
	if (!n && r->woken) {
		pthread_mutex_unlock(&r->lock);
		return -ESHUTDOWN;
	}
	pthread_mutex_unlock(&r->lock);
	return (ssize_t)n;
}

void events_wake(struct events *ev)
{
	pthread_mutex_lock(&ev->recent.lock);
	ev->recent.woken = true;
	pthread_cond_broadcast(&ev->recent.more);
	pthread_mutex_unlock(&ev->recent.lock);
}

/* ---- the writer ---- */

/* Waits for something to do and takes it.  Returns whether to go on after it. */
static bool next_batch(struct events *ev, size_t *ret_len, unsigned *ret_lines, bool *ret_reopen)
{
	struct sinks *old = NULL;
	char *full;
	bool go_on;

	pthread_mutex_lock(&ev->lock);
	while (!ev->len && !ev->stop && !ev->reopen && !ev->coming) {
		ev->idle = true;
		pthread_cond_wait(&ev->more, &ev->lock);
	}
	ev->idle = false;
	full = ev->filling;
	ev->filling = ev->writing;
	ev->writing = full;
	*ret_len = ev->len;
	*ret_lines = ev->lines;
	*ret_reopen = ev->reopen;
	ev->len = 0;
	ev->lines = 0;
	ev->reopen = false;
	if (ev->coming) {
		old = ev->sinks;
		ev->sinks = ev->coming;
		ev->coming = NULL;
	}
	go_on = !ev->stop;
	pthread_mutex_unlock(&ev->lock);
	sinks_free(old);
	return go_on;
}

static void *writer(void *arg)
{
	const struct timespec pause = {.tv_nsec = BUSY_PAUSE_NS};
	struct events *ev = arg;
	bool go_on, reopen;
	unsigned lines;
	size_t len;

	do {
		go_on = next_batch(ev, &len, &lines, &reopen);
		for (unsigned i = 0; reopen && i < ev->sinks->n; i++)
			event_sink_reopen(ev->sinks->list[i]);
		if (!len)
			continue;
		recent_take(&ev->recent, ev->writing, len);
		atomic_fetch_add(&ev->lost, sinks_write(ev->sinks, ev->writing, len,
							go_on ? PATIENCE_MS : LAST_PATIENCE_MS));
		if (go_on && lines >= BUSY_LINES)
			nanosleep(&pause, NULL);
	} while (go_on);
	return NULL;
}

static int start(struct events *ev)
{
	sigset_t all, before;
	int err;

	/* signals are the main thread's; a closed stdout is EPIPE here, not the end */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&ev->thread, NULL, writer, ev);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return -err;
}

static void destroy(struct events *ev)
{
	sinks_free(ev->sinks);
	sinks_free(ev->coming);
	free(ev->filling);
	free(ev->writing);
	free(ev->recent.arena);
	pthread_mutex_destroy(&ev->lock);
	pthread_cond_destroy(&ev->more);
	pthread_mutex_destroy(&ev->recent.lock);
	pthread_cond_destroy(&ev->recent.more);
	free(ev);
}

struct events *events_open(char *const *files, unsigned n_files)
{
	struct events *ev = calloc(1, sizeof(*ev));
	pthread_condattr_t attr;
	int err;

	if (!ev) {
		log_err("events: out of memory");
		return NULL;
	}
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_mutex_init(&ev->lock, NULL);
	pthread_cond_init(&ev->more, NULL);
	pthread_mutex_init(&ev->recent.lock, NULL);
	pthread_cond_init(&ev->recent.more, &attr);
	pthread_condattr_destroy(&attr);
	ev->filling = malloc(QUEUE_BYTES);
	ev->writing = malloc(QUEUE_BYTES);
	ev->recent.arena = malloc(RECENT_BYTES);
	if (!ev->filling || !ev->writing || !ev->recent.arena) {
		log_err("events: out of memory");
	} else if (!sinks_new(files, n_files, &ev->sinks)) {
		err = start(ev);
		if (!err)
			return ev;
		log_err("events: cannot start the writer: %s", strerror(-err));
	}
	destroy(ev);
	return NULL;
}

void events_close(struct events *ev)
{
	if (!ev)
		return;
	events_wake(ev);
	pthread_mutex_lock(&ev->lock);
	ev->stop = true;
	pthread_cond_signal(&ev->more);
	pthread_mutex_unlock(&ev->lock);
	pthread_join(ev->thread, NULL);
	destroy(ev);
}

void events_reopen(struct events *ev)
{
	pthread_mutex_lock(&ev->lock);
	ev->reopen = true;
	pthread_cond_signal(&ev->more);
	pthread_mutex_unlock(&ev->lock);
}

int events_set_files(struct events *ev, char *const *files, unsigned n_files)
{
	struct sinks *k, *unused;
	int err = sinks_new(files, n_files, &k);

	if (err)
		return err;
	pthread_mutex_lock(&ev->lock);
	unused = ev->coming;
	ev->coming = k;
	pthread_cond_signal(&ev->more);
	pthread_mutex_unlock(&ev->lock);
	sinks_free(unused);
	return 0;
}

void event_closed(struct events *ev, const struct event_closed *c)
{
	char line[EVENT_LINE_MAX];
	size_t len = event_format(c, line);
	bool room;

	pthread_mutex_lock(&ev->lock);
	room = ev->lines < QUEUE_LINES && ev->len + len <= QUEUE_BYTES;
	if (room) {
		memcpy(ev->filling + ev->len, line, len);
		ev->len += len;
		ev->lines++;
		if (ev->idle) {
			ev->idle = false; /* one wake-up is enough */
			pthread_cond_signal(&ev->more);
		}
	}
	pthread_mutex_unlock(&ev->lock);
	atomic_fetch_add(room ? &ev->emitted : &ev->lost, 1);
}

uint64_t events_emitted(const struct events *ev)
{
	return atomic_load(&((struct events *)ev)->emitted);
}

uint64_t events_lost(const struct events *ev)
{
	return atomic_load(&((struct events *)ev)->lost);
}
