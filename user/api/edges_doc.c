// SPDX-License-Identifier: GPL-2.0-only
/*
 * edges_doc - what stands in edges and backends, and what it asks of endpoints.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client_ca.h"
#include "edges.h"

#define TOO_MANY_CAS 1675
#define IP_POLICIES_MAX 99

struct edges_field {
	const char *name;
	json_type type;
	size_t max;	   /* of a string */
	const char *parts; /* of an object: the names it may have, '|' between; NULL: any */
};

#define TEXTS                                       \
	{"description", JSON_STRING, 255, NULL},    \
	{                                           \
		"metadata", JSON_STRING, 4096, NULL \
	}

static const struct edges_field static_fields[] = {
	{"address", JSON_STRING, 300, NULL},
	{"tls", JSON_OBJECT, 0, "enabled"},
	{"health_check", JSON_STRING, 8, NULL},
	{"health_interval", JSON_STRING, 16, NULL},
	{"health_rise", JSON_INTEGER, 0, NULL},
	{"health_fall", JSON_INTEGER, 0, NULL},
	TEXTS,
	{.name = NULL},
};
static const struct edges_field weighted_fields[] = {
	{"backends", JSON_OBJECT, 0, NULL}, TEXTS, {.name = NULL}};
static const struct edges_field failover_fields[] = {
	{"backends", JSON_ARRAY, 0, NULL}, TEXTS, {.name = NULL}};
static const struct edges_field group_fields[] = {
	{"labels", JSON_OBJECT, 0, NULL}, TEXTS, {.name = NULL}};
static const struct edges_field tls_fields[] = {
	{"hostports", JSON_ARRAY, 0, NULL},
	{"backend", JSON_OBJECT, 0, "enabled|backend_id"},
	{"tls_termination", JSON_OBJECT, 0, "enabled|terminate_at|min_version"},
	{"mutual_tls", JSON_OBJECT, 0, "enabled|mutual_tls_cas|certificate_authority_ids"},
	{"ip_restriction", JSON_OBJECT, 0, "enabled|ip_policy_ids"},
	TEXTS,
	{.name = NULL},
};

const struct edges_type edges_types[EDGES_KIND_MAX] = {
	[EDGES_STATIC] = {"static_backends", "/backends/static", "bkdsc_", static_fields},
	[EDGES_WEIGHTED] = {"weighted_backends", "/backends/weighted", "bkdwd_", weighted_fields},
	[EDGES_FAILOVER] = {"failover_backends", "/backends/failover", "bkdfo_", failover_fields},
	[EDGES_TUNNEL_GROUP] = {"tunnel_group_backends", "/backends/tunnel_group", "bkdtg_",
				group_fields},
	[EDGES_TLS] = {"tls_edges", "/edges/tls", "edgtls_", tls_fields},
};

static const char *kind_name(json_type type)
{
	switch (type) {
	case JSON_STRING:
		return "a string";
	case JSON_INTEGER:
		return "a number";
	case JSON_ARRAY:
		return "a list";
	default:
		return "an object";
	}
}

/* ---- one field ---- */

static int check_parts(const struct edges_field *fd, const json_t *v, struct fault *f)
{
	const char *name;
	json_t *part;

	json_object_foreach((json_t *)v, name, part) {
		if (fd->parts && !field_is_choice(fd->parts, name))
			return fault_set(f, 400, 0, fd->name, "has only %s, not '%.64s'", fd->parts,
					 name);
		if (!strcmp(name, "enabled") && !json_is_boolean(part))
			return fault_set(f, 400, 0, fd->name, "enabled must be true or false");
	}
	return 0;
}

static int take(json_t *doc, const struct edges_field *fd, json_t *v, struct fault *f)
{
	if (json_is_null(v)) {
		json_object_del(doc, fd->name);
		return 0;
	}
	if (json_typeof(v) != fd->type)
		return fault_set(f, 400, 0, fd->name, "must be %s", kind_name(fd->type));
	if (fd->max && json_string_length(v) > fd->max)
		return fault_set(f, 400, 0, fd->name, "is longer than %zu bytes", fd->max);
	if (fd->type == JSON_OBJECT && check_parts(fd, v, f))
		return -1;
	v = json_deep_copy(v);
	if (!v || json_object_set_new(doc, fd->name, v))
		return fault_set(f, 500, 0, "", "out of memory");
	return 0;
}

int edges_doc_merge(enum edges_kind kind, json_t *doc, const json_t *in, struct fault *f)
{
	const struct edges_field *fd;
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)in, name, v) {
		for (fd = edges_types[kind].fields; fd->name && strcmp(fd->name, name); fd++)
			;
		if (!fd->name)
			return fault_set(f, 400, 0, name, "unknown field");
		if (take(doc, fd, v, f))
			return -1;
	}
	return 0;
}

void edges_doc_complete(enum edges_kind kind, json_t *doc)
{
	for (const struct edges_field *fd = edges_types[kind].fields; fd->name; fd++) {
		json_t *v = json_object_get(doc, fd->name);

		if (!v && (!strcmp(fd->name, "description") || !strcmp(fd->name, "metadata")))
			json_object_set_new(doc, fd->name, json_string(""));
		else if (v && fd->parts && !json_object_get(v, "enabled"))
			json_object_set_new(v, "enabled", json_true());
	}
}

void edges_doc_say_field(struct fault *f)
{
	static const char *const fields[][2] = {
		{"ip_policies", "ip_policy_ids"},
		{"certificate_authorities", "certificate_authority_ids"},
	};

	for (size_t i = 0; f && i < sizeof(fields) / sizeof(fields[0]); i++)
		if (!strcmp(f->field, fields[i][0]))
			snprintf(f->field, sizeof(f->field), "%s", fields[i][1]);
}

