// SPDX-License-Identifier: GPL-2.0-only
#include "header.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "conn.h"
#include "log.h"

/* Base, CRC and SSL; a name, an id, and the texts of a session. */
#define HEADER_MAX (52 + 7 + 8 + 256 + 3 + PROXY_UNIQUE_ID_MAX + 3 + 1024)

/* The first of "h2,http/1.1"; one that alpn_write() had to escape is not worth telling. */
static struct proxy_bytes first_offer(const struct conn *c)
{
	struct proxy_bytes first = {NULL, 0};
	size_t len;

	if (!c->note)
		return first;
	len = strcspn(c->note->alpn, ",");
	if (len && !memchr(c->note->alpn, '\\', len))
		first = (struct proxy_bytes){c->note->alpn, len};
	return first;
}

static int build_v2(const struct conn *c, const struct header_session *s,
		    const struct sockaddr_storage *src, const struct sockaddr_storage *dst,
		    uint8_t buf[HEADER_MAX])
{
	struct proxy_extra x = {.crc32c = true};
	char id[CONN_ID_MAX];
	int n;

	conn_id(c, id);
	x.unique_id = (struct proxy_bytes){id, strlen(id)};
	if (c->note)
		x.authority = (struct proxy_bytes){c->note->name, c->note->name_len};
	x.alpn = s ? s->alpn : first_offer(c);
	x.ssl = s ? s->ssl : NULL;
	n = proxy_write_v2(buf, HEADER_MAX, src, dst, &x);
	if (!s && n > HEADER_FIT && n - HEADER_FIT <= 3 + (int)x.alpn.len) {
		x.alpn.len = 0;
		n = proxy_write_v2(buf, HEADER_MAX, src, dst, &x);
	}
	return n;
}

int conn_write_header(struct conn *c, const struct header_session *s)
{
	struct sockaddr_storage src, dst;
	uint8_t buf[HEADER_MAX];
	ssize_t sent;
	int n;

	/* an agent gets one in any case: see wire/PROTOCOL.md */
	if (!c->endpoint->proxy_proto && !c->endpoint->agent)
		return 0;
	conn_client_addr(c, &src);
	conn_server_addr(c, &dst);
	n = c->endpoint->proxy_proto == 1 && !c->endpoint->agent
		    ? proxy_write_v1(buf, sizeof(buf), &src, &dst)
		    : build_v2(c, s, &src, &dst, buf);
	if (n < 0)
		return n;
	/* into an empty send buffer: all or nothing */
	sent = end_write(&c->upstream, buf, (size_t)n);
	if (sent != n)
		return sent < 0 ? (int)sent : -EPIPE;
	c->up.prefix += (uint32_t)n;
	return 0;
}

/* ---- in ---- */

/* From now on the connection is the one that the header tells of. */
static bool take_addresses(struct conn *c, const struct proxy *h)
{
	if (!h->has_addr)
		return true;
	c->proxied = calloc(1, sizeof(*c->proxied));
	if (!c->proxied)
		return false;
	c->proxied->peer = c->client_addr;
	addr_narrow((const struct sockaddr *)&h->dst, sizeof(h->dst), &c->proxied->server);
	addr_narrow((const struct sockaddr *)&h->src, sizeof(h->src), &c->client_addr);
	return true;
}

int conn_read_header(struct conn *c)
{
	const struct config *g = c->worker->config;
	struct sockaddr_storage client;
	struct half *up = &c->up;
	struct proxy h;

	switch (proxy_read(up->pending + up->pending_off, up->pending_len, &h)) {
	case PROXY_MORE:
		return 0;
	case PROXY_OK:
		break;
	default:
		h.why = h.why ? h.why : "is missing";
		log_debug("client refused: the PROXY header %s", h.why);
		worker_count(c->worker, WC_proxy_bad);
		conn_close(c, CLOSE_HELLO_MALFORMED, false);
		return -1;
	}
	worker_count(c->worker, WC_proxy_ok);
	c->wants_header = false;
	up->skipped = h.end;
	up->pending_off += h.end;
	up->pending_len -= h.end;
	if (!take_addresses(c, &h)) {
		conn_close(c, CLOSE_INTERNAL, true);
		return -1;
	}
	conn_client_addr(c, &client);
	if (!cidr_match_any(g->ip_deny.at, g->ip_deny.n, &client))
		return 1;
	worker_count(c->worker, WC_denied_by_all);
	c->ip_policy = IP_POLICY_BLOCK;
	conn_close(c, CLOSE_IP_DENIED, true);
	return -1;
}
