// SPDX-License-Identifier: GPL-2.0-only
#include "ip_policy.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "stamp.h"
#include "ulid.h"

struct ip_policies {
	pthread_mutex_t lock;
	struct list all; /* oldest first */
	uint64_t state;
};

/* ---- life and death ---- */

void ip_policy_head_done(struct ip_policy_head *h)
{
	free(h->description);
	free(h->metadata);
	h->description = h->metadata = NULL;
}

int ip_policy_head_copy(const struct ip_policy_head *h, struct ip_policy_head *ret_to)
{
	*ret_to = *h;
	ret_to->description = h->description ? strdup(h->description) : NULL;
	ret_to->metadata = h->metadata ? strdup(h->metadata) : NULL;
	if (!h->description == !ret_to->description && !h->metadata == !ret_to->metadata)
		return 0;
	ip_policy_head_done(ret_to);
	return -ENOMEM;
}

static int head_copy(struct ip_policy_head *h, const char *prefix, struct ip_policy_head *ret_to)
{
	if (!*h->id) {
		ulid_new(prefix, h->id, sizeof(h->id));
		h->created = stamp_now();
	}
	return ip_policy_head_copy(h, ret_to);
}

void ip_policy_rule_free(struct ip_policy_rule *r)
{
	if (!r)
		return;
	list_del(&r->link);
	ip_policy_head_done(&r->head);
	free(r);
}

static void policy_free(struct ip_policy *p)
{
	while (!list_empty(&p->rules))
		ip_policy_rule_free(list_of(p->rules.next, struct ip_policy_rule, link));
	list_del(&p->link);
	ip_policy_head_done(&p->head);
	free(p);
}

struct ip_policies *ip_policies_new(void)
{
	struct ip_policies *ip = calloc(1, sizeof(*ip));

	if (!ip)
		return NULL;
	pthread_mutex_init(&ip->lock, NULL);
	list_init(&ip->all);
	return ip;
}

void ip_policies_free(struct ip_policies *ip)
{
	if (!ip)
		return;
	while (!list_empty(&ip->all))
		policy_free(list_of(ip->all.next, struct ip_policy, link));
	pthread_mutex_destroy(&ip->lock);
	free(ip);
}

/* ---- under the lock ---- */

static struct ip_policy *find(const struct ip_policies *ip, const char *id)
{
	struct list *it;

	list_for_each(it, &ip->all)
		if (!strcmp(list_of(it, struct ip_policy, link)->head.id, id))
			return list_of(it, struct ip_policy, link);
	return NULL;
}

static struct ip_policy_rule *find_rule(const struct ip_policies *ip, const char *id)
{
	struct list *it, *jt;

	list_for_each(it, &ip->all)
		list_for_each(jt, &list_of(it, struct ip_policy, link)->rules)
			if (!strcmp(list_of(jt, struct ip_policy_rule, link)->head.id, id))
				return list_of(jt, struct ip_policy_rule, link);
	return NULL;
}

static int no_policy(const char *id, struct fault *f)
{
	return fault_set(f, 404, 0, "", "no IP policy '%.40s'", id);
}

static int no_rule(const char *id, struct fault *f)
{
	return fault_set(f, 404, 0, "", "no IP policy rule '%.40s'", id);
}

static int no_memory(struct fault *f)
{
	return fault_set(f, 500, 0, "", "out of memory");
}

static int add_policy(struct ip_policies *ip, struct ip_policy_head *h, struct fault *f)
{
	struct ip_policy *p;

	if (*h->id && find(ip, h->id))
		return fault_set(f, 409, 0, "id", "%s exists already", h->id);
	p = calloc(1, sizeof(*p));
	if (!p)
		return no_memory(f);
	list_init(&p->link);
	list_init(&p->rules);
	if (head_copy(h, "ipp_", &p->head)) {
		policy_free(p);
		return no_memory(f);
	}
	list_add_tail(&ip->all, &p->link);
	return 0;
}

static int add_rule(struct ip_policies *ip, const char *policy_id, const struct cidr *c, bool deny,
		    struct ip_policy_head *h, struct fault *f)
{
	struct ip_policy *p = find(ip, policy_id);
	struct ip_policy_rule *r;

