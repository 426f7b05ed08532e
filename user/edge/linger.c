// SPDX-License-Identifier: GPL-2.0-only
/*
 * linger - a client that was sent an alert: its socket is closed once it had time to read that.
 */
#include <errno.h>
#include <sys/socket.h>

#include "conn.h"
#include "worker.h"

void conn_linger_start(struct conn *c, enum close_reason reason)
{
	shutdown(c->client.fd, SHUT_WR);
	c->reason = (uint8_t)reason;
	c->phase = CONN_LINGER;
	c->peeked = 0;
	worker_watch(c->worker, &c->client, WATCH_ALL);
	/* Closing with unread bytes would send RST, which can overtake the alert. */
	conn_set_timer(c, TIMER_FLUSH);
	conn_linger(c);
}

void conn_linger(struct conn *c)
{
	struct worker *w = c->worker;
	ssize_t n;
	int i;

	for (i = 0; i < 16; i++) {
		n = recv(c->client.fd, w->pump.buf, w->pump.size, MSG_DONTWAIT);
		if (n > 0) {
			c->discarded += (uint64_t)n;
			continue;
		}
		if (n == 0 || errno != EAGAIN)
			conn_close(c, c->reason, false);
		return;
	}
}
