// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_edge - /edges/tls and /backends/{static,weighted,failover,tunnel_group}.
 */
#include <string.h>

#include "request.h"
#include "edges.h"
#include "log.h"

static int list(struct request *r, enum edges_kind kind)
{
	const char *name = kind == EDGES_TLS ? "tls_edges" : "backends";
	json_t *all = edges_list(r->api->edges, kind);

	return request_answer(r, 200,
			      all ? json_pack("{s:o, s:s, s:n}", name, all, "uri",
					      edges_types[kind].path, "next_page_uri")
				  : NULL);
}

static int one(struct request *r, enum edges_kind kind)
{
	json_t *doc = edges_get(r->api->edges, kind, r->id);

	if (!doc)
		return fault_set(&r->fault, 404, 0, "", "no %s '%.64s'", edges_what(kind), r->id);
	return request_answer(r, 200, doc);
}

static int put(struct request *r, enum edges_kind kind, const json_t *in)
{
	json_t *doc = NULL;
	char who[64];

	if (edges_put(r->api->edges, kind, *r->id ? r->id : NULL, in, &doc, &r->fault))
		return -1;
	log_info("%s %s: %s", *r->id ? "changed" : "added",
		 json_string_value(json_object_get(doc, "uri")), request_who(r, who));
	return request_answer(r, *r->id ? 200 : 201, doc);
}

static int del(struct request *r, enum edges_kind kind)
{
	char who[64];

	if (edges_del(r->api->edges, kind, r->id, &r->fault))
		return -1;
	log_info("removed %s/%s: %s", edges_types[kind].path, r->id, request_who(r, who));
	r->status = 204;
	return 0;
}

int edges_get_all(struct request *r)
{
	return list(r, EDGES_TLS);
}

int edge_get_one(struct request *r)
{
	return one(r, EDGES_TLS);
}

int edge_put_one(struct request *r)
{
	return put(r, EDGES_TLS, r->in);
}

int edge_delete(struct request *r)
{
	return del(r, EDGES_TLS);
}

/* ---- modules of an edge: r->part ---- */

int module_get(struct request *r)
{
	json_t *doc = edges_get(r->api->edges, EDGES_TLS, r->id), *module;

	if (!doc)
		return fault_set(&r->fault, 404, 0, "", "no edge '%.64s'", r->id);
	module = json_incref(json_object_get(doc, r->part));
	json_decref(doc);
	if (!module)
		return fault_set(&r->fault, 404, 0, "", "%.64s has no %s", r->id, r->part);
	return request_answer(r, 200, module);
}

int module_put(struct request *r)
{
	json_t *in = json_pack("{s:O}", r->part, r->in), *edge;
	int err = in ? put(r, EDGES_TLS, in) : -1;

	json_decref(in);
	if (err)
		return in ? err : fault_set(&r->fault, 500, 0, "", "out of memory");
	edge = r->out;
	r->out = json_incref(json_object_get(edge, r->part));
	json_decref(edge);
	return 0;
}

int module_delete(struct request *r)
{
	json_t *in = json_pack("{s:n}", r->part);
	int err = in ? put(r, EDGES_TLS, in) : fault_set(&r->fault, 500, 0, "", "out of memory");

	json_decref(in);
	if (err)
		return err;
	json_decref(r->out);
	r->out = NULL;
	r->status = 204;
	return 0;
}

/* ---- backends: r->part is their kind ---- */

static int kind_of(struct request *r, enum edges_kind *ret_kind)
{
	static const char *const names[] = {[EDGES_STATIC] = "static",
					    [EDGES_WEIGHTED] = "weighted",
					    [EDGES_FAILOVER] = "failover",
					    [EDGES_TUNNEL_GROUP] = "tunnel_group"};

	for (int k = 0; k < EDGES_TLS; k++) {
		if (strcmp(names[k], r->part))
			continue;
		*ret_kind = (enum edges_kind)k;
		return 0;
	}
	return fault_set(&r->fault, 404, 0, "", "no /backends/%s", r->part);
}

int backends_get(struct request *r)
{
	enum edges_kind kind;

	return kind_of(r, &kind) ? -1 : list(r, kind);
}

int backend_get_one(struct request *r)
{
	enum edges_kind kind;

	return kind_of(r, &kind) ? -1 : one(r, kind);
}

int backend_put_one(struct request *r)
{
	enum edges_kind kind;

	return kind_of(r, &kind) ? -1 : put(r, kind, r->in);
}

int backend_delete(struct request *r)
{
	enum edges_kind kind;

	return kind_of(r, &kind) ? -1 : del(r, kind);
}
