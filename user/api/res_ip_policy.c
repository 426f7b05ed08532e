// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_ip_policy - /ip_policies and /ip_policy_rules; their fields follow ngrok's.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "request.h"
#include "edge.h"
#include "edge_policy.h"
#include "log.h"
#include "stamp.h"

#define CIDR_INVALID 362
#define TEXT_MAX_DESCRIPTION 255
#define TEXT_MAX_METADATA 4096

static struct ip_policies *all_of(struct request *r)
{
	return edge_ip_policies(r->api->edge);
}

/* ---- as JSON ---- */

static json_t *reference(const char *id)
{
	char uri[IP_POLICY_ID_MAX + 32];

	snprintf(uri, sizeof(uri), "/ip_policies/%s", id);
	return json_pack("{s:s, s:s}", "id", id, "uri", uri);
}

static json_t *head_json(const struct ip_policy_head *h, const char *path)
{
	char uri[IP_POLICY_ID_MAX + 32], created[STAMP_TEXT_MAX];

	snprintf(uri, sizeof(uri), "%s/%s", path, h->id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s}", "id", h->id, "uri", uri, "created_at",
			 stamp_text(&h->created, created), "description",
			 h->description ? h->description : "", "metadata",
			 h->metadata ? h->metadata : "");
}

static json_t *rule_json(const struct ip_policy_rule *rule)
{
	json_t *j = head_json(&rule->head, "/ip_policy_rules");
	char cidr[CIDR_TEXT_MAX];

	if (j && json_object_update_new(j, json_pack("{s:s, s:o, s:s}", "cidr",
						     cidr_text(&rule->cidr, cidr), "ip_policy",
						     reference(rule->policy_id), "action",
						     rule->deny ? "deny" : "allow"))) {
		json_decref(j);
		j = NULL;
	}
	return j;
}

/* <rules>: appended to; NULL is fine. */
static int add_rules(json_t *rules, const struct ip_policy *p)
{
	struct list *it;

	list_for_each(it, &p->rules)
		if (json_array_append_new(rules,
					  rule_json(list_of(it, struct ip_policy_rule, link))))
			return -ENOMEM;
	return 0;
}

/* ngrok's has no rules in it; here they are a list of a few lines. */
static json_t *policy_json(const struct ip_policy *p)
{
	json_t *j = head_json(&p->head, "/ip_policies"), *rules = json_array();

	if (!j || !rules || add_rules(rules, p)) {
		json_decref(j);
		json_decref(rules);
		return NULL;
	}
	json_object_set_new(j, "rules", rules);
	return j;
}

static int take_policy(void *arg, const struct ip_policy *p)
{
	*(json_t **)arg = policy_json(p);
	return 0;
}

static int take_rule(void *arg, const struct ip_policy_rule *rule)
{
	*(json_t **)arg = rule_json(rule);
	return 0;
}

static int list_policy(void *arg, const struct ip_policy *p)
{
	return json_array_append_new(arg, policy_json(p));
}

static int list_rules(void *arg, const struct ip_policy *p)
{
	return add_rules(arg, p);
}

static int answer_policy(struct request *r, unsigned status, const char *id)
{
	json_t *j = NULL;

	if (ip_policy_with(all_of(r), id, take_policy, &j))
		return fault_set(&r->fault, 404, 0, "", "no IP policy '%.40s'", id);
	return request_answer(r, status, j);
}

/* <killed> < 0: it was not asked for. */
static int answer_rule(struct request *r, unsigned status, const char *id, int killed)
{
	json_t *j = NULL;

	if (ip_policy_rule_with(all_of(r), id, take_rule, &j))
		return fault_set(&r->fault, 404, 0, "", "no IP policy rule '%.40s'", id);
	if (j && killed >= 0)
		json_object_set_new(j, "connections_killed", json_integer(killed));
	return request_answer(r, status, j);
}

/* ---- the body ---- */

struct body {
	const char *description, *metadata, *cidr, *action, *policy;
};

/* Of the five, the first <n> are known here. */
static int read_body(struct request *r, struct body *b, size_t n)
{
	const struct request_field known[] = {
		{"description", &b->description, TEXT_MAX_DESCRIPTION},
		{"metadata", &b->metadata, TEXT_MAX_METADATA},
		{"cidr", &b->cidr, 64},
		{"action", &b->action, 16},
		{"ip_policy_id", &b->policy, IP_POLICY_ID_MAX - 1},
	};

	return request_texts(r, known, n);
}

static int read_rule(struct request *r, const struct body *b, struct cidr *ret_c, bool *ret_deny)
{
	char why[CIDR_WHY_MAX];

	if (b->cidr && cidr_parse(b->cidr, ret_c, why))
		return fault_set(&r->fault, 400, CIDR_INVALID, "cidr", "'%.60s' %s", b->cidr, why);
	if (b->action && strcmp(b->action, "allow") && strcmp(b->action, "deny"))
		return fault_set(&r->fault, 400, 0, "action", "must be allow or deny, got '%.16s'",
				 b->action);
	if (b->action)
		*ret_deny = !strcmp(b->action, "deny");
	return 0;
}

static struct ip_policy_head head_of(const struct body *b, const char *id)
{
	struct ip_policy_head h = {.description = (char *)b->description,
				   .metadata = (char *)b->metadata};

	snprintf(h.id, sizeof(h.id), "%s", id);
	return h;
}

