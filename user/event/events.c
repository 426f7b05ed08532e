// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <curl/curl.h>

#include "events.h"
#include "addr.h"
#include "log.h"
#include "recent.h"
#include "thread.h"

struct group {
	struct destination **list;
	unsigned n;
};

struct events {
	pthread_t thread;
	struct spool spool;
	atomic_uint_fast64_t emitted, lost;
	uint64_t lost_before; /* of destinations that are gone; under <lock> */
	struct recent recent;
	pthread_mutex_t setting; /* held by events_set() all along */
	pthread_mutex_t lock;	 /* of the groups; never held for long */
	struct group groups[EVENTS_OWNER_MAX];
	/* to the next daemon; under <lock>, but for <missed> */
	bool (*divert)(void *arg, const char *line, size_t len);
	void *divert_arg;
	struct timespec held_until; /* CLOCK_MONOTONIC */
	bool holds, waits;
	pthread_cond_t released;
	atomic_bool missed;
};

/* ---- to the next daemon ---- */

static void hold(struct events *ev)
{
	pthread_mutex_lock(&ev->lock);
	ev->waits = ev->holds;
	while (ev->holds &&
	       pthread_cond_timedwait(&ev->released, &ev->lock, &ev->held_until) != ETIMEDOUT)
		;
	ev->holds = ev->waits = false;
	pthread_mutex_unlock(&ev->lock);
}

/* What it takes is cut off the front of <b>. */
static void divert(struct events *ev, struct batch *b)
{
	bool (*fn)(void *, const char *, size_t) = ev->divert; /* once set, it stays */
	const struct record *r;
	size_t at = 0, next = 0;
	unsigned n = 0;

	while ((r = batch_next(b, &next)) && fn(ev->divert_arg, record_line(r), r->line_len)) {
		at = next;
		n++;
	}
	*b = (struct batch){b->data + at, b->len - at, b->n - n};
	if (atomic_exchange(&ev->missed, false))
		fn(ev->divert_arg, NULL, 0);
}

static bool diverts(struct events *ev)
{
	bool yes;

	pthread_mutex_lock(&ev->lock);
	yes = ev->divert;
	pthread_mutex_unlock(&ev->lock);
	return yes;
}

void events_divert(struct events *ev, bool (*fn)(void *arg, const char *line, size_t len),
		   void *arg, unsigned hold_ms)
{
	pthread_mutex_lock(&ev->lock);
	clock_gettime(CLOCK_MONOTONIC, &ev->held_until);
	ev->held_until.tv_sec += hold_ms / 1000;
	ev->held_until.tv_nsec += hold_ms % 1000 * 1000000L;
	if (ev->held_until.tv_nsec >= 1000000000L) {
		ev->held_until.tv_sec++;
		ev->held_until.tv_nsec -= 1000000000L;
	}
	ev->holds = hold_ms;
	ev->divert = fn;
	ev->divert_arg = arg;
	pthread_mutex_unlock(&ev->lock);
}

void events_release(struct events *ev)
{
	pthread_mutex_lock(&ev->lock);
	ev->holds = false;
	pthread_cond_signal(&ev->released);
	pthread_mutex_unlock(&ev->lock);
}

bool events_held(struct events *ev)
{
	bool yes;

	pthread_mutex_lock(&ev->lock);
	yes = ev->holds && (ev->waits || spool_waiting(&ev->spool));
	pthread_mutex_unlock(&ev->lock);
	return yes;
}

/* ---- the writer ---- */

static void *writer(void *arg)
{
	struct events *ev = arg;
	struct batch b;

	while (spool_take(&ev->spool, &b)) {
		if (b.n && diverts(ev)) {
			hold(ev);
			divert(ev, &b);
		}
		recent_take(&ev->recent, &b);
		pthread_mutex_lock(&ev->lock);
		for (int o = 0; o < EVENTS_OWNER_MAX; o++)
			for (unsigned i = 0; i < ev->groups[o].n; i++)
				destination_put(ev->groups[o].list[i], &b);
		pthread_mutex_unlock(&ev->lock);
	}
	return NULL;
}

static int start(struct events *ev)
{
	return -thread_start(&ev->thread, THREAD_FILES, "events", writer, ev);
}

/* ---- destinations ---- */

/* Ends all at once, so that several slow ones take no longer than one. */
static void close_all(struct destination **list, unsigned n)
{
	for (unsigned i = 0; i < n; i++)
		destination_end(list[i]);
	for (unsigned i = 0; i < n; i++)
		destination_close(list[i]);
}

