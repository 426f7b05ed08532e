// SPDX-License-Identifier: GPL-2.0-only
#include "conn_move.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "account.h"
#include "conn.h"
#include "edge_private.h"

_Static_assert(HANDOVER_ADDR_MAX == sizeof(union addr_ip), "an address is told whole");

/* ---- the daemon that gives ---- */

static bool may_half(const struct half *h)
{
	return !h->pending_len && !h->unread && h->state != HALF_FAILED;
}

bool conn_may_move(struct conn *c)
{
	if (c->client.flow || c->upstream.flow)
		return false;
	if (c->phase != CONN_OPEN &&
	    (c->phase != CONN_HELLO || c->up.pending_len || c->trickles || c->endpoint))
		return false;
	if (c->client.tls || c->upstream.tls || c->client.err || c->upstream.err || c->sni)
		return false;
	conn_settle(c);
	if (c->replay_pending || c->up.keeps)
		return false;
	return may_half(&c->up) && may_half(&c->down);
}

static const char *ends_at(const struct endpoint *e)
{
	const char *at = endpoint_spec_value(&e->spec, FIELD_ID_TERMINATE_AT);

	return at ? at : "upstream";
}

#define DESCRIBE_END(name)                     \
	do {                                   \
		h->name##_fin = c->name.fin;   \
		h->name##_shut = c->name.shut; \
	} while (0)

#define DESCRIBE_HALF(name)                          \
	do {                                         \
		h->name##_state = c->name.state;     \
		h->name##_mover = c->name.mover;     \
		h->name##_moved = c->name.moved;     \
		h->name##_before = c->name.before;   \
		h->name##_prefix = c->name.prefix;   \
		h->name##_skipped = c->name.skipped; \
		h->name##_piped = c->name.piped;     \
	} while (0)

static void describe_facts(const struct conn *c, struct handover_conn *h)
{
	h->phase = c->phase;
	h->worker = c->worker->index;
	h->id_prefix = c->id_prefix;
	h->id_worker = c->id_worker;
	h->number = c->number;
	h->channel = c->channel;
	h->start_s = (uint64_t)c->start.tv_sec;
	h->start_frac = (uint64_t)c->start.tv_nsec;
	h->start = c->start_ns;
	h->user = c->user_ns;
	h->hello = c->hello_ns;
	h->dial = c->dial_ns;
	h->connected = c->connected_ns;
	h->first_byte = c->first_byte_ns;
	h->acked = c->acked;
	h->acked_at = c->acked_ns;
	h->reason = c->reason;
	h->ip_policy = c->ip_policy;
	h->fallback = c->fallback_path;
	h->acme = c->acme;
	h->dropped = c->dropped;
	h->discarded = c->discarded;
	h->alert = c->alert_bytes;
}

void conn_describe(const struct conn *c, struct handover_conn *h, int fds[HANDOVER_FDS_MAX],
		   unsigned *ret_n)
{
	const struct half *const halves[] = {&c->up, &c->down};
	unsigned n = 0;

	memset(h, 0, sizeof(*h));
	describe_facts(c, h);
	DESCRIBE_END(client);
	DESCRIBE_END(upstream);
	DESCRIBE_HALF(up);
	DESCRIBE_HALF(down);
	memcpy(h->client_addr, &c->client_addr, sizeof(h->client_addr));
	memcpy(h->upstream_addr, &c->upstream_addr, sizeof(h->upstream_addr));
	if (c->proxied) {
		h->has_proxy = true;
		memcpy(h->proxy_peer, &c->proxied->peer, sizeof(h->proxy_peer));
		memcpy(h->proxy_server, &c->proxied->server, sizeof(h->proxy_server));
	}
	if (c->note) {
		snprintf(h->name, sizeof(h->name), "%s", c->note->name);
		snprintf(h->ja4, sizeof(h->ja4), "%s", c->note->ja4);
		snprintf(h->alpn, sizeof(h->alpn), "%s", c->note->alpn);
	}
	if (c->endpoint) {
		snprintf(h->endpoint, sizeof(h->endpoint), "%s", c->endpoint->id);
		snprintf(h->host, sizeof(h->host), "%s", c->endpoint->host);
		snprintf(h->target, sizeof(h->target), "%s", c->endpoint->upstream);
		snprintf(h->ends_at, sizeof(h->ends_at), "%s", ends_at(c->endpoint));
		snprintf(h->credential, sizeof(h->credential), "%s", c->endpoint->credential);
	}
	fds[n++] = c->client.fd;
	if (c->upstream.fd != -1)
		fds[n++] = c->upstream.fd;
	for (int i = 0; i < 2; i++) {
		if (!halves[i]->piped)
			continue;
		fds[n++] = halves[i]->pipe[0];
		fds[n++] = halves[i]->pipe[1];
	}
	*ret_n = n;
}

