// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "conduit.h"
#include "addr.h"

#define CONNECT_MS 5000
#define UNACKED_MS 30000 /* a peer that is gone without a word */
#define ADDRS_MAX 8

static int wait_connected(int fd, const struct patience *p)
{
	socklen_t len = sizeof(int);
	int err;

	err = patience_poll(p, fd, POLLOUT, CONNECT_MS);
	if (err)
		return err;
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &err, &len))
		return -errno;
	return -err;
}

static int connect_to(const struct sockaddr *sa, socklen_t len, int type, const struct patience *p,
		      int *ret_fd)
{
	int fd = socket(sa->sa_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int unacked = UNACKED_MS, err = 0;

	if (fd == -1)
		return -errno;
	if (type == SOCK_STREAM && sa->sa_family != AF_UNIX)
		setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &unacked, sizeof(unacked));
	if (connect(fd, sa, len))
		err = errno == EINPROGRESS ? wait_connected(fd, p) : -errno;
	if (err) {
		close(fd);
		return err;
	}
	*ret_fd = fd;
	return 0;
}

int conduit_dial(const char *address, int type, const struct patience *p, int *ret_fd)
{
	struct sockaddr_storage sa[ADDRS_MAX];
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	socklen_t len[ADDRS_MAX];
	int n, err = -ENOENT;

	if (address[0] == '/') {
		strncpy(un.sun_path, address, sizeof(un.sun_path) - 1);
		return connect_to((struct sockaddr *)&un, sizeof(un), type, p, ret_fd);
	}
	n = addr_resolve(address, sa, len, ADDRS_MAX);
	for (int i = 0; i < n; i++) {
		err = connect_to((struct sockaddr *)&sa[i], len[i], type, p, ret_fd);
		if (!err)
			return 0;
	}
	return err;
}

/* Nobody is to answer; what comes is thrown away.  Is the other side still there? */
static bool is_open(int fd)
{
	char waste[512];
	ssize_t n;

	do
		n = recv(fd, waste, sizeof(waste), MSG_DONTWAIT);
	while (n > 0);
	return n == -1 && (errno == EAGAIN || errno == EINTR);
}

static bool connected(struct conduit *c, struct sink *s)
{
	int err;

	if (c->fd != -1 && is_open(c->fd))
		return true;
	conduit_close(c);
	err = conduit_dial(c->address, SOCK_STREAM, s->patience, &c->fd);
	if (!err)
		return true;
	c->fd = -1;
	sink_failed(s, "cannot connect to %.120s: %s", c->address,
		    err == -ENOENT && c->address[0] != '/' ? "the name does not resolve"
							   : strerror(-err));
	return false;
}

/* How many bytes were taken before it broke. */
static size_t send_some(struct conduit *c, struct sink *s, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = send(c->fd, data + done, len - done, MSG_NOSIGNAL);

		if (n >= 0)
			done += (size_t)n;
		else if (errno == EAGAIN && !patience_poll(s->patience, c->fd, POLLOUT, -1))
			continue;
		else if (errno != EINTR)
			break;
	}
	if (done == len) {
		sink_works(s);
		c->tries = 0;
	} else if (!patience_is_over(s->patience)) {
		sink_failed(s, "the connection to %.120s broke: %s", c->address, strerror(errno));
	}
	return done;
}

size_t conduit_send(struct conduit *c, struct sink *s, const char *data, size_t len)
{
	const char *newline;
	size_t done = 0, n;

	while (done < len) {
		if (connected(c, s)) {
			n = send_some(c, s, data + done, len - done);
			if (n == len - done)
				return 0;
			conduit_close(c);
			newline = memrchr(data + done, '\n', n);
			done += newline ? (size_t)(newline - data) + 1 - done : 0;
		}
		if (patience_is_ending(s->patience))
			break;
		patience_pause(s->patience, sink_backoff_ms(++c->tries));
	}
	return sink_count_lines(data + done, len - done);
}

void conduit_close(struct conduit *c)
{
	if (c->fd != -1)
		close(c->fd);
	c->fd = -1;
}
