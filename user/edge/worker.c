// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "worker.h"
#include "clock.h"
#include "conn.h"
#include "edge_private.h"
#include "join.h"
#include "listener.h"
#include "log.h"
#include "pool.h"
#include "privileged.h"
#include "ring.h"
#include "stock.h"
#include "thread.h"
#include "trickle.h"

#define EVENTS_A_TURN 64 /* a new client waits for no more than these */
#define DEADLINES_A_TURN 64
#define SWEEP_NS (1000ULL * 1000 * 1000)

/* What a mailbox message is: lives on the caller's stack until it is done, unless posted. */
struct mail {
	struct list link;
	void (*fn)(struct worker *w, void *arg);
	void *arg;
	pthread_mutex_t lock;
	pthread_cond_t done_cond;
	bool done;
	bool posted; /* nobody waits: malloc'd, freed when it is done */
};

void worker_watch(struct worker *w, struct end *e, uint32_t mask)
{
	struct epoll_event ev = {.events = mask, .data.ptr = &e->kind};

	e->watched_all = mask == WATCH_ALL;
	if (!mask) {
		if (e->watched)
			epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, e->fd, NULL);
		e->watched = false;
		return;
	}
	if (epoll_ctl(w->epoll_fd, e->watched ? EPOLL_CTL_MOD : EPOLL_CTL_ADD, e->fd, &ev))
		log_err("epoll_ctl: %s", strerror(errno));
	e->watched = true;
}

/* ---- what the kernel tells ---- */

static void on_ring(void *arg, const struct event *ev)
{
	struct worker *w = arg;
	struct end *e;

	e = slots_end(&w->slots, ev->slot);
	if (!e || e->cookie != ev->cookie)
		return; /* closed meanwhile */
	if (e->kind == END_WARM) {
		pool_on_warm(e->owner);
		return;
	}
	switch (ev->type) {
	case EVENT_PAIRED:
		conn_on_paired(e->owner);
		break;
	case EVENT_STATE:
		conn_on_state(e->owner, e, 0);
		break;
	default:
		conn_on_ready(e->owner, e);
	}
}

void worker_read_ring(struct worker *w)
{
	if (w->ring)
		kern_ring_drain(w->ring, on_ring, w);
}

void worker_on_end(struct end *e, uint32_t events)
{
	struct conn *c;

	if (e->fd == -1)
		return; /* closed earlier in this turn */
	if (e->kind == END_WARM) {
		pool_on_warm(e->owner);
		return;
	}
	c = e->owner;
	if (events & (EPOLLRDHUP | EPOLLERR | EPOLLHUP))
		conn_on_state(c, e, events);
	else
		conn_on_ready(c, e);
}

/* Events were lost, or ends are polled: look at every connection. */
static void sweep(struct worker *w)
{
	struct list *it, *tmp;
	struct conn *c;

	list_for_each_safe(it, tmp, &w->conns) {
		c = list_of(it, struct conn, all);
		worker_count(w, WC_swept);
		conn_on_paired(c);
		if (c->phase != CONN_DEAD && c->client.fd != -1)
			conn_on_state(c, &c->client, 0);
		if (c->phase != CONN_DEAD && c->upstream.fd != -1 && c->phase != CONN_CONNECT)
			conn_on_state(c, &c->upstream, 0);
	}
}

static void sweep_if_lost(struct worker *w)
{
	struct counters k;

	if ((!w->kern && !w->adopted) || w->now_ns < w->sweep_ns)
		return;
	w->sweep_ns = w->now_ns + SWEEP_NS;
	if (w->polled || w->adopted) {
		w->adopted = false; /* their events went elsewhere */
		sweep(w);
		return;
	}
	if (kern_counters(w->kern, &k) || k.event_lost == w->event_lost_seen)
		return;
	w->event_lost_seen = k.event_lost;
	sweep(w);
}

/* ---- the loop ---- */

