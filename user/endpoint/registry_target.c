// SPDX-License-Identifier: GPL-2.0-only
/*
 * registry_target - the upstreams of an endpoint that has several, each with its own addresses,
 * pool and health.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "registry_entry.h"

static const char *text_of_agent(const struct endpoint *e)
{
	const char *text = endpoint_spec_value(&e->spec, FIELD_ID_UPSTREAM);

	if (!text)
		return "agent"; /* its channels say where they come from */
	return strncasecmp(text, "tls://", 6) ? text : text + 6;
}

static enum endpoint_balance balance_of(const char *word)
{
	if (word && !strcmp(word, "weighted"))
		return BALANCE_WEIGHTED;
	return word && !strcmp(word, "failover") ? BALANCE_FAILOVER : BALANCE_EVEN;
}

static void set_levels(struct endpoint *e, unsigned i, const struct endpoint_target *at)
{
	e->n_levels = at->n_levels ? at->n_levels : 1;
	if (at->n_levels)
		memcpy(e->levels, at->levels, sizeof(e->levels));
	else
		e->levels[0] = (struct endpoint_level){
			balance_of(endpoint_spec_value(&e->spec, FIELD_ID_BALANCE)), i, at->weight};
}

/* One that has gone meanwhile is dead from the start. */
static void set_tunnel(struct entry *t)
{
	struct registry *r = t->owner;
	struct endpoint *e = &t->e;

	e->tunnel = e->upstream;
	if (r->ops.on_tunnel)
		r->ops.on_tunnel(r->ops.arg, e);
	atomic_store(&e->dead, !e->agent);
	e->head->has_tunnels = true;
}

/* Most have one upstream, as plain as it was asked for: of 100,000 of them 3 MB. */
static int keep_text(struct entry *t, const char *text)
{
	const char *asked = endpoint_spec_value(&t->e.spec, FIELD_ID_UPSTREAM);

	if (!asked || strcmp(asked, text) != 0)
		asked = t->target_text = strdup(text);
	t->e.upstream = asked;
	return asked ? 0 : -ENOMEM;
}

int entry_set_target(struct entry *t, unsigned i, const struct endpoint_addrs *known, bool may_fail,
		     struct fault *f)
{
	struct endpoint *e = &t->e;
	struct endpoint_addrs addrs = endpoint_addrs_none;
	struct endpoint_target at = {.weight = 1};
	bool agent = e->origin == ENDPOINT_AGENT;
	int err = agent ? 0 : endpoint_spec_target(&e->spec, i, &at);

	e->empty = err == -ENOENT && e->origin == ENDPOINT_EDGE;
	if (err && !e->empty)
		return fault_set(f, 400, 0, "upstream", "is missing");
	if (keep_text(t, agent ? text_of_agent(e) : at.text))
		return fault_set(f, 500, 0, "", "out of memory");
	e->upstream_tls = at.tls;
	set_levels(e, i, &at);
	if (at.tunnel) {
		set_tunnel(t);
	} else if (e->empty) {
		return 0;
	} else if (known) {
		addrs = *known;
	} else if (!agent && registry_resolve(e->upstream, "upstream", &addrs, f)) {
		if (!may_fail)
			return -1;
		log_warn("endpoint %s: its upstream %s does not resolve; asking again", e->host,
			 e->upstream);
	}
	if (endpoint_addrs_keep(&e->addrs, &addrs))
		return fault_set(f, 500, 0, "", "out of memory");
	return 0;
}

/* What is the same for all of them. */
static struct entry *copy_of(struct registry *r, struct entry *head)
{
	struct entry *t = calloc(1, sizeof(*t));

	if (!t)
		return NULL;
	t->owner = r;
	atomic_fetch_add(&r->refs, 1);
	list_init(&t->order);
	memcpy(t->e.id, head->e.id, sizeof(t->e.id));
	t->e.host = strdup(head->e.host);
	t->e.wild = head->e.wild;
	t->e.tcp = head->e.tcp;
	t->e.origin = head->e.origin;
	t->e.created = head->e.created;
	t->e.datapath = head->e.datapath;
	if (endpoint_spec_value(&head->e.spec, FIELD_ID_PROXY_PROTO)) /* (a tunnel's is its own) */
		t->e.proxy_proto = head->e.proxy_proto;
	t->e.max_conns = head->e.max_conns;
	t->e.max_conns_per_source = head->e.max_conns_per_source;
	t->e.conn_rate = head->e.conn_rate;
	t->e.conn_rate_per_source = head->e.conn_rate_per_source;
	t->e.addrs = t->e.acme = &endpoint_addrs_none;
	t->e.tunnel = "";
	t->e.stats = head->e.stats;
	atomic_fetch_add(&t->e.stats->refs, 1);
	t->e.head = &head->e;
	t->on_done = head->on_done;
	if (t->e.host && !endpoint_addrs_keep(&t->e.acme, head->e.acme) &&
	    !endpoint_spec_copy(&head->e.spec, &t->e.spec))
		return t;
	entry_free(t);
	return NULL;
}

int entry_add_targets(struct registry *r, struct entry *head, const struct endpoint_known *known,
		      bool may_fail, struct fault *f)
{
	struct endpoint *last = &head->e;
	struct endpoint_target at;
	struct entry *t;

	for (unsigned i = 1; !endpoint_spec_target(&head->e.spec, i, &at); i++) {
		t = copy_of(r, head);
		if (!t)
			return fault_set(f, 500, 0, "", "out of memory");
		last->next_target = &t->e;
		last = &t->e;
		if (entry_set_target(t, i, known ? &known->more[i - 1] : NULL, may_fail, f))
			return -1;
		if (r->ops.on_new && r->ops.on_new(r->ops.arg, &t->e, f))
			return -1;
	}
	return 0;
}
