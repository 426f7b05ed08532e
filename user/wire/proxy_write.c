// SPDX-License-Identifier: GPL-2.0-only
#include "proxy.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "crc32c.h"

/* Both sides in one family, as a header needs them. */
struct pair {
	int family; /* AF_INET, AF_INET6, AF_UNSPEC */
	uint8_t src[16], dst[16];
	uint16_t src_port, dst_port; /* host order */
};

static bool is_ip(const struct sockaddr_storage *sa)
{
	return sa->ss_family == AF_INET || sa->ss_family == AF_INET6;
}

/* The address as <family> has it: AF_INET6 maps an IPv4 one. */
static void take(const struct sockaddr_storage *sa, int family, uint8_t ip[16], uint16_t *port)
{
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)sa;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)sa;

	*port = addr_port(sa);
	if (sa->ss_family == AF_INET6) {
		memcpy(ip, &v6->sin6_addr, 16);
	} else if (family == AF_INET) {
		memcpy(ip, &v4->sin_addr, 4);
	} else {
		memset(ip + 10, 0xff, 2);
		memcpy(ip + 12, &v4->sin_addr, 4);
	}
}

static struct pair pair_of(const struct sockaddr_storage *src, const struct sockaddr_storage *dst)
{
	struct sockaddr_storage s = *src, d = *dst;
	struct pair p = {.family = AF_UNSPEC};

	addr_unmap(&s);
	addr_unmap(&d);
	if (!is_ip(&s) || !is_ip(&d))
		return p;
	p.family = s.ss_family == d.ss_family ? s.ss_family : AF_INET6;
	take(&s, p.family, p.src, &p.src_port);
	take(&d, p.family, p.dst, &p.dst_port);
	return p;
}

/* ---- version 1 ---- */

/* inet_ntop(3), but no IPv6 address ends in a dotted quad: the spec has none. */
static void ip_text(int family, const uint8_t ip[16], char out[INET6_ADDRSTRLEN])
{
	size_t n = 0;
	int i;

	inet_ntop(family, ip, out, INET6_ADDRSTRLEN);
	if (family == AF_INET || !strchr(out, '.'))
		return;
	for (i = 0; i < 16; i += 2)
		n += (size_t)snprintf(out + n, INET6_ADDRSTRLEN - n, i ? ":%x" : "%x",
				      ip[i] << 8 | ip[i + 1]);
}

int proxy_write_v1(uint8_t *buf, size_t size, const struct sockaddr_storage *src,
		   const struct sockaddr_storage *dst)
{
	char line[PROXY_V1_MAX + 1], src_ip[INET6_ADDRSTRLEN], dst_ip[INET6_ADDRSTRLEN];
	struct pair p = {.family = AF_UNSPEC};
	int n;

	if (src)
		p = pair_of(src, dst);
	if (p.family == AF_UNSPEC) {
		n = snprintf(line, sizeof(line), "PROXY UNKNOWN\r\n");
	} else {
		ip_text(p.family, p.src, src_ip);
		ip_text(p.family, p.dst, dst_ip);
		n = snprintf(line, sizeof(line), "PROXY TCP%d %s %s %u %u\r\n",
			     p.family == AF_INET ? 4 : 6, src_ip, dst_ip, p.src_port, p.dst_port);
	}
	if ((size_t)n > size)
		return -ENOSPC;
	memcpy(buf, line, (size_t)n);
	return n;
}

/* ---- version 2 ---- */

/* What is written: beyond <size>, only counted. */
struct sink {
	uint8_t *buf;
	size_t size, len;
};

static void put(struct sink *s, const void *data, size_t len)
{
	if (len && len <= s->size && s->len <= s->size - len)
		memcpy(s->buf + s->len, data, len);
	s->len += len;
}

static void put_u16(struct sink *s, size_t v)
{
	put(s, (uint8_t[]){(uint8_t)(v >> 8), (uint8_t)v}, 2);
}

static void put_u32(struct sink *s, uint32_t v)
{
	put_u16(s, v >> 16);
	put_u16(s, v & 0xffff);
}

