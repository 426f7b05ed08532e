// SPDX-License-Identifier: GPL-2.0-only
#include "tunnel.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "certs.h"
#include "clock.h"
#include "edge_private.h"
#include "endpoint.h"
#include "fault.h"
#include "join.h"
#include "log.h"
#include "takeover.h"
#include "thread.h"
#include "tls_server.h"
#include "tunnel_private.h"

#define TICK_MS 250
#define BACKLOG 1024
#define EVENTS_A_TURN 64
#define KEEPALIVE_S 15

struct caller *tunnel_session_find(struct tunnel *t, uint64_t number)
{
	struct list *it;

	list_for_each(it, &t->sessions)
		if (list_of(it, struct caller, link)->number == number)
			return list_of(it, struct caller, link);
	return NULL;
}

/* ---- the thread ---- */

static void tick(struct tunnel *t)
{
	struct list *it, *tmp;
	struct caller *c;

	list_for_each_safe(it, tmp, &t->callers) {
		c = list_of(it, struct caller, link);
		if (c->until_ns > t->now_ns)
			break;
		caller_close(c, false);
	}
	list_for_each_safe(it, tmp, &t->sessions) {
		c = list_of(it, struct caller, link);
		/* an earlier one may have closed this one, or the next */
		if (c->dead)
			break;
		session_tick(c);
	}
	proofs_expire(t, t->now_ns);
}

static void bury(struct tunnel *t)
{
	while (!list_empty(&t->graves)) {
		struct caller *c = list_of(t->graves.next, struct caller, link);

		list_del(&c->link);
		caller_free(c);
	}
}

static void dispatch(struct tunnel *t, void *what)
{
	struct caller *c = what;

	if (what == &t->mail_fd)
		tunnel_read_mail(t);
	else if (what == &t->listen_fd)
		tunnel_on_listener(t);
	else if (!c->dead)
		caller_on_ready(c);
}

/* Sessions that had more than a turn's worth.  One comes back to the list's end if it still has. */
static void read_more(struct tunnel *t)
{
	struct list todo;

	list_init(&todo);
	while (!list_empty(&t->more)) {
		struct list *it = t->more.next;

		list_del(it);
		list_add_tail(&todo, it);
	}
	while (!list_empty(&todo))
		session_on_ready(list_of(todo.next, struct caller, more));
}

static void *run(void *arg)
{
	struct epoll_event events[EVENTS_A_TURN];
	struct tunnel *t = arg;
	uint64_t tick_ns = 0;
	int n;

	while (!atomic_load(&t->stop)) {
		n = epoll_wait(t->epoll_fd, events, EVENTS_A_TURN,
			       list_empty(&t->more) ? TICK_MS : 0);
		t->now_ns = clock_ns();
		atomic_store_explicit(&t->turned_ms, t->now_ns / 1000000, memory_order_relaxed);
		for (int i = 0; i < n; i++)
			dispatch(t, events[i].data.ptr);
		read_more(t);
		if (t->now_ns >= tick_ns) {
			tick(t);
			tick_ns = t->now_ns + TICK_MS * 1000000ULL;
		}
		bury(t);
	}
	return NULL;
}

/* ---- life ---- */

