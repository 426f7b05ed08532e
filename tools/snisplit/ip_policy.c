// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "out.h"

static const char *text_of(const json_t *j, const char *name)
{
	const char *text = json_string_value(json_object_get(j, name));

	return text ? text : "";
}

/* An optional text of the command line into the body. */
static void set_text(json_t *body, const struct call *c, const char *option)
{
	const char *value = call_value(c, option);

	if (value && json_object_set_new(body, option, json_string(value))) {
		fprintf(stderr, "snisplit: --%s: must be UTF-8 text\n", option);
		exit(EXIT_USAGE);
	}
}

/* "/path" or "/path?kill=1", malloc'd. */
static char *with_kill(const struct call *c, char *path)
{
	char *full = NULL;

	if (!call_value(c, "kill"))
		return path;
	if (asprintf(&full, "%s?kill=1", path) < 0)
		exit(EXIT_USAGE);
	free(path);
	return full;
}

static void say_killed(const struct call *c, const struct reply *r)
{
	if (call_value(c, "kill") && r->json)
		printf(", %lld connections ended", (long long)json_integer_value(json_object_get(
							   r->json, "connections_killed")));
	printf("\n");
}

int ip_policy_create(struct call *c)
{
	json_t *body = json_object();
	struct reply r = {0};
	int code;

	set_text(body, c, "description");
	set_text(body, c, "metadata");
	code = client_ask(c, "POST", "/ip_policies", body, &r);
	if (!code && !c->json) {
		out_text(stdout, text_of(r.json, "id"));
		printf("\n");
	}
	json_decref(body);
	reply_done(&r);
	return code;
}

int ip_policy_list(struct call *c)
{
	static const char *const heads[] = {"ID", "RULES", "DESCRIPTION"};
	struct reply r = {0};
	struct table *t;
	json_t *p;
	size_t i;
	int code;

	code = client_ask(c, "GET", "/ip_policies", NULL, &r);
	if (!code && !c->json) {
		t = table_new(heads, "<><", 3);
		json_array_foreach(json_object_get(r.json, "ip_policies"), i, p) {
			table_cell(t, text_of(p, "id"));
			table_cellf(t, "%zu", json_array_size(json_object_get(p, "rules")));
			table_cell(t, text_of(p, "description"));
		}
		table_print(t, true);
	}
	reply_done(&r);
	return code;
}

int ip_policy_get(struct call *c)
{
	static const char *const heads[] = {"RULE", "ACTION", "CIDR", "DESCRIPTION"};
	char *path = client_path("/ip_policies/", c->args[0]);
	struct reply r = {0};
	struct table *t;
	json_t *rule;
	size_t i;
	int code;

	code = client_ask(c, "GET", path, NULL, &r);
	if (!code && !c->json) {
		t = table_new(heads, "<<<<", 4);
		json_array_foreach(json_object_get(r.json, "rules"), i, rule) {
			table_cell(t, text_of(rule, "id"));
			table_cell(t, text_of(rule, "action"));
			table_cell(t, text_of(rule, "cidr"));
			table_cell(t, text_of(rule, "description"));
		}
		table_print(t, true);
	}
	free(path);
	reply_done(&r);
	return code;
}

static int removed(struct call *c, char *path)
{
	struct reply r = {0};
	int code = client_ask(c, "DELETE", path, NULL, &r);

	if (!code && !c->json) {
		printf("removed ");
		out_text(stdout, c->args[0]);
		say_killed(c, &r);
	}
	free(path);
	reply_done(&r);
	return code;
}

int ip_policy_rm(struct call *c)
{
	return removed(c, client_path("/ip_policies/", c->args[0]));
}

int ip_policy_add_rule(struct call *c)
{
	json_t *body = json_pack("{s:s, s:s, s:s}", "ip_policy_id", c->args[0], "action",
				 c->args[1], "cidr", c->args[2]);
	char *path = with_kill(c, client_path("/ip_policy_rules", ""));
	struct reply r = {0};
	int code = EXIT_USAGE;

	if (body) {
		set_text(body, c, "description");
		set_text(body, c, "metadata");
		code = client_ask(c, "POST", path, body, &r);
	} else {
		fprintf(stderr, "snisplit: arguments must be UTF-8 text\n");
	}
	if (!code && !c->json) {
		out_text(stdout, text_of(r.json, "id"));
		say_killed(c, &r);
	}
	json_decref(body);
	free(path);
	reply_done(&r);
	return code;
}

int ip_policy_rm_rule(struct call *c)
{
	return removed(c, with_kill(c, client_path("/ip_policy_rules/", c->args[0])));
}
