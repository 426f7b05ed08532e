// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "out.h"
#include "resource.h"
#include "show.h"

int ip_policy_create(struct call *c)
{
	json_t *body = json_object();

	if (resource_set_texts(c, body))
		return resource_send(c, "POST", client_path("/ip_policies", ""), body);
	json_decref(body);
	return EXIT_USAGE;
}

static void policy_row(struct table *t, json_t *p)
{
	table_cell(t, show_text(p, "id"));
	table_cellf(t, "%zu", json_array_size(json_object_get(p, "rules")));
	table_cell(t, show_text(p, "description"));
}

int ip_policy_list(struct call *c)
{
	static const char *const heads[] = {"ID", "RULES", "DESCRIPTION"};

	return resource_list(c, &(struct resource_list){"/ip_policies", "ip_policies", heads, "<><",
							policy_row});
}

static void rule_row(struct table *t, json_t *rule)
{
	table_cell(t, show_text(rule, "id"));
	table_cell(t, show_text(rule, "action"));
	table_cell(t, show_text(rule, "cidr"));
	table_cell(t, show_text(rule, "description"));
}

/* Its rules, which are what one wants to see of it. */
int ip_policy_get(struct call *c)
{
	static const char *const heads[] = {"RULE", "ACTION", "CIDR", "DESCRIPTION"};
	char *path = client_path("/ip_policies/", c->args[0]);
	int code =
		resource_list(c, &(struct resource_list){path, "rules", heads, "<<<<", rule_row});

	free(path);
	return code;
}

int ip_policy_rm(struct call *c)
{
	return resource_remove(c, client_path("/ip_policies/", c->args[0]));
}

int ip_policy_add_rule(struct call *c)
{
	json_t *body = json_pack("{s:s, s:s, s:s}", "ip_policy_id", c->args[0], "action",
				 c->args[1], "cidr", c->args[2]);
	char *path = resource_with_kill(c, client_path("/ip_policy_rules", ""));
	struct reply r = {0};
	int code = EXIT_USAGE;

	if (!body)
		fprintf(stderr, "snisplit: arguments must be UTF-8 text\n");
	else if (resource_set_texts(c, body))
		code = client_ask(c, "POST", path, body, &r);
	if (!code && !c->json) {
		out_text(stdout, show_text(r.json, "id"));
		resource_say_killed(c, r.json);
	}
	json_decref(body);
	free(path);
	reply_done(&r);
	return code;
}

int ip_policy_rm_rule(struct call *c)
{
	return resource_remove(c, client_path("/ip_policy_rules/", c->args[0]));
}
