// SPDX-License-Identifier: GPL-2.0-only
/*
 * feed - event destinations and subscriptions.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "out.h"
#include "resource.h"
#include "show.h"

#define DESTINATIONS "/event_destinations"
#define SUBSCRIPTIONS "/event_subscriptions"

const struct opt destination_opts[] = {
	{.name = "file", .arg = "NAME", .help = "append to this file below state_dir/events"},
	{.name = "unix", .arg = "PATH", .help = "write to this stream socket"},
	{.name = "tcp", .arg = "HOST:PORT", .help = "write to a TCP connection"},
	{.name = "syslog",
	 .arg = "ADDRESS",
	 .help = "/dev/log, udp://HOST:PORT or tcp://HOST:PORT"},
	{.name = "webhook", .arg = "URL", .help = "POST them there, as JSON arrays"},
	{.name = "description", .arg = "TEXT", .help = "for people"},
	{.name = "metadata", .arg = "TEXT", .help = "for programs"},
	{.name = NULL},
};

const struct opt subscription_opts[] = {
	{.name = "destination", .arg = "ID", .help = "where they go", .many = true},
	{.name = "type", .arg = "TYPE", .help = "which events (tcp_connection_closed.v0)"},
	{.name = "filter",
	 .arg = "EXPR",
	 .help = "which of them, such as ev.conn.server_port == 443"},
	{.name = "field", .arg = "PATH", .help = "only these, such as conn.bytes_in", .many = true},
	{.name = "description", .arg = "TEXT", .help = "for people"},
	{.name = "metadata", .arg = "TEXT", .help = "for programs"},
	{.name = NULL},
};

/* ---- requests ---- */

/* Which key the address has in the API. */
static const char *param_of(const char *kind)
{
	if (!strcmp(kind, "webhook"))
		return "url";
	return !strcmp(kind, "file") || !strcmp(kind, "unix") ? "path" : "address";
}

static bool set_target(const struct call *c, json_t *body)
{
	json_t *target = NULL, *inner;

	for (const struct opt *o = destination_opts; strcmp(o->name, "description"); o++) {
		const char *text = call_value(c, o->name);

		if (!text)
			continue;
		if (target) {
			fprintf(stderr, "snisplit: --%s: a destination has one target, not two\n",
				o->name);
			return false;
		}
		target = json_object();
		inner = json_object();
		json_object_set_new(target, o->name, inner);
		json_object_set_new(body, "target", target);
		if (!resource_set(inner, param_of(o->name), o->name, json_string(text)))
			return false;
	}
	return true;
}

/* Adds the values of a repeated option to list <name> of <to>, which is made when there is one. */
static bool set_many(const struct call *c, json_t *to, const char *name, const char *option)
{
	for (int i = 0; i < c->n_values; i++) {
		if (strcmp(c->values[i].opt->name, option))
			continue;
		if (!json_object_get(to, name))
			json_object_set_new(to, name, json_array());
		if (!resource_append(json_object_get(to, name), option, c->values[i].value))
			return false;
	}
	return true;
}

/* <always>: also without --type, --filter and --field. */
static bool set_source(const struct call *c, json_t *body, bool always)
{
	static const char *const names[] = {"type", "filter"};
	json_t *source = json_object();
	bool good = true;

	for (size_t i = 0; i < 2; i++) {
		const char *text = call_value(c, names[i]);

		good = good &&
		       (!text || resource_set(source, names[i], names[i], json_string(text)));
	}
	good = good && set_many(c, source, "fields", "field");
	if (good && (always || json_object_size(source)))
		json_object_set_new(body, "sources", json_pack("[O]", source));
	json_decref(source);
	return good;
}

static int set_one(struct call *c, const char *resource, json_t *body)
{
	return resource_send(c, "PATCH", client_path(resource, c->args[0]), body);
}

/* ---- event-destination ---- */

