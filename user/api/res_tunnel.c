// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_tunnel - /tunnel_sessions, whose fields follow ngrok's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "edge.h"
#include "log.h"
#include "request.h"
#include "stamp.h"
#include "tunnel.h"

#define SSH_NO_RESTART 1122

static json_t *session_json(const struct tunnel_session *s)
{
	char uri[64], credential[64], started[STAMP_TEXT_MAX], ip[ADDR_TEXT_MAX];
	bool ssh = !strncmp(s->credential, "sshcr_", 6);

	snprintf(uri, sizeof(uri), "/tunnel_sessions/%s", s->id);
	snprintf(credential, sizeof(credential), "/%scredentials/%s", ssh ? "ssh_" : "",
		 s->credential);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:{s:s, s:s}, s:i, s:i}", "id",
			 s->id, "uri", uri, "agent_version", s->agent, "os", s->os, "ip",
			 addr_ip_text(&s->sa, ip), "metadata", s->metadata, "started_at",
			 stamp_text(&s->started, started), "transport", ssh ? "ssh" : "snisplit/1",
			 "credential", "id", s->credential, "uri", credential, "endpoints",
			 (int)s->endpoints, "rtt_us", (int)s->rtt_us);
}

int sessions_get(struct request *r)
{
	struct tunnel_session *list = NULL;
	json_t *out = json_array();
	int n = tunnel_sessions(edge_tunnel(r->api->edge), &list);

	if (n < 0) {
		json_decref(out);
		return request_answer(r, 500, NULL);
	}
	for (int i = 0; i < n; i++)
		json_array_append_new(out, session_json(&list[i]));
	free(list);
	return request_answer(r, 200,
			      json_pack("{s:o, s:s, s:n}", "tunnel_sessions", out, "uri",
					"/tunnel_sessions", "next_page_uri"));
}

int session_get_one(struct request *r)
{
	struct tunnel_session *list = NULL;
	json_t *found = NULL;
	int n = tunnel_sessions(edge_tunnel(r->api->edge), &list);

	for (int i = 0; i < n && !found; i++)
		if (!strcmp(list[i].id, r->id))
			found = session_json(&list[i]);
	free(list);
	if (n < 0)
		return request_answer(r, 500, NULL);
	return found ? request_answer(r, 200, found)
		     : fault_set(&r->fault, 404, 0, "", "no tunnel session '%.64s'", r->id);
}

static int end(struct request *r, bool restart)
{
	char who[64];
	int err = tunnel_session_end(edge_tunnel(r->api->edge), r->id, restart);

	if (err == -ENOMEM)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	if (err)
		return fault_set(&r->fault, 404, 0, "", "no tunnel session '%.64s'", r->id);
	log_info("session %s: session=%s %s", restart ? "restarted" : "stopped", r->id,
		 request_who(r, who));
	r->status = 204;
	return 0;
}

int session_stop(struct request *r)
{
	return end(r, false);
}

/* -ENOMEM: nobody knows. */
static int is_ssh(struct request *r)
{
	struct tunnel_session *list = NULL;
	int n = tunnel_sessions(edge_tunnel(r->api->edge), &list);
	int ssh = n < 0 ? n : 0;

	for (int i = 0; i < n; i++)
		if (!strcmp(list[i].id, r->id) && !strncmp(list[i].credential, "sshcr_", 6))
			ssh = 1;
	free(list);
	return ssh;
}

int session_restart(struct request *r)
{
	int ssh = is_ssh(r);

	if (ssh < 0)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	if (ssh)
		return fault_set(&r->fault, 400, SSH_NO_RESTART, "",
				 "%.64s is an SSH client's, which does not come back by itself",
				 r->id);
	return end(r, true);
}
