// SPDX-License-Identifier: GPL-2.0-only
/*
 * kill - connections ended by an operator: both sides are reset, what is queued is thrown away.
 */
#include "kill.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "edge_private.h"
#include "elders.h"
#include "log.h"
#include "privileged.h"

struct kill {
	enum handover_ask what;
	const char *id;
	char (*ids)[64]; /* HANDOVER_ASK_KILL_DENIED: sorted */
	size_t n_ids;
	unsigned killed;
};

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static bool is_meant(const struct kill *k, const struct conn *c)
{
	char id[CONN_ID_MAX];

	switch (k->what) {
	case HANDOVER_ASK_KILL:
		return !strcmp(conn_id(c, id), k->id);
	case HANDOVER_ASK_KILL_ENDPOINT:
		return c->endpoint && !strcmp(c->endpoint->id, k->id);
	case HANDOVER_ASK_KILL_CREDENTIAL:
		return c->endpoint && *k->id && !strcmp(c->endpoint->credential, k->id);
	case HANDOVER_ASK_KILL_DENIED:
		return bsearch(conn_id(c, id), k->ids, k->n_ids, sizeof(*k->ids), by_text);
	default:
		return false;
	}
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
		if (k->what == HANDOVER_ASK_KILL_DENIED)
			c->ip_policy = IP_POLICY_BLOCK;
		conn_close(c, k->what == HANDOVER_ASK_KILL_DENIED ? CLOSE_IP_DENIED : CLOSE_KILLED,
			   true);
		k->killed++;
	}
}

unsigned kill_here(struct edge *g, enum handover_ask what, const char *id)
{
	struct kill k = {.what = what, .id = id};

	edge_each_worker(g, kill_some, &k);
	return k.killed;
}

unsigned kill_denied_here(struct edge *g, char (*ids)[64], size_t n)
{
	struct kill k = {.what = HANDOVER_ASK_KILL_DENIED, .ids = ids, .n_ids = n};

	edge_each_worker(g, kill_some, &k);
	return k.killed;
}

/*
 * Earlier daemons first: what follows from there meanwhile is with our workers before these are
 * asked (an answer comes after what was sent before it).
 */
static unsigned kill_all(struct edge *g, enum handover_ask what, const char *id,
			 unsigned *ret_mute_pid)
{
	unsigned n = elders_kill(g, what, id, ret_mute_pid);

	return n + kill_here(g, what, id);
}

int edge_conn_kill(struct edge *g, const char *id, unsigned *ret_mute_pid)
{
	return kill_all(g, HANDOVER_ASK_KILL, id, ret_mute_pid) ? 0 : -ENOENT;
}

int edge_endpoint_kill(struct edge *g, const char *endpoint_id)
{
	return (int)kill_all(g, HANDOVER_ASK_KILL_ENDPOINT, endpoint_id, NULL);
}

int edge_credential_kill(struct edge *g, const char *credential_id)
{
	return (int)kill_all(g, HANDOVER_ASK_KILL_CREDENTIAL, credential_id, NULL);
}
