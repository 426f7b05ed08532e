// SPDX-License-Identifier: GPL-2.0-only
#include "watchdog.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "clock.h"
#include "edge_open.h"
#include "log.h"
#include "notify.h"
#include "thread.h"

#define BUSY_MAX_MS (10 * 60 * 1000)
#define IDLE_MAX_MS 2000 /* who has nothing to do turns once a second */

struct watchdog {
	struct edge *edge;
	pthread_t thread;
	unsigned period_ms;
	atomic_uint_fast64_t main_ms; /* when it was last known to turn */
	atomic_bool busy;
	bool stuck; /* somebody is, and that has been said */
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
};

static uint64_t now_ms(void)
{
	return clock_ns() / 1000000;
}

/* Who does not turn any more, or NULL. */
static const char *stuck(struct watchdog *w)
{
	unsigned may_ms = w->period_ms > IDLE_MAX_MS ? w->period_ms : IDLE_MAX_MS;

	if (now_ms() > atomic_load(&w->main_ms) + (atomic_load(&w->busy) ? BUSY_MAX_MS : may_ms))
		return "the main thread";
	return edge_stuck(w->edge, may_ms);
}

static void tell(struct watchdog *w)
{
	const char *who = stuck(w);

	if (!who)
		notify("WATCHDOG=1");
	else if (!w->stuck)
		log_err("%s does not turn any more; the watchdog is not told", who);
	w->stuck = who != NULL;
}

static void *run(void *arg)
{
	struct watchdog *w = arg;
	struct timespec at;

	pthread_mutex_lock(&w->lock);
	while (!w->stop) {
		pthread_mutex_unlock(&w->lock);
		tell(w);
		pthread_mutex_lock(&w->lock);
		at = clock_after(w->period_ms * 1000000ULL);
		while (!w->stop && !pthread_cond_timedwait(&w->wake, &w->lock, &at))
			;
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

struct watchdog *watchdog_start(struct edge *g)
{
	unsigned ms = notify_watchdog_ms();
	struct watchdog *w = ms ? calloc(1, sizeof(*w)) : NULL;
	int err;

	if (!w)
		return NULL;
	w->edge = g;
	w->period_ms = ms;
	watchdog_turned(w);
	pthread_mutex_init(&w->lock, NULL);
	thread_cond_init(&w->wake);
	err = thread_start(&w->thread, THREAD_NETWORK, "watchdog", run, w);
	if (!err)
		return w;
	log_err("watchdog: %s", strerror(err));
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
	return NULL;
}

void watchdog_stop(struct watchdog *w)
{
	if (!w)
		return;
	pthread_mutex_lock(&w->lock);
	w->stop = true;
	pthread_cond_signal(&w->wake);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->wake);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

void watchdog_turned(struct watchdog *w)
{
	if (w)
		atomic_store(&w->main_ms, now_ms());
}

void watchdog_busy(struct watchdog *w, bool busy)
{
	watchdog_turned(w);
	if (w)
		atomic_store(&w->busy, busy);
}
