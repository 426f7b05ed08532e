// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "recent.h"
#include "stamp.h"
#include "thread.h"

#define RECENT_BYTES ((size_t)4 << 20) /* a power of two */

int recent_init(struct recent *r)
{

	memset(r, 0, sizeof(*r));
	pthread_mutex_init(&r->lock, NULL);
	thread_cond_init(&r->more);
	r->arena = malloc(RECENT_BYTES);
	return r->arena ? 0 : -ENOMEM;
}

void recent_done(struct recent *r)
{
	free(r->arena);
	pthread_mutex_destroy(&r->lock);
	pthread_cond_destroy(&r->more);
}

static void add(struct recent *r, const char *line, size_t len, const struct timespec *at)
{
	size_t where = (size_t)(r->used & (RECENT_BYTES - 1));
	size_t first = len < RECENT_BYTES - where ? len : RECENT_BYTES - where;
	struct recent_line *l = &r->lines[r->next++ & (RECENT_LINES - 1)];

	memcpy(r->arena + where, line, first);
	memcpy(r->arena, line + first, len - first);
	*l = (struct recent_line){r->used, len, *at};
	r->used += len;
}

void recent_take(struct recent *r, const struct batch *b)
{
	struct timespec now = stamp_now();
	const struct record *rec;
	size_t at = 0;

	pthread_mutex_lock(&r->lock);
	while ((rec = batch_next(b, &at)))
		add(r, record_line(rec), rec->line_len, &now);
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
}

/* The oldest line that is still whole. */
static uint64_t oldest_of(const struct recent *r)
{
	uint64_t seq = r->next > RECENT_LINES ? r->next - RECENT_LINES : 0;

	while (seq < r->next && r->lines[seq & (RECENT_LINES - 1)].offset + RECENT_BYTES < r->used)
		seq++;
	return seq;
}

static void copy_line(const struct recent *r, const struct recent_line *l, char *out)
{
	size_t where = (size_t)(l->offset & (RECENT_BYTES - 1));
	size_t first = l->len < RECENT_BYTES - where ? l->len : RECENT_BYTES - where;

	memcpy(out, r->arena + where, first);
	memcpy(out + first, r->arena, l->len - first);
}

uint64_t recent_seek(struct recent *r, const struct timespec *since)
{
	uint64_t seq;

	pthread_mutex_lock(&r->lock);
	for (seq = since ? oldest_of(r) : r->next; seq < r->next; seq++) {
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

ssize_t recent_read(struct recent *r, uint64_t *seq, char *buf, size_t size, int timeout_ms,
		    uint64_t *ret_skipped)
{
	struct timespec deadline;
	uint64_t oldest;
	size_t n = 0;
	int err = 0;

	deadline_in(&deadline, timeout_ms);
	*ret_skipped = 0;
	pthread_mutex_lock(&r->lock);
	while (*seq >= r->next && !r->woken && !err)
		err = pthread_cond_timedwait(&r->more, &r->lock, &deadline);
	oldest = oldest_of(r);
	if (*seq < oldest) {
		*ret_skipped = oldest - *seq;
		*seq = oldest;
	}
	for (; *seq < r->next; (*seq)++) {
		const struct recent_line *l = &r->lines[*seq & (RECENT_LINES - 1)];

		if (l->len > size - n)
			break;
		copy_line(r, l, buf + n);
		n += l->len;
	}
	if (!n && r->woken) {
		pthread_mutex_unlock(&r->lock);
		return -ESHUTDOWN;
	}
	pthread_mutex_unlock(&r->lock);
	return (ssize_t)n;
}

void recent_wake(struct recent *r)
{
	pthread_mutex_lock(&r->lock);
	r->woken = true;
	pthread_cond_broadcast(&r->more);
	pthread_mutex_unlock(&r->lock);
}