static struct destination *find(const struct group *g, const struct event_route *r)
{
	for (unsigned i = 0; i < g->n; i++)
		if (destination_is(g->list[i], r->id, &r->target))
			return g->list[i];
	return NULL;
}

static bool holds(const struct group *g, const struct destination *d)
{
	for (unsigned i = 0; i < g->n; i++)
		if (g->list[i] == d)
			return true;
	return false;
}

/* Compiled sources of all routes; on failure what there is of them is put. */
static int compile(const struct event_route *routes, unsigned n, struct sources **ret_sources,
		   struct fault *f)
{
	for (unsigned i = 0; i < n; i++) {
		if (!sources_new(routes[i].sources, routes[i].n_sources, &ret_sources[i], f))
			continue;
		while (i--)
			sources_put(ret_sources[i]);
		return -1;
	}
	return 0;
}

/* The group as it will be: those that stay, and new ones.  -1: none of the new is left open. */
static int prepare(struct events *ev, enum events_owner owner, const struct event_route *routes,
		   unsigned n, struct sources **sources, struct group *ret_g, struct fault *f)
{
	const struct group *now = &ev->groups[owner];
	int err;

	for (unsigned i = 0; i < n; i++) {
		struct destination *d = find(now, &routes[i]);

		err = d ? 0 : destination_open(routes[i].id, &routes[i].target, sources[i], &d);
		if (!err) {
			ret_g->list[ret_g->n++] = d;
			continue;
		}
		fault_set(f, 400, 0, target_table[routes[i].target.kind].name,
			  "%s%s%.300s cannot be opened: %s", routes[i].where ?: "",
			  routes[i].where ? ": " : "", routes[i].target.address, strerror(-err));
		while (ret_g->n--)
			if (!holds(now, ret_g->list[ret_g->n]))
				close_all(&ret_g->list[ret_g->n], 1);
		return -1;
	}
	return 0;
}

/* <fresh> for the owner's group; what left is closed. */
static void exchange(struct events *ev, enum events_owner owner, struct group *fresh)
{
	struct group old;
	struct destination_state s;
	unsigned n_gone = 0;

	pthread_mutex_lock(&ev->lock);
	old = ev->groups[owner];
	ev->groups[owner] = *fresh;
	pthread_mutex_unlock(&ev->lock);
	for (unsigned i = 0; i < old.n; i++)
		if (!holds(fresh, old.list[i]))
			old.list[n_gone++] = old.list[i];
	for (unsigned i = 0; i < n_gone; i++)
		destination_end(old.list[i]);
	for (unsigned i = 0; i < n_gone; i++) {
		destination_state(old.list[i], &s);
		destination_close(old.list[i]);
		pthread_mutex_lock(&ev->lock);
		ev->lost_before += s.lost;
		pthread_mutex_unlock(&ev->lock);
	}
	free(old.list);
}

int events_set(struct events *ev, enum events_owner owner, const struct event_route *routes,
	       unsigned n, struct fault *f)
{
	struct sources **sources = calloc(n + 1, sizeof(*sources));
	struct group fresh = {calloc(n + 1, sizeof(*fresh.list)), 0};
	int err = -1;

	pthread_mutex_lock(&ev->setting);
	if (!sources || !fresh.list) {
		fault_set(f, 500, 0, "", "out of memory");
	} else if (!compile(routes, n, sources, f)) {
		err = prepare(ev, owner, routes, n, sources, &fresh, f);
		for (unsigned i = 0; !err && i < n; i++)
			destination_set_sources(fresh.list[i], sources[i]);
		for (unsigned i = 0; i < n; i++)
			sources_put(sources[i]);
	}
	if (!err)
		exchange(ev, owner, &fresh);
	else
		free(fresh.list);
	pthread_mutex_unlock(&ev->setting);
	free(sources);
	return err;
}

int events_each(struct events *ev, int (*fn)(void *arg, const struct destination_state *s),
		void *arg)
{
	struct destination_state s;
	int res = 0;

	/* <setting>, not <lock>: <fn> may be slow, the writer may not wait for it */
	pthread_mutex_lock(&ev->setting);
	for (int o = 0; o < EVENTS_OWNER_MAX; o++)
		for (unsigned i = 0; !res && i < ev->groups[o].n; i++) {
			destination_state(ev->groups[o].list[i], &s);
			res = fn(arg, &s);
		}
	pthread_mutex_unlock(&ev->setting);
	return res;
}

