// SPDX-License-Identifier: GPL-2.0-only
#include "authtoken.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "out.h"
#include "quantity.h"
#include "resource.h"

#define LIMIT_MAX 1000000 /* the daemon's */

const struct opt authtoken_opts[] = {
	{.name = "acl",
	 .arg = "RULE",
	 .help = "may bind only this: bind:app.example.com, bind:*.example.com, bind:app=*",
	 .many = true},
	{.name = "max-sessions", .arg = "N", .help = "at once; 0: any number"},
	{.name = "max-endpoints",
	 .arg = "N",
	 .help = "at once, of all its sessions; 0: any number"},
	{.name = "description", .arg = "TEXT", .help = "for people"},
	{.name = "metadata", .arg = "TEXT", .help = "for programs"},
	{.name = NULL},
};

const char *credential_text(const json_t *j, const char *name)
{
	const char *text = json_string_value(json_object_get(j, name));

	return text ? text : "-";
}

/* The API's null is 0 here. */
static bool set_limit(json_t *body, const char *name, const char *option, const char *text)
{
	uint64_t n;

	if (!quantity_count(text, &n) && n <= LIMIT_MAX)
		return resource_set(body, name, option,
				    n ? json_integer((json_int_t)n) : json_null());
	fprintf(stderr, "snisplit: --%s: must be 1 to %d, or 0 for any number, got '", option,
		LIMIT_MAX);
	out_text(stderr, text);
	fprintf(stderr, "'\n");
	return false;
}

json_t *credential_body(const struct call *c)
{
	json_t *body = json_object();
	bool ok = true;

	for (int i = 0; ok && i < c->n_values; i++) {
		const char *name = c->values[i].opt->name, *text = c->values[i].value;

		if (!strcmp(name, "acl")) {
			if (!json_object_get(body, "acl"))
				json_object_set_new(body, "acl", json_array());
			ok = !*text || resource_append(json_object_get(body, "acl"), name, text);
		} else if (!strcmp(name, "max-sessions")) {
			ok = set_limit(body, "max_sessions", name, text);
		} else if (!strcmp(name, "max-endpoints")) {
			ok = set_limit(body, "max_endpoints", name, text);
		} else {
			ok = resource_set(body, name, name, json_string(text));
		}
	}
	if (ok)
		return body;
	json_decref(body);
	return NULL;
}

int authtoken_add(struct call *c)
{
	json_t *body = credential_body(c);
	struct reply r = {0};
	int code;

	if (!body)
		return EXIT_USAGE;
	code = client_ask(c, "POST", "/credentials", body, &r);
	json_decref(body);
	if (!code && !c->json) {
		/* the token alone on stdout: TOKEN=$(snisplit authtoken add) */
		fprintf(stderr, "credential %s; this is shown once, keep it:\n",
			credential_text(r.json, "id"));
		out_text(stdout, credential_text(r.json, "token"));
		printf("\n");
	}
	reply_done(&r);
	return code;
}

void credential_rules_cell(struct table *t, const json_t *j)
{
	const json_t *rules = json_object_get(j, "acl");
	char text[256] = "";
	size_t i, n = 0;
	json_t *v;

	json_array_foreach(rules, i, v)
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
					      json_string_value(v));
	table_cell(t, *text ? text : "any name");
}

int credential_list(struct call *c, const char *path, const char *key, const char *head)
{
	const char *const heads[] = {"ID", head, "MAY BIND", "DESCRIPTION"};
	struct reply r = {0};
	struct table *t;
	json_t *j;
	size_t i;
	int code = client_ask(c, "GET", path, NULL, &r);

	if (!code && !c->json) {
		t = table_new(heads, "<<<<", 4);
		json_array_foreach(json_object_get(r.json, path + 1), i, j) /* named as its path */
		{
			table_cell(t, credential_text(j, "id"));
			table_cell(t, credential_text(j, key));
			credential_rules_cell(t, j);
			table_cell(t, credential_text(j, "description"));
		}
		table_print(t, true);
	}
	reply_done(&r);
	return code;
}

int credential_rm(struct call *c, const char *path)
{
	return resource_remove(c, client_path(path, c->args[0]));
}

int credential_set(struct call *c, const char *path)
{
	json_t *body = credential_body(c);

	return body ? resource_send(c, "PATCH", client_path(path, c->args[0]), body) : EXIT_USAGE;
}

int authtoken_set(struct call *c)
{
	return credential_set(c, "/credentials/");
}

int authtoken_list(struct call *c)
{
	return credential_list(c, "/credentials", "created_at", "CREATED");
}

int authtoken_rm(struct call *c)
{
	return credential_rm(c, "/credentials/");
}
