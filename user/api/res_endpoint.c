// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "edge.h"
#include "log.h"
#include "stamp.h"
#include "store.h"
#include "ulid.h"

#define FROM_FILE 9001 /* ours: the configuration file has it */

static json_t *text_or_empty(const char *text)
{
	return json_string(text ? text : "");
}

static json_int_t count(atomic_uint_fast64_t *n)
{
	return (json_int_t)atomic_load(n);
}

static json_t *metrics(struct endpoint *e)
{
	struct endpoint_stats *t = e->stats;
	json_int_t in_kernel = count(&t->in_kernel), in_user = count(&t->in_user);
	json_int_t out_kernel = count(&t->out_kernel), out_user = count(&t->out_user);

	return json_pack("{s:{s:I, s:I, s:I}, s:I, s:I, s:I, s:I, s:I}", "conns", "count",
			 count(&t->conns_total), "gauge", count(&t->conns_active), "failed",
			 count(&t->conns_failed), "bytes_in", in_kernel + in_user, "bytes_out",
			 out_kernel + out_user, "bytes_kernel", in_kernel + out_kernel,
			 "bytes_user", in_user + out_user, "pool_idle",
			 (json_int_t)atomic_load(&e->warm_held));
}

static json_t *list_json(const char *list)
{
	char item[FIELD_ITEM_MAX];
	json_t *out = json_array();

	while ((list = field_item(list, item)))
		json_array_append_new(out, json_string(item));
	return out;
}

/* The fields that were given, under their own names; never a private key. */
static int add_given(json_t *to, const struct endpoint_spec *s)
{
	for (int i = 0; i < FIELD_ID_MAX; i++) {
		const struct field *fd = &field_table[i];
		const char *text = s->values[i];
		json_t *v;

		if (!text || fd->secret || json_object_get(to, fd->name))
			continue;
		switch (fd->kind) {
		case FIELD_LIST:
			v = list_json(text);
			break;
		case FIELD_BOOL:
			v = json_boolean(!strcmp(text, "true"));
			break;
		case FIELD_NUMBER:
			v = json_integer(atoll(text));
			break;
		default:
			v = json_string(text);
		}
		if (json_object_set_new(to, fd->name, v))
			return -1;
	}
	return 0;
}

