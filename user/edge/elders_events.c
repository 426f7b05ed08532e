// SPDX-License-Identifier: GPL-2.0-only
/*
 * elders_events - what earlier daemons tell by themselves: the events of their connections, and so
 * which of these still count here.
 *
 * A stream for each, which it has been given with HANDOVER_ASK_EVENTS, and a thread that reads
 * them.  A stream that ends says that some events did not come there: what was counted by it is
 * forgotten, and its elder, if it lives, is asked again.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "charges.h"
#include "clock.h"
#include "edge_private.h"
#include "elders.h"
#include "event_read.h"
#include "handover_io.h"
#include "log.h"
#include "thread.h"

#define AGAIN_NS 2000000000ULL /* one that does not answer is asked again */
#define LIST_MS 3000	       /* for a list of a hundred thousands, on a busy machine */
#define AT_ONCE 64	       /* events of one before the others' turn */

_Static_assert(HANDOVER_LINE_MAX == EVENT_LINE_MAX, "a line fits");

/* One stream. */
struct told {
	struct list link;
	int fd, elder_fd; /* whose it is: elders become fewer, never others */
	struct charges *charges;
	bool complained;
};

struct elders_events {
	struct edge *edge;
	pthread_t thread;
	pthread_mutex_t lock; /* of the list, and what is counted; the reader alone takes out */
	struct list streams;
	int wake_fd;
	bool stop;
	struct parcel parcel; /* the reader's */
};

/* ---- the reader ---- */

static void on_line(struct elders_events *ee, struct told *t)
{
	struct handover_event e;
	struct event_told about;
	size_t len;

	if (handover_event_read(ee->parcel.bytes, ee->parcel.len, &e) ||
	    event_read(e.line, len = strlen(e.line), &about)) {
		if (!t->complained)
			log_err("an event of an earlier daemon cannot be read");
		t->complained = true;
		return;
	}
	pthread_mutex_lock(&ee->lock);
	if (*about.connection_id)
		charges_drop(t->charges, about.connection_id);
	pthread_mutex_unlock(&ee->lock);
	events_relay(ee->edge->events, &about.facts, e.line, len);
}

/* False: it has ended. */
static bool read_some(struct elders_events *ee, struct told *t)
{
	int err = 0;

	for (unsigned n = 0; !err && n < AT_ONCE; n++) {
		err = handover_receive(t->fd, &ee->parcel, 0);
		if (!err)
			on_line(ee, t);
		parcel_close(&ee->parcel);
	}
	return !err || err == -ETIMEDOUT || err == -EAGAIN;
}

static void end(struct elders_events *ee, struct told *t)
{
	pthread_mutex_lock(&ee->lock);
	list_del(&t->link);
	pthread_mutex_unlock(&ee->lock);
	close(t->fd);
	charges_free(t->charges);
	free(t);
}

/* How many there are; <fds>[0] is what wakes us. */
static unsigned watch(struct elders_events *ee, struct pollfd *fds, struct told **streams,
		      bool *ret_stop)
{
	struct list *it;
	unsigned n = 0;

	fds[0] = (struct pollfd){.fd = ee->wake_fd, .events = POLLIN};
	pthread_mutex_lock(&ee->lock);
	list_for_each(it, &ee->streams) {
		struct told *t = list_of(it, struct told, link);

		if (n == 2 * ELDERS_MAX)
			break;
		streams[n++] = t;
		fds[n] = (struct pollfd){.fd = t->fd, .events = POLLIN};
	}
	*ret_stop = ee->stop;
	pthread_mutex_unlock(&ee->lock);
	return n;
}

static void *reader(void *arg)
{
	struct elders_events *ee = arg;
	struct told *streams[2 * ELDERS_MAX];
	struct pollfd fds[1 + 2 * ELDERS_MAX];
	uint64_t woken;
	unsigned n;
	bool stop;

	while ((n = watch(ee, fds, streams, &stop)) || !stop) {
		for (unsigned i = 0; stop && i < n; i++)
			shutdown(streams[i]->fd, SHUT_RD); /* what is there already is read */
		if (poll(fds, n + 1, -1) < 0)
			continue;
		if (fds[0].revents && read(ee->wake_fd, &woken, sizeof(woken)) < 0)
			continue;
		for (unsigned i = 0; i < n; i++)
			if (fds[i + 1].revents && !read_some(ee, streams[i]))
				end(ee, streams[i]);
	}
	return NULL;
}

static void wake(struct elders_events *ee)
{
	const uint64_t one = 1;

	if (write(ee->wake_fd, &one, sizeof(one)) < 0)
		log_err("eventfd: %s", strerror(errno));
}

