// SPDX-License-Identifier: GPL-2.0-only
#include "listener.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn.h"
#include "edge_private.h"
#include "log.h"

#define ACCEPTS_A_TURN 64
#define ACCEPT_PAUSE_NS (100ULL * 1000 * 1000)
#define BACKLOG 4096

int listener_open(struct worker *w, const struct config_addr *addr)
{
	int fd, one = 1, snd = EDGE_SNDBUF, rcv = EDGE_RCVBUF, err;

	if (w->n_listeners == WORKER_LISTENERS_MAX)
		return -E2BIG;
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
	if (w->kern) {
		setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &snd, sizeof(snd));
		setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &rcv, sizeof(rcv));
	}
	if (bind(fd, (const struct sockaddr *)&addr->sa, addr->len) || listen(fd, BACKLOG)) {
		err = -errno;
		goto close;
	}
	w->listeners[w->n_listeners++] =
		(struct listener){.fd = fd, .kind = END_LISTENER, .worker = w};
	return 0;
close:
	close(fd);
	return err;
}

void listener_watch_all(struct worker *w, bool on)
{
	unsigned i;

	for (i = 0; i < w->n_listeners; i++) {
		struct epoll_event ev = {.events = on ? EPOLLIN : 0,
					 .data.ptr = &w->listeners[i].kind};

		epoll_ctl(w->epoll_fd, EPOLL_CTL_MOD, w->listeners[i].fd, &ev);
	}
	if (on && w->spare_fd == -1)
		w->spare_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

void listener_close_all(struct worker *w)
{
	unsigned i;

	for (i = 0; i < w->n_listeners; i++)
		close(w->listeners[i].fd);
	w->n_listeners = 0;
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

	for (i = 0; i < ACCEPTS_A_TURN && w->n_listeners; i++) {
		len = sizeof(sa);
		fd = accept4(l->fd, (struct sockaddr *)&sa, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd != -1) {
			conn_accept(w, fd, (struct sockaddr *)&sa, len);
			continue;
		}
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)
			accept_without_fd(w, l);
		/* ECONNABORTED and the network errors of accept(2) concern that one only */
		if (errno == EAGAIN || w->accept_again_ns)
			return;
	}
}
