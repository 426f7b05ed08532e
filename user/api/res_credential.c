// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_credential - /credentials and /ssh_credentials; their fields follow ngrok's.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credential_body.h"
#include "edge.h"
#include "log.h"
#include "request.h"
#include "stamp.h"
#include "tunnel.h"

static const struct kind {
	const char *path, *what;
	struct credentials *(*table)(struct edge *g);
	bool has_key;
} tokens = {"credentials", "credential", edge_credentials, false},
  keys = {"ssh_credentials", "SSH credential", edge_ssh_credentials, true};

static json_t *limit_json(unsigned n)
{
	return n ? json_integer(n) : json_null();
}

static json_t *credential_json(const struct kind *k, const struct credential *cr, const char *token)
{
	char uri[CREDENTIAL_ID_MAX + 20], created[STAMP_TEXT_MAX];

	snprintf(uri, sizeof(uri), "/%s/%s", k->path, cr->id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:o, s:o, s:s*, s:s*, s:s*}", "id", cr->id,
			 "uri", uri, "created_at", stamp_text(&cr->created, created), "description",
			 cr->description ? cr->description : "", "metadata",
			 cr->metadata ? cr->metadata : "", "acl", credential_rules_json(cr->acl),
			 "max_sessions", limit_json(cr->max_sessions), "max_endpoints",
			 limit_json(cr->max_endpoints), "public_key", cr->public_key, "fingerprint",
			 k->has_key ? cr->fingerprint : NULL, "token", token);
}

struct listing {
	const struct kind *kind;
	json_t *list;
};

static int list_one(void *arg, const struct credential *cr)
{
	struct listing *l = arg;

	return json_array_append_new(l->list, credential_json(l->kind, cr, NULL));
}

static int get_all(struct request *r, const struct kind *k)
{
	struct listing l = {k, json_array()};
	char uri[32];

	if (!l.list || credentials_each(k->table(r->api->edge), list_one, &l)) {
		json_decref(l.list);
		return request_answer(r, 500, NULL);
	}
	snprintf(uri, sizeof(uri), "/%s", k->path);
	return request_answer(
		r, 200, json_pack("{s:o, s:s, s:n}", k->path, l.list, "uri", uri, "next_page_uri"));
}

struct wanted {
	const struct kind *kind;
	const char *id, *token;
	bool there;
	json_t *found; /* NULL although it is there: out of memory */
};

static int match_one(void *arg, const struct credential *cr)
{
	struct wanted *w = arg;

	if (!strcmp(cr->id, w->id)) {
		w->there = true;
		w->found = credential_json(w->kind, cr, w->token);
	}
	return 0;
}

static int answer_one(struct request *r, unsigned status, const struct kind *k, const char *id,
		      const char *token)
{
	struct wanted w = {k, id, token, false, NULL};

	credentials_each(k->table(r->api->edge), match_one, &w);
	if (!w.there)
		return fault_set(&r->fault, 404, 0, "", "no %s '%.64s'", k->what, id);
	return request_answer(r, status, w.found);
}

static int get_one(struct request *r, const struct kind *k)
{
	return answer_one(r, 200, k, r->id, NULL);
}

static int post(struct request *r, const struct kind *k)
{
	char id[CREDENTIAL_ID_MAX], token[CREDENTIAL_TOKEN_MAX], who[64];
	struct credential cr = {.id = ""};
	int err = credential_body_read(r->in, k->has_key, &cr, &r->fault);

	if (!err)
		err = credentials_add(k->table(r->api->edge), &cr, id, token, &r->fault);
	credential_body_done(&cr);
	if (err)
		return -1;
	log_info("%s added: id=%s %s", k->what, id, request_who(r, who));
	err = answer_one(r, 201, k, id, *token ? token : NULL);
	explicit_bzero(token, sizeof(token));
	return err;
}

static int patch(struct request *r, const struct kind *k)
{
	struct credential cr = {.max_sessions = CREDENTIAL_KEEP, .max_endpoints = CREDENTIAL_KEEP};
	char who[64];
	int err = credential_body_read(r->in, false, &cr, &r->fault);

	if (!err)
		err = credentials_set(k->table(r->api->edge), r->id, &cr, &r->fault);
	credential_body_done(&cr);
	if (err)
		return -1;
	tunnel_renew_rules(edge_tunnel(r->api->edge), r->id);
	log_info("%s changed: id=%s %s", k->what, r->id, request_who(r, who));
	return get_one(r, k);
}

static int remove_one(struct request *r, const struct kind *k)
{
	bool kill_too;
	char who[64];

	if (request_query_flag(r, "kill", &kill_too) ||
	    credentials_remove(k->table(r->api->edge), r->id, &r->fault))
		return -1;
	tunnel_revoke(edge_tunnel(r->api->edge), r->id);
	log_info("%s removed: id=%s %s", k->what, r->id, request_who(r, who));
	r->status = 204;
	return kill_too ? request_answer(r, 200,
					 json_pack("{s:i}", "connections_killed",
						   edge_credential_kill(r->api->edge, r->id)))
			: 0;
}

int credentials_get(struct request *r)
{
	return get_all(r, &tokens);
}

int credential_get_one(struct request *r)
{
	return get_one(r, &tokens);
}

int credentials_post(struct request *r)
{
	return post(r, &tokens);
}

int credential_patch(struct request *r)
{
	return patch(r, &tokens);
}

int credential_delete(struct request *r)
{
	return remove_one(r, &tokens);
}

int ssh_credentials_get(struct request *r)
{
	return get_all(r, &keys);
}

int ssh_credential_get_one(struct request *r)
{
	return get_one(r, &keys);
}

int ssh_credentials_post(struct request *r)
{
	return post(r, &keys);
}

int ssh_credential_patch(struct request *r)
{
	return patch(r, &keys);
}

int ssh_credential_delete(struct request *r)
{
	return remove_one(r, &keys);
}
