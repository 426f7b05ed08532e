// SPDX-License-Identifier: GPL-2.0-only
#include "edge_policy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "conn.h"
#include "edge_private.h"
#include "elders.h"
#include "ip_policy_store.h"
#include "log.h"
#include "policies.h"

struct ip_policies *edge_ip_policies(struct edge *g)
{
	return g->ip_policies;
}

int edge_policy_open(struct edge *g)
{
	pthread_mutex_init(&g->policy_lock, NULL);
	g->policies = policies_new(g->kern);
	g->ip_policies = ip_policies_new();
	return g->policies && g->ip_policies ? 0 : -ENOMEM;
}

void edge_policy_close(struct edge *g)
{
	policies_free(g->policies);
	ip_policies_free(g->ip_policies);
	pthread_mutex_destroy(&g->policy_lock);
}

/* ---- endpoints ---- */

/* The policy of <e>'s spec as it is now, NULL for none. */
static int policy_of(struct edge *g, const struct endpoint *e, struct policy **ret_p,
		     uint64_t *ret_state, struct fault *f)
{
	struct policy_rules rules = {0};
	int err;

	*ret_p = NULL;
	*ret_state = 0;
	if (!ip_policy_is_asked(&e->spec))
		return 0;
	if (ip_policies_rules(g->ip_policies, &e->spec, &rules, ret_state, f)) {
		policy_rules_done(&rules);
		return -1;
	}
	err = policies_take(g->policies, &rules, ret_p);
	policy_rules_done(&rules);
	return err ? fault_set(f, 503, 0, "", "the kernel's map of IP policies: %s", strerror(-err))
		   : 0;
}

int edge_policy_make(struct edge *g, struct endpoint *e, struct fault *f)
{
	return policy_of(g, e, &e->policy, &e->policy_state, f);
}

int edge_policy_renew(struct edge *g, struct endpoint *e)
{
	struct policy *p;
	uint64_t state;
	struct fault f;

	if (!endpoint_spec_value(&e->spec, FIELD_ID_IP_POLICIES) ||
	    e->policy_state == ip_policies_state(g->ip_policies))
		return 0;
	if (policy_of(g, e, &p, &state, &f)) {
		log_err("endpoint %s: %s", e->host, f.msg);
		return -EAGAIN;
	}
	policies_set(g->policies, &e->policy, p);
	e->policy_state = state;
	return 0;
}

struct change {
	struct edge *edge;
	const char *policy_id;
	struct policy *p;
	uint64_t state;
	struct fault *f;
	unsigned n; /* endpoints that name the policy */
};

/* The registry's lock is held: <e> is online. */
static int exchange_one(void *arg, struct endpoint *e)
{
	struct change *ch = arg;
	int err = edge_show(ch->edge, e, ch->p);

	if (err)
		return fault_set(ch->f, 500, 0, "", "%s%s cannot be changed in the kernel: %s",
				 endpoint_scheme(e->host), e->host, strerror(-err));
	policies_set(ch->edge->policies, &e->policy, policy_get(ch->p));
	e->policy_state = ch->state;
	return 0;
}

static int apply_one(void *arg, struct endpoint *e)
{
	struct change *ch = arg;
	int err;

	if (!ip_policy_is_named(&e->spec, ch->policy_id))
		return 0;
	ch->n++;
	if (policy_of(ch->edge, e, &ch->p, &ch->state, ch->f))
		return -1;
	err = registry_with(ch->edge->registry, e, exchange_one, ch);
	policy_put(ch->p);
	return err;
}

static int apply(struct edge *g, const char *policy_id, struct fault *f)
{
	struct change ch = {.edge = g, .policy_id = policy_id, .f = f};
	int err = registry_each(g->registry, apply_one, &ch);

	policies_sweep(g->policies);
	return err ? -1 : 0;
}

/* What holds is again what did before a change that failed. */
static void take_back(struct edge *g, const char *policy_id)
{
	struct fault why = {.msg = ""};

	if (apply(g, policy_id, &why))
		log_err("%s: a change of it failed, and not all endpoints are back at what held "
			"before: %s; make the change again",
			policy_id, why.msg);
}