void events_reopen(struct events *ev)
{
	pthread_mutex_lock(&ev->lock);
	for (int o = 0; o < EVENTS_OWNER_MAX; o++)
		for (unsigned i = 0; i < ev->groups[o].n; i++)
			destination_reopen(ev->groups[o].list[i]);
	pthread_mutex_unlock(&ev->lock);
}

/* ---- life ---- */

static void destroy(struct events *ev)
{
	for (int o = 0; o < EVENTS_OWNER_MAX; o++)
		for (unsigned i = 0; i < ev->groups[o].n; i++)
			destination_end(ev->groups[o].list[i]);
	for (int o = 0; o < EVENTS_OWNER_MAX; o++) {
		for (unsigned i = 0; i < ev->groups[o].n; i++)
			destination_close(ev->groups[o].list[i]);
		free(ev->groups[o].list);
	}
	spool_done(&ev->spool);
	recent_done(&ev->recent);
	pthread_mutex_destroy(&ev->lock);
	pthread_mutex_destroy(&ev->setting);
	pthread_cond_destroy(&ev->released);
	free(ev);
}

struct events *events_open(void)
{
	struct events *ev = calloc(1, sizeof(*ev));
	int err;

	if (!ev) {
		log_err("events: out of memory");
		return NULL;
	}
	curl_global_init(CURL_GLOBAL_DEFAULT); /* before there are threads */
	pthread_mutex_init(&ev->lock, NULL);
	pthread_mutex_init(&ev->setting, NULL);
	thread_cond_init(&ev->released);
	err = spool_init(&ev->spool);
	if (recent_init(&ev->recent))
		err = -ENOMEM;
	if (!err)
		err = start(ev);
	if (!err)
		return ev;
	log_err("events: cannot start the writer: %s", strerror(-err));
	destroy(ev);
	return NULL;
}

void events_close(struct events *ev)
{
	if (!ev)
		return;
	events_wake(ev);
	events_release(ev);
	spool_close(&ev->spool);
	pthread_join(ev->thread, NULL);
	destroy(ev);
}

/* ---- events ---- */

static void put(struct events *ev, const struct facts *facts, const char *line, size_t len)
{
	bool done = spool_put(&ev->spool, facts, line, len);

	if (!done)
		atomic_store(&ev->missed, true);
	atomic_fetch_add(done ? &ev->emitted : &ev->lost, 1);
}

void events_closed(struct events *ev, const struct event_closed *c)
{
	struct facts facts = {.server_name = c->server_name, .server_port = addr_port(&c->server)};
	char line[EVENT_LINE_MAX];
	size_t len = event_format(c, line);

	cidr_of(&c->client, &facts.client_ip);
	cidr_of(&c->server, &facts.server_ip);
	put(ev, &facts, line, len);
}

void events_relay(struct events *ev, const struct facts *facts, const char *line, size_t len)
{
	put(ev, facts, line, len);
}

void events_upstream(struct events *ev, const struct event_upstream *u)
{
	struct facts facts = {.server_name = u->server_name, .type = 1};
	char line[EVENT_LINE_MAX];

	if (!spool_put(&ev->spool, &facts, line, event_format_upstream(u, line)))
		atomic_fetch_add(&ev->lost, 1);
}

uint64_t events_emitted(const struct events *ev)
{
	return atomic_load(&((struct events *)ev)->emitted);
}

uint64_t events_lost(struct events *ev)
{
	uint64_t lost = atomic_load(&ev->lost);
	struct destination_state s;

	pthread_mutex_lock(&ev->lock);
	lost += ev->lost_before;
	for (int o = 0; o < EVENTS_OWNER_MAX; o++)
		for (unsigned i = 0; i < ev->groups[o].n; i++) {
			destination_state(ev->groups[o].list[i], &s);
			lost += s.lost;
		}
	pthread_mutex_unlock(&ev->lock);
	return lost;
}

uint64_t events_seek(struct events *ev, const struct timespec *since)
{
	return recent_seek(&ev->recent, since);
}

ssize_t events_read(struct events *ev, uint64_t *seq, char *buf, size_t size, int timeout_ms,
		    uint64_t *ret_skipped)
{
	return recent_read(&ev->recent, seq, buf, size, timeout_ms, ret_skipped);
}

void events_wake(struct events *ev)
{
	recent_wake(&ev->recent);
}

const char *events_library_version(void)
{
	static char text[64];

	snprintf(text, sizeof(text), "libcurl %s", curl_version_info(CURLVERSION_NOW)->version);
	return text;
}
