// SPDX-License-Identifier: GPL-2.0-only
/*
 * edge_online - what follows the registry: the kernel's maps, ports of TCP endpoints, policies,
 * agents.
 */
#include <errno.h>
#include <string.h>

#include "client_ca.h"
#include "edge_policy.h"
#include "edge_private.h"
#include "group.h"
#include "labelled.h"
#include "policies.h"
#include "pool.h"
#include "takeover.h"
#include "tcp_port.h"
#include "terminate.h"
#include "tunnel.h"

#define NOT_YOURS 320

/* a PROXY header has to be written before the program may send anything; limits are
 * counted where connections start; what is terminated never takes this path */
static bool kernel_may_start(const struct endpoint *e)
{
	return e->datapath != ENDPOINT_DP_USERSPACE && !e->proxy_proto && !e->max_conns &&
	       !e->max_conns_per_source && !e->conn_rate && !e->conn_rate_per_source &&
	       !e->tls_server && e->pool;
}

/* One that user space must start makes all of them so: the others would have its turns. */
static bool kernel_may_pick(const struct group *group)
{
	for (unsigned i = 0; i < group->n; i++)
		if (!kernel_may_start(group->members[i]))
			return false;
	return group->num;
}

/*
 * Nobody serves the name: user space decides whether a wildcard gets what comes for it; but where
 * an agent is on its way, or on its way back, the program does not either.
 */
static int hide(struct edge *g, const struct endpoint *e)
{
	const struct endpoint_value nobody = {.num = 0};

	/* (better a wildcard's for a while than the entry of one that is gone) */
	if (takeover_holds(g->takeover, e->host) &&
	    !kern_endpoint_put(g->kern, e->host, e->wild, &nobody))
		return 0;
	kern_endpoint_del(g->kern, e->host, e->wild);
	return 0;
}

int edge_show(struct edge *g, struct endpoint *e, const struct policy *p)
{
	struct endpoint_value v = {.num = e->num, .pool = e->pool, .policy = p ? p->id : 0};

	if (!g->kern || e->tcp)
		return 0;
	if (!endpoint_is_up(e))
		return hide(g, e);
	if (e->group) {
		v.pool = 0;
		v.group = e->group->num;
		v.made = e->group->v->made;
	}
	if (e->group ? kernel_may_pick(e->group) : kernel_may_start(e))
		v.flags |= ENDPOINT_KERNEL;
	return kern_endpoint_put(g->kern, e->host, e->wild, &v);
}

static int open_port(struct edge *g, struct endpoint *e)
{
	if (!e->tcp_port) /* back again, after a change that was refused */
		e->tcp_port = tcp_port_get(g->tcp_ports, e->host, NULL);
	return e->tcp_port ? tcp_port_accept(e->tcp_port) : -EADDRINUSE;
}

static int on_online(void *arg, struct endpoint *e)
{
	struct edge *g = arg;
	int err = edge_policy_renew(g, e);

	if (!err && !client_cas_are_there(g->client_cas, &e->spec))
		err = -EAGAIN;
	if (!err && e->tcp)
		return open_port(g, e);
	if (!err)
		err = edge_show(g, e, e->policy);
	if (!err && e->has_tunnels)
		pool_announce(g, e);
	return err;
}

static void on_shown(void *arg, struct endpoint *e)
{
	struct edge *g = arg;

	if (!e->tcp && edge_show(g, e, e->policy))
		kern_endpoint_del(g->kern, e->host, e->wild); /* left to user space */
}

static int on_new(void *arg, struct endpoint *e, struct fault *f)
{
	struct edge *g = arg;
	int err;

	if (!strcmp(e->host, g->own_name))
		return fault_set(f, 403, NOT_YOURS, "url", "'%s' is the edge's own name", e->host);
	err = e->head == e ? edge_policy_make(g, e, f) : 0;
	if (!err && e->tcp && e->head == e) {
		e->tcp_port = tcp_port_get(g->tcp_ports, e->host, f);
		err = e->tcp_port ? 0 : -1;
	}
	return err ? err : endpoint_terminate(e, &g->terminate, f);
}

static void on_free(void *arg, uint32_t num)
{
	struct edge *g = arg;

	(void)num;
	policies_sweep(g->policies);
}

static void on_done(struct endpoint *e)
{
	policy_put(e->policy);
	tcp_port_put(e->tcp_port);
	endpoint_terminate_done(e);
}

/* Under the registry's lock, which workers take too: they are not waited for. */
static void on_offline(void *arg, struct endpoint *e, struct endpoint *rest)
{
	struct edge *g = arg;

	/* what cannot be told of the rest is left to user space */
	if (g->kern && !e->tcp && (!rest || edge_show(g, rest, rest->policy)))
		hide(g, e);
	tcp_port_put(e->tcp_port);
	e->tcp_port = NULL;
	if (e->origin == ENDPOINT_AGENT)
		tunnel_gone(g->tunnel, e);
	atomic_fetch_add(&g->gone_seq, 1);
}

static int on_found_tunnel(void *arg, const struct labelled_tunnel *t)
{
	struct endpoint *target = arg;

	if (strcmp(t->id, target->tunnel))
		return 0;
	target->agent = t->agent;
	target->proxy_proto = t->proxy_proto;
	memcpy(target->credential, t->credential, sizeof(target->credential));
	return 1;
}

static void on_tunnel(void *arg, struct endpoint *target)
{
	struct edge *g = arg;

	labelled_each(g->labelled, on_found_tunnel, target);
}

static struct group_value *group_value_of(void *arg, uint32_t num)
{
	struct edge *g = arg;

	return kern_group(g->kern, num);
}

void edge_hook_registry(struct edge *g)
{
	struct registry_ops ops = {.arg = g,
				   .on_new = on_new,
				   .on_tunnel = on_tunnel,
				   .on_online = on_online,
				   .on_shown = on_shown,
				   .on_offline = on_offline,
				   .on_free = on_free,
				   .on_done = on_done};

	if (g->kern) {
		ops.n_pools = g->n_pools;
		ops.pools_each = g->n_workers;
		ops.n_groups = EDGE_GROUPS;
		ops.group_value = group_value_of;
	}
	registry_set_ops(g->registry, &ops);
}