static void mail_run(struct worker *w)
{
	struct mail *m;
	uint64_t n;

	if (read(w->mail_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_err("eventfd: %s", strerror(errno));
	for (;;) {
		pthread_mutex_lock(&w->mail_lock);
		m = list_empty(&w->mail) ? NULL : list_of(w->mail.next, struct mail, link);
		if (m)
			list_del(&m->link);
		pthread_mutex_unlock(&w->mail_lock);
		if (!m)
			return;
		m->fn(w, m->arg);
		if (m->posted) {
			free(m);
			continue;
		}
		pthread_mutex_lock(&m->lock);
		m->done = true;
		pthread_cond_signal(&m->done_cond);
		pthread_mutex_unlock(&m->lock);
	}
}

static void mail_send(struct worker *w, struct mail *m)
{
	uint64_t one = 1;

	list_init(&m->link);
	pthread_mutex_lock(&w->mail_lock);
	list_add_tail(&w->mail, &m->link);
	pthread_mutex_unlock(&w->mail_lock);
	if (write(w->mail_fd, &one, sizeof(one)) < 0)
		log_err("eventfd: %s", strerror(errno));
}

int worker_post(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg)
{
	struct mail *m = calloc(1, sizeof(*m));

	if (!m)
		return -ENOMEM;
	m->fn = fn;
	m->arg = arg;
	m->posted = true;
	mail_send(w, m);
	return 0;
}

void worker_call(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg)
{
	struct mail m = {.fn = fn, .arg = arg};

	pthread_mutex_init(&m.lock, NULL);
	pthread_cond_init(&m.done_cond, NULL);
	mail_send(w, &m);
	pthread_mutex_lock(&m.lock);
	while (!m.done)
		pthread_cond_wait(&m.done_cond, &m.lock);
	pthread_mutex_unlock(&m.lock);
	pthread_cond_destroy(&m.done_cond);
	pthread_mutex_destroy(&m.lock);
}

/* Thousands that came at once are due at once: others get their turn in between. */
static void run_deadlines(struct worker *w)
{
	struct conn *c;
	int i, n;

	for (i = 0; i < TIMER_MAX; i++) {
		for (n = 0; n < DEADLINES_A_TURN && !list_empty(&w->timers[i]); n++) {
			c = list_of(w->timers[i].next, struct conn, timer);
			if (c->deadline_ns > w->now_ns)
				break;
			conn_on_deadline(c);
		}
	}
}

/*
 * By the clock, not by when the turn began: what ended early in a long one may be due already. What
 * is put off meanwhile comes to the end of this list, and is put off from now: not due again in it.
 */
static void run_retries(struct worker *w)
{
	struct list *it, *tmp;
	struct conn *c;

	if (list_empty(&w->retry))
		return;
	w->now_ns = clock_ns();
	list_for_each_safe(it, tmp, &w->retry) {
		c = list_of(it, struct conn, retry.link);
		if (c->retry.at_ns <= w->now_ns)
			conn_on_retry(c);
	}
}

static void run_ready(struct worker *w)
{
	struct list todo, *it;
	struct conn *c;

	list_init(&todo);
	while (!list_empty(&w->ready)) {
		it = w->ready.next;
		list_del(it);
		list_add_tail(&todo, it);
	}
	while (!list_empty(&todo)) {
		c = list_of(todo.next, struct conn, ready);
		list_del(&c->ready);
		conn_run(c);
	}
}

/* Later events of the same turn may still point at what was closed earlier. */
static void bury(struct worker *w)
{
	struct warm *wm;
	struct conn *c;

	while (!list_empty(&w->graves)) {
		c = list_of(w->graves.next, struct conn, all);
		list_del(&c->all);
		free(c);
	}
	slots_forget(&w->slots);
	while (!list_empty(&w->listener_graves))
		listener_free(list_of(w->listener_graves.next, struct listener, link));
	while (!list_empty(&w->warm_graves)) {
		wm = list_of(w->warm_graves.next, struct warm, link);
		list_del(&wm->link);
		free(wm);
	}
}

static uint64_t next_wake(struct worker *w)
{
	uint64_t at = w->now_ns + SWEEP_NS;
	struct list *it;
	int i;

	if (!list_empty(&w->ready))
		return w->now_ns;
	for (i = 0; i < TIMER_MAX; i++) {
		if (list_empty(&w->timers[i]))
			continue;
		it = w->timers[i].next;
		if (list_of(it, struct conn, timer)->deadline_ns < at)
			at = list_of(it, struct conn, timer)->deadline_ns;
	}
	at = retry_first(&w->retry, at);
	if ((!list_empty(&w->pools_active) || w->n_agent_pools) && w->pool_tick_ns < at)
		at = w->pool_tick_ns;
	if (w->accept_again_ns && w->accept_again_ns < at)
		at = w->accept_again_ns;
	if (w->n_trickling && w->trickle_ns < at)
		at = w->trickle_ns;
	return at;
}

static void dispatch(struct worker *w, const struct epoll_event *ev)
{
	unsigned *kind = ev->data.ptr;

	if (kind == (unsigned *)&w->mail_fd)
		mail_run(w);
	else if (kind == (unsigned *)&w->ring)
		worker_read_ring(w);
	else if (*kind == END_LISTENER)
		listener_on_readable(list_of(kind, struct listener, kind));
	else
		worker_on_end(list_of(kind, struct end, kind), ev->events);
}

/*
 * More is ready than one turn takes, and epoll hands it out in the order it came: thousands of
 * hellos that trickle must not stand before a new client.
 */
static void dispatch_first(struct worker *w)
{
	unsigned i;

	for (i = 0; i < w->n_listeners && !w->accept_again_ns && !w->lets_nobody_in; i++)
		listener_on_readable(&w->listeners[i]);
}

static void *run(void *arg)
{
	struct epoll_event events[EVENTS_A_TURN];
	struct worker *w = arg;
	struct timespec ts;
	uint64_t at, now;
	int i, n;

	pthread_mutex_lock(&w->edge->start_lock);
	pthread_mutex_unlock(&w->edge->start_lock);
	w->now_ns = clock_ns();
	atomic_store(&w->turned_ms, w->now_ns / 1000000);
	while (!w->stop) {
		at = next_wake(w);
		now = clock_ns();
		at = at > now ? at - now : 0;
		if (at && w->ring && !kern_ring_doze(w->ring))
			at = 0;
		ts.tv_sec = (time_t)(at / 1000000000ULL);
		ts.tv_nsec = (long)(at % 1000000000ULL);
		n = epoll_pwait2(w->epoll_fd, events, EVENTS_A_TURN, &ts, NULL);
		if (w->ring)
			kern_ring_rouse(w->ring);
		w->now_ns = clock_ns();
		atomic_store_explicit(&w->turned_ms, w->now_ns / 1000000, memory_order_relaxed);
		if (n < 0 && errno != EINTR) {
			log_err("epoll_pwait2: %s", strerror(errno));
			break;
		}
		worker_read_ring(w);
		if (n == EVENTS_A_TURN)
			dispatch_first(w);
		for (i = 0; i < n; i++)
			dispatch(w, &events[i]);
		if (w->accept_again_ns && w->now_ns >= w->accept_again_ns) {
			w->accept_again_ns = 0;
			listener_watch_all(w, !w->lets_nobody_in);
		}
		trickle_run(w);
		run_ready(w);
		run_retries(w);
		run_deadlines(w);
		if (w->now_ns >= w->pool_tick_ns) {
			w->pool_tick_ns = w->now_ns + POOL_TICK_NS;
			pool_tick(w);
			conn_let_go(w);
			privileged_tick(w);
		}
		sweep_if_lost(w);
		bury(w);
		atomic_store_explicit(&w->n_conns_shown, w->n_conns, memory_order_relaxed);
	}
	return NULL;
}

static int watch_own(struct worker *w, int fd, void *ptr)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = ptr};

	return epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int worker_open(struct edge *edge, unsigned index, struct worker *w)
{
	int i, err;

	memset(w, 0, sizeof(*w));
	w->index = index;
	w->edge = edge;
	w->events = edge->events;
	w->config = edge->config;
	w->kern = edge->kern;
	w->polled = w->kern && !kern_has_sockops(w->kern);
	w->pump.size = JOIN_PUMP_BYTES;
	w->pump.soft = JOIN_SOFT;
	w->pump.mutant = edge->mutant;
	list_init(&w->conns);
	list_init(&w->retry);
	list_init(&w->ready);
	list_init(&w->graves);
	list_init(&w->warm_graves);
	list_init(&w->tcp_listeners);
	list_init(&w->listener_graves);
	list_init(&w->answers);
	list_init(&w->keeps);
	list_init(&w->unanswered);
	list_init(&w->pools_active);
	list_init(&w->mail);
	for (i = 0; i < TIMER_MAX; i++)
		list_init(&w->timers[i]);
	pthread_mutex_init(&w->mail_lock, NULL);
	w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	w->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	w->mail_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	w->pump.buf = malloc(JOIN_PUMP_BYTES);
	if (w->epoll_fd == -1 || w->mail_fd == -1)
		return -errno;
	if (!w->pump.buf)
		return -ENOMEM;
	err = trickle_open(w);
	if (!err)
		err = watch_own(w, w->mail_fd, &w->mail_fd);
	if (!err && w->kern) {
		err = stock_open(w, edge);
		if (!err)
			err = watch_own(w, kern_ring_fd(w->ring), &w->ring);
	}
	return err;
}

int worker_start(struct worker *w)
{
	char name[16];
	unsigned i;
	int err;

	for (i = 0; i < w->n_listeners; i++) {
		err = watch_own(w, w->listeners[i].fd, &w->listeners[i].kind);
		if (err)
			return err;
	}
	snprintf(name, sizeof(name), "worker %u", w->index);
	atomic_store(&w->turned_ms, clock_ns() / 1000000);
	return -thread_start(&w->thread, THREAD_NETWORK, name, run, w);
}

void worker_drain(struct worker *w, void *arg)
{
	(void)arg;
	w->draining = true;
	listener_close_all(w);
	pool_drop_all(w);
}

void worker_stop(struct worker *w, void *arg)
{
	struct list *it, *tmp;
	struct conn *c;

	(void)arg;
	listener_close_all(w);
	list_for_each_safe(it, tmp, &w->conns) {
		c = list_of(it, struct conn, all);
		conn_on_paired(c); /* its event does not wake us */
		conn_close(c, CLOSE_DRAINED, true);
	}
	pool_drop_all(w);
	w->stop = true;
}

void worker_take_config(struct worker *w, void *arg)
{
	struct list *it;
	struct conn *c;
	uint64_t at;
	int i;

	w->config = arg;
	/* A shorter time holds for those that wait already.  The lists stay in order. */
	for (i = 0; i < TIMER_MAX; i++) {
		at = w->now_ns + conn_timer_ms(w->config, (enum timer_kind)i) * 1000000ULL;
		list_for_each(it, &w->timers[i]) {
			c = list_of(it, struct conn, timer);
			if (c->deadline_ns > at)
				c->deadline_ns = at;
		}
	}
}

void worker_join(struct worker *w)
{
	if (w->thread)
		pthread_join(w->thread, NULL);
	w->thread = 0;
}

void worker_close(struct worker *w)
{
	bury(w);
	listener_close_all(w);
	while (!list_empty(&w->tcp_listeners))
		listener_free(list_of(w->tcp_listeners.next, struct listener, link));
	pool_drop_all(w);
	privileged_drop(w);
	free(w->pools);
	kern_ring_close(w->ring);
	trickle_close(w);
	if (w->epoll_fd > 0)
		close(w->epoll_fd);
	if (w->mail_fd > 0)
		close(w->mail_fd);
	if (w->spare_fd > 0)
		close(w->spare_fd);
	stock_close(w);
	pump_done(&w->pump);
	pthread_mutex_destroy(&w->mail_lock);
}
