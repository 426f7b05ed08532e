/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * paging - a part of a list: ?limit=N&before_id=ID, as in ngrok's API.
 */
#ifndef PAGING_H
#define PAGING_H

struct request;

/*
 * r->out, a list with "next_page_uri", becomes the page that was asked for: the newest first, at
 * most N, of those older than ID; nothing asked for: all, the oldest first.  0, or -1 with 400.
 */
int paging_apply(struct request *r, const char *path);
#endif
