// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill - connections ended by an operator: both sides are reset, what is queued is thrown away.
 */
#include <errno.h>
#include <string.h>

#include "conn.h"
#include "edge_private.h"
#include "log.h"
#include "privileged.h"

struct kill {
	const char *conn_id, *endpoint_id, *credential; /* one of them */
	int killed;
};

static bool is_meant(const struct kill *k, const struct conn *c)
{
	char id[CONN_ID_MAX];

	if (k->conn_id)
		return !strcmp(conn_id(c, id), k->conn_id);
	if (k->credential)
		return c->endpoint && !strcmp(c->endpoint->credential, k->credential);
	return c->endpoint && !strcmp(c->endpoint->id, k->endpoint_id);
}

/* What it fails at, conn_close() does by SO_LINGER. */
static void destroy(struct worker *w, const struct end *e)
{
	int err;

	if (e->fd == -1)
		return;
	err = privileged_destroy(w->edge->privileged, e->fd);
	if (err)
		log_debug("SOCK_DESTROY: %s", strerror(-err));
}

static void kill_some(struct worker *w, void *arg)
{
	struct list *it, *tmp;
	struct kill *k = arg;
	struct conn *c;

	list_for_each_safe(it, tmp, &w->conns) {
		c = list_of(it, struct conn, all);
		conn_on_paired(c);
		if (c->phase == CONN_DEAD || !is_meant(k, c))
			continue;
		destroy(w, &c->client);
		destroy(w, &c->upstream);
		conn_close(c, CLOSE_KILLED, true);
		k->killed++;
	}
}

static int kill_all(struct edge *g, struct kill *k)
{
	edge_each_worker(g, kill_some, k);
	return k->killed;
}

int edge_conn_kill(struct edge *g, const char *id)
{
	struct kill k = {.conn_id = id};

	return kill_all(g, &k) ? 0 : -ENOENT;
}

int edge_endpoint_kill(struct edge *g, const char *endpoint_id)
{
	struct kill k = {.endpoint_id = endpoint_id};

	return kill_all(g, &k);
}

int edge_credential_kill(struct edge *g, const char *credential_id)
{
	struct kill k = {.credential = credential_id};

	return kill_all(g, &k);
}