static int open_listener(const struct config_addr *a, bool kernel)
{
	int fd, one = 1, idle = KEEPALIVE_S, err;

	fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd == -1)
		return -errno;
	/* Inherited by what is accepted: channels want the buffers of clients, and a path that
	 * stays open while they are idle. */
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	if (a->sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (kernel)
		join_enlarge(fd);
	if (!bind(fd, (const struct sockaddr *)&a->sa, a->len) && !listen(fd, BACKLOG))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int make_server(struct tunnel *t, struct fault *f)
{
	char fingerprint[CA_FINGERPRINT_MAX];
	const struct tls_server_conf conf = {
		.id = "tunnel", .name = CHAN_SERVER_NAME, .min = TLS_1_3, .max = TLS_1_3};

	/* there from the start: agents are given it before they can come */
	free(certs_root(t->edge->terminate.certs, fingerprint, f));
	t->server = tls_server_new(t->edge->terminate.base, t->edge->terminate.certs, &conf, f);
	return t->server ? 0 : -1;
}

static int add(struct tunnel *t, int fd, void *ptr)
{
	struct epoll_event ev = {.events = EPOLLIN, .data.ptr = ptr};

	return epoll_ctl(t->epoll_fd, EPOLL_CTL_ADD, fd, &ev) ? -errno : 0;
}

int tunnel_open(struct edge *g, struct tunnel **ret_t, char *why, size_t why_size)
{
	const struct config *c = g->config;
	struct fault f = {.msg = ""};
	struct tunnel *t;

	if (!c->tunnel.len)
		return 0;
	t = calloc(1, sizeof(*t));
	snprintf(why, why_size, "out of memory");
	if (!t)
		return -ENOMEM;
	*ret_t = t; /* tunnel_close() takes what is half built */
	t->edge = g;
	t->now_ns = clock_ns();
	list_init(&t->callers);
	list_init(&t->graves);
	list_init(&t->more);
	list_init(&t->proofs);
	list_init(&t->sessions);
	list_init(&t->mail);
	pthread_mutex_init(&t->lock, NULL);
	t->base_domain = strdup(c->base_domain);
	t->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	t->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	t->mail_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	t->listen_fd = takeover_listener(g->takeover, HANDOVER_USE_TUNNEL, c->tunnel.text, 0);
	if (t->listen_fd == -1)
		t->listen_fd = open_listener(&c->tunnel, g->kern != NULL);
	if (t->listen_fd < 0) {
		snprintf(why, why_size, "tunnel: cannot listen on %s: %s", c->tunnel.text,
			 strerror(-t->listen_fd));
		return t->listen_fd;
	}
	if (!t->base_domain || t->epoll_fd == -1 || t->mail_fd == -1)
		return -ENOMEM;
	if (make_server(t, &f)) {
		snprintf(why, why_size, "tunnel: %s", f.msg);
		return -EIO;
	}
	if (add(t, t->mail_fd, &t->mail_fd) || add(t, t->listen_fd, &t->listen_fd))
		return -ENOMEM;
	return 0;
}

int tunnel_start(struct tunnel *t)
{
	int err;

	if (!t)
		return 0;
	atomic_store(&t->turned_ms, clock_ns() / 1000000);
	err = -thread_start(&t->thread, THREAD_NETWORK, "tunnel", run, t);
	t->started = !err;
	return err;
}

uint64_t tunnel_turned_ms(const struct tunnel *t)
{
	return t && t->started ? atomic_load(&t->turned_ms) : clock_ns() / 1000000;
}

int tunnel_listen_fd(const struct tunnel *t)
{
	return t ? t->listen_fd : -1;
}

void tunnel_listen(struct tunnel *t, bool on)
{
	if (t && on)
		add(t, t->listen_fd, &t->listen_fd);
	else if (t)
		epoll_ctl(t->epoll_fd, EPOLL_CTL_DEL, t->listen_fd, NULL);
}

void tunnel_stop(struct tunnel *t)
{
	if (!t || !t->started)
		return;
	atomic_store(&t->stop, true);
	tunnel_wake(t);
	pthread_join(t->thread, NULL);
	t->started = false;
	while (!list_empty(&t->sessions))
		caller_close(list_of(t->sessions.next, struct caller, link), false);
	while (!list_empty(&t->callers))
		caller_close(list_of(t->callers.next, struct caller, link), true);
	bury(t);
	proofs_expire(t, UINT64_MAX);
}

void tunnel_close(struct tunnel *t)
{
	if (!t)
		return;
	tunnel_stop(t);
	tunnel_drop_mail(t);
	if (t->listen_fd > 0)
		close(t->listen_fd);
	if (t->epoll_fd > 0)
		close(t->epoll_fd);
	if (t->mail_fd > 0)
		close(t->mail_fd);
	if (t->spare_fd > 0)
		close(t->spare_fd);
	tls_server_put(t->server);
	pthread_mutex_destroy(&t->lock);
	free(t->base_domain);
	free(t);
}

/* ---- looking ---- */

static void copy_session(const struct caller *c, struct tunnel_session *to)
{
	snprintf(to->id, sizeof(to->id), "%s", c->id);
	snprintf(to->credential, sizeof(to->credential), "%s", c->credential);
	snprintf(to->agent, sizeof(to->agent), "%s", c->agent);
	snprintf(to->os, sizeof(to->os), "%s", c->os);
	snprintf(to->metadata, sizeof(to->metadata), "%s", c->metadata);
	to->sa = c->sa;
	to->started = c->started;
	to->endpoints = c->n_bounds;
	to->rtt_us = c->rtt_us;
	to->number = c->number;
}

int tunnel_sessions(struct tunnel *t, struct tunnel_session **ret_list)
{
	struct tunnel_session *list = NULL;
	struct list *it;
	int n = 0;

	if (!t) {
		*ret_list = NULL;
		return 0;
	}
	pthread_mutex_lock(&t->lock);
	list = calloc(t->n_sessions + 1, sizeof(*list));
	if (list)
		list_for_each(it, &t->sessions)
			copy_session(list_of(it, struct caller, link), &list[n++]);
	pthread_mutex_unlock(&t->lock);
	if (!list)
		return -ENOMEM;
	*ret_list = list;
	return n;
}

unsigned tunnel_count(struct tunnel *t)
{
	unsigned n;

	if (!t)
		return 0;
	pthread_mutex_lock(&t->lock);
	n = t->n_sessions;
	pthread_mutex_unlock(&t->lock);
	return n;
}
