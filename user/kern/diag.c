// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include <libmnl/libmnl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>

#include "diag.h"

struct diag {
	struct mnl_socket *nl;
	unsigned seq;
};

int diag_open(struct diag **ret_d)
{
	struct diag *d = calloc(1, sizeof(*d));
	int err;

	if (!d)
		return -ENOMEM;
	d->nl = mnl_socket_open2(NETLINK_SOCK_DIAG, SOCK_CLOEXEC);
	if (!d->nl || mnl_socket_bind(d->nl, 0, MNL_SOCKET_AUTOPID) == -1) {
		err = -errno;
		diag_close(d);
		return err;
	}
	*ret_d = d;
	return 0;
}

void diag_close(struct diag *d)
{
	if (d && d->nl)
		mnl_socket_close(d->nl);
	free(d);
}

/* One end's address and port, as the request has them. */
static void set_end(const struct sockaddr_storage *sa, __be32 addr[4], __be16 *port)
{
	const struct sockaddr_in *v4 = (const void *)sa;
	const struct sockaddr_in6 *v6 = (const void *)sa;

	if (sa->ss_family == AF_INET) {
		memcpy(addr, &v4->sin_addr, sizeof(v4->sin_addr));
		*port = v4->sin_port;
	} else {
		memcpy(addr, &v6->sin6_addr, sizeof(v6->sin6_addr));
		*port = v6->sin6_port;
	}
}

/* Names exactly this socket: the cookie is never given twice. */
static int describe(int fd, struct inet_diag_req_v2 *ret_r)
{
	struct sockaddr_storage ours = {0}, theirs = {0};
	socklen_t len = sizeof(ours), peer_len = sizeof(theirs), cookie_len = sizeof(uint64_t);
	struct inet_diag_req_v2 r = {.sdiag_protocol = IPPROTO_TCP, .idiag_states = ~0U};
	uint64_t cookie;

	if (getsockname(fd, (struct sockaddr *)&ours, &len) ||
	    getpeername(fd, (struct sockaddr *)&theirs, &peer_len) ||
	    getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &cookie_len))
		return -errno;
	if (ours.ss_family != AF_INET && ours.ss_family != AF_INET6)
		return -EAFNOSUPPORT;
	r.sdiag_family = (__u8)ours.ss_family;
	set_end(&ours, r.id.idiag_src, &r.id.idiag_sport);
	set_end(&theirs, r.id.idiag_dst, &r.id.idiag_dport);
	r.id.idiag_cookie[0] = (__u32)cookie;
	r.id.idiag_cookie[1] = (__u32)(cookie >> 32);
	*ret_r = r;
	return 0;
}

int diag_destroy(struct diag *d, int fd)
{
	char buf[MNL_SOCKET_BUFFER_SIZE];
	struct nlmsghdr *h = mnl_nlmsg_put_header(buf);
	struct inet_diag_req_v2 r;
	ssize_t n;
	int err;

	err = describe(fd, &r);
	if (err)
		return err;
	h->nlmsg_type = SOCK_DESTROY;
	h->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	h->nlmsg_seq = ++d->seq;
	memcpy(mnl_nlmsg_put_extra_header(h, sizeof(r)), &r, sizeof(r));
	if (mnl_socket_sendto(d->nl, h, h->nlmsg_len) == -1)
		return -errno;
	n = mnl_socket_recvfrom(d->nl, buf, sizeof(buf));
	if (n == -1)
		return -errno;
	/* the acknowledgement is the answer */
	err = mnl_cb_run(buf, (size_t)n, d->seq, mnl_socket_get_portid(d->nl), NULL, NULL);
	return err == -1 ? -errno : 0;
}
