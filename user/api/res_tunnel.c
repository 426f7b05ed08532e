// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_tunnel - /credentials and /tunnel_sessions; their fields follow ngrok's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "credential_body.h"
#include "credentials.h"
#include "edge.h"
#include "log.h"
#include "request.h"
#include "stamp.h"
#include "tunnel.h"

static int answer(struct request *r, unsigned status, json_t *j)
{
	r->status = status;
	r->out = j;
	return j ? 0 : fault_set(&r->fault, 500, 0, "", "out of memory");
}

/* ---- credentials ---- */

static json_t *credential_json(const struct credential *cr, const char *token)
{
	char uri[CREDENTIAL_ID_MAX + 16], created[STAMP_TEXT_MAX];

	snprintf(uri, sizeof(uri), "/credentials/%s", cr->id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:s?}", "id", cr->id, "uri", uri,
			 "created_at", stamp_text(&cr->created, created), "description",
			 cr->description ? cr->description : "", "metadata",
			 cr->metadata ? cr->metadata : "", "acl", credential_rules_json(cr->acl),
			 "token", token);
}

static int list_one(void *arg, const struct credential *cr)
{
	return json_array_append_new(arg, credential_json(cr, NULL));
}

int credentials_get(struct request *r)
{
	json_t *list = json_array();

	if (!list || credentials_each(edge_credentials(r->api->edge), list_one, list)) {
		json_decref(list);
		return answer(r, 500, NULL);
	}
	return answer(r, 200,
		      json_pack("{s:o, s:s, s:n}", "credentials", list, "uri", "/credentials",
				"next_page_uri"));
}

struct wanted {
	const char *id, *token;
	json_t *found;
};

static int match_one(void *arg, const struct credential *cr)
{
	struct wanted *w = arg;

	if (!strcmp(cr->id, w->id))
		w->found = credential_json(cr, w->token);
	return 0;
}

static json_t *find(struct request *r, const char *id, const char *token)
{
	struct wanted w = {id, token, NULL};

	credentials_each(edge_credentials(r->api->edge), match_one, &w);
	return w.found;
}

int credential_get_one(struct request *r)
{
	json_t *j = find(r, r->id, NULL);

	return j ? answer(r, 200, j)
		 : fault_set(&r->fault, 404, 0, "", "no credential '%.64s'", r->id);
}

int credentials_post(struct request *r)
{
	char id[CREDENTIAL_ID_MAX], token[CREDENTIAL_TOKEN_MAX], who[64];
	struct credential cr = {.id = ""};
	int err = credential_body_read(r->in, &cr, &r->fault);

	if (!err)
		err = credentials_add(edge_credentials(r->api->edge), &cr, id, token, &r->fault);
	credential_body_done(&cr);
	if (err)
		return -1;
	log_info("credential added: id=%s %s", id, request_who(r, who));
	err = answer(r, 201, find(r, id, token));
	explicit_bzero(token, sizeof(token));
	return err;
}

int credential_delete(struct request *r)
{
	char who[64];

	if (credentials_remove(edge_credentials(r->api->edge), r->id, &r->fault))
		return -1;
	tunnel_revoke(edge_tunnel(r->api->edge), r->id);
	log_info("credential removed: id=%s %s", r->id, request_who(r, who));
	r->status = 204;
	return 0;
}

/* ---- sessions ---- */

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

	for (int i = 0; i < n; i++)
		json_array_append_new(out, session_json(&list[i]));
	free(list);
	return answer(r, 200,
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
	return found ? answer(r, 200, found)
		     : fault_set(&r->fault, 404, 0, "", "no tunnel session '%.64s'", r->id);
}
