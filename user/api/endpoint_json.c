// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint_json.h"
#include "stamp.h"
#include "text_file.h"

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
		const char *text = endpoint_spec_value(s, i);
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

/* As `endpoint add` would have it: how an edge's share stands in its backends. */
static json_t *upstream_text(const struct endpoint *e)
{
	char *text = NULL;
	size_t len;
	FILE *to;
	json_t *j;

	if (e->origin != ENDPOINT_EDGE)
		return text_or_empty(endpoint_spec_value(&e->spec, FIELD_ID_UPSTREAM));
	to = text_file_open(&text, &len);
	if (!to)
		return NULL;
	for (const struct endpoint *t = e->empty ? NULL : e; t; t = t->next_target)
		fprintf(to, "%s%s%s", t == e ? "" : ",", t->upstream_tls ? "tls://" : "",
			t->upstream);
	j = text_file_close(to, &text) ? NULL : json_string(text);
	free(text);
	return j;
}

/* What clients connect to. */
struct where {
	const char *proto;
	char host[ENDPOINT_NAME_MAX], hostport[ENDPOINT_NAME_MAX + 8];
	unsigned port;
};

static void find_where(const struct endpoint *e, struct where *w)
{
	w->proto = e->tcp ? "tcp" : "tls";
	w->port = 443;
	snprintf(w->host, sizeof(w->host), "%s", e->host);
	snprintf(w->hostport, sizeof(w->hostport), "%s:443", e->host);
	if (e->tcp && !endpoint_tcp_split(e->host, w->host, &w->port))
		snprintf(w->hostport, sizeof(w->hostport), "%s", e->host + strlen("tcp://"));
}

/* Fields and names follow ngrok's Endpoint; origin, and those of `endpoint add`, are ours. */
json_t *endpoint_json(struct endpoint *e)
{
	static const char *const datapaths[] = {"auto", "kernel", "userspace"};
	static const char *const origins[] = {[ENDPOINT_FILE] = "file",
					      [ENDPOINT_API] = "api",
					      [ENDPOINT_AGENT] = "agent",
					      [ENDPOINT_EDGE] = "edge"};
	const char *at = endpoint_spec_value(&e->spec, FIELD_ID_TERMINATE_AT);
	char uri[ENDPOINT_ID_MAX + 16], url[ENDPOINT_NAME_MAX + 8], created[STAMP_TEXT_MAX],
		updated[STAMP_TEXT_MAX];
	struct where w;
	json_t *j;

	snprintf(uri, sizeof(uri), "/endpoints/%s", e->id);
	snprintf(url, sizeof(url), "%s%s", endpoint_scheme(e->host), e->host);
	find_where(e, &w);
	stamp_text(&e->created, created);
	stamp_text(e->updated.tv_sec ? &e->updated : &e->created, updated);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:s, s:s, s:s, s:s,"
		      " s:o, s:o, s:o, s:o, s:s, s:s, s:b, s:[s], s:o}",
		      "id", e->id, "uri", uri, "url", url, "public_url", url, "proto", w.proto,
		      "scheme", w.proto, "hostport", w.hostport, "host", w.host, "port",
		      (int)w.port, "type",
		      e->origin == ENDPOINT_AGENT  ? "ephemeral"
		      : e->origin == ENDPOINT_EDGE ? "edge"
						   : "cloud",
		      "origin", origins[e->origin], "created_at", created, "updated_at", updated,
		      "name", text_or_empty(endpoint_spec_value(&e->spec, FIELD_ID_NAME)),
		      "description",
		      text_or_empty(endpoint_spec_value(&e->spec, FIELD_ID_DESCRIPTION)),
		      "metadata", text_or_empty(endpoint_spec_value(&e->spec, FIELD_ID_METADATA)),
		      "upstream_url", upstream_text(e), "terminate_at",
		      e->tls_server			  ? "edge"
		      : e->origin == ENDPOINT_AGENT && at ? at
							  : "upstream",
		      "datapath", datapaths[e->datapath], "pooling_enabled",
		      endpoint_spec_is(&e->spec, FIELD_ID_POOLING_ENABLED), "bindings", "public",
		      "metrics", metrics(e));
	if (j && e->origin != ENDPOINT_AGENT)
		json_object_set_new(j, "upstreams", upstreams_json(e));
	if (j && e->origin == ENDPOINT_EDGE)
		json_object_set(j, "upstream", json_object_get(j, "upstream_url"));
	if (j && add_given(j, &e->spec)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

/* ---- from JSON ---- */

static int set_list(struct endpoint_spec *s, const char *name, const json_t *list, struct fault *f)
{
	char *joined = NULL;
	size_t i, size;
	FILE *to = text_file_open(&joined, &size);
	int err = 0;
	json_t *v;

	if (!to)
		return fault_set(f, 500, 0, name, "out of memory");
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
	if (text_file_close(to, &joined) && !err)
		err = fault_set(f, 500, 0, name, "out of memory");
	if (!err)
		err = endpoint_spec_set(s, name, FIELD_LIST, joined, f);
	free(joined);
	return err;
}

/* A field as it is in JSON, in the terms of wire/field.h. */
int endpoint_json_set(struct endpoint_spec *s, const char *name, const json_t *v, struct fault *f)
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