static void put_tlv_head(struct sink *s, enum proxy_tlv type, size_t len)
{
	put(s, (uint8_t[]){(uint8_t)type}, 1);
	put_u16(s, len);
}

static size_t tlv_len(const struct proxy_bytes *value)
{
	return value->len ? 3 + value->len : 0;
}

static void put_tlv(struct sink *s, enum proxy_tlv type, const struct proxy_bytes *value)
{
	if (!value->len)
		return;
	put_tlv_head(s, type, value->len);
	put(s, value->at, value->len);
}

static size_t ssl_len(const struct proxy_ssl *ssl)
{
	return 5 + tlv_len(&ssl->version) + tlv_len(&ssl->cipher) + tlv_len(&ssl->cn);
}

static void put_ssl(struct sink *s, const struct proxy_ssl *ssl)
{
	put_tlv_head(s, PROXY_TLV_SSL, ssl_len(ssl));
	put(s, &ssl->client, 1);
	put_u32(s, ssl->verify);
	put_tlv(s, PROXY_TLV_SSL_VERSION, &ssl->version);
	put_tlv(s, PROXY_TLV_SSL_CIPHER, &ssl->cipher);
	put_tlv(s, PROXY_TLV_SSL_CN, &ssl->cn);
}

static void put_addrs(struct sink *s, const struct pair *p)
{
	size_t ip_len = p->family == AF_INET ? 4 : 16;

	if (p->family == AF_UNSPEC)
		return;
	put(s, p->src, ip_len);
	put(s, p->dst, ip_len);
	put_u16(s, p->src_port);
	put_u16(s, p->dst_port);
}

/* Returns where the sum is to be, 0: nowhere. */
static size_t put_extra(struct sink *s, const struct proxy_extra *x)
{
	size_t at = 0;

	put_tlv(s, PROXY_TLV_AUTHORITY, &x->authority);
	put_tlv(s, PROXY_TLV_ALPN, &x->alpn);
	put_tlv(s, PROXY_TLV_UNIQUE_ID, &x->unique_id);
	if (x->ssl)
		put_ssl(s, x->ssl);
	if (x->crc32c) {
		put_tlv_head(s, PROXY_TLV_CRC32C, 4);
		at = s->len;
		put_u32(s, 0);
	}
	return at;
}

/* Sets the two fields that are known only now that the header has its length. */
static int finish(struct sink *s, size_t crc_at)
{
	struct sink field = {.size = 4};

	if (s->len > PROXY_MAX) /* else no value is too long for its field either */
		return -EMSGSIZE;
	if (s->len > s->size)
		return -ENOSPC;
	field.buf = s->buf + 14;
	put_u16(&field, s->len - PROXY_V2_HEADER);
	if (crc_at) {
		field = (struct sink){.buf = s->buf + crc_at, .size = 4};
		put_u32(&field, crc32c(0, s->buf, s->len));
	}
	return (int)s->len;
}

int proxy_write_v2(uint8_t *buf, size_t size, const struct sockaddr_storage *src,
		   const struct sockaddr_storage *dst, const struct proxy_extra *extra)
{
	static const uint8_t unspec = 0x00, tcp4 = 0x11, tcp6 = 0x21;
	struct sink s = {.buf = buf, .size = size};
	struct pair p = {.family = AF_UNSPEC};
	size_t crc_at = 0;

	if (src)
		p = pair_of(src, dst);
	if (extra && extra->unique_id.len > PROXY_UNIQUE_ID_MAX)
		return -EMSGSIZE;
	put(&s, PROXY_V2_SIGNATURE, 12);
	put(&s, src ? "\x21" : "\x20", 1);
	put(&s, p.family == AF_INET ? &tcp4 : p.family == AF_INET6 ? &tcp6 : &unspec, 1);
	put_u16(&s, 0);
	put_addrs(&s, &p);
	if (src && extra)
		crc_at = put_extra(&s, extra);
	return finish(&s, crc_at);
}
