// SPDX-License-Identifier: GPL-2.0-only
/*
 * listeners - all addresses for all workers, at the start.
 */
#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "listener.h"
#include "edge_private.h"
#include "log.h"
#include "takeover.h"

/* The one whose place we take listens there, and we shall have its sockets. */
static int probe(const struct edge *g, const struct config_addr *a, char *why, size_t why_size)
{
	if (takeover_has_listener(g->takeover, HANDOVER_USE_TLS, a->text))
		return 0;
	return listener_probe(a, why, why_size);
}

static int open_one(struct edge *g, struct worker *w, const struct config_addr *a)
{
	int fd = takeover_listener(g->takeover, HANDOVER_USE_TLS, a->text, w->index), err;

	if (fd == -1)
		return listener_open(w, a);
	err = listener_adopt(w, fd, a->text);
	if (err)
		close(fd);
	return err;
}

int listeners_open(struct edge *g, char *why, size_t why_size)
{
	const struct config *c = g->config;
	unsigned i, j, open = 0;
	int err;

	for (i = 0; i < c->n_listen; i++) {
		err = probe(g, &c->listen[i], why, why_size);
		/* no IPv6 on this machine: the other addresses serve */
		if (err == -EAFNOSUPPORT || (err == -EADDRNOTAVAIL && c->n_listen > 1)) {
			log_warn("not listening on %s: %s", c->listen[i].text, strerror(-err));
			continue;
		}
		if (err)
			return err;
		for (j = 0; j < g->n_workers; j++) {
			err = open_one(g, &g->workers[j], &c->listen[i]);
			if (err) {
				snprintf(why, why_size, "cannot listen on %s: %s",
					 c->listen[i].text, strerror(-err));
				return err;
			}
		}
		/* it had more workers: theirs have connections waiting */
		assert(g->n_workers);
		while (g->takeover && j < WORKERS_MAX) {
			int fd = takeover_listener(g->takeover, HANDOVER_USE_TLS, c->listen[i].text,
						   j);

			if (fd != -1 &&
			    listener_adopt(&g->workers[j % g->n_workers], fd, c->listen[i].text))
				close(fd);
			j++;
		}
		open++;
	}
	if (!open) {
		snprintf(why, why_size, "none of the listen addresses can be used");
		return -EADDRNOTAVAIL;
	}
	return 0;
}
