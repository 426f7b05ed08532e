// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client.h"
#include "out.h"
#include "show.h"
#include "stamp.h"

static void add_conn(struct table *t, const json_t *j, bool exact)
{
	const char *ip = show_text(j, "client_ip");
	struct timespec now = stamp_now(), start = now;
	char buf[32];

	stamp_parse(show_text(j, "start_ts"), &start);
	table_cell(t, show_text(j, "id"));
	table_cellf(t, strchr(ip, ':') ? "[%s]:%u" : "%s:%u", ip,
		    (unsigned)show_number(j, "client_port"));
	table_cell(t, show_text(j, "server_name"));
	table_cell(t, show_text(j, "upstream_addr"));
	table_cell(t, show_text(j, "state"));
	table_cell(t, show_text(j, "datapath"));
	if (exact) {
		table_cellf(t, "%lld", show_number(j, "bytes_in"));
		table_cellf(t, "%lld", show_number(j, "bytes_out"));
	} else {
		table_cell(t, out_bytes((uint64_t)show_number(j, "bytes_in"), buf));
		table_cell(t, out_bytes((uint64_t)show_number(j, "bytes_out"), buf));
	}
	table_cell(t, out_seconds(now.tv_sec > start.tv_sec ? (uint64_t)(now.tv_sec - start.tv_sec)
							    : 0,
				  buf));
}

int conn_list(struct call *c)
{
	static const char *const heads[] = {"ID",	"CLIENT", "NAME", "UPSTREAM", "STATE",
					    "DATAPATH", "IN",	  "OUT",  "AGE"};
	const char *endpoint = call_value(c, "endpoint");
	char *path = endpoint ? client_path("/connections?endpoint=", endpoint)
			      : client_path("/connections", "");
	struct reply r = {0};
	struct table *t;
	json_t *j;
	size_t i;
	int code;

	code = client_ask(c, "GET", path, NULL, &r);
	if (!code && !c->json) {
		t = table_new(heads, "<<<<<<>>>", 9);
		json_array_foreach(json_object_get(r.json, "connections"), i, j)
			add_conn(t, j, c->verbose);
		table_print(t, true);
	}
	free(path);
	reply_done(&r);
	return code;
}

int conn_kill(struct call *c)
{
	char *path = client_path("/connections/", c->args[0]);
	struct reply r = {0};
	int code;

	code = client_ask(c, "DELETE", path, NULL, &r);
	if (!code && !c->json) {
		printf("killed ");
		out_text(stdout, c->args[0]);
		printf("\n");
	}
	free(path);
	reply_done(&r);
	return code;
}
