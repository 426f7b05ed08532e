// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_ca - /certificate_authorities, whose fields follow ngrok's; the name is ours.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "cert_json.h"
#include "client_ca.h"
#include "edge.h"
#include "edges.h"
#include "log.h"
#include "request.h"
#include "stamp.h"

static struct client_cas *all_of(struct request *r)
{
	return edge_client_cas(r->api->edge);
}

static json_t *ca_json(const struct client_ca *ca)
{
	char uri[CLIENT_CA_ID_MAX + 32], created[STAMP_TEXT_MAX];
	json_t *j;

	snprintf(uri, sizeof(uri), "/certificate_authorities/%s", ca->id);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s}", "id", ca->id, "uri", uri, "created_at",
		      stamp_text(&ca->created, created), "name", ca->name ? ca->name : "",
		      "description", ca->description ? ca->description : "", "metadata",
		      ca->metadata ? ca->metadata : "", "ca_pem", ca->pem);
	if (j)
		cert_json_add(j, ca->pem);
	return j;
}

static int append(void *arg, const struct client_ca *ca)
{
	return json_array_append_new(arg, ca_json(ca));
}

static int take(void *arg, const struct client_ca *ca)
{
	*(json_t **)arg = ca_json(ca);
	return 0;
}

static int answer_one(struct request *r, unsigned status, const char *id)
{
	json_t *j = NULL;

	if (client_cas_with(all_of(r), id, take, &j) == -ENOENT)
		return fault_set(&r->fault, 404, 0, "", "no certificate authority '%.64s'", id);
	return request_answer(r, status, j);
}

/* Of the four, the first <n> may be there. */
static int read_body(struct request *r, struct client_ca *ca, size_t n)
{
	const struct {
		const char *name;
		const char **where;
		size_t max;
	} known[] = {
		{"description", &ca->description, 255},
		{"metadata", &ca->metadata, 4096},
		{"name", &ca->name, 255},
		{"ca_pem", &ca->pem, 0},
	};
	const char *name;
	json_t *v;
	size_t i;

	json_object_foreach(r->in, name, v) {
		for (i = 0; i < 4 && strcmp(known[i].name, name); i++)
			;
		if (i >= n)
			return fault_set(&r->fault, 400, 0, name,
					 i < 4 ? "cannot be changed; add another"
					       : "unknown field");
		if (!json_is_null(v) && request_text(r, name, v, known[i].max, known[i].where))
			return -1;
	}
	return 0;
}

int cas_get(struct request *r)
{
	json_t *list = json_array();

	if (!list || client_cas_each(all_of(r), append, list)) {
		json_decref(list);
		return request_answer(r, 500, NULL);
	}
	return request_answer(r, 200,
			      json_pack("{s:o, s:s, s:n}", "certificate_authorities", list, "uri",
					"/certificate_authorities", "next_page_uri"));
}

int cas_post(struct request *r)
{
	struct client_ca ca = {.id = ""};
	char who[64];

	if (read_body(r, &ca, 4) || client_cas_add(all_of(r), &ca, &r->fault))
		return -1;
	log_info("certificate authority added: id=%s %s", ca.id, request_who(r, who));
	return answer_one(r, 201, ca.id);
}

int ca_get_one(struct request *r)
{
	return answer_one(r, 200, r->id);
}

int ca_patch(struct request *r)
{
	struct client_ca ca = {.id = ""};

	if (read_body(r, &ca, 2) ||
	    client_cas_set(all_of(r), r->id, ca.description, ca.metadata, &r->fault))
		return -1;
	return answer_one(r, 200, r->id);
}

int ca_delete(struct request *r)
{
	char who[64];

	if (edge_client_ca_remove(r->api->edge, r->id, edges_find_ca, r->api->edges, &r->fault))
		return -1;
	log_info("certificate authority removed: %s %s", r->id, request_who(r, who));
	r->status = 204;
	return 0;
}
