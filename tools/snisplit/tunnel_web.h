/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tunnel_web - the agent's local API, read only, for this machine: a thread that answers one
 * request at a time.
 *
 *	GET /api/status, /api/tunnels, /api/tunnels/NAME, /api/endpoints, /
 */
#ifndef TUNNEL_WEB_H
#define TUNNEL_WEB_H
#include <stdbool.h>

struct tunnel_state;
struct tunnel_web;

/*
 * <addr> "false": none; NULL: 127.0.0.1:4040 or, if that is in use, a port soon after.  False after
 * a message: not for the default, which is left out then.
 */
bool tunnel_web_open(struct tunnel_state *s, const char *addr, struct tunnel_web **ret_w);
void tunnel_web_close(struct tunnel_web *w); /* NULL is fine */
#endif
