// SPDX-License-Identifier: GPL-2.0-only
/*
 * edge - TLS edges and their backends.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "field.h"
#include "out.h"
#include "pem_file.h"
#include "resource.h"
#include "show.h"

#define EDGES "/edges/tls"

#define EDGE_OPTS                                                                            \
	{.name = "hostport",                                                                 \
	 .arg = "NAME:443",                                                                  \
	 .help = "an endpoint's name; none: one of ours",                                    \
	 .many = true},                                                                      \
		{.name = "backend", .arg = "ID", .help = "where its connections go"},        \
		{.name = "terminate-at",                                                     \
		 .arg = "upstream|edge",                                                     \
		 .help = "who holds the certificate"},                                       \
		{.name = "min-version", .arg = "1.2|1.3", .help = "of TLS, with edge"},      \
		{.name = "mutual-tls-cas",                                                   \
		 .arg = "FILE",                                                              \
		 .help = "clients must show a certificate of these CAs"},                    \
		{.name = "certificate-authority",                                            \
		 .arg = "ID-or-NAME",                                                        \
		 .help = "the same, of `ca add`",                                            \
		 .many = true},                                                              \
		{.name = "ip-policy", .arg = "ID", .help = "who may connect", .many = true}, \
		{.name = "description", .arg = "TEXT", .help = "for people"},                \
	{                                                                                    \
		.name = "metadata", .arg = "TEXT", .help = "for programs"                    \
	}

const struct opt edge_create_opts[] = {EDGE_OPTS, {.name = NULL}};
const struct opt edge_set_opts[] = {
	EDGE_OPTS,
	{.name = "unset",
	 .arg = "MODULE",
	 .help = "tls-termination, mutual-tls, ip-restriction or backend away",
	 .many = true},
	{.name = NULL},
};
const struct opt backend_opts[] = {
	{.name = "address", .arg = "HOST:PORT", .help = "of a static one"},
	{.name = "tls", .help = "in TLS (of a static one)", .may_be_false = true},
	{.name = "health-check",
	 .arg = "off|tcp|tls",
	 .help = "of a static one, as of an endpoint"},
	{.name = "health-interval", .arg = "DURATION", .help = "how often (2s)"},
	{.name = "health-rise", .arg = "N", .help = "answers that make it alive (2)"},
	{.name = "health-fall", .arg = "N", .help = "failures that make it dead (3)"},
	{.name = "backend",
	 .arg = "ID[=WEIGHT]",
	 .help = "in order (failover), with its weight (weighted)",
	 .many = true},
	{.name = "label",
	 .arg = "KEY=VALUE",
	 .help = "of the tunnels in a tunnel group: all that have all of these",
	 .many = true},
	{.name = "description", .arg = "TEXT", .help = "for people"},
	{.name = "metadata", .arg = "TEXT", .help = "for programs"},
	{.name = NULL},
};

/* An object of <body>, made on first use. */
static json_t *part(json_t *body, const char *name)
{
	json_t *p = json_object_get(body, name);

	if (!p)
		json_object_set_new(body, name, p = json_object());
	return p;
}

static json_t *list_of(json_t *in, const char *name)
{
	json_t *l = json_object_get(in, name);

	if (!l)
		json_object_set_new(in, name, l = json_array());
	return l;
}

/* ---- edges ---- */

static bool set_cas(json_t *body, const char *path)
{
	char *text = pem_file_read("mutual-tls-cas", path);
	bool ok = text && resource_set(part(body, "mutual_tls"), "mutual_tls_cas", "mutual-tls-cas",
				       json_string(text));

	pem_file_free(text);
	return ok;
}

/* A module by its name, or by an option that says something of it; with dashes too, as options are.
 */
