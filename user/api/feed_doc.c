// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <string.h>

#include "feed_doc.h"

#define DESCRIPTION_MAX 255
#define METADATA_MAX 4096
#define LIST_MAX 64

/* One field: checks <v> and sets <doc>'s. */
struct rule {
	const char *name;
	int (*set)(json_t *doc, const char *name, const json_t *v, struct fault *f);
};

static int no_memory(struct fault *f)
{
	return fault_set(f, 500, 0, "", "out of memory");
}

/* The text of a string without NUL bytes; NULL with the fault for anything else. */
static const char *text_of(const json_t *v, const char *name, struct fault *f)
{
	const char *text = json_string_value(v);

	if (text && strlen(text) == json_string_length(v))
		return text;
	fault_set(f, 400, 0, name, "must be a string");
	return NULL;
}

static int set_text(json_t *doc, const char *name, const json_t *v, size_t max, struct fault *f)
{
	const char *text = text_of(v, name, f);

	if (!text)
		return -1;
	if (strlen(text) > max)
		return fault_set(f, 400, 0, name, "is longer than %zu bytes", max);
	return json_object_set_new(doc, name, json_string(text)) ? no_memory(f) : 0;
}

static int set_description(json_t *doc, const char *name, const json_t *v, struct fault *f)
{
	return set_text(doc, name, v, DESCRIPTION_MAX, f);
}

static int set_metadata(json_t *doc, const char *name, const json_t *v, struct fault *f)
{
	return set_text(doc, name, v, METADATA_MAX, f);
}

static int set_format(json_t *doc, const char *name, const json_t *v, struct fault *f)
{
	const char *text = text_of(v, name, f);

	(void)doc;
	if (!text)
		return -1;
	return strcmp(text, "json") ? fault_set(f, 400, 0, name, "must be json, got '%.64s'", text)
				    : 0;
}

/* ---- targets ---- */

/* {"webhook": {"url": "..."}} */
static int read_target(const json_t *v, struct target *t, struct fault *f)
{
	const char *name, *param, *address;
	json_t *inner, *value;
	int kind;

	if (!json_is_object(v) || json_object_size(v) != 1)
		return fault_set(f, 400, 0, "target",
				 "must have one of file, unix, tcp, syslog and webhook, such as "
				 "{\"webhook\": {\"url\": \"https://HOST/PATH\"}}");
	json_object_foreach((json_t *)v, name, inner) {
		kind = target_kind_of(name);
		if (kind < 0)
			return fault_set(f, 400, 0, "target",
					 "there is no '%.64s', only file, unix, tcp, syslog and "
					 "webhook",
					 name);
		param = target_table[kind].param;
		value = json_object_get(inner, param);
		if (!value || json_object_size(inner) != 1)
			return fault_set(f, 400, 0, name, "must be {\"%s\": \"...\"}", param);
		address = text_of(value, name, f);
		if (!address || target_set(t, (enum target_kind)kind, address, TARGET_OF_API, f))
			return -1;
	}
	return 0;
}

static int set_target(json_t *doc, const char *name, const json_t *v, struct fault *f)
{
	struct target t = {0};
	int err = read_target(v, &t, f);

	target_done(&t);
	if (err)
		return -1;
	return json_object_set_new(doc, name, json_deep_copy(v)) ? no_memory(f) : 0;
}

int feed_doc_target(const json_t *doc, const char *dir, struct target *ret_t, struct fault *f)
{
	char path[4096];
	struct target t = {0};
	int err;

	if (read_target(json_object_get(doc, "target"), &t, f))
		return -1;
	if (t.kind != TARGET_FILE) {
		*ret_t = t;
		return 0;
	}
	err = snprintf(path, sizeof(path), "%s/events/%s", dir, t.address) >= (int)sizeof(path)
		      ? fault_set(f, 500, 0, "file", "state_dir is too long")
		      : target_set(ret_t, TARGET_FILE, path, TARGET_OF_FILE, f);
	target_done(&t);
	return err;
}

/* ---- sources ---- */

static int read_fields(const json_t *list, struct source_spec *s, struct fault *f)
{
	const char *text;
	json_t *v;
	size_t i;

	if (!json_is_array(list))
		return fault_set(f, 400, 0, "fields", "must be a list of strings");
	json_array_foreach(list, i, v) {
		text = text_of(v, "fields", f);
		if (!text || source_spec_set(s, "fields", text, f))
			return -1;
	}
	return 0;
}