/* ---- the daemon that takes ---- */

unsigned conn_move_worker(const struct handover_conn *h, unsigned n)
{
	return (unsigned)(h->worker % n);
}

/* Does it make sense? */
static bool is_right(const struct handover_conn *h, unsigned n_fds)
{
	bool open = h->phase == CONN_OPEN;
	unsigned need = 1U + open + (h->up_piped ? 2 : 0) + (h->down_piped ? 2 : 0);

	if ((!open && h->phase != CONN_HELLO) || n_fds != need || h->reason > CLOSE_REASON_MAX ||
	    h->up_state >= HALF_FAILED || h->down_state >= HALF_FAILED ||
	    h->up_mover >= MOVER_KERNEL)
		return false;
	return !open || (h->up_mover == h->down_mover && *h->endpoint);
}

#define ADOPT_END(name)                             \
	do {                                        \
		c->name.fin = h->name##_fin != 0;   \
		c->name.shut = h->name##_shut != 0; \
	} while (0)

#define ADOPT_HALF(name)                                          \
	do {                                                      \
		c->name.state = (enum half_state)h->name##_state; \
		c->name.mover = (enum half_mover)h->name##_mover; \
		c->name.moved = h->name##_moved;                  \
		c->name.before = h->name##_before;                \
		c->name.prefix = h->name##_prefix;                \
		c->name.skipped = h->name##_skipped;              \
		c->name.piped = (size_t)h->name##_piped;          \
	} while (0)

static struct endpoint *endpoint_of(struct worker *w, const struct handover_conn *h)
{
	const struct orphan o = {h->endpoint, h->host, h->target, h->ends_at};
	struct endpoint *head = registry_find(w->edge->registry, h->endpoint), *e;

	for (e = head; e; e = e->next_target)
		if (!strcmp(e->upstream, h->target) && !strcmp(e->host, h->host))
			return e; /* a reference to one is one to all */
	endpoint_put(head);
	e = registry_orphan(w->edge->registry, &o);
	if (e) /* which may be revoked */
		snprintf(e->credential, sizeof(e->credential), "%.*s",
			 (int)sizeof(e->credential) - 1, h->credential);
	return e;
}

static int adopt_texts(struct conn *c, const struct handover_conn *h)
{
	size_t len = strlen(h->name);

	if (*h->name || *h->ja4 || *h->alpn) {
		c->note = calloc(1, sizeof(*c->note) + len + 1);
		if (!c->note)
			return -ENOMEM;
		c->note->name_len = (uint16_t)len;
		memcpy(c->note->name, h->name, len);
		memcpy(c->note->ja4, h->ja4, sizeof(c->note->ja4));
		memcpy(c->note->alpn, h->alpn, sizeof(c->note->alpn));
	}
	if (!h->has_proxy)
		return 0;
	c->proxied = calloc(1, sizeof(*c->proxied));
	if (!c->proxied)
		return -ENOMEM;
	memcpy(&c->proxied->peer, h->proxy_peer, sizeof(c->proxied->peer));
	memcpy(&c->proxied->server, h->proxy_server, sizeof(c->proxied->server));
	return 0;
}

