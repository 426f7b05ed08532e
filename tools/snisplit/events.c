// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "json_text.h"
#include "out.h"
#include "show.h"

static void field(const char *text, const char *after)
{
	out_text(stdout, text);
	printf("%s", after);
}

/* time client -> name (upstream) datapath in/out reason */
static void print_closed(const json_t *j)
{
	const json_t *o = json_object_get(j, "object"), *conn = json_object_get(o, "conn");
	const char *reason = show_text(o, "close_reason"), *ip = show_text(conn, "client_ip");
	char in[16], out[16];

	field(show_text(j, "event_timestamp"), " ");
	field(strchr(ip, ':') ? "[" : "", "");
	field(ip, strchr(ip, ':') ? "]:" : ":");
	printf("%lld -> ", show_number(conn, "client_port"));
	field(show_text(conn, "server_name"), " ");
	field(show_text(o, "upstream_addr"), " ");
	field(show_text(o, "datapath"), " ");
	printf("in %s out %s ", out_bytes((uint64_t)show_number(conn, "bytes_in"), in),
	       out_bytes((uint64_t)show_number(conn, "bytes_out"), out));
	out_styled(strstr(reason, "_fin") ? OUT_GOOD : OUT_WARN, reason);
	if (*show_text(o, "error")) {
		printf(": ");
		out_text(stdout, show_text(o, "error"));
	}
	printf("\n");
}

/* time name: upstream ADDR is dead: why */
static void print_upstream(const json_t *j)
{
	const json_t *o = json_object_get(j, "object");
	const char *state = show_text(o, "state"), *reason = show_text(o, "reason");

	field(show_text(j, "event_timestamp"), " ");
	field(show_text(o, "server_name"), ": upstream ");
	field(show_text(o, "upstream_addr"), " is ");
	out_styled(strcmp(state, "alive") ? OUT_BAD : OUT_GOOD, state);
	field(*reason ? ": " : "", "");
	field(reason, "\n");
}

/* A gap is told apart from the events: it is no part of the story. */
static void print_event(const json_t *j)
{
	const char *type = show_text(j, "event_type");

	if (!strcmp(type, "tcp_connection_closed.v0")) {
		print_closed(j);
	} else if (!strcmp(type, "upstream_state_changed.v0")) {
		print_upstream(j);
	} else if (!strcmp(type, "events_skipped.v0")) {
		fprintf(stderr, "snisplit: too slow: %lld events were skipped\n",
			show_number(json_object_get(j, "object"), "count"));
	} else {
		field(show_text(j, "event_timestamp"), " ");
		field(type, " (see --json)\n");
	}
}

static void on_line(void *arg, const char *line, size_t len)
{
	const struct call *c = arg;
	json_t *j;

	if (c->json) {
		fwrite(line, 1, len, stdout);
	} else {
		j = json_text_read(line, len, 0, NULL);
		print_event(j);
		json_decref(j);
	}
	fflush(stdout);
	if (ferror(stdout)) {
		perror("snisplit: stdout");
		exit(EXIT_USAGE);
	}
}

int events(struct call *c)
{
	const char *since = call_value(c, "since");
	bool follow = call_value(c, "follow");
	char *path;
	int code;

	path = since ? client_path(follow ? "/events?follow=1&since=" : "/events?since=", since)
		     : client_path(follow ? "/events?follow=1" : "/events", "");
	code = client_stream(c, path, on_line, c);
	free(path);
	if (!code && follow) {
		fprintf(stderr, "snisplit: snisplitd on %s ended\n", c->socket);
		code = EXIT_UNREACHABLE;
	}
	return code;
}
