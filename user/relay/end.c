// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "end.h"
#include "tls.h"

void end_init(struct end *e, int fd)
{
	memset(e, 0, sizeof(*e));
	e->fd = fd;
}

bool end_kick(struct end *e)
{
	ssize_t n;
	char byte;

	n = recv(e->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	/* the kernel tells an error once, to whoever asks first */
	if (n < 0 && errno != EAGAIN && errno != EINTR && !e->err)
		e->err = errno;
	return n > 0;
}

void end_drop(struct end *e, bool reset)
{
	const struct linger now = {.l_onoff = 1, .l_linger = 0};

	tls_free(e->tls);
	e->tls = NULL;
	if (e->fd != -1) {
		if (reset)
			setsockopt(e->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
		close(e->fd); /* also takes it out of `sockets`; no program runs for it after this
			       */
	}
	e->fd = -1;
	e->slot = 0;
	e->flow = NULL;
	e->enrolled = false;
	e->watched = e->watched_all = false;
}

int end_info(const struct end *e, struct tcp_info *ret_ti)
{
	socklen_t len = sizeof(*ret_ti);

	memset(ret_ti, 0, sizeof(*ret_ti));
	return getsockopt(e->fd, IPPROTO_TCP, TCP_INFO, ret_ti, &len) ? -errno : 0;
}

void end_note(struct end *e, const struct tcp_info *ti)
{
	/* (the kernel counts more than these: a SYN, a FIN) */
	e->final = ti->tcpi_bytes_acked >= end_enqueued(ti) && !ti->tcpi_unacked &&
		   !ti->tcpi_notsent_bytes;
	e->enqueued = end_enqueued(ti);
	e->rtt_us = ti->tcpi_rtt;
	e->retransmits = ti->tcpi_total_retrans;
}

int end_error(struct end *e)
{
	socklen_t len = sizeof(int);
	int err = 0;

	if (!e->err && !getsockopt(e->fd, SOL_SOCKET, SO_ERROR, &err, &len) && err)
		e->err = err;
	return e->err;
}

static bool is_fin_state(uint32_t state)
{
	switch (state) {

	case TCP_STATE_CLOSE_WAIT:
	case TCP_STATE_LAST_ACK:
	case TCP_STATE_CLOSING:
	case TCP_STATE_TIME_WAIT:
		return true;
	}
	return false;
}

/* As sockops told it, with FLOW_BROKEN if known; 0: it has not. */
static uint32_t told_state(const struct end *e)
{
	return e->flow ? *(volatile __u32 *)&e->flow->tcp_state : 0;
}

/* Else as TCP_INFO has it now. */
static uint32_t end_state(const struct end *e)
{
	uint32_t state = told_state(e);
	struct tcp_info ti;

	if (!state && !end_info(e, &ti))
		state = ti.tcpi_state;
	return state;
}

/* Sockops has told of a state, and not of the last: TCP's errors close the socket. */
static bool is_told_alive(const struct end *e)
{
	uint32_t state = told_state(e);

	return state && !(state & FLOW_BROKEN) && state != TCP_STATE_CLOSE;
}

bool end_is_broken(struct end *e)
{
	uint32_t state;

	if (e->err)
		return true;
	if (is_told_alive(e))
		return false;
	if (end_error(e))
		return true;
	state = end_state(e);
	if (state & FLOW_BROKEN || (state == TCP_STATE_CLOSE && !e->shut))
		e->err = ECONNRESET;
	return e->err;
}

bool end_look_fin(struct end *e)
{
	uint32_t state;

	if (e->fin || e->err)
		return e->fin;
	state = end_state(e);
	e->fin = state == TCP_STATE_CLOSE || is_fin_state(state);
	return e->fin;
}

bool end_look(struct end *e, uint32_t events)
{
	bool before = e->fin;

	if (e->err)
		return false;
	if (events && !(events & EPOLLERR) && !e->enrolled)
		e->fin |= (events & EPOLLRDHUP) != 0;
	else if (!end_is_broken(e))
		end_look_fin(e);
	return e->fin && !before && !e->err;
}

uint64_t end_received(const struct end *e, const struct tcp_info *ti)
{
	/* tcpi_bytes_received follows rcv_nxt, so a FIN counts as one.  A socket that
	 * was reset is closed as well: then only what we saw before tells. */
	bool fin = e->fin || (!e->err && is_fin_state(ti->tcpi_state));

	return ti->tcpi_bytes_received - (fin && ti->tcpi_bytes_received ? 1 : 0);
}

uint64_t end_enqueued(const struct tcp_info *ti)
{
	return ti->tcpi_bytes_sent - ti->tcpi_bytes_retrans + ti->tcpi_notsent_bytes;
}

/* A session's -EPROTO is not ours, which means a flow that the program broke. */
static ssize_t of_tls(ssize_t n)
{
	return n == -EPROTO ? -EBADMSG : n;
}

ssize_t end_read(struct end *e, void *buf, size_t len)
{
	ssize_t n;

	if (e->tls)
		return of_tls(tls_read(e->tls, buf, len));
	do
		n = recv(e->fd, buf, len, MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

static ssize_t write_plain(const struct end *e, const void *buf, size_t len)
{
	ssize_t n;

	do
		n = send(e->fd, buf, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : n;
}

ssize_t end_write(struct end *e, const void *buf, size_t len)
{
	return e->tls ? of_tls(tls_write(e->tls, buf, len)) : write_plain(e, buf, len);
}

ssize_t end_put(struct end *e, const void *buf, size_t len)
{
	return e->tls ? of_tls(tls_put(e->tls, buf, len)) : write_plain(e, buf, len);
}

bool end_is_flushed(const struct end *e)
{
	return !e->tls || !tls_wants_write(e->tls);
}

bool end_is_drained(const struct end *e)
{
	return !e->tls || (end_is_flushed(e) && tls_is_drained(e->tls));
}

bool end_splices_from(const struct end *e)
{
	return !e->enrolled && (!e->tls || tls_offloads_rx(e->tls));
}

bool end_splices_to(const struct end *e)
{
	return !e->enrolled && (!e->tls || tls_offloads_tx(e->tls));
}

void end_spliced(struct end *e, size_t n)
{
	if (e->tls)
		tls_spliced(e->tls, n);
}

void end_push(const struct end *e)
{
	const int one = 1;

	setsockopt(e->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

bool end_has_pending(const struct end *e)
{
	return e->tls && tls_has_pending(e->tls);
}

bool end_has_data(const struct end *e)
{
	char byte;

	return e->tls ? tls_has_data(e->tls) : recv(e->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

int end_flush(struct end *e)
{
	return end_is_flushed(e) ? 0 : (int)of_tls(tls_flush(e->tls));
}

int end_shut(struct end *e)
{
	int err = e->tls && !e->shut ? tls_shut(e->tls) : 0;

	if (err == -EAGAIN)
		return err;
	if (!err && !e->shut && !end_is_drained(e))
		return -EINPROGRESS;
	/* ENOTCONN, and a dead session: the peer has reset meanwhile; its own event tells */
	shutdown(e->fd, SHUT_WR);
	e->shut = true;
	return 0;
}

int end_unacked(const struct end *e)
{
	int n = 0;

	return ioctl(e->fd, SIOCOUTQ, &n) ? 0 : n;
}
