/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event - tcp_connection_closed.v0, made from what a connection knew at its end.
 */
#ifndef EVENT_H
#define EVENT_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

/* The words of interfaces.md; event_reason_name() gives them. */
enum close_reason {
	CLOSE_CLIENT_FIN,
	CLOSE_UPSTREAM_FIN,
	CLOSE_CLIENT_RST,
	CLOSE_UPSTREAM_RST,
	CLOSE_NO_SNI,
	CLOSE_UNKNOWN_NAME,
	CLOSE_NOT_TLS,
	CLOSE_HELLO_TIMEOUT,
	CLOSE_HELLO_TOO_LARGE,
	CLOSE_HELLO_MALFORMED,
	CLOSE_IP_DENIED,
	CLOSE_TLS_HANDSHAKE,
	CLOSE_UPSTREAM_REFUSED,
	CLOSE_UPSTREAM_TIMEOUT,
	CLOSE_IDLE,
	CLOSE_LIMIT,
	CLOSE_KILLED,
	CLOSE_DRAINED,
	CLOSE_INTERNAL,
	CLOSE_REASON_MAX
};
enum close_datapath { CLOSE_DP_NONE, CLOSE_DP_KERNEL, CLOSE_DP_SPLICE, CLOSE_DP_USERSPACE };

struct event_tcp {
	bool known;
	uint32_t rtt_us, retransmits;
	int64_t bytes_acked; /* of the client's stream, by this one's TCP; -1: not told */
};

struct event_closed {
	char connection_id[40];
	struct sockaddr_storage client, server; /* server: our own end of the client's connection */
	struct sockaddr_storage proxy; /* who told us <client> and <server>; ss_family 0: nobody */
	char server_name[256];	       /* "" when the hello had none or was not finished */
	char endpoint_id[40];	       /* "" when none was reached */
	struct sockaddr_storage upstream;  /* ss_family 0: none */
	struct timespec start, end;	   /* CLOCK_REALTIME */
	uint64_t bytes_in, bytes_out;	   /* TCP payload from and to the client */
	uint64_t bytes_user, bytes_kernel; /* their sum, split */
	enum close_reason reason;
	enum close_datapath datapath;
	enum { IP_POLICY_INVALID, IP_POLICY_ALLOW, IP_POLICY_BLOCK } ip_policy;
	const char *terminated_at; /* upstream|edge|agent|none */
	char alpn[128];		   /* offered, comma separated, escaped; "" when none */
	/* of a session that ended here; "" otherwise */
	char tls_version[8], tls_cipher[64], client_cert_subject[256];
	char error[200]; /* what went wrong, for a person; "" when nothing did */
	char ja4[40];	 /* "" when there was no whole hello */
	int64_t us_hello, us_connect, us_first_byte; /* -1: does not apply */
	struct event_tcp tcp_client, tcp_upstream;
};

const char *event_reason_name(enum close_reason r);
const char *event_datapath_name(enum close_datapath d);

/* The line of <c>, newline included, terminated.  Returns its length (< EVENT_LINE_MAX). */
#define EVENT_LINE_MAX 8192
/* upstream_state_changed.v0: a health check has found an upstream dead, or alive again. */
struct event_upstream {
	const char *server_name, *endpoint_id, *upstream_addr;
	bool dead;
	const char *reason; /* NULL: alive */
};
size_t event_format_upstream(const struct event_upstream *u, char out[EVENT_LINE_MAX]);

size_t event_format(const struct event_closed *c, char out[EVENT_LINE_MAX]);

#endif