/* ---- live connections ---- */

struct purge {
	struct edge *edge;
	const char *policy_id, *endpoint_id; /* the connections of which; one is NULL */
	int killed;
};

/* By what its endpoint is today: a reload may have put another in its place. */
static bool is_denied_now(const struct purge *p, const char *endpoint_id,
			  const struct sockaddr_storage *client)
{
	struct edge *g = p->edge;
	struct endpoint *e;
	bool denied = false;

	if (p->endpoint_id && strcmp(p->endpoint_id, endpoint_id))
		return false;
	e = registry_find(g->registry, endpoint_id);
	if (e && (p->endpoint_id || ip_policy_is_named(&e->spec, p->policy_id)))
		denied = policies_judge(g->policies, &e->policy, client) == POLICY_DENY;
	endpoint_put(e);
	return denied;
}

/* One of an earlier daemon's. */
static bool is_denied_there(void *arg, const struct handover_info *i)
{
	struct sockaddr_storage client = {.ss_family = AF_UNSPEC};

	memcpy(&client, i->client, sizeof(i->client));
	return *i->endpoint && is_denied_now(arg, i->endpoint, &client);
}

static void purge(struct worker *w, void *arg)
{
	struct sockaddr_storage client;
	struct list *it, *tmp;
	struct purge *p = arg;
	struct conn *c;

	list_for_each_safe(it, tmp, &w->conns) {
		c = list_of(it, struct conn, all);
		conn_on_paired(c);
		if (c->phase == CONN_DEAD || !c->endpoint)
			continue;
		conn_client_addr(c, &client);
		if (!is_denied_now(p, c->endpoint->id, &client))
			continue;
		c->ip_policy = IP_POLICY_BLOCK;
		conn_close(c, CLOSE_IP_DENIED, true);
		p->killed++;
	}
}

/* (what follows from an earlier daemon meanwhile is with our workers before these are asked) */
static int purge_all(struct edge *g, struct purge *p)
{
	p->killed = (int)elders_kill_denied(g, is_denied_there, p);
	edge_each_worker(g, purge, p);
	return p->killed;
}

static int kill_denied(struct edge *g, const char *policy_id)
{
	struct purge p = {.edge = g, .policy_id = policy_id};

	return purge_all(g, &p);
}

int edge_endpoint_kill_denied(struct edge *g, const char *endpoint_id)
{
	struct purge p = {.edge = g, .endpoint_id = endpoint_id};

	return purge_all(g, &p);
}

/* ---- changes ---- */

int edge_ip_policy_add(struct edge *g, struct ip_policy_head *h, struct fault *f)
{
	int err;

	pthread_mutex_lock(&g->policy_lock);
	err = ip_policy_add(g->ip_policies, h, f);
	if (!err && ip_policy_save(g->store, h, f)) {
		ip_policy_remove(g->ip_policies, h->id, NULL);
		err = -1;
	}
	pthread_mutex_unlock(&g->policy_lock);
	return err;
}

static int copy_created(void *arg, const struct ip_policy *p)
{
	*(struct timespec *)arg = p->head.created;
	return 0;
}

int edge_ip_policy_set(struct edge *g, const struct ip_policy_head *h, struct fault *f)
{
	struct ip_policy_head row = *h, texts;
	int err;

	if (ip_policy_head_copy(h, &texts))
		return fault_set(f, 500, 0, "", "out of memory");
	pthread_mutex_lock(&g->policy_lock);
	ip_policy_with(g->ip_policies, h->id, copy_created, &row.created);
	err = ip_policy_exchange(g->ip_policies, &texts, f);
	if (!err) {
		err = ip_policy_save(g->store, &row, f);
		if (err)
			ip_policy_exchange(g->ip_policies, &texts, NULL);
	}
	pthread_mutex_unlock(&g->policy_lock);
	ip_policy_head_done(&texts);
	return err;
}

