// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "addr.h"
#include "event.h"
#include "stamp.h"
#include "ulid.h"

/*
 * Written by hand: this runs once a connection on the workers.  The longest line
 * is well below EVENT_LINE_MAX even if every byte of every string needs six (the
 * unit test builds it); put() still never writes past it.
 */
struct line {
	char *at, *end;
};

static void put(struct line *l, const char *text, size_t len)
{
	if (len > (size_t)(l->end - l->at))
		len = (size_t)(l->end - l->at);
	memcpy(l->at, text, len);
	l->at += len;
}

static void raw(struct line *l, const char *text)
{
	put(l, text, strlen(text));
}

static bool is_plain(unsigned char c)
{
	return c >= 0x20 && c < 0x7f && c != '"' && c != '\\';
}

/* Foreign bytes: what is not printable ASCII becomes \u00XX, so the line always is ASCII. */
static void quoted(struct line *l, const char *text)
{
	static const char hex[] = "0123456789abcdef";
	const unsigned char *p = (const unsigned char *)text, *from;

	put(l, "\"", 1);
	for (;; p++) {
		for (from = p; is_plain(*p); p++)
			;
		put(l, (const char *)from, (size_t)(p - from));
		if (!*p)
			break;
		if (*p == '"' || *p == '\\') {
			char esc[] = {'\\', (char)*p};

			put(l, esc, sizeof(esc));
		} else {
			char esc[] = {'\\', 'u', '0', '0', hex[*p >> 4], hex[*p & 15]};

			put(l, esc, sizeof(esc));
		}
	}
	put(l, "\"", 1);
}

/* A comma unless the object was just opened, then the name, one of ours: nothing to escape. */
static void key(struct line *l, const char *name)
{
	raw(l, l->at[-1] != '{' ? ",\"" : "\"");
	raw(l, name);
	put(l, "\":", 2);
}

static void string(struct line *l, const char *name, const char *value)
{
	key(l, name);
	quoted(l, value);
}

static void number(struct line *l, const char *name, uint64_t value)
{
	char digits[24];
	char *p = digits + sizeof(digits);

	key(l, name);
	do
		*--p = (char)('0' + value % 10);
	while (value /= 10);
	put(l, p, (size_t)(digits + sizeof(digits) - p));
}

static void stamp(struct line *l, const char *name, const struct timespec *ts)
{
	char text[STAMP_TEXT_MAX];

	string(l, name, stamp_text(ts, text));
}

static void ip_port(struct line *l, const char *ip_name, const char *port_name,
		    const struct sockaddr_storage *sa)
{
	char text[ADDR_TEXT_MAX];

	if (!sa->ss_family)
		return;
	string(l, ip_name, addr_ip_text(sa, text));
	number(l, port_name, addr_port(sa));
}

static void conn(struct line *l, const struct event_closed *c)
{
	key(l, "conn");
	raw(l, "{");
	number(l, "bytes_in", c->bytes_in);
	number(l, "bytes_out", c->bytes_out);
	ip_port(l, "client_ip", "client_port", &c->client);
	ip_port(l, "server_ip", "server_port", &c->server);
	ip_port(l, "proxy_ip", "proxy_port", &c->proxy);
	if (*c->server_name)
		string(l, "server_name", c->server_name);
	stamp(l, "start_ts", &c->start);
	stamp(l, "end_ts", &c->end);
	raw(l, "}");
}

static void timing(struct line *l, const struct event_closed *c)
{
	const struct {
		const char *name;
		int64_t us;
	} parts[] = {
		{"hello", c->us_hello},
		{"connect", c->us_connect},
		{"first_upstream_byte", c->us_first_byte},
	};
	bool any = false;

	for (size_t i = 0; i < 3; i++)
		any = any || parts[i].us >= 0;
	if (!any)
		return;
	key(l, "timing_us");
	raw(l, "{");
	for (size_t i = 0; i < 3; i++)
		if (parts[i].us >= 0)
			number(l, parts[i].name, (uint64_t)parts[i].us);
	raw(l, "}");
}

static void tcp_side(struct line *l, const char *name, const struct event_tcp *t)
{
	if (!t->known)
		return;
	key(l, name);
	raw(l, "{");
	number(l, "rtt_us", t->rtt_us);
	number(l, "retransmits", t->retransmits);
	if (t->bytes_acked >= 0)
		number(l, "bytes_acked", (uint64_t)t->bytes_acked);
	raw(l, "}");
}

static void tcp(struct line *l, const struct event_closed *c)
{
	if (!c->tcp_client.known && !c->tcp_upstream.known)
		return;
	key(l, "tcp");
	raw(l, "{");
	tcp_side(l, "client", &c->tcp_client);
	tcp_side(l, "upstream", &c->tcp_upstream);
	raw(l, "}");
}

static const char *policy_name(const struct event_closed *c)
{
	switch (c->ip_policy) {
	case IP_POLICY_ALLOW:
		return "allow";
	case IP_POLICY_BLOCK:
		return "block";
	case IP_POLICY_INVALID:
		break;
	}
	return "invalid";
}

