/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * api - the control API: HTTP/1.1 and JSON on a unix socket, and the read-only
 * HTTP listener with /metrics.
 *
 * Runs on its own threads and asks the edge through edge.h.  Who may open the
 * socket may do everything: its mode and group are the access control.
 */
#ifndef API_H
#define API_H
#include <stddef.h>

struct api;
struct config;
struct edge;
struct store;

/* Listening sockets; -1: none. */
struct api_sockets {
	int control, http;
};

/*
 * Listens on the control socket and, unless switched off, on http:.  A socket
 * file nobody listens on is replaced; one that answers is not.  <given>: sockets of another
 * daemon, which it takes (-1 then: opens its own).  <c> is only read during the call.  Nothing is
 * answered before api_start().  NULL with the reason in <why>.
 *
 * A group that does not exist is a warning: then only the owner may connect.
 */
struct api *api_open(struct edge *e, struct store *s, const struct config *c,
		     struct api_sockets *given, char *why, size_t why_size);
int api_start(struct api *a, char *why, size_t why_size); /* 0 or -1 */

/*
 * For another daemon that takes this one's place: which sockets there are (they stay ours);
 * api_pause() stops taking connections from them, so that it gets all; api_start() goes on with
 * them, should it fail; after api_leave() the file of the control socket stays at api_close().
 */
void api_sockets(const struct api *a, struct api_sockets *ret_s);
void api_pause(struct api *a);
void api_leave(struct api *a);

/* Ends followers, waits for requests under way, removes the socket.  NULL is fine. */
void api_close(struct api *a);

/* "libmicrohttpd X, jansson Y", for --version. */
const char *api_library_versions(void);
#endif
