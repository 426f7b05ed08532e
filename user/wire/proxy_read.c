// SPDX-License-Identifier: GPL-2.0-only
#include "proxy.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

#include "addr.h"
#include "crc32c.h"

static enum proxy_verdict bad(struct proxy *out, const char *why)
{
	out->why = why;
	return PROXY_BAD;
}

static uint32_t u16(const uint8_t *p)
{
	return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t u32(const uint8_t *p)
{
	return u16(p) << 16 | u16(p + 2);
}

/* How many of the first bytes are those of <start>. */
static size_t common(const uint8_t *buf, size_t len, const char *start, size_t start_len)
{
	size_t i = 0;

	while (i < len && i < start_len && buf[i] == (uint8_t)start[i])
		i++;
	return i;
}

static void set_addr(struct sockaddr_storage *sa, int family, const void *ip, uint16_t be_port)
{
	struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = be_port};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = be_port};

	if (family == AF_INET) {
		memcpy(&v4.sin_addr, ip, sizeof(v4.sin_addr));
		memcpy(sa, &v4, sizeof(v4));
	} else {
		memcpy(&v6.sin6_addr, ip, sizeof(v6.sin6_addr));
		memcpy(sa, &v6, sizeof(v6));
		addr_unmap(sa);
	}
}

/* ---- version 1 ---- */

/* Takes the word up to <end>, where a word ends, off *text; NULL: there is none, or a longer one.
 */
static char *word(char **text, char end, size_t max)
{
	char *start = *text, *p = strchr(start, end);

	if (!p || p == start || (size_t)(p - start) > max)
		return NULL;
	*p = '\0';
	*text = p + 1;
	return start;
}

/* "0" to "65535", no zero in front. */
static bool port(const char *text, uint16_t *ret_be)
{
	uint32_t n = 0;
	const char *p;

	if (text[0] == '0' && text[1])
		return false;
	for (p = text; *p; p++) {
		if (*p < '0' || *p > '9')
			return false;
		n = n * 10 + (uint32_t)(*p - '0');
	}
	*ret_be = htons((uint16_t)n);
	return n <= 65535;
}

/* "SRC DST SPORT DPORT\r", which v1_is_text() found to be of its alphabet. */
static enum proxy_verdict v1_addrs(char *text, int family, struct proxy *out)
{
	const char *src = word(&text, ' ', INET6_ADDRSTRLEN);
	const char *dst = src ? word(&text, ' ', INET6_ADDRSTRLEN) : NULL;
	const char *sport = dst ? word(&text, ' ', 5) : NULL;
	const char *dport = sport ? word(&text, '\r', 5) : NULL;
	struct in6_addr src_ip, dst_ip;
	uint16_t src_port, dst_port;

	if (!dport)
		return bad(out, "is not of the form PROXY TCP4|TCP6 IP IP PORT PORT");
	/* inet_pton(3) knows no leading zeroes, no octal, no zone; but it does know ::ffff:1.2.3.4,
	 * which senders that use inet_ntop(3) send. */
	if (inet_pton(family, src, &src_ip) != 1 || inet_pton(family, dst, &dst_ip) != 1)
		return bad(out, family == AF_INET ? "has no IPv4 address where one must be"
						  : "has no IPv6 address where one must be");
	if (!port(sport, &src_port) || !port(dport, &dst_port))
		return bad(out, "has no port of 0 to 65535 where one must be");
	set_addr(&out->src, family, &src_ip, src_port);
	set_addr(&out->dst, family, &dst_ip, dst_port);
	out->has_addr = true;
	return PROXY_OK;
}

/* Looks at the bytes behind "PROXY TCPn ", up to a CR: may an address line have them? */
static bool v1_is_text(const uint8_t *buf, size_t off, size_t end)
{
	static const char allowed[] = "0123456789abcdefABCDEF:. ";

	for (; off < end; off++)
		if (!buf[off] || !strchr(allowed, buf[off]))
			return false;
	return true;
}

/* The line's end: the offset of its CR, <len> if there is none yet. */
static size_t v1_cr(const uint8_t *buf, size_t off, size_t len)
{
	while (off < len && buf[off] != '\r' && buf[off] != '\n')
		off++;
	return off;
}

/* "PROXY" is there. */
static enum proxy_verdict v1(const uint8_t *buf, size_t len, struct proxy *out)
{
	static const struct {
		const char *start;
		int family;
	} kinds[] = {
		{"PROXY TCP4 ", AF_INET},
		{"PROXY TCP6 ", AF_INET6},
		{"PROXY UNKNOWN", AF_UNSPEC},
	};
	char line[PROXY_V1_MAX + 1];
	size_t i, n, cr, seen = len < PROXY_V1_MAX ? len : PROXY_V1_MAX;
	enum proxy_verdict v = PROXY_BAD;