static void tls(struct line *l, const struct event_closed *c)
{
	const struct {
		const char *name, *value;
	} parts[] = {
		{"version", c->tls_version},
		{"cipher", c->tls_cipher},
		{"alpn", c->alpn},
		{"client_cert_subject", c->client_cert_subject},
	};
	const size_t n = sizeof(parts) / sizeof(parts[0]);
	bool any = false;

	for (size_t i = 0; i < n; i++)
		any = any || *parts[i].value;
	if (!any)
		return;
	key(l, "tls");
	raw(l, "{");
	for (size_t i = 0; i < n; i++)
		if (*parts[i].value)
			string(l, parts[i].name, parts[i].value);
	raw(l, "}");
}

static void object(struct line *l, const struct event_closed *c)
{
	char text[ADDR_TEXT_MAX];

	conn(l, c);
	key(l, "ip_policy");
	raw(l, "{");
	string(l, "decision", policy_name(c));
	raw(l, "}");
	string(l, "connection_id", c->connection_id);
	if (*c->endpoint_id)
		string(l, "endpoint_id", c->endpoint_id);
	string(l, "terminated_at", c->terminated_at ? c->terminated_at : "none");
	if (c->upstream.ss_family)
		string(l, "upstream_addr", addr_text(&c->upstream, text));
	string(l, "datapath", event_datapath_name(c->datapath));
	number(l, "bytes_user", c->bytes_user);
	number(l, "bytes_kernel", c->bytes_kernel);
	string(l, "close_reason", event_reason_name(c->reason));
	if (*c->error)
		string(l, "error", c->error);
	tls(l, c);
	if (*c->ja4)
		string(l, "ja4_fingerprint", c->ja4);
	timing(l, c);
	tcp(l, c);
}

size_t event_format(const struct event_closed *c, char out[EVENT_LINE_MAX])
{
	/* the newline and the NUL always fit */
	struct line l = {out, out + EVENT_LINE_MAX - 2};
	struct timespec now = stamp_now();
	char id[ULID_LEN + 8];

	raw(&l, "{");
	string(&l, "event_id", ulid_new("ev_", id, sizeof(id)));
	string(&l, "event_type", "tcp_connection_closed.v0");
	stamp(&l, "event_timestamp", &now);
	key(&l, "object");
	raw(&l, "{");
	object(&l, c);
	raw(&l, "}}");
	*l.at++ = '\n';
	*l.at = '\0';
	return (size_t)(l.at - out);
}

size_t event_format_upstream(const struct event_upstream *u, char out[EVENT_LINE_MAX])
{
	struct line l = {out, out + EVENT_LINE_MAX - 2};
	struct timespec now = stamp_now();
	char id[ULID_LEN + 8];

	raw(&l, "{");
	string(&l, "event_id", ulid_new("ev_", id, sizeof(id)));
	string(&l, "event_type", "upstream_state_changed.v0");
	stamp(&l, "event_timestamp", &now);
	key(&l, "object");
	raw(&l, "{");
	string(&l, "server_name", u->server_name);
	string(&l, "endpoint_id", u->endpoint_id);
	string(&l, "upstream_addr", u->upstream_addr);
	string(&l, "state", u->dead ? "dead" : "alive");
	if (u->reason)
		string(&l, "reason", u->reason);
	raw(&l, "}}");
	*l.at++ = '\n';
	*l.at = '\0';
	return (size_t)(l.at - out);
}

const char *event_reason_name(enum close_reason r)
{
	static const char *const names[] = {
		[CLOSE_CLIENT_FIN] = "client_fin",
		[CLOSE_UPSTREAM_FIN] = "upstream_fin",
		[CLOSE_CLIENT_RST] = "client_rst",
		[CLOSE_UPSTREAM_RST] = "upstream_rst",
		[CLOSE_NO_SNI] = "no_sni",
		[CLOSE_UNKNOWN_NAME] = "unknown_name",
		[CLOSE_NOT_TLS] = "not_tls",
		[CLOSE_HELLO_TIMEOUT] = "hello_timeout",
		[CLOSE_HELLO_TOO_LARGE] = "hello_too_large",
		[CLOSE_HELLO_MALFORMED] = "hello_malformed",
		[CLOSE_IP_DENIED] = "ip_denied",
		[CLOSE_TLS_HANDSHAKE] = "tls_handshake",
		[CLOSE_UPSTREAM_REFUSED] = "upstream_refused",
		[CLOSE_UPSTREAM_TIMEOUT] = "upstream_timeout",
		[CLOSE_IDLE] = "idle",
		[CLOSE_LIMIT] = "limit",
		[CLOSE_KILLED] = "killed",
		[CLOSE_DRAINED] = "drained",
		[CLOSE_INTERNAL] = "internal",
	};

	_Static_assert(sizeof(names) / sizeof(names[0]) == CLOSE_REASON_MAX, "a reason per name");
	return (unsigned)r < CLOSE_REASON_MAX ? names[r] : "internal";
}

const char *event_datapath_name(enum close_datapath d)
{
	switch (d) {
	case CLOSE_DP_KERNEL:
		return "kernel";
	case CLOSE_DP_SPLICE:
		return "splice";
	case CLOSE_DP_USERSPACE:
		return "userspace";
	case CLOSE_DP_NONE:
		break;
	}
	return "none";
}
