/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * handover - what a running snisplitd says to the one that takes its place; see edge/upgrade.h for
 * who says what when.
 *
 * A message is a frame of chan.h, with types and tags of its own, and a few descriptors that travel
 * beside it.  Pure: no I/O.  A field that is missing is 0 or "", one that is unknown is skipped, so
 * that versions may differ; what must not differ is HANDOVER_FORMAT.
 */
#ifndef HANDOVER_H
#define HANDOVER_H
#include <stdint.h>

#include "chan.h"

#define HANDOVER_FORMAT 2
#define HANDOVER_BYTES_MAX (32U * 1024) /* of a message */
#define HANDOVER_FDS_MAX 8

enum handover_type {
	HANDOVER_HELLO = 1, /* new: what I am, what I want */
	HANDOVER_REFUSED,   /* either, instead of going on: why */
	HANDOVER_KERNEL,    /* old: there is a kernel path; the lock on its pins */
	HANDOVER_LISTENER,  /* old: a listening socket */
	HANDOVER_ELDER,	    /* old: another one before me still lives; its life line */
	HANDOVER_NAME,	  /* old: an endpoint that must keep its id, or that an agent will bring */
	HANDOVER_READY,	  /* old: that was all; new: I can take over */
	HANDOVER_CONN,	  /* old: a connection; client, upstream, then the pipes that are full */
	HANDOVER_COMMIT,  /* old: that was all */
	HANDOVER_SERVING, /* new: it is all mine */
	HANDOVER_DRAIN,	  /* new, later: I was told to stop, and so are you */
	HANDOVER_END,	  /* new, after that: my time is up, end what you still have */
	HANDOVER_ASK,	  /* new, later: of the connections you still have; <use> says what */
	HANDOVER_ANSWER,  /* old: to that, with its <serial>, and its <use> if it was understood */
	HANDOVER_INFO,	  /* in a list beside one of the two: a connection */
	HANDOVER_EVENT, /* old: in the stream of HANDOVER_ASK_EVENTS: a line of the event stream */
	HANDOVER_TYPE_MAX
};

/*
 * What is asked; <count> of the answer: how many.  A list is a file that travels beside the
 * message: HANDOVER_INFOs, one after another.  Only who has HANDOVER_ABLE_ANSWERS set in what it
 * said when it was replaced (READY; ELDER, of others) answers.
 */
enum handover_ask {
	HANDOVER_ASK_COUNT = 1,
	HANDOVER_ASK_LIST,
	HANDOVER_ASK_KILL, /* by <id>, here and below */
	HANDOVER_ASK_KILL_ENDPOINT,
	HANDOVER_ASK_KILL_CREDENTIAL,
	HANDOVER_ASK_KILL_DENIED, /* those of the list, because of an IP policy */
	/*
	 * Your events go into the stream that comes beside this, from now on, a message each; it
	 * takes the place of an earlier one.  The answer has a list of those whose events will
	 * come.  Who closes it has one that does not come there.
	 */
	HANDOVER_ASK_EVENTS,
	HANDOVER_ASK_MAX
};
#define HANDOVER_ABLE_ANSWERS 1 /* bits of <abilities> */
#define HANDOVER_ABLE_EVENTS 2	/* HANDOVER_ASK_EVENTS among them */

/* Which of a daemon's listening sockets. */
enum handover_use {
	HANDOVER_USE_TLS = 1,
	HANDOVER_USE_TUNNEL,
	HANDOVER_USE_CONTROL,
	HANDOVER_USE_HTTP,
	HANDOVER_USE_TCP,
	HANDOVER_USE_MAX
};

/* X(name): numbers of all messages but CONN, INFO and EVENT; the tag is the place in the list. */
#define HANDOVER_WHO(X) X(format) X(pid)
#define HANDOVER_WHAT(X) X(use) X(worker) X(count) X(created_s) X(created_ns) X(agent)
#define HANDOVER_LATER(X) X(abilities) X(serial)
#define HANDOVER_NUMBERS(X) HANDOVER_WHO(X) HANDOVER_WHAT(X) HANDOVER_LATER(X)

/* X(name, size): texts of them. */
#define HANDOVER_TEXTS(X) X(text, 512) X(version, 64) X(id, 64) X(host, 256)

struct handover {
	uint8_t type;
#define X(name) uint64_t name;
	HANDOVER_NUMBERS(X)
#undef X
#define X(name, size) char name[size];
	HANDOVER_TEXTS(X)
#undef X
};

