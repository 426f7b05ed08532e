// SPDX-License-Identifier: GPL-2.0-only
#include "trickle.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "conn.h"

#define READS 4			     /* that a hello may take before it counts as trickling */
#define TICK_NS (4ULL * 1000 * 1000) /* on top of a fifth segment's own way */
#define BUSY_NS (1ULL * 1000 * 1000) /* when a tick was not enough */
#define EVENTS_A_TICK 32	     /* some 50 us: what a new client may have to wait */

int trickle_open(struct worker *w)
{
	w->trickle_fd = epoll_create1(EPOLL_CLOEXEC);
	return w->trickle_fd == -1 ? -errno : 0;
}

void trickle_close(struct worker *w)
{
	if (w->trickle_fd > 0)
		close(w->trickle_fd);
	w->trickle_fd = -1;
}

void trickle_note(struct conn *c)
{
	struct worker *w = c->worker;
	struct end *e = &c->client;
	struct epoll_event ev = {.events = WATCH_ALL & ~EPOLLOUT, .data.ptr = e};

	if (c->trickles || ++c->reads < READS || !e->watched)
		return;
	/* there first: what comes in between is seen there */
	if (epoll_ctl(w->trickle_fd, EPOLL_CTL_ADD, e->fd, &ev))
		return; /* goes on as it did */
	worker_watch(w, e, 0);
	c->trickles = true;
	if (!w->n_trickling++)
		w->trickle_ns = w->now_ns + TICK_NS;
}

void trickle_leave(struct conn *c)
{
	struct worker *w = c->worker;

	if (!c->trickles)
		return;
	if (c->phase != CONN_DEAD) {
		epoll_ctl(w->trickle_fd, EPOLL_CTL_DEL, c->client.fd, NULL);
		worker_watch(w, &c->client, WATCH_ALL);
	}
	c->trickles = false;
	w->n_trickling--;
}

void trickle_run(struct worker *w)
{
	struct epoll_event events[EVENTS_A_TICK];
	int i, n;

	if (!w->n_trickling || w->now_ns < w->trickle_ns)
		return;
	n = epoll_wait(w->trickle_fd, events, EVENTS_A_TICK, 0);
	for (i = 0; i < n; i++)
		worker_on_end(events[i].data.ptr, events[i].events);
	w->trickle_ns = w->now_ns + (n == EVENTS_A_TICK ? BUSY_NS : TICK_NS);
}
