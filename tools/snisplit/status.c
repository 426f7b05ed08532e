// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "client.h"
#include "out.h"

static const char *text_of(const json_t *j, const char *name)
{
	const char *text = json_string_value(json_object_get(j, name));

	return text ? text : "";
}

static long long number_of(const json_t *j, const char *name)
{
	return (long long)json_integer_value(json_object_get(j, name));
}

static void line(const char *label, const char *text)
{
	printf("%-13s", label);
	out_text(stdout, text);
	printf("\n");
}

/* "earlier daemons: 1 (pid 7) with 2 connections" */
static void print_earlier(const json_t *list)
{
	long long conns = 0, mute = 0;
	const json_t *e;
	size_t i;

	if (!json_array_size(list))
		return;
	printf("earlier daemons: %zu (pid ", json_array_size(list));
	json_array_foreach(list, i, e) {
		printf("%s%lld", i ? ", " : "", number_of(e, "pid"));
		conns += number_of(e, "connections");
		mute += !json_is_true(json_object_get(e, "answers"));
	}
	printf(") with %lld connection%s", conns, conns == 1 ? "" : "s");
	if (mute)
		printf(", and those of %lld that %s not answer", mute, mute == 1 ? "does" : "do");
	printf("\n");
}

static void print_head(const json_t *j)
{
	const json_t *conns = json_object_get(j, "connections"), *ev = json_object_get(j, "events"),
		     *ssh = json_object_get(j, "ssh"), *tunnel = json_object_get(j, "tunnel"),
		     *http = json_object_get(j, "http");
	char buf[32], text[512];
	const json_t *l;
	size_t i;

	snprintf(text, sizeof(text), "%.64s, up %s, %lld workers%s", text_of(j, "version"),
		 out_seconds((uint64_t)number_of(j, "uptime_s"), buf), number_of(j, "workers"),
		 json_is_true(json_object_get(j, "draining")) ? ", draining" : "");
	line("snisplitd", text);
	snprintf(text, sizeof(text), "%.32s: %.400s", text_of(j, "datapath"),
		 text_of(j, "datapath_why"));
	line("datapath", text);
	if (*text_of(j, "kernel_tls"))
		line("kernel TLS", text_of(j, "kernel_tls"));
	line("sandbox", text_of(j, "sandbox"));
	if (*text_of(j, "pin_root"))
		line("pinned in", text_of(j, "pin_root"));
	json_array_foreach(json_object_get(j, "listeners"), i, l)
		line(i ? "" : "listening on", text_of(l, "addr"));
	if (tunnel) {
		snprintf(text, sizeof(text), "%.64s, %lld connected", text_of(tunnel, "addr"),
			 number_of(tunnel, "sessions"));
		line("agents on", text);
	}
	if (ssh) {
		const char *why = text_of(ssh, "why");

		snprintf(text, sizeof(text), "%.64s%s%.400s", text_of(ssh, "addr"),
			 *why ? ": "
			 : json_is_true(json_object_get(ssh, "up"))
				 ? ""
				 : ", which does not listen yet; if it stays so, the log says why",
			 why);
		line("ssh -R on", text);
	}
	if (http)
		line("status page", text_of(http, "addr"));
	printf("%-13s%lld\n", "endpoints", number_of(j, "endpoints"));
	printf("%-13s%lld active, %lld in all\n", "connections", number_of(conns, "active"),
	       number_of(conns, "total"));
	print_earlier(json_object_get(j, "earlier"));
	printf("%-13s%lld warm upstream connections\n", "pools", number_of(j, "pool_idle"));
	printf("%-13s%lld made, %lld lost\n", "events", number_of(ev, "emitted"),
	       number_of(ev, "lost"));
}

static void print_destinations(const json_t *list)
{
	static const char *const heads[] = {"EVENTS GO TO", "WRITTEN", "LOST", "WAITING",
					    "TROUBLE"};
	struct table *t;
	const json_t *d;
	size_t i;

	if (!json_array_size(list))
		return;
	t = table_new(heads, "<>>><", 5);
	json_array_foreach(list, i, d) {
		table_cell(t, text_of(d, "target"));
		table_cellf(t, "%lld", number_of(d, "written"));
		table_cellf(t, "%lld", number_of(d, "lost"));
		table_cellf(t, "%lld", number_of(d, "waiting"));
		table_cell(t, *text_of(d, "error") ? text_of(d, "error") : "-");
	}
	printf("\n");
	table_print(t, true);
}

static void print_upstreams(const json_t *list)
{
	static const char *const heads[] = {"ENDPOINT", "UPSTREAM", "STATE", "SINCE", "REASON"};
	struct table *t;
	const json_t *u;
	size_t i;

	if (!json_array_size(list))
		return;
	t = table_new(heads, "<<<<<", 5);
	json_array_foreach(list, i, u) {
		table_cell(t, text_of(u, "endpoint"));
		table_cell(t, text_of(u, "address"));
		table_cell(t, text_of(u, "state"));
		table_cell(t, *text_of(u, "since") ? text_of(u, "since") : "-");
		table_cell(t, *text_of(u, "reason") ? text_of(u, "reason") : "-");
	}
	printf("\n");
	table_print(t, true);
}

/* Zeroes too: a reason that never happened is an answer. */
static void print_counters(const json_t *list, bool help)
{
	static const char *const heads[] = {"COUNTER", "VALUE", "MEANING"};
	struct table *t = table_new(heads, "<><", help ? 3 : 2);
	const json_t *c;
	size_t i;

	json_array_foreach(list, i, c) {
		table_cellf(t, "%s.%s", text_of(c, "group"), text_of(c, "name"));
		table_cellf(t, "%lld", number_of(c, "value"));
		if (help)
			table_cell(t, text_of(c, "help"));
	}
	printf("\n");
	table_print(t, true);
}

int status(struct call *c)
{
	struct reply r = {0};
	int code = client_ask(c, "GET", "/status", NULL, &r);

	if (!code && !c->json) {
		print_head(r.json);
		print_destinations(
			json_object_get(json_object_get(r.json, "events"), "destinations"));
		print_upstreams(json_object_get(r.json, "upstreams"));
		print_counters(json_object_get(r.json, "counters"), c->verbose);
	}
	reply_done(&r);
	return code;
}

int reload(struct call *c)
{
	struct reply r = {0};
	int code = client_ask(c, "POST", "/reload", NULL, &r);

	if (!code && !c->json)
		printf("reloaded, %lld endpoints\n", number_of(r.json, "endpoints"));
	reply_done(&r);
	return code;
}
