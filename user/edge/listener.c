// SPDX-License-Identifier: GPL-2.0-only
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "conn.h"
#include "edge_private.h"
#include "join.h"
#include "log.h"

#define ACCEPTS_A_TURN 64
#define ACCEPT_PAUSE_NS (100ULL * 1000 * 1000)
#define BACKLOG 4096

int listener_adopt(struct worker *w, int fd, const char *text)
{
	struct listener *l = &w->listeners[w->n_listeners];

	if (w->n_listeners == WORKER_LISTENERS_MAX)
		return -E2BIG;
	*l = (struct listener){.fd = fd, .kind = END_LISTENER, .worker = w};
	snprintf(l->text, sizeof(l->text), "%s", text);
	w->n_listeners++;
	return 0;
}

int listener_socket(const struct config_addr *addr, bool kernel)
{
	int fd, one = 1, err;

	fd = socket(addr->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd == -1)
		return -errno;
	/* Children inherit all of these.  The window scale is chosen from the receive
	 * buffer at the handshake, so it has to be set here. */
	if (setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) ||
	    (addr->sa.ss_family == AF_INET6 &&
	     setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one))) ||
	    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)) ||
	    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one))) {
		err = -errno;
		goto close;
	}
	if (kernel)
		join_enlarge(fd);
	if (bind(fd, (const struct sockaddr *)&addr->sa, addr->len) || listen(fd, BACKLOG)) {
		err = -errno;
		goto close;
	}
	return fd;
close:
	close(fd);
	return err;
}

int listener_open(struct worker *w, const struct config_addr *addr)
{
	int fd = listener_socket(addr, w->kern != NULL), err;

	if (fd < 0)
		return fd;
	err = listener_adopt(w, fd, addr->text);
	if (err)
		close(fd);
	return err;
}

int listener_probe(const struct config_addr *a, char *why, size_t why_size)
{
	int fd, one = 1, err = 0;

	fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (a->sa.ss_family == AF_INET6)
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof(one));
	if (bind(fd, (const struct sockaddr *)&a->sa, a->len) || listen(fd, 1))
		err = -errno;
	close(fd);
	if (err == -EADDRINUSE)
		snprintf(why, why_size,
			 "cannot listen on %s: in use; see who has it: ss -ltnp "
			 "'sport = :%u'",
			 a->text, addr_port(&a->sa));
	else if (err == -EACCES)
		snprintf(why, why_size,
			 "cannot listen on %s: ports below 1024 need root or "
			 "CAP_NET_BIND_SERVICE",
			 a->text);
	else if (err)
		snprintf(why, why_size, "cannot listen on %s: %s", a->text, strerror(-err));
	return err;
}

/* ---- of TCP endpoints ---- */

struct listener *listener_new_tcp(const char *tcp, int fd)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->fd = fd;
	l->kind = END_LISTENER;
	list_init(&l->link);
	l->tcp = strdup(tcp);
	if (l->tcp)
		return l;
	free(l);
	return NULL;
}

void listener_free(struct listener *l)
{
	list_del(&l->link);
	if (l->fd != -1)
		close(l->fd);
	free(l->tcp);
	free(l);
}

void listener_join(struct worker *w, void *listener)
{
	struct epoll_event ev = {.events = w->accept_again_ns || w->lets_nobody_in ? 0 : EPOLLIN};
	struct listener *l = listener;

	l->worker = w;
	list_add_tail(&w->tcp_listeners, &l->link);
	ev.data.ptr = &l->kind;
	if (epoll_ctl(w->epoll_fd, EPOLL_CTL_ADD, l->fd, &ev))
		log_err("epoll_ctl: %s", strerror(errno));
	if (w->draining)
		listener_close_all(w);
}

void listener_leave(struct worker *w, void *listener)
{
	struct listener *l = listener;

	list_del(&l->link);
	if (l->fd != -1)
		close(l->fd);
	l->fd = -1;
	/* an event of this turn may still point here */
	list_add_tail(&w->listener_graves, &l->link);
}

void listener_watch_all(struct worker *w, bool on)
{
	struct list *it;
	unsigned i;

	for (i = 0; i < w->n_listeners; i++) {
		struct epoll_event ev = {.events = on ? EPOLLIN : 0,
					 .data.ptr = &w->listeners[i].kind};

		epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, w->listeners[i].fd, &ev);
	}
	list_for_each(it, &w->tcp_listeners) {
		struct listener *l = list_of(it, struct listener, link);
		struct epoll_event ev = {.events = on ? EPOLLIN : 0, .data.ptr = &l->kind};

		epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, l->fd, &ev);
	}
	if (on && w->spare_fd == -1)
		w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void listener_close_all(struct worker *w)
{
	struct list *it;
	unsigned i;

	for (i = 0; i < w->n_listeners; i++) {
		/* another daemon may have it open too: epoll would go on telling of it */
		epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, w->listeners[i].fd, NULL);
		close(w->listeners[i].fd);
	}
	w->n_listeners = 0;
	list_for_each(it, &w->tcp_listeners) {
		struct listener *l = list_of(it, struct listener, link);

		if (l->fd == -1)
			continue;
		epoll_ctl(w->epoll_fd, EPOLL_CTL_DEL, l->fd, NULL);
		close(l->fd);
		l->fd = -1;
	}
}

/* Out of descriptors: the spare one takes the connection so that it can be
 * closed, and its event told, instead of hanging in the queue. */
static void accept_without_fd(struct worker *w, struct listener *l)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);
	int fd;

	worker_count(w, WC_accept_failed);
	if (w->spare_fd != -1) {
		close(w->spare_fd);
		fd = accept4(l->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1)
			conn_refuse(w, fd, (struct sockaddr *)&sa, len, CLOSE_LIMIT);
		w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	}
	if (!w->accept_again_ns) {
		log_warn("cannot accept: out of file descriptors; raise LimitNOFILE (ulimit -n)");
		listener_watch_all(w, false);
	}
	w->accept_again_ns = w->now_ns + ACCEPT_PAUSE_NS;
}

void listener_on_readable(struct listener *l)
{
	struct worker *w = l->worker;
	struct sockaddr_storage sa;
	socklen_t len;
	int fd, i;

	/* (closed earlier in this turn, or by what was accepted) */
	for (i = 0; i < ACCEPTS_A_TURN && (l->tcp ? l->fd != -1 : w->n_listeners); i++) {
		len = sizeof(sa);
		fd = accept4(l->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			conn_accept(w, l->tcp, fd, (struct sockaddr *)&sa, len);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			accept_without_fd(w, l);
		/* ECONNABORTED and the network errors of accept(2) concern that one only */
		if (errno == EAGAIN || w->accept_again_ns)
			return;
	}
}
