// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "out.h"

static const char *text_of(const json_t *j, const char *name)
{
	const char *text = json_string_value(json_object_get(j, name));

	return text ? text : "-";
}

static unsigned long long number_of(const json_t *j, const char *name)
{
	return (unsigned long long)json_integer_value(json_object_get(j, name));
}

static void field(const char *text, const char *after)
{
	out_text(stdout, text);
	printf("%s", after);
}

/* time client -> name (upstream) datapath in/out reason */
static void print_closed(const json_t *j)
{
	const json_t *o = json_object_get(j, "object"), *conn = json_object_get(o, "conn");
	const char *reason = text_of(o, "close_reason"), *ip = text_of(conn, "client_ip");
	char in[16], out[16];

	field(text_of(j, "event_timestamp"), " ");
	field(strchr(ip, ':') ? "[" : "", "");
	field(ip, strchr(ip, ':') ? "]:" : ":");
	printf("%llu -> ", number_of(conn, "client_port"));
	field(text_of(conn, "server_name"), " ");
	field(text_of(o, "upstream_addr"), " ");
	field(text_of(o, "datapath"), " ");
	printf("in %s out %s ", out_bytes(number_of(conn, "bytes_in"), in),
	       out_bytes(number_of(conn, "bytes_out"), out));
	out_styled(strstr(reason, "_fin") ? OUT_GOOD : OUT_WARN, reason);
	printf("\n");
}

static void on_line(void *arg, const char *line, size_t len)
{
	const struct call *c = arg;
	json_t *j;

	if (c->json) {
		fwrite(line, 1, len, stdout);
	} else {
		j = json_loadb(line, len, 0, NULL);
		if (!strcmp(text_of(j, "event_type"), "tcp_connection_closed.v0"))
			print_closed(j);
		else
			fprintf(stderr, "snisplit: too slow: %llu events were skipped\n",
				number_of(json_object_get(j, "object"), "count"));
		json_decref(j);
	}
	fflush(stdout);
	if (ferror(stdout))
		exit(EXIT_USAGE);
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