static bool take_away(json_t *body, const char *module)
{
	static const struct {
		const char *name, *field;
	} rows[] = {
		{"tls_termination", "tls_termination"},
		{"terminate_at", "tls_termination"},
		{"min_version", "tls_termination"},
		{"mutual_tls", "mutual_tls"},
		{"mutual_tls_cas", "mutual_tls"},
		{"certificate_authority", "mutual_tls"},
		{"ip_restriction", "ip_restriction"},
		{"ip_policy", "ip_restriction"},
		{"backend", "backend"},
		{"description", "description"},
		{"metadata", "metadata"},
	};
	char name[64];

	snprintf(name, sizeof(name), "%s", strncmp(module, "--", 2) ? module : module + 2);
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].name, name))
			return resource_set(body, rows[i].field, "unset", json_null());
	fprintf(stderr,
		"snisplit: --unset: must be tls-termination, mutual-tls, ip-restriction, backend, "
		"description or metadata, got '%s'\n",
		module);
	return false;
}

static bool set_edge(json_t *body, const char *o, const char *v)
{
	if (!strcmp(o, "hostport"))
		return resource_append(list_of(body, "hostports"), o, v);
	if (!strcmp(o, "ip-policy"))
		return resource_append(list_of(part(body, "ip_restriction"), "ip_policy_ids"), o,
				       v);
	if (!strcmp(o, "backend"))
		return resource_set(part(body, "backend"), "backend_id", o, json_string(v));
	if (!strcmp(o, "terminate-at"))
		return resource_set(part(body, "tls_termination"), "terminate_at", o,
				    json_string(v));
	if (!strcmp(o, "min-version"))
		return resource_set(part(body, "tls_termination"), "min_version", o,
				    json_string(v));
	if (!strcmp(o, "mutual-tls-cas"))
		return set_cas(body, v);
	if (!strcmp(o, "certificate-authority"))
		return resource_append(
			list_of(part(body, "mutual_tls"), "certificate_authority_ids"), o, v);
	if (!strcmp(o, "unset"))
		return take_away(body, v);
	return resource_set(body, o, o, json_string(v));
}

static int send_body(struct call *c, const char *method, char *path, json_t *body)
{
	struct reply r = {0};
	int code = client_ask(c, method, path, body, &r);
	const json_t *hp;
	size_t i;

	if (!code && !c->json) {
		out_text(stdout, show_text(r.json, "id"));
		json_array_foreach(json_object_get(r.json, "hostports"), i, hp) {
			printf(" ");
			out_text(stdout, json_string_value(hp));
		}
		printf("\n");
	}
	json_decref(body);
	free(path);
	reply_done(&r);
	return code;
}

/* --backend has a weight or none, as the kind (or the id, which says it) asks for. */
static bool members_fit(const char *kind, const json_t *body)
{
	const json_t *members = json_object_get(body, "backends");
	bool weighted = !strcmp(kind, "weighted") || !strncmp(kind, "bkdwd_", 6);
	bool failover = !strcmp(kind, "failover") || !strncmp(kind, "bkdfo_", 6);

	if (weighted && json_is_array(members))
		fprintf(stderr, "snisplit: --backend: must be ID=WEIGHT, of a weighted one\n");
	else if (failover && json_is_object(members))
		fprintf(stderr, "snisplit: --backend: must be ID without a weight, of a failover "
				"one: they are tried in order\n");
	else
		return true;
	return false;
}

static int ask(struct call *c, const char *method, char *path,
	       bool (*set)(json_t *body, const char *option, const char *value))
{
	json_t *body = json_object();
	bool ok = true;

	for (int i = 0; ok && i < c->n_values; i++)
		ok = set(body, c->values[i].opt->name, c->values[i].value);
	if (ok && (!c->n_args || members_fit(c->args[0], body)))
		return send_body(c, method, path, body);
	json_decref(body);
	free(path);
	return EXIT_USAGE;
}

int edge_create(struct call *c)
{
	/* (without a name too, both are made) */
	if (call_value(c, "hostport") && !call_value(c, "backend")) {
		fprintf(stderr, "snisplit: edge create: --hostport needs --backend ID (see: "
				"snisplit backend create --help)\n");
		return EXIT_USAGE;
	}
	return ask(c, "POST", client_path(EDGES, ""), set_edge);
}

