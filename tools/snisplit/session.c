// SPDX-License-Identifier: GPL-2.0-only
/*
 * session - agents' sessions, seen and ended from the edge.
 */
#include <stdio.h>
#include <stdlib.h>

#include "client.h"
#include "out.h"
#include "resource.h"
#include "show.h"

#define SESSIONS "/tunnel_sessions"

static void row(struct table *t, json_t *s)
{
	table_cell(t, show_text(s, "id"));
	table_cell(t, show_text(s, "ip"));
	table_cell(t, show_text(json_object_get(s, "credential"), "id"));
	table_cellf(t, "%lld", show_number(s, "endpoints"));
	table_cellf(t, "%.19sZ", show_text(s, "started_at"));
	table_cell(t, show_text(s, "agent_version"));
	table_cell(t, show_text(s, "metadata"));
}

int session_list(struct call *c)
{
	static const char *const heads[] = {"ID",      "FROM",	"CREDENTIAL", "ENDPOINTS",
					    "STARTED", "AGENT", "METADATA"};

	return resource_list(c, &(struct resource_list){SESSIONS, "tunnel_sessions", heads,
							"<<<><<<", row});
}

int session_get(struct call *c)
{
	return resource_get(c, client_path(SESSIONS "/", c->args[0]));
}

static int end(struct call *c, const char *how, const char *told)
{
	char *path = client_path(SESSIONS "/", c->args[0]), *full = NULL;
	struct reply r = {0};
	int code = EXIT_USAGE;

	if (asprintf(&full, "%s/%s", path, how) >= 0)
		code = client_ask(c, "POST", full, NULL, &r);
	if (!code && !c->json) {
		printf("%s ", told);
		out_text(stdout, c->args[0]);
		printf("\n");
	}
	free(path);
	free(full);
	reply_done(&r);
	return code;
}

int session_stop(struct call *c)
{
	return end(c, "stop", "stopped");
}

int session_restart(struct call *c)
{
	return end(c, "restart", "restarted");
}
