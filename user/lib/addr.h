/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * addr - socket addresses to and from text.  IPv4-mapped IPv6 addresses are
 * always shown as IPv4.
 */
#ifndef ADDR_H
#define ADDR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <netinet/in.h>
#include <sys/socket.h>

#define ADDR_TEXT_MAX 64 /* "[ffff:...:255.255.255.255]:65535" and the NUL */

/*
 * "192.0.2.1:443", "[2001:db8::1]:443", ":443" and "*:443" (all IPv4).  Numeric
 * only.  Returns 0 or -EINVAL; *ret_len is sizeof the family's address.
 */
int addr_parse(const char *text, struct sockaddr_storage *ret_sa, socklen_t *ret_len);

/*
 * Splits HOST:PORT, [V6]:PORT or PORT (host "localhost") without resolving.
 * Returns 0 or -EINVAL.
 */
int addr_split(const char *text, char *host, size_t host_size, uint16_t *ret_port);

/*
 * Resolves HOST:PORT with getaddrinfo(3): blocks.  Fills at most <max>; returns
 * how many, or -EINVAL (syntax), -ENOENT (no such host).
 */
int addr_resolve(const char *text, struct sockaddr_storage *ret_sa, socklen_t *ret_len, int max);

/*
 * An IPv4 or IPv6 address and port in a quarter of a sockaddr_storage; unused bytes are 0.  To
 * one: of what is no such address, as much as there is room for.
 */
union addr_ip {
	struct sockaddr sa;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
};
void addr_narrow(const struct sockaddr *sa, socklen_t len, union addr_ip *ret_a);
void addr_widen(const union addr_ip *a, struct sockaddr_storage *ret_sa);
socklen_t addr_len(const union addr_ip *a);

/* "IP:PORT" / "[IP]:PORT", and the two halves. */
const char *addr_text(const struct sockaddr_storage *sa, char out[ADDR_TEXT_MAX]);
const char *addr_ip_text(const struct sockaddr_storage *sa, char out[ADDR_TEXT_MAX]);
uint16_t addr_port(const struct sockaddr_storage *sa);
bool addr_is_loopback(const struct sockaddr_storage *sa); /* 127/8 or ::1 */
bool addr_is_any(const struct sockaddr_storage *sa);	  /* 0.0.0.0 or :: */
bool addr_same_ip(const struct sockaddr_storage *a, const struct sockaddr_storage *b);

/* An IPv4-mapped IPv6 address becomes the IPv4 address it is; all others stay. */
void addr_unmap(struct sockaddr_storage *sa);
#endif
