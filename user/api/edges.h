/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edges - TLS edges and backends: names managed in one place.
 *
 * Each is kept as the JSON that the API shows, in the state database.  An edge makes an endpoint of
 * each of its hostports, of what its modules and its backend say; a change to any of them changes
 * these endpoints, whose connections go on.  What is refused has changed nothing.  Any thread;
 * locked inside.
 */
#ifndef EDGES_H
#define EDGES_H
#include <jansson.h>

#include "endpoint.h"

struct client_ca;
struct edges;
struct labelled;
struct store;

enum edges_kind {
	EDGES_STATIC,
	EDGES_WEIGHTED,
	EDGES_FAILOVER,
	EDGES_TUNNEL_GROUP,
	EDGES_TLS, /* the last: those before are backends */
	EDGES_KIND_MAX
};

/*
 * Loads what there is and puts it online.  A thread of its own keeps the edges up with the tunnels
 * that are in <l>.  0, or -1 with <f>.
 */
int edges_open(struct store *store, struct registry *registry, struct labelled *l,
	       const char *base_domain, struct edges **ret_g, struct fault *f);
void edges_close(struct edges *g); /* NULL is fine; the endpoints stay */

const char *edges_what(enum edges_kind kind); /* "edge", for people */

json_t *edges_list(struct edges *g, enum edges_kind kind);
json_t *edges_get(struct edges *g, enum edges_kind kind, const char *id); /* NULL: no such id */

/*
 * Makes one of <in>, or, with an <id>, changes the fields that <in> has (null takes one away).  0
 * with a new reference in *ret_j, or -1 with <f>.
 */
int edges_put(struct edges *g, enum edges_kind kind, const char *id, const json_t *in,
	      json_t **ret_j, struct fault *f);
/* 404: not there; 409: something names it. */
int edges_del(struct edges *g, enum edges_kind kind, const char *id, struct fault *f);

/* For edge_client_ca_remove(): 409 when an edge of <g>, a struct edges, names <ca>. */
int edges_find_ca(void *g, const struct client_ca *ca, struct fault *f);

/* ---- edges_doc.c ---- */

struct edges_type {
	const char *name, *path, *prefix; /* "/backends/static", "bkdsc_" */
	const struct edges_field *fields;
};
extern const struct edges_type edges_types[EDGES_KIND_MAX];

/* The fields of <in> into <doc>.  0, or -1 with 400. */
int edges_doc_merge(enum edges_kind kind, json_t *doc, const json_t *in, struct fault *f);
/*
 * What edge <doc> asks of each endpoint, without its url; <docs>: all there are, by kind, objects
 * by id.  0, or -1 with <f>; <ret_s> is to be released in any case.
 */
int edges_doc_spec(const json_t *doc, json_t *const docs[EDGES_KIND_MAX], struct labelled *l,
		   struct endpoint_spec *ret_s, struct fault *f);
/* What is not said is shown: texts are "", modules enabled. */
void edges_doc_complete(enum edges_kind kind, json_t *doc);
/* Of a fault of an endpoint's field: the field of the edge that it comes from. */
void edges_doc_say_field(struct fault *f);
bool edges_doc_is_enabled(const json_t *module);
/* Does edge <doc> name it, in use or not? */
bool edges_doc_names_ca(const json_t *doc, const struct client_ca *ca);
/* Does <doc>, of <kind>, name backend <id>? */
bool edges_doc_names(enum edges_kind kind, const json_t *doc, const char *id);

/* ---- edges_backend.c ---- */

/* Whether a backend's doc makes sense by itself; and with those that it names, when it is one of
 * them. */
int edges_backend_check(enum edges_kind kind, const json_t *doc, struct fault *f);
int edges_backend_check_members(json_t *const docs[EDGES_KIND_MAX], const char *id,
				struct fault *f);
/* Does backend <id> consist of <other>, or is it? */
bool edges_backend_has(json_t *const docs[EDGES_KIND_MAX], const char *id, const char *other);
/* Does one of its parts follow the tunnels? */
bool edges_backend_has_tunnels(json_t *const docs[EDGES_KIND_MAX], const char *id);
/* The upstreams, as endpoint_spec.h has them, and their health checks. */
int edges_backend_spec(json_t *const docs[EDGES_KIND_MAX], struct labelled *l, const char *id,
		       struct endpoint_spec *s, struct fault *f);
/* The tunnels that are in it now: a list for people and programs. */
json_t *edges_backend_tunnels(const json_t *doc, struct labelled *l);
#endif
