/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * event - tcp_connection_closed.v0, made from what a connection knew at its end,
 * and the sinks it goes to.
 *
 * event_closed() is called by workers, once for every accepted connection; it
 * formats and hands the line to the writer thread through a bounded queue, so a
 * slow disk never stalls a worker.  What does not fit is counted.
 */
#ifndef EVENT_H
#define EVENT_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>
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
size_t event_format(const struct event_closed *c, char out[EVENT_LINE_MAX]);

struct events; /* the writer: a thread, its queue and its sinks */

/* <files>: appended to, created 0640; "-" is stdout.  NULL on failure, logged. */
struct events *events_open(char *const *files, unsigned n_files);
/* Writes what is queued, then stops.  NULL is fine. */
void events_close(struct events *ev);
/* SIGUSR1: files were rotated away, open them again. */
void events_reopen(struct events *ev);

/*
 * Writes to <files> from now on.  0, or -errno when one cannot be opened: logged,
 * and the old ones stay.
 */
int events_set_files(struct events *ev, char *const *files, unsigned n_files);

/* Any thread; never blocks. */
void event_closed(struct events *ev, const struct event_closed *c);
uint64_t events_emitted(const struct events *ev);
uint64_t events_lost(const struct events *ev);

/*
 * For followers: the newest lines stay in memory for a while.  events_seek()
 * gives the number of the first line at or after <since> that still is; NULL:
 * of the next one to come.
 *
 * events_read() copies whole lines from number *seq on and advances it.  With
 * none there it waits up to <timeout_ms>.  Returns the bytes, 0: timed out, or
 * -ESHUTDOWN once events_wake() or events_close() was called.  *ret_skipped: lines the
 * caller was too slow for.  <size> >= EVENT_LINE_MAX.
 */
uint64_t events_seek(struct events *ev, const struct timespec *since);
ssize_t events_read(struct events *ev, uint64_t *seq, char *buf, size_t size, int timeout_ms,
		    uint64_t *ret_skipped);
/* Ends every events_read() now and from now on, so that their callers can be joined. */
void events_wake(struct events *ev);
#endif