/* Fields and names follow ngrok's Endpoint; origin, and those of `endpoint add`, are ours. */
static json_t *endpoint_json(struct endpoint *e)
{
	static const char *const datapaths[] = {"auto", "kernel", "userspace"};
	char uri[ENDPOINT_ID_MAX + 16], url[ENDPOINT_NAME_MAX + 8], hostport[ENDPOINT_NAME_MAX + 8];
	char created[STAMP_TEXT_MAX];
	json_t *j;

	snprintf(uri, sizeof(uri), "/endpoints/%s", e->id);
	snprintf(url, sizeof(url), "tls://%s", e->host);
	snprintf(hostport, sizeof(hostport), "%s:443", e->host);
	stamp_text(&e->created, created);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s,"
		      " s:o, s:o, s:o, s:s, s:s, s:s, s:b, s:[s], s:o}",
		      "id", e->id, "uri", uri, "url", url, "public_url", url, "proto", "tls",
		      "scheme", "tls", "hostport", hostport, "host", e->host, "port", 443, "type",
		      "cloud", "origin", e->origin == ENDPOINT_FILE ? "file" : "api", "created_at",
		      created, "updated_at", created, "name",
		      text_or_empty(e->spec.values[FIELD_ID_NAME]), "description",
		      text_or_empty(e->spec.values[FIELD_ID_DESCRIPTION]), "metadata",
		      text_or_empty(e->spec.values[FIELD_ID_METADATA]), "upstream_url",
		      e->spec.values[FIELD_ID_UPSTREAM], "terminate_at",
		      e->tls_server ? "edge" : "upstream", "datapath", datapaths[e->datapath],
		      "pooling_enabled", 0, "bindings", "public", "metrics", metrics(e));
	if (j && add_given(j, &e->spec)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

static int answer_with(struct request *r, unsigned status, json_t *j)
{
	if (!j)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	r->status = status;
	r->out = j;
	return 0;
}

struct listing {
	struct edge *edge;
	json_t *list;
};

static int list_one(void *arg, struct endpoint *e)
{
	struct listing *l = arg;

	return json_array_append_new(l->list, endpoint_json(e));
}

int endpoints_get(struct request *r)
{
	struct listing l = {r->api->edge, json_array()};

	edge_account(r->api->edge);
	if (!l.list || registry_each(edge_registry(l.edge), list_one, &l)) {
		json_decref(l.list);
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	}
	return answer_with(r, 200,
			   json_pack("{s:o, s:s, s:n}", "endpoints", l.list, "uri", "/endpoints",
				     "next_page_uri"));
}

int endpoint_get_one(struct request *r)
{
	struct endpoint *e = registry_find(edge_registry(r->api->edge), r->id);
	int err;

	if (!e)
		return fault_set(&r->fault, 404, 0, "", "no endpoint '%.200s'", r->id);
	edge_account(r->api->edge);
	err = answer_with(r, 200, endpoint_json(e));
	endpoint_put(e);
	return err;
}

/* ---- adding ---- */

static int set_list(struct endpoint_spec *s, const char *name, const json_t *list, struct fault *f)
{
	char *joined = NULL;
	size_t i, size;
	FILE *to = open_memstream(&joined, &size);
	int err = to ? 0 : fault_set(f, 500, 0, name, "out of memory");
	json_t *v;

	json_array_foreach(list, i, v) {
		const char *text = json_string_value(v);

		if (err)
			break;
		if (!text || !*text || strlen(text) != json_string_length(v) || strchr(text, '\n'))
			err = fault_set(
				f, 400, 0, name,
				"must be a list of strings, none empty or with a line break");
		else
			fprintf(to, "%s%s", i ? "\n" : "", text);
	}
	if (to && fclose(to) && !err)
		err = fault_set(f, 500, 0, name, "out of memory");
	if (!err)
		err = endpoint_spec_set(s, name, FIELD_LIST, joined, f);
	free(joined);
	return err;
}

/* A field as it is in JSON, in the terms of wire/field.h. */
static int set_field(struct endpoint_spec *s, const char *name, const json_t *v, struct fault *f)
{
	const char *text;
	char number[32];

	switch (json_typeof(v)) {
	case JSON_STRING:
		text = json_string_value(v);
		if (strlen(text) != json_string_length(v))
			return fault_set(f, 400, 0, name, "has a NUL byte in it");
		return endpoint_spec_set(s, name, FIELD_STRING, text, f);
	case JSON_TRUE:
		return endpoint_spec_set(s, name, FIELD_BOOL, "true", f);
	case JSON_FALSE:
		return endpoint_spec_set(s, name, FIELD_BOOL, "false", f);
	case JSON_INTEGER:
		snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
		return endpoint_spec_set(s, name, FIELD_NUMBER, number, f);
	case JSON_ARRAY:
		return set_list(s, name, v, f);
	case JSON_NULL:
		return endpoint_spec_set(s, name, FIELD_NULL, "", f);
	default:
		return endpoint_spec_set(s, name, FIELD_OTHER, "", f);
	}
}

/* "tls://" asks for a name of our choice. */
static int choose_name(struct request *r, struct endpoint_spec *s)
{
	char random[ULID_LEN + 1], *url;

	if (!s->values[FIELD_ID_URL] || strcasecmp(s->values[FIELD_ID_URL], "tls://"))
		return 0;
	ulid_new("", random, sizeof(random));
	/* the last 60 bits: all random */
	if (asprintf(&url, "tls://%s.%s", random + ULID_LEN - 12, r->api->base_domain) < 0)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	free(s->values[FIELD_ID_URL]);
	s->values[FIELD_ID_URL] = url;
	return 0;
}

static int read_spec(struct request *r, struct endpoint_spec *s)
{
	const char *name;
	json_t *v;

	s->origin = ENDPOINT_API;
	json_object_foreach(r->in, name, v)
		if (set_field(s, name, v, &r->fault))
			return -1;
	return choose_name(r, s);
}

/*
 * Registered, now on disk too, or neither.  In between somebody may have removed
 * it again: then it must not come back with the next start.
 */
static int make_durable(struct request *r, struct endpoint *e)
{
	struct store_field fields[FIELD_ID_MAX];
	struct store_row row = {.id = e->id, .created = e->created, .fields = fields};
	int err;

	for (int i = 0; i < FIELD_ID_MAX; i++) {
		if (!e->spec.values[i])
			continue;
		fields[row.n_fields].name = field_table[i].name;
		/* the name as it routes, so that it need not be normalised in the same way for ever
		 */
		fields[row.n_fields++].value = i == FIELD_ID_URL ? e->host : e->spec.values[i];
	}

	pthread_mutex_lock(&r->api->change);
	if (atomic_load(&e->gone)) {
		err = fault_set(&r->fault, 409, 0, "", "%s was removed while it was added", e->id);
	} else {
		err = store_put(r->api->store, "endpoint", &row, &r->fault);
		if (err)
			registry_remove(edge_registry(r->api->edge), e->id, NULL);
	}
	pthread_mutex_unlock(&r->api->change);
	return err ? -1 : 0;
}

int endpoints_post(struct request *r)
{
	struct endpoint_spec s = {0};
	struct endpoint *e;
	char who[64];
	int err;

	err = read_spec(r, &s);
	if (!err)
		err = registry_add(edge_registry(r->api->edge), &s, NULL, NULL, &e, &r->fault);
	if (!err) {
		err = make_durable(r, e);
		if (!err) {
			log_info("endpoint added: endpoint=%s url=tls://%s upstream=%s %s", e->id,
				 e->host, e->upstream, request_who(r, who));
			err = answer_with(r, 201, endpoint_json(e));
		}
		endpoint_put(e);
	}
	endpoint_spec_done(&s);
	return err;
}

/* ---- removing ---- */

static int from_file(struct request *r, const struct endpoint *e)
{
	return fault_set(&r->fault, 409, FROM_FILE, "",
			 "tls://%s comes from %s; remove it there and reload", e->host,
			 r->api->file ? r->api->file : "the configuration file");
}

/* The disk first: what was acknowledged as gone must not come back. */
static int remove_one(struct request *r, char ret_id[ENDPOINT_ID_MAX])
{
	struct registry *registry = edge_registry(r->api->edge);
	struct endpoint *e = registry_find(registry, r->id);
	int err;

	if (!e)
		return fault_set(&r->fault, 404, 0, "", "no endpoint '%.200s'", r->id);
	strcpy(ret_id, e->id);
	if (e->origin == ENDPOINT_FILE)
		err = from_file(r, e);
	else
		err = store_del(r->api->store, "endpoint", e->id, &r->fault);
	if (!err)
		err = registry_remove(registry, e->id, &r->fault);
	endpoint_put(e);
	return err ? -1 : 0;
}

int endpoint_delete(struct request *r)
{
	char id[ENDPOINT_ID_MAX], who[64];
	bool kill_too;
	int err;

	if (request_query_flag(r, "kill", &kill_too))
		return -1;
	pthread_mutex_lock(&r->api->change);
	err = remove_one(r, id);
	pthread_mutex_unlock(&r->api->change);
	if (err)
		return err;
	log_info("endpoint removed: endpoint=%s %s", id, request_who(r, who));
	if (!kill_too) {
		r->status = 204;
		return 0;
	}
	return answer_with(r, 200,
			   json_pack("{s:i}", "connections_killed",
				     edge_endpoint_kill(r->api->edge, id)));
}
