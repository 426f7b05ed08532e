// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "resolver.h"
#include "addr.h"
#include "clock.h"
#include "edge_private.h"
#include "log.h"
#include "thread.h"

#define TICK_MS 1000U
#define LAST_S 2

struct resolver {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	bool stop;
	struct edge *edge;
	bool due; /* this round asks for all, not only for those without an address */
};

static bool stopped(struct resolver *rs)
{
	bool stop;

	pthread_mutex_lock(&rs->lock);
	stop = rs->stop;
	pthread_mutex_unlock(&rs->lock);
	return stop;
}

/* ---- one name ---- */

static int compare_addrs(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(union addr_ip));
}

/* The same addresses?  Their order is no news: DNS rotates them. */
static bool same(const struct endpoint_addrs *a, const struct endpoint_addrs *b)
{
	struct endpoint_addrs x = *a, y = *b;

	if (x.n != y.n)
		return false;
	qsort(x.at, x.n, sizeof(x.at[0]), compare_addrs);
	qsort(y.at, y.n, sizeof(y.at[0]), compare_addrs);
	return !memcmp(x.at, y.at, x.n * sizeof(x.at[0]));
}

/* Asks for <text>.  True, with the answer in <a>, when there is a new one. */
static bool ask(const char *text, struct endpoint_addrs *a)
{
	struct endpoint_addrs answer = {.n = 0};
	struct sockaddr_storage numeric;
	socklen_t len;

	if (!text || !addr_parse(text, &numeric, &len))
		return false;
	if (!endpoint_addrs_ask(text, &answer) || same(&answer, a))
		return false;
	*a = answer;
	return true;
}

static void make_anew(struct resolver *rs, struct endpoint *e, const struct endpoint_known *known)
{
	struct registry *r = rs->edge->registry;
	struct sockaddr_storage first;
	char text[ADDR_TEXT_MAX];
	struct endpoint *fresh;
	struct fault f = {.msg = ""};

	fresh = registry_prepare(r, e, &e->spec, known, &f);
	if (!fresh || registry_swap(r, e, fresh, &f)) {
		endpoint_put(fresh);
		return; /* changed or removed meanwhile: the next round will see */
	}
	addr_widen(&known->addrs.at[0], &first);
	log_info("endpoint %s: upstream %s is at %s now%s", e->host, e->upstream,
		 addr_text(&first, text), known->addrs.n > 1 ? " and others" : "");
}

/* (a labelled tunnel has none) */
static bool has_name(const struct endpoint *target)
{
	return !*target->tunnel;
}

static int look_at(void *arg, struct endpoint *e)
{
	const char *acme = endpoint_spec_value(&e->spec, FIELD_ID_ACME_UPSTREAM);
	struct endpoint_addrs more[ENDPOINT_TARGETS_MAX];
	struct endpoint_known known = {endpoint_addrs_whole(e->addrs),
				       endpoint_addrs_whole(e->acme), more};
	struct resolver *rs = arg;
	bool lacks = acme && !e->acme->n, news;
	unsigned n = 0;

	if (stopped(rs))
		return -1;
	for (struct endpoint *t = e; t; t = t->next_target)
		lacks = lacks || (has_name(t) && !t->addrs->n);
	if (e->origin == ENDPOINT_AGENT || e->empty || (!rs->due && !lacks))
		return 0;
	news = has_name(e) && ask(e->upstream, &known.addrs);
	for (struct endpoint *t = e->next_target; t; t = t->next_target) {
		more[n] = endpoint_addrs_whole(t->addrs);
		if (!stopped(rs) && has_name(t))
			news = ask(t->upstream, &more[n]) || news;
		n++;
	}
	news = ask(acme, &known.acme) || news;
	if (stopped(rs)) /* it took long: what we know may be going away */
		return -1;
	if (news)
		make_anew(rs, e, &known);
	return 0;
}

/* ---- the thread ---- */

/* false: it is time to stop. */
static bool pause_for(struct resolver *rs, unsigned ms)
{
	const struct timespec until = clock_after(ms * 1000000ULL);
	bool stop;
	int err = 0;

	pthread_mutex_lock(&rs->lock);
	while (!rs->stop && err != ETIMEDOUT)
		err = pthread_cond_timedwait(&rs->wake, &rs->lock, &until);
	stop = rs->stop;
	pthread_mutex_unlock(&rs->lock);
	return !stop;
}

static unsigned period(struct edge *g)
{
	unsigned ms;

	pthread_mutex_lock(&g->config_lock);
	ms = g->config->timeouts.resolve;
	pthread_mutex_unlock(&g->config_lock);
	return ms;
}

static void *work(void *arg)
{
	struct resolver *rs = arg;
	unsigned left = 0, every, step;

	for (;;) {
		every = period(rs->edge);
		step = every < TICK_MS ? every : TICK_MS;
		if (!pause_for(rs, step))
			return NULL;
		left += step;
		rs->due = left >= every;
		if (rs->due)
			left = 0;
		registry_each(rs->edge->registry, look_at, rs);
		if (stopped(rs))
			return NULL;
	}
}

struct resolver *resolver_start(struct edge *g)
{
	struct resolver *rs = calloc(1, sizeof(*rs));
	int err;

	if (!rs)
		return NULL;
	rs->edge = g;
	pthread_mutex_init(&rs->lock, NULL);
	thread_cond_init(&rs->wake);
	err = thread_start(&rs->thread, THREAD_FILES, "resolver", work, rs);
	if (!err)
		return rs;
	log_err("resolver: %s; names of upstreams are not followed", strerror(err));
	free(rs);
	return NULL;
}

void resolver_stop(struct resolver *rs)
{
	struct timespec until;

	if (!rs)
		return;
	pthread_mutex_lock(&rs->lock);
	rs->stop = true;
	pthread_cond_signal(&rs->wake);
	pthread_mutex_unlock(&rs->lock);
	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += LAST_S;
	if (pthread_clockjoin_np(rs->thread, NULL, CLOCK_MONOTONIC, &until)) {
		/* inside the C library; it looks at <stop> before anything of ours */
		pthread_detach(rs->thread);
		return;
	}
	pthread_mutex_destroy(&rs->lock);
	pthread_cond_destroy(&rs->wake);
	free(rs);
}
