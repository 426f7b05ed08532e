// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "field.h"
#include "out.h"
#include "pem_file.h"
#include "resource.h"
#include "show.h"

#define FIELDS_MAX 64

struct opt endpoint_add_opts[FIELDS_MAX + 1], endpoint_set_opts[FIELDS_MAX + 3];
static char opt_names[FIELDS_MAX][48];

/* An option is a field with dashes; the url is the argument, and cannot be changed. */
void endpoint_opts_fill(void)
{
	unsigned n = 0;

	for (const struct field *fd = field_table; fd->name && n < FIELDS_MAX; fd++) {
		if (!strcmp(fd->name, "url"))
			continue;
		snprintf(opt_names[n], sizeof(opt_names[n]), "%s", fd->name);
		for (char *p = opt_names[n]; *p; p++)
			if (*p == '_')
				*p = '-';
		endpoint_add_opts[n] = (struct opt){
			.name = opt_names[n],
			.arg = fd->kind == FIELD_BOOL ? NULL : fd->arg,
			.help = fd->help,
			.needs = fd->needs,
			.same = fd->same,
			.many = fd->kind == FIELD_LIST,
		};
		n++;
	}
	memcpy(endpoint_set_opts, endpoint_add_opts, n * sizeof(endpoint_add_opts[0]));
	for (unsigned i = 0; i < n; i++)
		endpoint_set_opts[i].may_be_false = !endpoint_set_opts[i].arg;
	endpoint_set_opts[n] = (struct opt){.name = "unset",
					    .arg = "OPTION",
					    .help = "as if it had not been given",
					    .many = true};
	endpoint_set_opts[n + 1] = (struct opt){
		.name = "kill", .help = "end the live connections that are denied now"};
}

/* The field of option <o>. */
static const struct field *field_of(const struct opt *o)
{
	char name[48];

	snprintf(name, sizeof(name), "%s", o->name);
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	return field_find(name);
}

/* As the daemon would have said it. */
static void say_fault(const struct opt *o, const struct fault *f)
{
	fprintf(stderr, "snisplit: ");
	if (f->code)
		fprintf(stderr, "ERR_SNISPLIT_%d: ", f->code);
	fprintf(stderr, "--%s: %s\n", o->name, f->msg);
}

static bool set_pem(json_t *body, const struct opt *o, const char *path)
{
	const struct field *fd = field_of(o);
	char *text = pem_file_read(o->name, path);
	struct fault f;
	bool ok = text;

	if (text && field_check(fd, fd->kind, text, &f)) {
		say_fault(o, &f);
		ok = false;
	}
	ok = ok && resource_set(body, fd->name, o->name, json_string(text));
	pem_file_free(text);
	return ok;
}

static bool set_item(json_t *body, const struct opt *o, const char *name, const char *value)
{
	/* of a script, whose variable is not set: no list would be one that lets everybody in */
	if (!*value) {
		fprintf(stderr, "snisplit: --%s: needs a value: %s\n", o->name, o->arg);
		return false;
	}
	if (!json_object_get(body, name))
		json_object_set_new(body, name, json_array());
	return resource_append(json_object_get(body, name), o->name, value);
}

/* Checked here too, so that the message can name the option.  False after one. */
static bool set_option(json_t *body, const struct opt *o, const char *value)
{
	const struct field *fd = field_of(o);
	struct fault f;

	if (fd->kind == FIELD_PEM && !fd->needs)
		return set_pem(body, o, value);
	if (field_check(fd, fd->kind, value, &f)) {
		say_fault(o, &f);
		return false;
	}
	switch (fd->kind) {
	case FIELD_LIST:
		return set_item(body, o, fd->name, value);
	case FIELD_NUMBER:
		return resource_set_number(body, fd->name, o->name, value);
	case FIELD_BOOL:
		return resource_set(body, fd->name, o->name, json_boolean(strcmp(value, "false")));
	default:
		return resource_set(body, fd->name, o->name, json_string(value));
	}
}