int elders_events_start(struct edge *g)
{
	struct elders_events *ee = calloc(1, sizeof(*ee));
	int err;

	if (!ee)
		return -ENOMEM;
	ee->edge = g;
	list_init(&ee->streams);
	pthread_mutex_init(&ee->lock, NULL);
	ee->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	err = ee->wake_fd == -1 ? -errno
				: -thread_start(&ee->thread, THREAD_NETWORK, "elders", reader, ee);
	if (!err) {
		g->elders.events = ee;
		return 0;
	}
	if (ee->wake_fd != -1)
		close(ee->wake_fd);
	pthread_mutex_destroy(&ee->lock);
	free(ee);
	return err;
}

void elders_events_stop(struct edge *g)
{
	struct elders_events *ee = g->elders.events;

	if (!ee)
		return;
	g->elders.events = NULL;
	pthread_mutex_lock(&ee->lock);
	ee->stop = true;
	pthread_mutex_unlock(&ee->lock);
	wake(ee);
	pthread_join(ee->thread, NULL);
	close(ee->wake_fd);
	pthread_mutex_destroy(&ee->lock);
	free(ee);
}

void elders_conn_moved(struct edge *g, const char *conn_id)
{
	struct elders_events *ee = g->elders.events;
	struct list *it;
	bool found = false;

	if (!ee)
		return;
	pthread_mutex_lock(&ee->lock);
	for (it = ee->streams.next; !found && it != &ee->streams; it = it->next)
		found = charges_drop(list_of(it, struct told, link)->charges, conn_id);
	pthread_mutex_unlock(&ee->lock);
}

/* ---- who is asked for a stream ---- */

struct offer {
	struct elders_ask ask;
	struct edge *edge;
	struct told *made[ELDERS_MAX]; /* those that are asked have them when they answer */
	int theirs[ELDERS_MAX];
	unsigned n;
};

static bool has_stream(struct elders_events *ee, const struct elder *e)
{
	struct list *it;
	bool has = false;

	pthread_mutex_lock(&ee->lock);
	list_for_each(it, &ee->streams)
		has |= list_of(it, struct told, link)->elder_fd == e->fd;
	pthread_mutex_unlock(&ee->lock);
	return has;
}

static bool needs_one(struct edge *g, const struct elder *e, uint64_t now)
{
	return (e->abilities & HANDOVER_ABLE_EVENTS) && now >= e->again_ns &&
	       !has_stream(g->elders.events, e);
}

static bool make_stream(struct elders_ask *a, struct elder *e)
{
	struct offer *o = (struct offer *)a; /* it is the first there */
	uint64_t now = clock_ns();
	struct told *t;
	int fds[2];

	if (!needs_one(o->edge, e, now))
		return false;
	e->again_ns = now + AGAIN_NS;
	t = calloc(1, sizeof(*t));
	if (!t || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds)) {
		free(t);
		return false;
	}
	t->fd = fds[0];
	t->elder_fd = e->fd;
	o->made[o->n] = t;
	o->theirs[o->n++] = a->fd = fds[1];
	return true;
}

/* The list first, then its events: so none ends before it counts. */
static void on_answer(struct elders_ask *a, const struct elder *e, const struct handover *h, int fd)
{
	struct offer *o = (struct offer *)a;
	struct elders_events *ee = o->edge->elders.events;
	struct told *t;
	unsigned i = 0;

	while (i < o->n && (!o->made[i] || o->made[i]->elder_fd != e->fd))
		i++;
	if (!h || i == o->n || fd == -1)
		return;
	t = o->made[i];
	t->charges = charges_new(o->edge, fd);
	if (!t->charges)
		return;
	o->made[i] = NULL;
	pthread_mutex_lock(&ee->lock);
	list_add_tail(&ee->streams, &t->link);
	pthread_mutex_unlock(&ee->lock);
	wake(ee);
}

void elders_events_ask(struct edge *g)
{
	struct offer o = {.ask = {.h = {.use = HANDOVER_ASK_EVENTS},
				  .fd = -1,
				  .prepare = make_stream,
				  .wait_ms = LIST_MS,
				  .on_answer = on_answer},
			  .edge = g};
	uint64_t now = clock_ns();
	bool wanted = false;

	if (!g->elders.events || pthread_mutex_trylock(&g->elders.lock))
		return;
	for (unsigned i = 0; i < g->elders.n; i++)
		wanted |= !g->elders.away && needs_one(g, &g->elders.at[i], now);
	pthread_mutex_unlock(&g->elders.lock);
	if (!wanted)
		return;
	elders_ask(g, &o.ask);
	for (unsigned i = 0; i < o.n; i++) {
		close(o.theirs[i]);
		if (o.made[i])
			close(o.made[i]->fd);
		free(o.made[i]);
	}
}