	out->version = 1;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		n = strlen(kinds[i].start);
		if (common(buf, seen, kinds[i].start, n) == n)
			break;
		if (common(buf, seen, kinds[i].start, n) == seen)
			v = PROXY_MORE;
	}
	if (i == sizeof(kinds) / sizeof(kinds[0]))
		return v == PROXY_MORE ? v : bad(out, "is neither TCP4 nor TCP6 nor UNKNOWN");

	cr = v1_cr(buf, n, seen);
	if (kinds[i].family == AF_UNSPEC && cr > n && buf[n] != ' ')
		return bad(out, "is neither TCP4 nor TCP6 nor UNKNOWN");
	if (kinds[i].family != AF_UNSPEC && !v1_is_text(buf, n, cr))
		return bad(out, "has a byte that is in no address and no port");
	if (cr < seen && (buf[cr] == '\n' || (cr + 1 < seen && buf[cr + 1] != '\n')))
		return bad(out, "has a CR or an LF that is no CRLF");
	if (cr + 2 > PROXY_V1_MAX)
		return bad(out, "is longer than 107 bytes");
	if (cr + 2 > seen)
		return PROXY_MORE;
	out->end = (uint32_t)cr + 2;
	if (kinds[i].family == AF_UNSPEC)
		return PROXY_OK;
	memcpy(line, buf + n, cr + 1 - n);
	line[cr + 1 - n] = '\0';
	return v1_addrs(line, kinds[i].family, out);
}

/* ---- version 2 ---- */

/* Sets <range> to a value of <len> at <off>, unless it was there before. */
static void keep(struct proxy_range *range, uint32_t off, uint32_t len)
{
	if (!range->off)
		*range = (struct proxy_range){off, len};
}

static void keep_ssl(struct proxy *out, uint8_t type, uint32_t off, uint32_t len)
{
	switch (type) {
	case PROXY_TLV_SSL_VERSION:
		keep(&out->ssl_version, off, len);
		break;
	case PROXY_TLV_SSL_CN:
		keep(&out->ssl_cn, off, len);
		break;
	case PROXY_TLV_SSL_CIPHER:
		keep(&out->ssl_cipher, off, len);
		break;
	}
}

/* The TLV at *pos, which moves behind it; false: it does not fit before <end>. */
static bool next_tlv(const uint8_t *buf, uint32_t *pos, uint32_t end, uint8_t *ret_type,
		     struct proxy_range *ret_value)
{
	uint32_t off = *pos + 3, len;

	if (end - *pos < 3)
		return false;
	len = u16(buf + off - 2);
	if (len > end - off)
		return false;
	*ret_type = buf[off - 3];
	*ret_value = (struct proxy_range){off, len};
	*pos = off + len;
	return true;
}

static enum proxy_verdict ssl(const uint8_t *buf, const struct proxy_range *value,
			      struct proxy *out)
{
	uint32_t pos = value->off + 5, end = value->off + value->len;
	bool first = !out->has_ssl;
	struct proxy_range sub;
	uint8_t type;

	if (value->len < 5)
		return bad(out, "has an SSL TLV that is too short");
	while (pos < end) {
		if (!next_tlv(buf, &pos, end, &type, &sub))
			return bad(out, "has TLVs that do not fit their SSL TLV");
		if (first)
			keep_ssl(out, type, sub.off, sub.len);
	}
	if (first) {
		out->has_ssl = true;
		out->ssl_client = buf[value->off];
		out->ssl_verify = u32(buf + value->off + 1);
	}
	return PROXY_OK;
}

/* The sum over all of the header, with zeroes in the place of the sum. */
static enum proxy_verdict crc(const uint8_t *buf, const struct proxy_range *value,
			      struct proxy *out)
{
	static const uint8_t zeroes[4];
	uint32_t sum;

	if (value->len != 4 || out->has_crc)
		return bad(out, "has a CRC32C that is not 4 bytes, or two");
	sum = crc32c(0, buf, value->off);
	sum = crc32c(sum, zeroes, sizeof(zeroes));
	sum = crc32c(sum, buf + value->off + 4, out->end - value->off - 4);
	if (sum != u32(buf + value->off))
		return bad(out, "has a wrong CRC32C");
	out->has_crc = true;
	return PROXY_OK;
}

static enum proxy_verdict tlvs(const uint8_t *buf, uint32_t pos, struct proxy *out)
{
	enum proxy_verdict v = PROXY_OK;
	struct proxy_range value;
	uint8_t type;

