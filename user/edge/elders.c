// SPDX-License-Identifier: GPL-2.0-only
#include "elders.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "conn_move.h"
#include "edge_private.h"
#include "handover_io.h"
#include "log.h"
#include "takeover.h"

/* One on its way to its worker. */
struct late {
	struct handover_conn conn;
	int fds[HANDOVER_FDS_MAX];
	unsigned n_fds;
};

static void late_free(struct late *l)
{
	for (unsigned i = 0; i < l->n_fds; i++)
		if (l->fds[i] != -1)
			close(l->fds[i]);
	free(l);
}

static void adopt(struct worker *w, void *arg)
{
	struct late *l = arg;
	int err;

	err = conn_adopt(w, &l->conn, l->fds, l->n_fds);
	if (err)
		log_err("a connection of an earlier daemon is lost: %s: phase=%u movers=%u,%u "
			"states=%u,%u fds=%u",
			strerror(-err), (unsigned)l->conn.phase, (unsigned)l->conn.up_mover,
			(unsigned)l->conn.down_mover, (unsigned)l->conn.up_state,
			(unsigned)l->conn.down_state, l->n_fds);
	w->adopted = true;
	w->sweep_ns = 0;
	late_free(l);
}

static int take(struct edge *g, struct parcel *p)
{
	struct late *l = calloc(1, sizeof(*l));
	struct worker *w;
	int err;

	if (!l)
		return -ENOMEM;
	err = handover_conn_read(p->bytes, p->len, &l->conn);
	if (err) {
		free(l);
		return err;
	}
	for (l->n_fds = 0; l->n_fds < p->n_fds; l->n_fds++)
		l->fds[l->n_fds] = parcel_take(p, l->n_fds);
	w = &g->workers[conn_move_worker(&l->conn, g->n_workers)];
	err = worker_post(w, adopt, l);
	if (err)
		late_free(l);
	return err;
}

static void mute(struct elders_ask *a, const struct elder *e)
{
	a->n_mute++;
	a->mute_pid = e->pid;
	if (a->on_answer)
		a->on_answer(a, e, NULL, -1);
}

static void on_answer(struct elders *es, struct elder *e, struct parcel *p)
{
	struct elders_ask *a = es->asking;
	struct handover h;
	int fd;

	e->silent = false;
	if (handover_read(p->bytes, p->len, &h) || !h.serial || h.serial != e->awaited)
		return; /* of another version, or too late */
	e->awaited = 0;
	if (h.use != a->h.use) {
		mute(a, e); /* it does not know what that is */
		return;
	}
	a->count += h.count;
	fd = parcel_take(p, 0);
	if (a->on_answer)
		a->on_answer(a, e, &h, fd);
	if (fd != -1)
		close(fd);
}

/* False: it is gone. */
static bool hear(struct edge *g, struct elder *e, struct parcel *p)
{
	int err = 0;

	while (!err) {
		err = handover_receive(e->fd, p, 0);
		if (!err && handover_type_of(p->bytes, p->len) == HANDOVER_ANSWER)
			on_answer(&g->elders, e, p);
		else if (!err && take(g, p))
			log_err("a connection of an earlier daemon is lost");
		parcel_close(p);
	}
	return err == -ETIMEDOUT || err == -EAGAIN || err == -EBADMSG;
}

static void nothing(struct worker *w, void *arg)
{
	(void)w;
	(void)arg;
}

unsigned takeover_look_after_elders(struct edge *g)
{
	struct elders *es = &g->elders;
	struct parcel *p;
	unsigned n = 0, before;

	takeover_expire(g->takeover, g);
	if (pthread_mutex_trylock(&es->lock)) /* somebody waits for an answer, and listens */
		return atomic_load(&g->n_elders_alive);
	before = es->n;
	p = before ? malloc(sizeof(*p)) : NULL;
	for (unsigned i = 0; i < es->n; i++) {
		if (!p || hear(g, &es->at[i], p))
			es->at[n++] = es->at[i];
		else
			close(es->at[i].fd);
	}
	free(p);
	es->n = n;
	pthread_mutex_unlock(&es->lock);
	/* what the last one sent before it ended is with its workers before they clean up after it
	 */
	if (n < before)
		edge_each_worker(g, nothing, NULL);
	atomic_store(&g->n_elders_alive, n);
	if (n)
		elders_events_ask(g);
	return n;
}

/* ---- asked of them ---- */

void elders_init(struct elders *es)
{
	pthread_mutex_init(&es->lock, NULL);
	/* what the daemon before us has asked may still be answered, to us */
	es->serial = (uint64_t)getpid() << 32;
}