int endpoint_add(struct call *c)
{
	json_t *body = json_pack("{s:s}", "url", c->args[0]);
	struct reply r = {0};
	int code = EXIT_OK;

	if (!body) {
		fprintf(stderr, "snisplit: the URL must be UTF-8 text\n");
		return EXIT_USAGE;
	}
	if (!call_value(c, "upstream")) {
		fprintf(stderr, "snisplit: endpoint add: needs --upstream HOST:PORT\n");
		code = EXIT_USAGE;
	}
	for (int i = 0; !code && i < c->n_values; i++)
		if (!set_option(body, c->values[i].opt, c->values[i].value))
			code = EXIT_USAGE;
	if (!code)
		code = client_ask(c, "POST", "/endpoints", body, &r);
	if (!code && !c->json) {
		out_text(stdout, show_text(r.json, "id"));
		printf(" ");
		out_text(stdout, show_text(r.json, "url"));
		printf("\n");
	}
	json_decref(body);
	reply_done(&r);
	return code;
}

/* "proxy-proto" or "--proxy-proto": null takes the field away. */
static bool unset(json_t *body, const char *option)
{
	const struct opt o = {.name = strncmp(option, "--", 2) ? option : option + 2};
	const struct field *fd = field_of(&o);

	if (fd && !json_object_get(body, fd->name))
		return !json_object_set_new(body, fd->name, json_null());
	fprintf(stderr,
		fd ? "snisplit: --unset: %s is set too\n"
		   : "snisplit: --unset: there is no option '%s'\n",
		option);
	return false;
}

int endpoint_set(struct call *c)
{
	char *path = resource_with_kill(c, client_path("/endpoints/", c->args[0]));
	json_t *body = json_object();
	struct reply r = {0};
	int code = EXIT_OK;

	for (int i = 0; !code && i < c->n_values; i++) {
		const struct opt *o = c->values[i].opt;
		const char *value = c->values[i].value;

		if (!strcmp(o->name, "kill"))
			continue;
		if (!(strcmp(o->name, "unset") ? set_option(body, o, value) : unset(body, value)))
			code = EXIT_USAGE;
	}
	if (!code && !json_object_size(body)) {
		fprintf(stderr,
			"snisplit: endpoint set: nothing to change\nsee: snisplit endpoint set "
			"--help\n");
		code = EXIT_USAGE;
	}
	if (!code)
		code = client_ask(c, "PATCH", path, body, &r);
	if (!code && !c->json) {
		printf("changed ");
		out_text(stdout, show_text(r.json, "url"));
		resource_say_killed(c, r.json);
	}
	json_decref(body);
	free(path);
	reply_done(&r);
	return code;
}

static void endpoint_row(struct table *t, json_t *e)
{
	const json_t *conns = json_object_get(json_object_get(e, "metrics"), "conns");

	table_cell(t, show_text(e, "id"));
	table_cell(t, show_text(e, "url"));
	table_cell(t, show_text(e, "upstream_url"));
	table_cell(t, show_text(e, "datapath"));
	table_cellf(t, "%lld", show_number(conns, "gauge"));
	table_cellf(t, "%lld", show_number(conns, "count"));
	table_cell(t, show_text(e, "origin"));
}

int endpoint_list(struct call *c)
{
	static const char *const heads[] = {"ID",     "URL",   "UPSTREAM", "DATAPATH",
					    "ACTIVE", "TOTAL", "FROM"};

	return resource_list(c, &(struct resource_list){"/endpoints", "endpoints", heads, "<<<<>><",
							endpoint_row});
}

int endpoint_get(struct call *c)
{
	return resource_get(c, client_path("/endpoints/", c->args[0]));
}

int endpoint_rm(struct call *c)
{
	return resource_remove(c, client_path("/endpoints/", c->args[0]));
}