static int read_source(const json_t *v, struct source_spec *s, struct fault *f)
{
	const char *name, *text;
	json_t *value;

	if (!json_is_object(v))
		return fault_set(f, 400, 0, "sources",
				 "must be a list such as [{\"type\": \"%s\"}]", source_types[0]);
	json_object_foreach((json_t *)v, name, value) {
		if (json_is_null(value) || !strcmp(name, "uri"))
			continue;
		if (!strcmp(name, "fields")) {
			if (read_fields(value, s, f))
				return -1;
			continue;
		}
		text = text_of(value, name, f);
		if (!text || source_spec_set(s, name, text, f))
			return -1;
	}
	return 0;
}

static int read_sources(const json_t *list, struct event_route *r, struct fault *f)
{
	struct source_spec *s;
	json_t *v;
	size_t i;

	if (!json_is_array(list) || !json_array_size(list) || json_array_size(list) > LIST_MAX)
		return fault_set(f, 400, 0, "sources",
				 "must be a list of 1 to %d, such as [{\"type\": \"%s\"}]",
				 LIST_MAX, source_types[0]);
	json_array_foreach(list, i, v) {
		s = event_route_add(r);
		if (!s)
			return no_memory(f);
		if (read_source(v, s, f))
			return -1;
	}
	return 0;
}

int feed_doc_sources(const json_t *doc, struct event_route *r, struct fault *f)
{
	return read_sources(json_object_get(doc, "sources"), r, f);
}

static int set_sources(json_t *doc, const char *name, const json_t *v, struct fault *f)
{
	struct event_route r = {.id = ""};
	json_t *list, *one;
	size_t i;
	int err = read_sources(v, &r, f);

	event_route_done(&r);
	if (err)
		return -1;
	list = json_deep_copy(v);
	json_array_foreach(list, i, one)
		if (!json_object_get(one, "type"))
			json_object_set_new(one, "type", json_string(source_types[0]));
	return json_object_set_new(doc, name, list) ? no_memory(f) : 0;
}

static int set_destinations(json_t *doc, const char *name, const json_t *v, struct fault *f)
{
	json_t *list, *id;
	const char *text;
	char uri[80];
	size_t i;

	if (!json_is_array(v) || json_array_size(v) > LIST_MAX)
		return fault_set(f, 400, 0, name, "must be a list of ids of destinations");
	list = json_array();
	json_array_foreach(v, i, id) {
		text = text_of(id, name, f);
		if (!text) {
			json_decref(list);
			return -1;
		}
		snprintf(uri, sizeof(uri), "/event_destinations/%.40s", text);
		json_array_append_new(list, json_pack("{s:s, s:s}", "id", text, "uri", uri));
	}
	return json_object_set_new(doc, "destinations", list) ? no_memory(f) : 0;
}

/* ---- the whole ---- */

static const struct rule destination_rules[] = {
	{"description", set_description},
	{"metadata", set_metadata},
	{"format", set_format},
	{"target", set_target},
	{NULL, NULL},
};

static const struct rule subscription_rules[] = {
	{"description", set_description},
	{"metadata", set_metadata},
	{"sources", set_sources},
	{"destination_ids", set_destinations},
	{NULL, NULL},
};

static const struct rule *rules_of(enum feed_kind kind)
{
	return kind == FEED_DESTINATION ? destination_rules : subscription_rules;
}

int feed_doc_merge(enum feed_kind kind, json_t *doc, const json_t *in, struct fault *f)
{
	const struct rule *rule;
	const char *name;
	json_t *v;

	json_object_foreach((json_t *)in, name, v) {
		for (rule = rules_of(kind); rule->name && strcmp(rule->name, name); rule++)
			;
		if (!rule->name)
			return fault_set(f, 400, 0, name,
					 kind == FEED_DESTINATION
						 ? "unknown field; there are description, "
						   "metadata, format and target"
						 : "unknown field; there are description, "
						   "metadata, sources and destination_ids");
		if (!json_is_null(v) && rule->set(doc, name, v, f))
			return -1;
	}
	return 0;
}

int feed_doc_check(enum feed_kind kind, const json_t *doc, struct fault *f)
{
	if (kind == FEED_DESTINATION && !json_object_get(doc, "target"))
		return fault_set(f, 400, 0, "target",
				 "is missing: one of file, unix, tcp, syslog and webhook");
	if (kind == FEED_SUBSCRIPTION && !json_object_get(doc, "sources"))
		return fault_set(f, 400, 0, "sources", "is missing: [{\"type\": \"%s\"}]",
				 source_types[0]);
	return 0;
}
