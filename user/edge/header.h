/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * header - the PROXY header of a client that has to start with one (accept_proxy.from), and
 * the one that goes to an upstream before everything else, TLS of ours included
 * (proxy_proto: 1|2).
 *
 * Whether to look for one is never decided by looking: from ranges of accept_proxy.from it
 * must come, from everybody else it is payload, which is no TLS.
 *
 * In: the program leaves such a client to user space (FLOW_CLIENT_USER).  The header's bytes
 * are the client's TCP payload, so they are in bytes_in, but the upstream has none of them
 * (half.skipped).  Its addresses are the connection's from then on: for policies, limits,
 * the event and the header we write.  LOCAL, UNKNOWN and the like leave the socket's own.
 *
 * Out: v2 carries AUTHORITY (the name the client asked for), UNIQUE_ID (the connection's id)
 * and CRC32C, ALPN, and what we know of a TLS session that we ended.
 */
#ifndef HEADER_H
#define HEADER_H
#include "proxy.h"

/*
 * nginx 1.22 takes no more on a TLS listener.  In passthrough ALPN gives way where that
 * helps: which protocol is spoken the upstream learns in its own handshake anyway.
 */
#define HEADER_FIT 107

struct conn;

/* Of a session that we terminated; every member may be absent. */
struct header_session {
	const struct proxy_ssl *ssl; /* NULL: leave out */
	struct proxy_bytes alpn;     /* what was agreed on */
};

/*
 * Writes the header to c->upstream, of which nothing else may have been written, and
 * counts it there (half.prefix).  <s> NULL: passthrough; then ALPN is the first one the
 * client offered.  Does nothing for an endpoint without proxy_proto.  0, or -errno: the
 * upstream is of no use.
 */
int conn_write_header(struct conn *c, const struct header_session *s);

/*
 * Looks for the header in what was read of the client (c->up's pending bytes) and cuts it
 * off.  0: it goes on; 1: done, c->wants_header is false now; -1: the conn is closed.
 */
int conn_read_header(struct conn *c);
#endif
