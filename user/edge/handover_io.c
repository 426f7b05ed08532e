// SPDX-License-Identifier: GPL-2.0-only
#include "handover_io.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

union rights {
	struct cmsghdr align;
	char bytes[CMSG_SPACE(HANDOVER_FDS_MAX * sizeof(int))];
};

int handover_send(int fd, struct chan_out *o, const int *fds, unsigned n_fds)
{
	struct iovec iov = {.iov_base = o->at, .iov_len = o->len};
	struct msghdr m = {.msg_iov = &iov, .msg_iovlen = 1};
	union rights rights;
	struct cmsghdr *c;
	int err = 0;

	if (o->failed || o->len > HANDOVER_BYTES_MAX || n_fds > HANDOVER_FDS_MAX) {
		chan_out_done(o);
		return -EMSGSIZE;
	}
	if (n_fds) {
		memset(&rights, 0, sizeof(rights));
		m.msg_control = rights.bytes;
		m.msg_controllen = CMSG_SPACE(n_fds * sizeof(int));
		c = CMSG_FIRSTHDR(&m);
		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(n_fds * sizeof(int));
		memcpy(CMSG_DATA(c), fds, n_fds * sizeof(int));
	}
	while (sendmsg(fd, &m, MSG_NOSIGNAL) < 0) {
		if (errno == EINTR)
			continue;
		err = errno == ECONNRESET ? -EPIPE : -errno;
		break;
	}
	chan_out_done(o);
	return err;
}

int handover_say(int fd, const struct handover *h, const int *fds, unsigned n_fds)
{
	struct chan_out o = {0};

	handover_write(&o, h);
	return handover_send(fd, &o, fds, n_fds);
}

static void take_rights(struct msghdr *m, struct parcel *p)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR(m, c)) {
		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		p->n_fds = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
		memcpy(p->fds, CMSG_DATA(c), p->n_fds * sizeof(int));
	}
}

int handover_receive(int fd, struct parcel *p, int timeout_ms)
{
	struct iovec iov = {.iov_base = p->bytes, .iov_len = sizeof(p->bytes)};
	struct pollfd pfd = {.fd = fd, .events = POLLIN};
	union rights rights;
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = rights.bytes,
			   .msg_controllen = sizeof(rights.bytes)};
	ssize_t n;

	p->n_fds = 0;
	do
		n = poll(&pfd, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n <= 0)
		return n ? -errno : -ETIMEDOUT;
	n = recvmsg(fd, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
	if (n < 0)
		return errno == ECONNRESET ? -EPIPE : -errno;
	take_rights(&m, p);
	if (!n) {
		parcel_close(p);
		return -EPIPE;
	}
	p->len = (size_t)n;
	if (!(m.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
		return 0;
	parcel_close(p);
	return -EBADMSG;
}

void parcel_close(struct parcel *p)
{
	for (unsigned i = 0; i < p->n_fds; i++)
		if (p->fds[i] != -1)
			close(p->fds[i]);
	p->n_fds = 0;
}

int parcel_take(struct parcel *p, unsigned i)
{
	int fd = i < p->n_fds ? p->fds[i] : -1;

	if (fd != -1)
		p->fds[i] = -1;
	return fd;
}