/* X(name): of a connection.  Times are CLOCK_MONOTONIC's, but for start_s and start_frac. */
#define HANDOVER_CONN_ID(X) X(phase) X(worker) X(id_prefix) X(id_worker) X(number) X(channel)
#define HANDOVER_CONN_TIMES(X) X(start_s) X(start_frac) X(start) X(user) X(hello) X(dial)
#define HANDOVER_CONN_MORE(X) X(connected) X(first_byte) X(acked) X(acked_at)
#define HANDOVER_CONN_FATE(X) X(reason) X(ip_policy) X(fallback) X(acme)
#define HANDOVER_CONN_ODD(X) X(dropped) X(discarded) X(alert)
#define HANDOVER_HALF(X, h) X(h##_state) X(h##_mover) X(h##_moved) HANDOVER_REST(X, h)
#define HANDOVER_REST(X, h) X(h##_before) X(h##_prefix) X(h##_skipped) X(h##_piped)
#define HANDOVER_END(X, e) X(e##_fin) X(e##_shut)
#define HANDOVER_HALVES(X) HANDOVER_HALF(X, up) HANDOVER_HALF(X, down)
#define HANDOVER_ENDS(X) HANDOVER_END(X, client) HANDOVER_END(X, upstream)
#define HANDOVER_CONN_WHEN(X) HANDOVER_CONN_TIMES(X) HANDOVER_CONN_MORE(X)
#define HANDOVER_CONN_REST(X) HANDOVER_CONN_FATE(X) HANDOVER_CONN_ODD(X)
#define HANDOVER_CONN_FACTS(X) HANDOVER_CONN_ID(X) HANDOVER_CONN_WHEN(X) HANDOVER_CONN_REST(X)
#define HANDOVER_CONN_NUMBERS(X) HANDOVER_CONN_FACTS(X) HANDOVER_HALVES(X) HANDOVER_ENDS(X)

#define HANDOVER_ADDR_MAX 28
/* Bytes of a fixed length, or absent (zeroes, and has_proxy 0). */
#define HANDOVER_CONN_ADDRS(X) X(client_addr) X(upstream_addr) X(proxy_peer) X(proxy_server)

#define HANDOVER_CONN_HELLO(X) X(name, 256) X(ja4, 40) X(alpn, 96)
#define HANDOVER_CONN_WHERE(X) X(endpoint, 64) X(host, 256) X(target, 300) X(ends_at, 16)
#define HANDOVER_CONN_WHOSE(X) X(credential, 64)
#define HANDOVER_CONN_TO(X) HANDOVER_CONN_WHERE(X) HANDOVER_CONN_WHOSE(X)
#define HANDOVER_CONN_TEXTS(X) HANDOVER_CONN_HELLO(X) HANDOVER_CONN_TO(X)

struct handover_conn {
#define X(name) uint64_t name;
	HANDOVER_CONN_NUMBERS(X)
#undef X
#define X(name) uint8_t name[HANDOVER_ADDR_MAX];
	HANDOVER_CONN_ADDRS(X)
#undef X
#define X(name, size) char name[size];
	HANDOVER_CONN_TEXTS(X)
#undef X
	bool has_proxy;
};

/* X(name): of a connection that is only told of. */
#define HANDOVER_INFO_BYTES(X) X(bytes_in) X(bytes_out) X(bytes_user) X(bytes_kernel)
#define HANDOVER_INFO_WHEN(X) X(start_s) X(start_frac) X(idle_ms)
#define HANDOVER_INFO_NUMBERS(X) HANDOVER_INFO_BYTES(X) HANDOVER_INFO_WHEN(X) X(datapath) X(worker)
#define HANDOVER_INFO_ADDRS(X) X(client) X(server) X(upstream) /* zeroes: not known */
#define HANDOVER_INFO_TEXTS(X) X(id, 64) X(name, 256) X(endpoint, 64) X(state, 32)

struct handover_info {
#define X(name) uint64_t name;
	HANDOVER_INFO_NUMBERS(X)
#undef X
#define X(name) uint8_t name[HANDOVER_ADDR_MAX];
	HANDOVER_INFO_ADDRS(X)
#undef X
#define X(name, size) char name[size];
	HANDOVER_INFO_TEXTS(X)
#undef X
};

/* X(name, size): of what has happened.  The line ends in '\n'. */
#define HANDOVER_LINE_MAX 8192
#define HANDOVER_EVENT_TEXTS(X) X(line, HANDOVER_LINE_MAX)

struct handover_event {
#define X(name, size) char name[size];
	HANDOVER_EVENT_TEXTS(X)
#undef X
};

/* Appends one message. */
void handover_write(struct chan_out *o, const struct handover *h);
void handover_conn_write(struct chan_out *o, const struct handover_conn *c);
void handover_info_write(struct chan_out *o, const struct handover_info *i);
void handover_event_write(struct chan_out *o, const struct handover_event *e);

/*
 * 0, or -EBADMSG: not one whole message of a known type, a text too long, an address of another
 * length, HANDOVER_CONN, _INFO or _EVENT to the first, another type than theirs to the others.
 */
int handover_read(const uint8_t *buf, size_t len, struct handover *ret_h);
int handover_conn_read(const uint8_t *buf, size_t len, struct handover_conn *ret_c);
int handover_event_read(const uint8_t *buf, size_t len, struct handover_event *ret_e);
/* The one that a list starts with: *ret_len of its bytes.  0, or -EBADMSG. */
int handover_info_read(const uint8_t *buf, size_t len, struct handover_info *ret_i,
		       size_t *ret_len);
/* enum handover_type of what is in <buf>; 0: none. */
uint8_t handover_type_of(const uint8_t *buf, size_t len);
#endif