int edge_set(struct call *c)
{
	return ask(c, "PATCH", client_path(EDGES "/", c->args[0]), set_edge);
}

int edge_get(struct call *c)
{
	return resource_get(c, client_path(EDGES "/", c->args[0]));
}

int edge_rm(struct call *c)
{
	return resource_remove(c, client_path(EDGES "/", c->args[0]));
}

static void edge_rows(struct table *t, json_t *e)
{
	const json_t *hp;
	size_t i;

	json_array_foreach(json_object_get(e, "hostports"), i, hp) {
		table_cell(t, show_text(e, "id"));
		table_cell(t, json_string_value(hp));
		table_cell(t, show_text(json_object_get(e, "backend"), "backend_id"));
		table_cell(t, show_text(e, "description"));
	}
}

int edge_list(struct call *c)
{
	static const char *const heads[] = {"ID", "HOSTPORT", "BACKEND", "DESCRIPTION"};

	return resource_list(c,
			     &(struct resource_list){EDGES, "tls_edges", heads, "<<<<", edge_rows});
}

/* ---- backends ---- */

static bool set_member(json_t *body, const char *value)
{
	const char *weight = strrchr(value, '=');
	char id[64];

	if (!weight)
		return resource_append(list_of(body, "backends"), "backend", value);
	if (json_is_array(json_object_get(body, "backends")) ||
	    (size_t)(weight - value) >= sizeof(id)) {
		fprintf(stderr, "snisplit: --backend: must be ID=WEIGHT for all, or ID for all\n");
		return false;
	}
	snprintf(id, sizeof(id), "%.*s", (int)(weight - value), value);
	return resource_set_number(part(body, "backends"), id, "backend", weight + 1);
}

static bool set_label(json_t *body, const char *value)
{
	char key[64];
	size_t len = strcspn(value, "=");

	if (!value[len] || !len || len >= sizeof(key)) {
		fprintf(stderr, "snisplit: --label: must be KEY=VALUE, got '%s'\n", value);
		return false;
	}
	snprintf(key, sizeof(key), "%.*s", (int)len, value);
	return resource_set(part(body, "labels"), key, "label", json_string(value + len + 1));
}

static bool set_backend(json_t *body, const char *o, const char *v)
{
	if (!strcmp(o, "backend"))
		return set_member(body, v);
	if (!strcmp(o, "label"))
		return set_label(body, v);
	if (!strcmp(o, "tls"))
		return resource_set(part(body, "tls"), "enabled", o,
				    json_boolean(strcmp(v, "false")));
	if (!strcmp(o, "health-check"))
		return resource_set(body, "health_check", o, json_string(v));
	if (!strcmp(o, "health-interval"))
		return resource_set(body, "health_interval", o, json_string(v));
	if (!strcmp(o, "health-rise"))
		return resource_set_number(body, "health_rise", o, v);
	if (!strcmp(o, "health-fall"))
		return resource_set_number(body, "health_fall", o, v);
	return resource_set(body, o, o, json_string(v));
}