void elders_forget(struct elders *es)
{
	pthread_mutex_lock(&es->lock);
	while (es->n)
		close(es->at[--es->n].fd);
	pthread_mutex_unlock(&es->lock);
}

void elders_done(struct elders *es)
{
	elders_forget(es);
	pthread_mutex_destroy(&es->lock);
}

void elders_add(struct elders *es, int fd, uint64_t abilities)
{
	struct ucred who = {.pid = 0};
	socklen_t len = sizeof(who);

	/* the pair was made by the elder */
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &who, &len))
		who.pid = 0;
	es->at[es->n++] =
		(struct elder){.fd = fd, .pid = (unsigned)who.pid, .abilities = abilities};
}

void elders_leave(struct edge *g, bool away)
{
	pthread_mutex_lock(&g->elders.lock);
	g->elders.away = away;
	pthread_mutex_unlock(&g->elders.lock);
}

/* One that is stuck does not hold us up: nothing is said where there is no room for it. */
static int say(const struct elder *e, const struct handover *h, int fd)
{
	struct pollfd room = {.fd = e->fd, .events = POLLOUT};

	if (poll(&room, 1, 0) != 1 || !(room.revents & POLLOUT))
		return -EAGAIN;
	return handover_say(e->fd, h, &fd, fd != -1);
}

static void ask_all(struct elders *es, struct elders_ask *a)
{
	for (unsigned i = 0; i < es->n; i++) {
		struct elder *e = &es->at[i];
		int err = -ENOSYS;

		e->awaited = 0;
		if (a->prepare && (es->away || !a->prepare(a, e)))
			continue;
		if (!es->away && (e->abilities & HANDOVER_ABLE_ANSWERS))
			err = say(e, &a->h, a->fd);
		if (err == -EPIPE)
			continue; /* it has ended, and its connections have */
		if (err || e->silent)
			mute(a, e);
		if (!err)
			e->awaited = a->h.serial;
	}
}

/* Waits for some of those that we wait for to say something.  False: there are none. */
static bool wait_some(struct elders *es, int timeout_ms, struct pollfd fds[ELDERS_MAX])
{
	unsigned n = 0;

	for (unsigned i = 0; i < es->n; i++) {
		bool awaited = es->at[i].awaited && !es->at[i].silent;

		fds[i] = (struct pollfd){.fd = awaited ? es->at[i].fd : -1, .events = POLLIN};
		n += awaited;
	}
	if (n && poll(fds, es->n, timeout_ms) < 0 && errno != EINTR)
		return false;
	return n;
}

void elders_ask(struct edge *g, struct elders_ask *a)
{
	struct pollfd fds[ELDERS_MAX];
	struct elders *es = &g->elders;
	struct parcel *p = malloc(sizeof(*p));
	uint64_t now, until;

	a->count = 0;
	a->n_mute = a->mute_pid = 0;
	a->h.type = HANDOVER_ASK;
	pthread_mutex_lock(&es->lock);
	until = clock_ns() + (a->wait_ms ? a->wait_ms : ELDERS_ANSWER_MS) * 1000000ULL;
	a->h.serial = ++es->serial;
	es->asking = a;
	if (p)
		ask_all(es, a);
	while (p && (now = clock_ns()) < until &&
	       wait_some(es, (int)((until - now) / 1000000) + 1, fds)) {
		for (unsigned i = 0; i < es->n; i++)
			if (fds[i].fd != -1 && fds[i].revents && !hear(g, &es->at[i], p))
				es->at[i].awaited = 0; /* main will see that, too */
	}
	for (unsigned i = 0; i < es->n; i++) {
		struct elder *e = &es->at[i];

		if (e->awaited && !e->silent) {
			mute(a, e);
			e->silent = true;
		}
		e->awaited = 0;
	}
	for (unsigned i = 0; !p && i < es->n; i++)
		mute(a, &es->at[i]);
	es->asking = NULL;
	pthread_mutex_unlock(&es->lock);
	free(p);
}

/* ---- told to them ---- */

static void tell(struct edge *g, enum handover_type what)
{
	const struct handover h = {.type = (uint8_t)what};

	pthread_mutex_lock(&g->elders.lock);
	for (unsigned i = 0; i < g->elders.n; i++)
		say(&g->elders.at[i], &h, -1);
	pthread_mutex_unlock(&g->elders.lock);
}

void takeover_drain_elders(struct edge *g)
{
	tell(g, HANDOVER_DRAIN);
}

void takeover_end_elders(struct edge *g)
{
	tell(g, HANDOVER_END);
}