static void adopt_facts(struct conn *c, const struct handover_conn *h)
{
	c->phase = (uint8_t)h->phase;
	c->id_prefix = h->id_prefix;
	c->id_worker = (uint8_t)h->id_worker;
	c->number = h->number;
	c->channel = h->channel;
	c->start = (struct timespec){(time_t)h->start_s, (long)h->start_frac};
	c->start_ns = h->start;
	c->user_ns = h->user;
	c->hello_ns = h->hello;
	c->dial_ns = h->dial;
	c->connected_ns = h->connected;
	c->first_byte_ns = h->first_byte;
	c->acked = h->acked;
	c->acked_ns = h->acked_at;
	c->reason = (uint8_t)h->reason;
	c->ip_policy = (uint8_t)h->ip_policy;
	c->fallback_path = h->fallback != 0;
	c->acme = h->acme != 0;
	c->dropped = (uint32_t)h->dropped;
	c->discarded = h->discarded;
	c->alert_bytes = (uint16_t)h->alert;
	memcpy(&c->client_addr, h->client_addr, sizeof(c->client_addr));
	memcpy(&c->upstream_addr, h->upstream_addr, sizeof(c->upstream_addr));
}

static int take(int *fd)
{
	int n = *fd;

	*fd = -1;
	return n;
}

static void adopt_open(struct conn *c, const struct handover_conn *h, int *fds)
{
	struct half *const halves[] = {&c->up, &c->down};
	struct worker *w = c->worker;
	unsigned at = 2;

	c->upstream.fd = take(&fds[1]);
	ADOPT_END(upstream);
	ADOPT_HALF(up);
	ADOPT_HALF(down);
	for (int i = 0; i < 2; i++) {
		if (!halves[i]->piped)
			continue;
		halves[i]->pipe[0] = take(&fds[at++]);
		halves[i]->pipe[1] = take(&fds[at++]);
	}
	atomic_fetch_add(&c->endpoint->stats->conns_active, 1);
	conn_count_source(c);
	/* what it has moved so far was counted where it moved */
	c->told = conn_tally(c);
	conn_set_timer(c, c->up.state == HALF_SHUT || c->down.state == HALF_SHUT ? TIMER_HALF_CLOSED
										 : TIMER_IDLE);
	worker_watch(w, &c->client, WATCH_ALL);
	worker_watch(w, &c->upstream, WATCH_ALL);
}

int conn_adopt(struct worker *w, const struct handover_conn *h, int *fds, unsigned n_fds)
{
	struct endpoint *e = NULL;
	struct sockaddr none = {.sa_family = AF_UNSPEC};
	struct sockaddr_storage sa;
	char id[CONN_ID_MAX];
	struct conn *c;

	if (!is_right(h, n_fds))
		return -EBADMSG;
	if (h->phase == CONN_OPEN) {
		e = endpoint_of(w, h);
		if (!e)
			return -ENOMEM;
	}
	c = conn_new(w, fds[0], &none, sizeof(none));
	if (!c || adopt_texts(c, h)) {
		if (c) /* this descriptor is not ours */
			c->client.fd = -1;
		if (c)
			conn_forget(c);
		endpoint_put(e);
		return -ENOMEM;
	}
	take(&fds[0]);
	adopt_facts(c, h);
	c->endpoint = e;
	ADOPT_END(client);
	elders_conn_moved(w->edge, conn_id(c, id));
	if (e) {
		adopt_open(c, h, fds);
		return 0;
	}
	conn_client_addr(c, &sa);
	c->wants_header = cidr_match_any(w->config->proxy_from.at, w->config->proxy_from.n, &sa);
	c->undecided = true;
	conn_set_timer(c, TIMER_HELLO);
	worker_watch(w, &c->client, WATCH_ALL);
	return 0;
}