/* The id says what it is of. */
static const char *kind_of(const char *id)
{
	static const char *const kinds[][2] = {{"bkdsc_", "static"},
					       {"bkdwd_", "weighted"},
					       {"bkdfo_", "failover"},
					       {"bkdtg_", "tunnel_group"}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (!strncmp(id, kinds[i][0], strlen(kinds[i][0])))
			return kinds[i][1];
	fprintf(stderr, "snisplit: '%s' is no backend's id (bkdsc_, bkdwd_, bkdfo_, bkdtg_)\n", id);
	exit(EXIT_USAGE);
}

static char *path_of(const char *id)
{
	char prefix[40];

	snprintf(prefix, sizeof(prefix), "/backends/%s/", kind_of(id));
	return client_path(prefix, id);
}

/* Options that only some kinds have. */
static bool options_fit(const struct call *c, const char *kind)
{
	static const struct {
		const char *option, *kinds, *shown;
	} rows[] = {
		{"address", "static", "static"},
		{"tls", "static", "static"},
		{"health-check", "static", "static"},
		{"health-interval", "static", "static"},
		{"health-rise", "static", "static"},
		{"health-fall", "static", "static"},
		{"backend", "weighted|failover", "weighted and failover"},
		{"label", "tunnel_group", "tunnel group"},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (!call_value(c, rows[i].option) || field_is_choice(rows[i].kinds, kind))
			continue;
		fprintf(stderr, "snisplit: --%s: is of %s backends, not of %s ones\n",
			rows[i].option, rows[i].shown,
			strcmp(kind, "tunnel_group") ? kind : "tunnel group");
		return false;
	}
	return true;
}

int backend_create(struct call *c)
{
	if (!field_is_choice("static|weighted|failover|tunnel_group", c->args[0])) {
		fprintf(stderr, "snisplit: backend create: must be static, weighted, failover or "
				"tunnel_group\n");
		return EXIT_USAGE;
	}
	if (!options_fit(c, c->args[0]))
		return EXIT_USAGE;
	return ask(c, "POST", client_path("/backends/", c->args[0]), set_backend);
}

int backend_set(struct call *c)
{
	if (!options_fit(c, kind_of(c->args[0])))
		return EXIT_USAGE;
	return ask(c, "PATCH", path_of(c->args[0]), set_backend);
}

int backend_get(struct call *c)
{
	return resource_get(c, path_of(c->args[0]));
}

int backend_rm(struct call *c)
{
	return resource_remove(c, path_of(c->args[0]));
}

static void list_members(struct table *t, const json_t *b)
{
	json_t *list = json_object_get(b, "backends"), *v;
	char text[1024] = "";
	const char *id;
	size_t i, n = 0;

	json_object_foreach(list, id, v)
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%lld", n ? " " : "",
					      id, (long long)json_integer_value(v));
	json_array_foreach(list, i, v)
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", n ? " " : "",
					      json_string_value(v));
	json_object_foreach(json_object_get(b, "labels"), id, v)
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s=%s", n ? " " : "",
					      id, json_string_value(v));
	table_cell(t, n ? text : show_text(b, "address"));
}

/* Those of one kind, at the end of <all>. */
static int list_kind(const struct call *c, const char *kind, json_t *all)
{
	char *path = client_path("/backends/", kind);
	struct call quiet = *c;
	struct reply r = {0};
	int code;

	quiet.json = false;
	code = client_ask(&quiet, "GET", path, NULL, &r);
	if (!code)
		json_array_extend(all, json_object_get(r.json, "backends"));
	free(path);
	reply_done(&r);
	return code;
}

static void backend_row(struct table *t, json_t *b)
{
	char kind[32];

	/* "/backends/static/ID" */
	snprintf(kind, sizeof(kind), "%.31s", show_text(b, "uri") + strlen("/backends/"));
	kind[strcspn(kind, "/")] = '\0';
	table_cell(t, show_text(b, "id"));
	table_cell(t, kind);
	list_members(t, b);
	table_cell(t, show_text(b, "description"));
}

/* The API has a list a kind; --json is one document all the same. */
int backend_list(struct call *c)
{
	static const char *const heads[] = {"ID", "KIND", "WHERE", "DESCRIPTION"};
	static const char *const kinds[] = {"static", "weighted", "failover", "tunnel_group"};
	json_t *all = json_pack("{s:[]}", "backends"), *list, *b;
	int code = EXIT_OK;
	struct table *t;
	size_t i;

	list = json_object_get(all, "backends");
	for (size_t k = 0; !code && k < sizeof(kinds) / sizeof(kinds[0]); k++)
		code = list_kind(c, kinds[k], list);
	if (!code && c->json) {
		json_dumpf(all, stdout, JSON_COMPACT);
		printf("\n");
	} else if (!code) {
		t = table_new(heads, "<<<<", 4);
		json_array_foreach(list, i, b)
			backend_row(t, b);
		table_print(t, true);
	}
	json_decref(all);
	return code;
}