static int find_user(void *arg, struct endpoint *e)
{
	struct change *ch = arg;

	if (!ip_policy_is_named(&e->spec, ch->policy_id))
		return 0;
	return fault_set(ch->f, 409, 0, "", "%s%s names it; take it from there first",
			 endpoint_scheme(e->host), e->host);
}

int edge_ip_policy_remove(struct edge *g, const char *id, struct fault *f)
{
	struct change ch = {.edge = g, .policy_id = id, .f = f};
	int err;

	pthread_mutex_lock(&g->policy_lock);
	err = registry_each(g->registry, find_user, &ch);
	if (!err)
		err = ip_policy_forget(g->ip_policies, g->store, id, f);
	if (!err)
		err = ip_policy_remove(g->ip_policies, id, f);
	pthread_mutex_unlock(&g->policy_lock);
	return err ? -1 : 0;
}

int edge_ip_rule_add(struct edge *g, const char *policy_id, const struct cidr *c, bool deny,
		     struct ip_policy_head *h, bool kill, int *ret_killed, struct fault *f)
{
	int err;

	pthread_mutex_lock(&g->policy_lock);
	err = ip_policy_rule_add(g->ip_policies, policy_id, c, deny, h, f);
	if (!err) {
		err = apply(g, policy_id, f) ||
				      ip_policy_rule_save(g->store, policy_id, c, deny, h, f)
			      ? -1
			      : 0;
		if (err) {
			ip_policy_rule_free(ip_policy_rule_take(g->ip_policies, h->id, NULL));
			take_back(g, policy_id);
		}
	}
	*ret_killed = !err && kill ? kill_denied(g, policy_id) : 0;
	pthread_mutex_unlock(&g->policy_lock);
	return err;
}

struct rule_now {
	char policy_id[IP_POLICY_ID_MAX];
	struct timespec created;
};

static int look_at_rule(void *arg, const struct ip_policy_rule *r)
{
	struct rule_now *to = arg;

	memcpy(to->policy_id, r->policy_id, sizeof(to->policy_id));
	to->created = r->head.created;
	return 0;
}

int edge_ip_rule_set(struct edge *g, const struct cidr *c, bool deny,
		     const struct ip_policy_head *h, bool kill, int *ret_killed, struct fault *f)
{
	struct ip_policy_rule other = {.cidr = *c, .deny = deny};
	struct ip_policy_head row = *h;
	struct rule_now now = {.policy_id = ""};
	int err;

	if (ip_policy_head_copy(h, &other.head))
		return fault_set(f, 500, 0, "", "out of memory");
	pthread_mutex_lock(&g->policy_lock);
	ip_policy_rule_with(g->ip_policies, h->id, look_at_rule, &now);
	row.created = now.created;
	err = ip_policy_rule_exchange(g->ip_policies, &other, f);
	if (!err) {
		err = apply(g, now.policy_id, f) ||
				      ip_policy_rule_save(g->store, now.policy_id, c, deny, &row, f)
			      ? -1
			      : 0;
		if (err) {
			ip_policy_rule_exchange(g->ip_policies, &other, NULL);
			take_back(g, now.policy_id);
		}
	}
	*ret_killed = !err && kill ? kill_denied(g, now.policy_id) : 0;
	pthread_mutex_unlock(&g->policy_lock);
	ip_policy_head_done(&other.head);
	return err;
}

int edge_ip_rule_remove(struct edge *g, const char *id, bool kill, int *ret_killed, struct fault *f)
{
	struct ip_policy_rule *r;
	int err = -1;

	*ret_killed = 0;
	pthread_mutex_lock(&g->policy_lock);
	r = ip_policy_rule_take(g->ip_policies, id, f);
	if (r) {
		err = apply(g, r->policy_id, f) || ip_policy_rule_forget(g->store, id, f) ? -1 : 0;
		if (!err && kill)
			*ret_killed = kill_denied(g, r->policy_id);
	}
	if (r && err) {
		ip_policy_rule_give_back(g->ip_policies, r);
		take_back(g, r->policy_id);
	} else {
		ip_policy_rule_free(r);
	}
	pthread_mutex_unlock(&g->policy_lock);
	return err;
}