int destination_add(struct call *c)
{
	json_t *body = json_object();

	if (!resource_set_texts(c, body) || !set_target(c, body)) {
		json_decref(body);
		return EXIT_USAGE;
	}
	if (!json_object_get(body, "target")) {
		fprintf(stderr,
			"snisplit: event-destination add: needs one of --file, --unix, --tcp, "
			"--syslog and --webhook\n");
		json_decref(body);
		return EXIT_USAGE;
	}
	return resource_send(c, "POST", client_path(DESTINATIONS, ""), body);
}

int destination_set(struct call *c)
{
	json_t *body = json_object();

	if (resource_set_texts(c, body) && set_target(c, body))
		return set_one(c, DESTINATIONS "/", body);
	json_decref(body);
	return EXIT_USAGE;
}

/* "webhook https://..." */
static void target_cell(struct table *t, json_t *target)
{
	const char *kind, *param;
	json_t *inner, *address;

	json_object_foreach(target, kind, inner)
		json_object_foreach(inner, param, address)
			table_cellf(t, "%s %s", kind, json_string_value(address));
}

static void destination_row(struct table *t, json_t *d)
{
	static const char *const counts[] = {"written", "lost", "waiting"};
	const json_t *m = json_object_get(d, "metrics");

	table_cell(t, show_text(d, "id"));
	target_cell(t, json_object_get(d, "target"));
	for (size_t k = 0; k < 3; k++)
		table_cellf(t, "%lld", show_number(m, counts[k]));
	table_cell(t, *show_text(m, "error") ? show_text(m, "error") : "-");
}

int destination_list(struct call *c)
{
	static const char *const heads[] = {"ID",   "TARGET",  "WRITTEN",
					    "LOST", "WAITING", "TROUBLE"};

	return resource_list(c, &(struct resource_list){DESTINATIONS, "event_destinations", heads,
							"<<>>><", destination_row});
}

int destination_get(struct call *c)
{
	return resource_get(c, client_path(DESTINATIONS "/", c->args[0]));
}

int destination_rm(struct call *c)
{
	return resource_remove(c, client_path(DESTINATIONS "/", c->args[0]));
}

/* ---- event-subscription ---- */

static int subscription_send(struct call *c, bool fresh)
{
	json_t *body = json_object();

	if (!resource_set_texts(c, body) || !set_many(c, body, "destination_ids", "destination") ||
	    !set_source(c, body, fresh)) {
		json_decref(body);
		return EXIT_USAGE;
	}
	return fresh ? resource_send(c, "POST", client_path(SUBSCRIPTIONS, ""), body)
		     : set_one(c, SUBSCRIPTIONS "/", body);
}

int subscription_add(struct call *c)
{
	return subscription_send(c, true);
}

int subscription_set(struct call *c)
{
	return subscription_send(c, false);
}

static void join(struct table *t, json_t *list, const char *key)
{
	char text[512] = "";
	size_t i, n = 0;
	json_t *v;

	json_array_foreach(list, i, v)
		if (n < sizeof(text))
			n += (size_t)snprintf(text + n, sizeof(text) - n, "%s%s", i ? " " : "",
					      show_text(v, key));
	table_cell(t, *text ? text : "-");
}

static void subscription_row(struct table *t, json_t *s)
{
	table_cell(t, show_text(s, "id"));
	join(t, json_object_get(s, "sources"), "type");
	join(t, json_object_get(s, "sources"), "filter");
	join(t, json_object_get(s, "destinations"), "id");
	table_cell(t, show_text(s, "description"));
}

int subscription_list(struct call *c)
{
	static const char *const heads[] = {"ID", "TYPE", "FILTER", "DESTINATIONS", "DESCRIPTION"};

	return resource_list(c, &(struct resource_list){SUBSCRIPTIONS, "event_subscriptions", heads,
							"<<<<<", subscription_row});
}

int subscription_get(struct call *c)
{
	return resource_get(c, client_path(SUBSCRIPTIONS "/", c->args[0]));
}

int subscription_rm(struct call *c)
{
	return resource_remove(c, client_path(SUBSCRIPTIONS "/", c->args[0]));
}