	if (!p)
		return no_policy(policy_id, f);
	if (*h->id && find_rule(ip, h->id))
		return fault_set(f, 409, 0, "id", "%s exists already", h->id);
	if (p->n_rules == POLICY_RULES_MAX)
		return fault_set(f, 400, 0, "ip_policy_id", "%s has %d rules already, no more fit",
				 policy_id, POLICY_RULES_MAX);
	r = calloc(1, sizeof(*r));
	if (!r)
		return no_memory(f);
	list_init(&r->link);
	r->cidr = *c;
	r->deny = deny;
	memcpy(r->policy_id, p->head.id, sizeof(r->policy_id));
	if (head_copy(h, "ipr_", &r->head)) {
		ip_policy_rule_free(r);
		return no_memory(f);
	}
	list_add_tail(&p->rules, &r->link);
	p->n_rules++;
	ip->state++;
	return 0;
}

/* ---- the verbs ---- */

int ip_policy_add(struct ip_policies *ip, struct ip_policy_head *h, struct fault *f)
{
	int err;

	pthread_mutex_lock(&ip->lock);
	err = add_policy(ip, h, f);
	pthread_mutex_unlock(&ip->lock);
	return err;
}

int ip_policy_rule_add(struct ip_policies *ip, const char *policy_id, const struct cidr *c,
		       bool deny, struct ip_policy_head *h, struct fault *f)
{
	int err;

	pthread_mutex_lock(&ip->lock);
	err = add_rule(ip, policy_id, c, deny, h, f);
	pthread_mutex_unlock(&ip->lock);
	return err;
}

static void exchange_texts(struct ip_policy_head *a, struct ip_policy_head *b)
{
	struct ip_policy_head old = *a;

	a->description = b->description;
	a->metadata = b->metadata;
	b->description = old.description;
	b->metadata = old.metadata;
}

int ip_policy_exchange(struct ip_policies *ip, struct ip_policy_head *h, struct fault *f)
{
	struct ip_policy *p;

	pthread_mutex_lock(&ip->lock);
	p = find(ip, h->id);
	if (p)
		exchange_texts(&p->head, h);
	pthread_mutex_unlock(&ip->lock);
	return p ? 0 : no_policy(h->id, f);
}

int ip_policy_rule_exchange(struct ip_policies *ip, struct ip_policy_rule *with, struct fault *f)
{
	struct ip_policy_rule *r, old;

	pthread_mutex_lock(&ip->lock);
	r = find_rule(ip, with->head.id);
	if (r) {
		old = *r;
		exchange_texts(&r->head, &with->head);
		r->cidr = with->cidr;
		r->deny = with->deny;
		with->cidr = old.cidr;
		with->deny = old.deny;
		ip->state++;
	}
	pthread_mutex_unlock(&ip->lock);
	return r ? 0 : no_rule(with->head.id, f);
}

int ip_policy_remove(struct ip_policies *ip, const char *id, struct fault *f)
{
	struct ip_policy *p;

	pthread_mutex_lock(&ip->lock);
	p = find(ip, id);
	if (p) {
		policy_free(p);
		ip->state++;
	}
	pthread_mutex_unlock(&ip->lock);
	return p ? 0 : no_policy(id, f);
}

struct ip_policy_rule *ip_policy_rule_take(struct ip_policies *ip, const char *id, struct fault *f)
{
	struct ip_policy_rule *r;

	pthread_mutex_lock(&ip->lock);
	r = find_rule(ip, id);
	if (r) {
		find(ip, r->policy_id)->n_rules--;
		list_del(&r->link);
		ip->state++;
	}
	pthread_mutex_unlock(&ip->lock);
	if (!r)
		no_rule(id, f);
	return r;
}

void ip_policy_rule_give_back(struct ip_policies *ip, struct ip_policy_rule *r)
{
	struct ip_policy *p;

	pthread_mutex_lock(&ip->lock);
	p = find(ip, r->policy_id);
	list_add_tail(&p->rules, &r->link);
	p->n_rules++;
	ip->state++;
	pthread_mutex_unlock(&ip->lock);
}

