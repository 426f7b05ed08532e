// SPDX-License-Identifier: GPL-2.0-only
#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"

int addr_split(const char *text, char *host, size_t host_size, uint16_t *ret_port)
{
	const char *colon, *h = text, *end_of_host, *p;
	unsigned long port = 0;
	size_t n;

	if (*text == '[') {
		end_of_host = strchr(text, ']');
		if (!end_of_host || end_of_host[1] != ':')
			return -EINVAL;
		h = text + 1;
		colon = end_of_host + 1;
	} else {
		colon = strrchr(text, ':');
		/* more than one colon and no brackets is an address without a port */
		if (colon && strchr(text, ':') != colon)
			return -EINVAL;
		end_of_host = colon;
	}
	if (!colon) {
		h = "localhost";
		end_of_host = h + strlen(h);
		p = text;
	} else {
		p = colon + 1;
	}
	if (!*p || strlen(p) > 5)
		return -EINVAL;
	for (; *p; p++) {
		if (*p < '0' || *p > '9')
			return -EINVAL;
		port = port * 10 + (unsigned long)(*p - '0');
	}
	n = (size_t)(end_of_host - h);
	if (!port || port > 65535 || n >= host_size)
		return -EINVAL;
	memcpy(host, h, n);
	host[n] = '\0';
	*ret_port = (uint16_t)port;
	return 0;
}

static int from_numeric(const char *host, uint16_t port, struct sockaddr_storage *ret_sa,
			socklen_t *ret_len)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};

	memset(ret_sa, 0, sizeof(*ret_sa));
	if (inet_pton(AF_INET, host, &v4.sin_addr) == 1) {
		memcpy(ret_sa, &v4, sizeof(v4));
		*ret_len = sizeof(v4);
		return 0;
	}
	if (inet_pton(AF_INET6, host, &v6.sin6_addr) == 1) {
		memcpy(ret_sa, &v6, sizeof(v6));
		*ret_len = sizeof(v6);
		return 0;
	}
	return -EINVAL;
}

int addr_parse(const char *text, struct sockaddr_storage *ret_sa, socklen_t *ret_len)
{
	char host[64];
	uint16_t port;

	if (!strchr(text, ':') || addr_split(text, host, sizeof(host), &port))
		return -EINVAL;
	return from_numeric(!*host || !strcmp(host, "*") ? "0.0.0.0" : host, port, ret_sa, ret_len);
}

/* What "localhost" is even where no hosts file says so (RFC 6761 6.3), as in a minimal container.
 */
static int loopback(uint16_t port, struct sockaddr_storage *ret_sa, socklen_t *ret_len, int max)
{
	static const char *const hosts[] = {"127.0.0.1", "::1"};
	int n = 0;

	while (n < max && n < 2 && !from_numeric(hosts[n], port, &ret_sa[n], &ret_len[n]))
		n++;
	return n ? n : -ENOENT;
}

int addr_resolve(const char *text, struct sockaddr_storage *ret_sa, socklen_t *ret_len, int max)
{
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM}, *list, *ai;
	char host[256], service[8];
	uint16_t port;
	int n = 0;

	if (addr_split(text, host, sizeof(host), &port) || !*host)
		return -EINVAL;
	if (max > 0 && !from_numeric(host, port, ret_sa, ret_len))
		return 1;
	snprintf(service, sizeof(service), "%u", port);
	if (getaddrinfo(host, service, &hints, &list))
		return strcasecmp(host, "localhost") ? -ENOENT
						     : loopback(port, ret_sa, ret_len, max);
	for (ai = list; ai && n < max; ai = ai->ai_next) {
		if (ai->ai_family != AF_INET && ai->ai_family != AF_INET6)
			continue;
		memset(&ret_sa[n], 0, sizeof(ret_sa[n]));
		memcpy(&ret_sa[n], ai->ai_addr, ai->ai_addrlen);
		ret_len[n++] = ai->ai_addrlen;
	}
	freeaddrinfo(list);
	return n ? n : -ENOENT;
}

void addr_narrow(const struct sockaddr *sa, socklen_t len, union addr_ip *ret_a)
{
	memset(ret_a, 0, sizeof(*ret_a));
	memcpy(ret_a, sa, len < sizeof(*ret_a) ? len : sizeof(*ret_a));
}

void addr_widen(const union addr_ip *a, struct sockaddr_storage *ret_sa)
{
	memset(ret_sa, 0, sizeof(*ret_sa));
	memcpy(ret_sa, a, sizeof(*a));
}

socklen_t addr_len(const union addr_ip *a)
{
	return a->sa.sa_family == AF_INET6 ? sizeof(a->in6) : sizeof(a->in);
}

const char *addr_ip_text(const struct sockaddr_storage *sa, char out[ADDR_TEXT_MAX])
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;

	out[0] = '\0';
	if (sa->ss_family == AF_INET)
		inet_ntop(AF_INET, &v4->sin_addr, out, ADDR_TEXT_MAX);
	else if (sa->ss_family == AF_INET6 && IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		inet_ntop(AF_INET, &v6->sin6_addr.s6_addr[12], out, ADDR_TEXT_MAX);
	else if (sa->ss_family == AF_INET6)
		inet_ntop(AF_INET6, &v6->sin6_addr, out, ADDR_TEXT_MAX);
	return out;
}

uint16_t addr_port(const struct sockaddr_storage *sa)
{
	if (sa->ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)sa)->sin_port);
	if (sa->ss_family == AF_INET6)
		return ntohs(((const struct sockaddr_in6 *)sa)->sin6_port);
	return 0;
}

bool addr_is_loopback(const struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;

	if (sa->ss_family == AF_INET)
		return ntohl(v4->sin_addr.s_addr) >> IN_CLASSA_NSHIFT == IN_LOOPBACKNET;
	return sa->ss_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&v6->sin6_addr);
}

bool addr_is_any(const struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;

	if (sa->ss_family == AF_INET)
		return v4->sin_addr.s_addr == htonl(INADDR_ANY);
	return sa->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr);
}

bool addr_same_ip(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	char x[ADDR_TEXT_MAX], y[ADDR_TEXT_MAX];

	return !strcmp(addr_ip_text(a, x), addr_ip_text(b, y));
}

void addr_unmap(struct sockaddr_storage *sa)
{
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	struct sockaddr_in v4 = {.sin_family = AF_INET};

	if (sa->ss_family != AF_INET6 || !IN6_IS_ADDR_V4MAPPED(&v6->sin6_addr))
		return;
	v4.sin_port = v6->sin6_port;
	memcpy(&v4.sin_addr, &v6->sin6_addr.s6_addr[12], sizeof(v4.sin_addr));
	memset(sa, 0, sizeof(*sa));
	memcpy(sa, &v4, sizeof(v4));
}

const char *addr_text(const struct sockaddr_storage *sa, char out[ADDR_TEXT_MAX])
{
	char ip[ADDR_TEXT_MAX];

	addr_ip_text(sa, ip);
	if (strchr(ip, ':'))
		snprintf(out, ADDR_TEXT_MAX, "[%.46s]:%u", ip, addr_port(sa));
	else
		snprintf(out, ADDR_TEXT_MAX, "%.46s:%u", ip, addr_port(sa));
	return out;
}
