/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * socket - the two listening sockets of the API.
 */
#ifndef SOCKET_H
#define SOCKET_H
#include <stddef.h>
#include <sys/socket.h>

/*
 * Binds and listens on unix socket <path>, mode <mode>, group <group> (a warning
 * when there is no such group: then the owner only).  Missing directories are made.  A
 * dead socket file is replaced, one that answers refused.  The fd, or -1 with
 * the reason in <why>; *ret_dev and *ret_ino are the file's.
 */
int socket_unix(const char *path, unsigned mode, const char *group, unsigned long long *ret_dev,
		unsigned long long *ret_ino, char *why, size_t why_size);

/* Listens on a TCP address called <text>.  The fd, or -1 with <why>. */
int socket_tcp(const struct sockaddr_storage *sa, socklen_t len, const char *text, char *why,
	       size_t why_size);
#endif
