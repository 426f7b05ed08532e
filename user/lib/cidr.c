// SPDX-License-Identifier: GPL-2.0-only
#include "cidr.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

_Static_assert(sizeof(struct cidr) == 20, "no padding: compared as bytes, and the kernel's key");

static const struct cidr v4_all = CIDR_V4_ALL;

static int refuse(char why[CIDR_WHY_MAX], const char *text)
{
	snprintf(why, CIDR_WHY_MAX, "%s", text);
	return -EINVAL;
}

/* Are the first <bits> the same? */
static bool same_prefix(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t bytes = bits / 8, rest = bits % 8;

	if (memcmp(a, b, bytes) != 0)
		return false;
	return !rest || (a[bytes] ^ b[bytes]) >> (8 - rest) == 0;
}

static void clear_host(struct cidr *c)
{
	uint32_t i;

	for (i = c->prefixlen; i < 128; i++)
		c->addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
}

/* The address of <len> bytes, as one of 128 bits. */
static bool parse_ip(const char *text, size_t len, uint8_t addr[16])
{
	char ip[INET6_ADDRSTRLEN];

	if (len >= sizeof(ip))
		return false;
	memcpy(ip, text, len);
	ip[len] = '\0';
	if (inet_pton(AF_INET6, ip, addr) == 1)
		return true;
	memcpy(addr, v4_all.addr, 16);
	return inet_pton(AF_INET, ip, addr + 12) == 1;
}

/* "0" to <max>, no zero in front. */
static bool parse_len(const char *text, uint32_t max, uint32_t *ret_n)
{
	uint32_t n = 0;
	size_t i;

	for (i = 0; text[i]; i++) {
		if (text[i] < '0' || text[i] > '9' || i == 3)
			return false;
		n = n * 10 + (uint32_t)(text[i] - '0');
	}
	*ret_n = n;
	return i && n <= max && (i == 1 || text[0] != '0');
}

int cidr_parse(const char *text, struct cidr *ret_c, char why[CIDR_WHY_MAX])
{
	size_t ip_len = strcspn(text, "/");
	bool v4 = !memchr(text, ':', ip_len);
	uint32_t max = v4 ? 32 : 128, len = max;
	char right[CIDR_TEXT_MAX];
	struct cidr c, whole;

	if (!parse_ip(text, ip_len, c.addr))
		return refuse(why, "is not an IPv4 or IPv6 address with an optional /LENGTH");
	if (text[ip_len] && !parse_len(text + ip_len + 1, max, &len))
		return refuse(why, v4 ? "has a length that is not 0 to 32"
				      : "has a length that is not 0 to 128");
	c.prefixlen = 128 - max + len;
	whole = c;
	clear_host(&c);
	if (memcmp(&c, &whole, sizeof(c)) != 0) {
		snprintf(why, CIDR_WHY_MAX, "has bits set behind /%u: write %s", len,
			 cidr_text(&c, right));
		return -EINVAL;
	}
	*ret_c = c;
	return 0;
}

bool cidr_of(const struct sockaddr_storage *sa, struct cidr *ret_c)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;
	struct cidr c = CIDR_V4_ALL;

	if (sa->ss_family == AF_INET)
		memcpy(c.addr + 12, &v4->sin_addr, 4);
	else if (sa->ss_family == AF_INET6)
		memcpy(c.addr, &v6->sin6_addr, 16);
	else
		return false;
	c.prefixlen = 128;
	*ret_c = c;
	return true;
}

bool cidr_is_v4(const struct cidr *c)
{
	return c->prefixlen >= 96 && same_prefix(c->addr, v4_all.addr, 96);
}

bool cidr_contains(const struct cidr *c, const struct cidr *inner)
{
	return cidr_is_v4(c) == cidr_is_v4(inner) && c->prefixlen <= inner->prefixlen &&
	       same_prefix(c->addr, inner->addr, c->prefixlen);
}

bool cidr_match(const struct cidr *c, const struct sockaddr_storage *sa)
{
	struct cidr one;

	return cidr_of(sa, &one) && cidr_contains(c, &one);
}

bool cidr_match_any(const struct cidr *list, unsigned n, const struct sockaddr_storage *sa)
{
	struct cidr one;
	unsigned i;

	if (!n || !cidr_of(sa, &one))
		return false;
	for (i = 0; i < n; i++)
		if (cidr_contains(&list[i], &one))
			return true;
	return false;
}

const char *cidr_text(const struct cidr *c, char out[CIDR_TEXT_MAX])
{
	bool v4 = cidr_is_v4(c);
	char ip[INET6_ADDRSTRLEN];

	inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? c->addr + 12 : c->addr, ip, sizeof(ip));
	snprintf(out, CIDR_TEXT_MAX, "%s/%u", ip, v4 ? c->prefixlen - 96 : c->prefixlen);
	return out;
}