	while (v == PROXY_OK && pos < out->end) {
		if (!next_tlv(buf, &pos, out->end, &type, &value))
			return bad(out, "has TLVs that do not end where it does");
		if (type == PROXY_TLV_AUTHORITY)
			keep(&out->authority, value.off, value.len);
		else if (type == PROXY_TLV_ALPN)
			keep(&out->alpn, value.off, value.len);
		else if (type == PROXY_TLV_UNIQUE_ID && value.len > PROXY_UNIQUE_ID_MAX)
			return bad(out, "has a unique id of more than 128 bytes");
		else if (type == PROXY_TLV_UNIQUE_ID)
			keep(&out->unique_id, value.off, value.len);
		else if (type == PROXY_TLV_CRC32C)
			v = crc(buf, &value, out);
		else if (type == PROXY_TLV_SSL)
			v = ssl(buf, &value, out);
	}
	return v;
}

/* Do TLVs fill [pos, end)? */
static bool are_tlvs(const uint8_t *buf, uint32_t pos, uint32_t end)
{
	struct proxy_range value;
	uint8_t type;

	while (pos < end)
		if (!next_tlv(buf, &pos, end, &type, &value))
			return false;
	return true;
}

/* What the first 16 bytes say, as many as are there; sets <end> once that is known. */
static enum proxy_verdict v2_head(const uint8_t *buf, size_t len, struct proxy *out)
{
	if (len > 12 && buf[12] >> 4 != 2)
		return bad(out, "is of a version that is not 2");
	if (len > 12 && (buf[12] & 15) > 1)
		return bad(out, "has a command that is neither LOCAL nor PROXY");
	/* LOCAL: the block is discarded, "including the family which is ignored" */
	if (len > 13 && buf[12] & 1 && (buf[13] >> 4 > 3 || (buf[13] & 15) > 2))
		return bad(out, "has an address family or a transport that does not exist");
	if (len < PROXY_V2_HEADER)
		return PROXY_MORE;
	out->end = PROXY_V2_HEADER + u16(buf + 14);
	return PROXY_OK;
}

/* The length of the addresses; 0: one of both is UNSPEC, what is there has no known shape. */
static uint32_t v2_addrs_len(uint32_t family, uint32_t transport)
{
	static const uint32_t lens[] = {0, 2 * 4 + 2 * 2, 2 * 16 + 2 * 2, 2 * 108};

	return transport ? lens[family] : 0;
}

static void v2_addrs(const uint8_t *addrs, uint32_t family, struct proxy *out)
{
	int af = family == 1 ? AF_INET : AF_INET6;
	uint32_t ip_len = family == 1 ? 4 : 16;
	uint16_t ports[2];

	memcpy(ports, addrs + 2 * ip_len, sizeof(ports));
	set_addr(&out->src, af, addrs, ports[0]);
	set_addr(&out->dst, af, addrs + ip_len, ports[1]);
	out->has_addr = true;
}

/* The signature is there. */
static enum proxy_verdict v2(const uint8_t *buf, size_t len, struct proxy *out)
{
	enum proxy_verdict v = v2_head(buf, len, out);
	uint32_t family, transport, n;

	out->version = 2;
	if (v != PROXY_OK)
		return v;
	if (!(buf[12] & 1)) /* LOCAL */
		return len < out->end ? PROXY_MORE : PROXY_OK;
	family = buf[13] >> 4;
	transport = buf[13] & 15;
	n = v2_addrs_len(family, transport);
	if (out->end < PROXY_V2_HEADER + n)
		return bad(out, "is too short for its addresses");
	if (len < out->end)
		return PROXY_MORE;
	if (!n && !are_tlvs(buf, PROXY_V2_HEADER, out->end))
		return PROXY_OK;
	if (n && family < 3 && transport == 1)
		v2_addrs(buf + PROXY_V2_HEADER, family, out);
	return tlvs(buf, PROXY_V2_HEADER + n, out);
}

enum proxy_verdict proxy_read(const uint8_t *buf, size_t len, struct proxy *out)
{
	static const char v1_start[] = "PROXY", v2_start[] = PROXY_V2_SIGNATURE;
	size_t n;

	*out = (struct proxy){0};
	n = common(buf, len, v1_start, sizeof(v1_start) - 1);
	if (n == sizeof(v1_start) - 1)
		return v1(buf, len, out);
	if (n < len)
		n = common(buf, len, v2_start, sizeof(v2_start) - 1);
	if (n == sizeof(v2_start) - 1)
		return v2(buf, len, out);
	return n < len ? PROXY_NONE : PROXY_MORE;
}
