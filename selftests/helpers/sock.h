/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sock - addresses and non-blocking TCP sockets for test helpers, which give up
 * with a message when something is wrong with the machine or the command line.
 */
#ifndef SOCK_H
#define SOCK_H
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct sock_addr {
	struct sockaddr_storage sa;
	socklen_t len;
};

/* "127.0.0.1:443" or "[::1]:443" */
static inline struct sock_addr sock_addr(const char *text)
{
	struct sock_addr a = {0};
	struct sockaddr_in *v4 = (struct sockaddr_in *)&a.sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&a.sa;
	char host[64];
	const char *colon = strrchr(text, ':');
	size_t n = colon ? (size_t)(colon - text) : 0;

	if (!colon || n >= sizeof(host))
		errx(2, "%s: not ADDR:PORT", text);
	memcpy(host, text, n);
	host[n] = '\0';
	if (host[0] == '[' && host[n - 1] == ']') {
		host[n - 1] = '\0';
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)atoi(colon + 1));
		if (inet_pton(AF_INET6, host + 1, &v6->sin6_addr) != 1)
			errx(2, "%s: bad IPv6 address", text);
		a.len = sizeof(*v6);
		return a;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)atoi(colon + 1));
	if (inet_pton(AF_INET, host, &v4->sin_addr) != 1)
		errx(2, "%s: bad IPv4 address", text);
	a.len = sizeof(*v4);
	return a;
}

static inline void sock_int(int fd, int level, int opt, int value)
{
	if (setsockopt(fd, level, opt, &value, sizeof(value)) == -1)
		err(2, "setsockopt %d", opt);
}

static inline int sock_listen(const struct sock_addr *a, int backlog)
{
	int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

	if (fd == -1)
		err(2, "socket");
	sock_int(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (a->sa.ss_family == AF_INET6)
		sock_int(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	if (bind(fd, (const struct sockaddr *)&a->sa, a->len) == -1)
		err(2, "bind port %d", ntohs(((const struct sockaddr_in *)&a->sa)->sin_port));
	if (listen(fd, backlog) == -1)
		err(2, "listen");
	return fd;
}

/* Starts a connect.  The fd, or -errno. */
static inline int sock_connect(const struct sock_addr *a)
{
	int fd = socket(a->sa.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), e;

	if (fd == -1)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&a->sa, a->len) == -1 && errno != EINPROGRESS) {
		e = -errno;
		close(fd);
		return e;
	}
	return fd;
}

static inline void sock_reset(int fd)
{
	struct linger l = {1, 0};

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &l, sizeof(l));
	close(fd);
}

static inline uint64_t sock_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000ULL + (uint64_t)t.tv_nsec;
}

/* As many descriptors as the machine allows. */
static inline void sock_raise_nofile(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == -1)
		return;
	r.rlim_cur = r.rlim_max;
	setrlimit(RLIMIT_NOFILE, &r);
}
#endif
