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

/*
 * Listens on the control socket and, unless switched off, on http:.  A socket
 * file nobody listens on is replaced; one that answers is not.  <c> is only read
 * during the call.  NULL with the reason in <why>.
 *
 * A group that does not exist is a warning: then only the owner may connect.
 */
struct api *api_open(struct edge *e, struct store *s, const struct config *c, char *why,
		     size_t why_size);

/* Ends followers, waits for requests under way, removes the socket.  NULL is fine. */
void api_close(struct api *a);

/* "libmicrohttpd X, jansson Y", for --version. */
const char *api_library_versions(void);
#endif