int ip_policy_each(struct ip_policies *ip, int (*fn)(void *arg, const struct ip_policy *p),
		   void *arg)
{
	struct list *it;
	int res = 0;

	pthread_mutex_lock(&ip->lock);
	list_for_each(it, &ip->all) {
		res = fn(arg, list_of(it, struct ip_policy, link));
		if (res)
			break;
	}
	pthread_mutex_unlock(&ip->lock);
	return res;
}

int ip_policy_with(struct ip_policies *ip, const char *id,
		   int (*fn)(void *arg, const struct ip_policy *p), void *arg)
{
	struct ip_policy *p;
	int res;

	pthread_mutex_lock(&ip->lock);
	p = find(ip, id);
	res = p ? fn(arg, p) : -ENOENT;
	pthread_mutex_unlock(&ip->lock);
	return res;
}

int ip_policy_rule_with(struct ip_policies *ip, const char *id,
			int (*fn)(void *arg, const struct ip_policy_rule *r), void *arg)
{
	struct ip_policy_rule *r;
	int res;

	pthread_mutex_lock(&ip->lock);
	r = find_rule(ip, id);
	res = r ? fn(arg, r) : -ENOENT;
	pthread_mutex_unlock(&ip->lock);
	return res;
}

/* ---- what an endpoint asks for ---- */

static int take_rules(const struct ip_policy *p, struct policy_rules *r, struct fault *f)
{
	struct list *it;

	list_for_each(it, &p->rules) {
		const struct ip_policy_rule *rule = list_of(it, struct ip_policy_rule, link);
		int err = policy_rules_add(r, &rule->cidr, rule->deny);

		if (err == -E2BIG)
			return fault_set(f, 400, 0, "ip_policies",
					 "an endpoint may have %d rules, no more",
					 POLICY_RULES_MAX);
		if (err)
			return no_memory(f);
	}
	return 0;
}

static int take_shared(struct ip_policies *ip, const char *ids, struct policy_rules *r,
		       struct fault *f)
{
	char id[FIELD_ITEM_MAX];
	const struct ip_policy *p;

	while (ids && (ids = field_item(ids, id))) {
		p = find(ip, id);
		if (!p)
			return fault_set(f, 400, 0, "ip_policies", "no IP policy '%.40s'", id);
		if (take_rules(p, r, f))
			return -1;
	}
	return 0;
}

int ip_policies_rules(struct ip_policies *ip, const struct endpoint_spec *s,
		      struct policy_rules *ret_r, uint64_t *ret_state, struct fault *f)
{
	int err;

	if (policy_rules_add_list(ret_r, endpoint_spec_value(s, FIELD_ID_CIDR_ALLOW), false,
				  "cidr_allow", f) ||
	    policy_rules_add_list(ret_r, endpoint_spec_value(s, FIELD_ID_CIDR_DENY), true,
				  "cidr_deny", f))
		return -1;
	pthread_mutex_lock(&ip->lock);
	*ret_state = ip->state;
	err = take_shared(ip, endpoint_spec_value(s, FIELD_ID_IP_POLICIES), ret_r, f);
	pthread_mutex_unlock(&ip->lock);
	return err;
}

uint64_t ip_policies_state(struct ip_policies *ip)
{
	uint64_t state;

	pthread_mutex_lock(&ip->lock);
	state = ip->state;
	pthread_mutex_unlock(&ip->lock);
	return state;
}

bool ip_policy_is_asked(const struct endpoint_spec *s)
{
	return endpoint_spec_value(s, FIELD_ID_CIDR_ALLOW) ||
	       endpoint_spec_value(s, FIELD_ID_CIDR_DENY) ||
	       endpoint_spec_value(s, FIELD_ID_IP_POLICIES);
}

bool ip_policy_is_named(const struct endpoint_spec *s, const char *id)
{
	const char *ids = endpoint_spec_value(s, FIELD_ID_IP_POLICIES);
	char item[FIELD_ITEM_MAX];

	while (ids && (ids = field_item(ids, item)))
		if (!strcmp(item, id))
			return true;
	return false;
}
