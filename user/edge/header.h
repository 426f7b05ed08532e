/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * header - the PROXY header that goes to an upstream before everything else, TLS of
 * ours included (proxy_proto: 1|2).
 *
 * v2 carries AUTHORITY (the name the client asked for), UNIQUE_ID (the connection's id)
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
#endif