bool edges_doc_is_enabled(const json_t *module)
{
	const json_t *enabled = json_object_get(module, "enabled");

	return module && !json_is_false(enabled);
}

struct build {
	struct endpoint_spec *s;
	struct fault *f;
};

static int set(struct build *b, const char *field, enum field_kind kind, const char *text)
{
	return endpoint_spec_set(b->s, field, kind, text, b->f);
}

bool edges_doc_names(enum edges_kind kind, const json_t *doc, const char *id)
{
	json_t *list = json_object_get(doc, "backends"), *v;
	const char *named;
	size_t i;

	if (kind == EDGES_TLS) {
		named = json_string_value(
			json_object_get(json_object_get(doc, "backend"), "backend_id"));
		return named && !strcmp(named, id);
	}
	json_array_foreach(list, i, v)
		if (json_is_string(v) && !strcmp(json_string_value(v), id))
			return true;
	return json_object_get(list, id) != NULL;
}

bool edges_doc_names_ca(const json_t *doc, const struct client_ca *ca)
{
	json_t *id, *ids = json_object_get(json_object_get(doc, "mutual_tls"),
					   "certificate_authority_ids");
	size_t i;

	json_array_foreach(ids, i, id)
		if (json_is_string(id) && client_ca_is_in(ca, json_string_value(id)))
			return true;
	return false;
}

/* ---- modules ---- */

static int set_termination(struct build *b, const json_t *m)
{
	const char *at = json_string_value(json_object_get(m, "terminate_at"));
	const char *min = json_string_value(json_object_get(m, "min_version"));

	if (!edges_doc_is_enabled(m))
		return 0;
	if (set(b, "terminate_at", FIELD_STRING, at ? at : "edge"))
		return -1;
	return min ? set(b, "min_version", FIELD_STRING, min) : 0;
}

/* <ids>, <part> of <module>, as the list <field> of the endpoint. */
static int set_ids(struct build *b, const char *field, const json_t *ids, const char *module,
		   const char *part, size_t max)
{
	char text[FIELD_ITEM_MAX];
	size_t i, n = 0;
	json_t *id;

	if (json_array_size(ids) > max)
		return fault_set(b->f, 400, max == CLIENT_CAS_MAX ? TOO_MANY_CAS : 0, module,
				 "%s are more than %zu", part, max);
	json_array_foreach(ids, i, id) {
		if (!json_is_string(id) || !json_string_length(id) || json_string_length(id) > 63 ||
		    strchr(json_string_value(id), '\n') ||
		    n + json_string_length(id) + 2 > sizeof(text))
			return fault_set(b->f, 400, 0, module, "%s must be a list of ids", part);
		n += (size_t)sprintf(text + n, "%s%s", i ? "\n" : "", json_string_value(id));
	}
	if (!n)
		return fault_set(b->f, 400, 0, module, "needs %s", part);
	return set(b, field, FIELD_LIST, text);
}

static int set_mutual_tls(struct build *b, const json_t *m)
{
	const json_t *ids = json_object_get(m, "certificate_authority_ids");
	const char *cas = json_string_value(json_object_get(m, "mutual_tls_cas"));

	if (!edges_doc_is_enabled(m))
		return 0;
	if (!cas && !json_array_size(ids))
		return fault_set(b->f, 400, 0, "mutual_tls",
				 "needs certificate_authority_ids, or mutual_tls_cas, PEM text");
	if (cas && set(b, "mutual_tls_cas", FIELD_PEM, cas))
		return -1;
	return ids ? set_ids(b, "certificate_authorities", ids, "mutual_tls",
			     "certificate_authority_ids", CLIENT_CAS_MAX)
		   : 0;
}

static int set_restriction(struct build *b, const json_t *m)
{
	const json_t *ids = json_object_get(m, "ip_policy_ids");

	if (!edges_doc_is_enabled(m))
		return 0;
	return set_ids(b, "ip_policies", ids, "ip_restriction", "ip_policy_ids", IP_POLICIES_MAX);
}

int edges_doc_spec(const json_t *doc, json_t *const docs[EDGES_KIND_MAX], struct labelled *l,
		   struct endpoint_spec *ret_s, struct fault *f)
{
	const json_t *backend = json_object_get(doc, "backend");
	const char *id = json_string_value(json_object_get(backend, "backend_id"));
	struct build b = {.s = ret_s, .f = f};
	const char *texts[] = {"description", "metadata"};

	memset(ret_s, 0, sizeof(*ret_s));
	ret_s->origin = ENDPOINT_EDGE;
	/* without one, or with one that is switched off, it holds its names, and nobody serves them
	 */
	if (edges_doc_is_enabled(backend) && !id)
		return fault_set(f, 400, 0, "backend", "is missing: {\"backend_id\": ID}");
	for (size_t i = 0; i < 2; i++) {
		const char *text = json_string_value(json_object_get(doc, texts[i]));

		if (text && set(&b, texts[i], FIELD_STRING, text))
			return -1;
	}
	if ((edges_doc_is_enabled(backend) && edges_backend_spec(docs, l, id, ret_s, f)) ||
	    set_termination(&b, json_object_get(doc, "tls_termination")))
		return -1;
	if (set_mutual_tls(&b, json_object_get(doc, "mutual_tls")))
		return -1;
	return set_restriction(&b, json_object_get(doc, "ip_restriction"));
}