static void tell(struct request *r, const char *what, const char *id, int killed)
{
	char who[64];

	log_info("%s: id=%s killed=%d %s", what, id, killed > 0 ? killed : 0, request_who(r, who));
}

/* ---- policies ---- */

int ip_policies_get(struct request *r)
{
	json_t *list = json_array();

	if (!list || ip_policy_each(all_of(r), list_policy, list)) {
		json_decref(list);
		return request_answer(r, 500, NULL);
	}
	return request_answer(r, 200,
			      json_pack("{s:o, s:s, s:n}", "ip_policies", list, "uri",
					"/ip_policies", "next_page_uri"));
}

int ip_policies_post(struct request *r)
{
	struct body b = {NULL};
	struct ip_policy_head h;

	if (read_body(r, &b, 2))
		return -1;
	h = head_of(&b, "");
	if (edge_ip_policy_add(r->api->edge, &h, &r->fault))
		return -1;
	tell(r, "IP policy added", h.id, 0);
	return answer_policy(r, 201, h.id);
}

int ip_policy_get_one(struct request *r)
{
	return answer_policy(r, 200, r->id);
}

/* What is not given stays: copied from what is. */
static void fill_texts(json_t *now, struct body *b)
{
	if (!b->description)
		b->description = json_string_value(json_object_get(now, "description"));
	if (!b->metadata)
		b->metadata = json_string_value(json_object_get(now, "metadata"));
}

int ip_policy_patch(struct request *r)
{
	struct body b = {NULL};
	struct ip_policy_head h;
	json_t *now = NULL;
	int err = read_body(r, &b, 2);

	if (err)
		return err;
	ip_policy_with(all_of(r), r->id, take_policy, &now);
	fill_texts(now, &b);
	h = head_of(&b, r->id);
	err = edge_ip_policy_set(r->api->edge, &h, &r->fault);
	json_decref(now);
	if (err)
		return err;
	tell(r, "IP policy changed", r->id, 0);
	return answer_policy(r, 200, r->id);
}

int ip_policy_delete(struct request *r)
{
	if (edge_ip_policy_remove(r->api->edge, r->id, &r->fault))
		return -1;
	tell(r, "IP policy removed", r->id, 0);
	r->status = 204;
	return 0;
}

/* ---- rules ---- */

int ip_rules_get(struct request *r)
{
	json_t *list = json_array();

	if (!list || ip_policy_each(all_of(r), list_rules, list)) {
		json_decref(list);
		return request_answer(r, 500, NULL);
	}
	return request_answer(r, 200,
			      json_pack("{s:o, s:s, s:n}", "ip_policy_rules", list, "uri",
					"/ip_policy_rules", "next_page_uri"));
}

int ip_rules_post(struct request *r)
{
	struct body b = {NULL};
	struct ip_policy_head h;
	struct cidr c;
	bool kill_too, deny = false;
	int killed;

	if (request_query_flag(r, "kill", &kill_too) || read_body(r, &b, 5))
		return -1;
	if (!b.policy || !b.cidr || !b.action)
		return fault_set(&r->fault, 400, 0,
				 !b.policy ? "ip_policy_id"
				 : b.cidr  ? "action"
					   : "cidr",
				 "is missing");
	if (read_rule(r, &b, &c, &deny))
		return -1;
	h = head_of(&b, "");
	if (edge_ip_rule_add(r->api->edge, b.policy, &c, deny, &h, kill_too, &killed, &r->fault))
		return -1;
	tell(r, "IP policy rule added", h.id, killed);
	return answer_rule(r, 201, h.id, kill_too ? killed : -1);
}

int ip_rule_get_one(struct request *r)
{
	return answer_rule(r, 200, r->id, -1);
}

struct now {
	json_t *json;
	struct cidr cidr;
	bool deny;
};

static int take_now(void *arg, const struct ip_policy_rule *rule)
{
	struct now *n = arg;

	n->json = rule_json(rule);
	n->cidr = rule->cidr;
	n->deny = rule->deny;
	return 0;
}

int ip_rule_patch(struct request *r)
{
	struct now now = {NULL};
	struct body b = {NULL};
	struct ip_policy_head h;
	bool kill_too;
	int killed, err;

	if (request_query_flag(r, "kill", &kill_too) || read_body(r, &b, 4))
		return -1;
	ip_policy_rule_with(all_of(r), r->id, take_now, &now);
	fill_texts(now.json, &b);
	h = head_of(&b, r->id);
	err = read_rule(r, &b, &now.cidr, &now.deny);
	if (!err)
		err = edge_ip_rule_set(r->api->edge, &now.cidr, now.deny, &h, kill_too, &killed,
				       &r->fault);
	json_decref(now.json);
	if (err)
		return err;
	tell(r, "IP policy rule changed", r->id, killed);
	return answer_rule(r, 200, r->id, kill_too ? killed : -1);
}

int ip_rule_delete(struct request *r)
{
	bool kill_too;
	int killed;

	if (request_query_flag(r, "kill", &kill_too) ||
	    edge_ip_rule_remove(r->api->edge, r->id, kill_too, &killed, &r->fault))
		return -1;
	tell(r, "IP policy rule removed", r->id, killed);
	if (!kill_too) {
		r->status = 204;
		return 0;
	}
	return request_answer(r, 200, json_pack("{s:i}", "connections_killed", killed));
}
