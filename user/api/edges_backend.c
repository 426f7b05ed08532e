// SPDX-License-Identifier: GPL-2.0-only
/*
 * edges_backend - backends: of what they may consist, and which upstreams that makes.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edges.h"
#include "labelled.h"
#include "labels.h"
#include "log.h"
#include "stamp.h"
#include "text_file.h"

#define PLACES_MAX 4096 /* where backends stand in one: tunnel groups may be empty */
#define PATH_MAX_LEN 80 /* of ENDPOINT_LEVELS_MAX levels */

/* The backend, of whatever kind. */
static const json_t *find(json_t *const docs[EDGES_KIND_MAX], const char *id,
			  enum edges_kind *ret_kind)
{
	for (int k = 0; k < EDGES_TLS; k++) {
		const json_t *doc = json_object_get(docs[k], id);

		if (doc) {
			*ret_kind = (enum edges_kind)k;
			return doc;
		}
	}
	return NULL;
}

/* ---- members: an object of ids and weights, or a list of ids ---- */

static size_t n_members(const json_t *doc)
{
	const json_t *list = json_object_get(doc, "backends");

	return json_is_array(list) ? json_array_size(list) : json_object_size(list);
}

/* NULL: that was the last.  <iter> begins as NULL. */
static const char *next_member(const json_t *doc, void **iter, size_t *i, long long *ret_weight)
{
	json_t *list = json_object_get(doc, "backends");

	*ret_weight = 1;
	if (json_is_array(list))
		return json_string_value(json_array_get(list, (*i)++));
	*iter = (*i)++ ? json_object_iter_next(list, *iter) : json_object_iter(list);
	if (!*iter)
		return NULL;
	*ret_weight = json_integer_value(json_object_iter_value(*iter));
	return json_object_iter_key(*iter);
}

/* ---- do they make sense? ---- */

static int check_labels(const json_t *doc, struct fault *f)
{
	json_t *labels = json_object_get(doc, "labels"), *v;
	char text[LABEL_KEY_MAX + LABEL_VALUE_MAX + 2];
	const char *key;

	if (!json_object_size(labels) || json_object_size(labels) > LABELS_MAX)
		return fault_set(f, 400, 0, "labels", "must be 1 to %d: {\"KEY\": \"VALUE\"}",
				 LABELS_MAX);
	json_object_foreach(labels, key, v) {
		if (!json_is_string(v) || strlen(key) + json_string_length(v) + 2 > sizeof(text))
			return fault_set(f, 400, 0, "labels", "'%.64s' must be a short string",
					 key);
		snprintf(text, sizeof(text), "%s=%s", key, json_string_value(v));
		if (label_check(text, "labels", f))
			return -1;
	}
	return 0;
}

static int check_weights(const json_t *list, struct fault *f)
{
	long long sum = 0, weight;
	const char *id;
	json_t *v;

	json_object_foreach((json_t *)list, id, v) {
		weight = json_is_integer(v) ? json_integer_value(v) : -1;
		if (weight < 0 || weight > ENDPOINT_WEIGHT_MAX)
			return fault_set(f, 400, 0, "backends",
					 "the weight of %.64s must be 0 to %d", id,
					 ENDPOINT_WEIGHT_MAX);
		sum += weight;
	}
	return sum ? 0 : fault_set(f, 400, 0, "backends", "none has a weight above 0");
}

int edges_backend_check(enum edges_kind kind, const json_t *doc, struct fault *f)
{
	const char *address = json_string_value(json_object_get(doc, "address"));
	json_t *list = json_object_get(doc, "backends"), *v;
	size_t i;

	if (kind == EDGES_TUNNEL_GROUP)
		return check_labels(doc, f);
	if (kind == EDGES_STATIC && (!address || strpbrk(address, ",= @")))
		return fault_set(f, 400, 0, "address",
				 address ? "must be one HOST:PORT" : "is missing: HOST:PORT");
	if (kind == EDGES_STATIC)
		return endpoint_spec_check_hostport(address, "address", f);
	if (!n_members(doc))
		return fault_set(f, 400, 0, "backends", "is missing: ids of backends");
	if (n_members(doc) > ENDPOINT_TARGETS_MAX)
		return fault_set(f, 400, 0, "backends", "are more than %d", ENDPOINT_TARGETS_MAX);
	json_array_foreach(list, i, v) {
		if (!json_is_string(v))
			return fault_set(f, 400, 0, "backends", "must be a list of ids");
		for (size_t k = 0; k < i; k++)
			if (json_equal(json_array_get(list, k), v))
				return fault_set(f, 400, 0, "backends", "'%.64s' is there twice",
						 json_string_value(v));
	}
	return json_is_object(list) ? check_weights(list, f) : 0;
}

/*
 * Whatever <id> consists of, itself first; one that stands in several places once for each level it
 * is deeper than before.  <fn> returning other than 0 ends it, with that.
 */
struct walk {
	json_t *const *docs;
	json_t *depths; /* by id: as deep as it was seen */
	int (*fn)(struct walk *wk, const char *id, const json_t *doc, enum edges_kind kind,
		  unsigned depth);
	const char *other;
	struct fault *f;
};

static int walk_from(struct walk *wk, const char *id, unsigned depth)
{
	const json_t *seen = json_object_get(wk->depths, id);
	enum edges_kind kind = EDGES_STATIC;
	const json_t *doc;
	const char *member;
	long long weight;
	void *iter = NULL;
	size_t i = 0;
	int r;

	if (depth > ENDPOINT_LEVELS_MAX || (seen && json_integer_value(seen) >= depth))
		return 0;
	json_object_set_new(wk->depths, id, json_integer(depth));
	doc = find(wk->docs, id, &kind);
	r = wk->fn(wk, id, doc, kind, depth);
	if (r || !doc)
		return r;
	while ((member = next_member(doc, &iter, &i, &weight))) {
		r = walk_from(wk, member, depth + 1);
		if (r)
			return r;
	}
	return 0;
}

static int walk(struct walk *wk, const char *id)
{
	int r;

	wk->depths = json_object();
	r = walk_from(wk, id, 0);
	json_decref(wk->depths);
	return r;
}

static int check_one(struct walk *wk, const char *id, const json_t *doc, enum edges_kind kind,
		     unsigned depth)
{
	if (!doc)
		return fault_set(wk->f, 400, 0, "backends", "there is no backend '%.64s'", id);
	if (kind != EDGES_STATIC && depth == ENDPOINT_LEVELS_MAX)
		return fault_set(
			wk->f, 400, 0, "backends",
			"there are more than %d levels of backends within backends, or one "
			"is in itself",
			ENDPOINT_LEVELS_MAX);
	return 0;
}

int edges_backend_check_members(json_t *const docs[EDGES_KIND_MAX], const char *id, struct fault *f)
{
	struct walk wk = {.docs = docs, .fn = check_one, .f = f};

	return walk(&wk, id);
}

/* ---- what is in them? ---- */

static int is_it(struct walk *wk, const char *id, const json_t *doc, enum edges_kind kind,
		 unsigned depth)
{
	(void)depth;
	if (!doc)
		return 0;
	return wk->other ? !strcmp(id, wk->other) : kind == EDGES_TUNNEL_GROUP;
}

bool edges_backend_has(json_t *const docs[EDGES_KIND_MAX], const char *id, const char *other)
{
	struct walk wk = {.docs = docs, .fn = is_it, .other = other};

	return walk(&wk, id) > 0;
}

bool edges_backend_has_tunnels(json_t *const docs[EDGES_KIND_MAX], const char *id)
{
	return edges_backend_has(docs, id, NULL);
}

/* ---- tunnels ---- */

/* A line each.  malloc'd. */
static char *selector_of(const json_t *doc)
{
	json_t *labels = json_object_get(doc, "labels"), *v;
	char *text = NULL;
	const char *key;
	bool more = false;
	size_t len;
	FILE *to = text_file_open(&text, &len);

	if (!to)
		return NULL;
	json_object_foreach(labels, key, v) {
		fprintf(to, "%s%s=%s", more ? "\n" : "", key, json_string_value(v));
		more = true;
	}
	text_file_close(to, &text);
	return text;
}

struct listing {
	const char *selector;
	json_t *list;
};

static json_t *labels_json(const char *labels)
{
	json_t *j = json_object();
	char item[FIELD_ITEM_MAX];

	while ((labels = field_item(labels, item))) {
		size_t key = strcspn(item, "=");

		item[key] = '\0';
		json_object_set_new(j, item, json_string(item + key + 1));
	}
	return j;
}

static int list_tunnel(void *arg, const struct labelled_tunnel *t)
{
	struct listing *l = arg;
	char started[STAMP_TEXT_MAX], uri[64];

	if (!labels_have(t->labels, l->selector))
		return 0;
	snprintf(uri, sizeof(uri), "/tunnel_sessions/%s", t->session);
	return json_array_append_new(
		l->list,
		json_pack("{s:s, s:s, s:s, s:s, s:o, s:{s:s, s:s}}", "id", t->id, "forwards_to",
			  t->forwards_to ? t->forwards_to : "", "metadata",
			  t->metadata ? t->metadata : "", "started_at",
			  stamp_text(&t->started, started), "labels", labels_json(t->labels),
			  "tunnel_session", "id", t->session, "uri", uri));
}

json_t *edges_backend_tunnels(const json_t *doc, struct labelled *l)
{
	char *selector = selector_of(doc);
	struct listing li = {selector, json_array()};

	if (selector)
		labelled_each(l, list_tunnel, &li);
	free(selector);
	return li.list;
}

/* ---- the upstreams ---- */

struct build {
	json_t *const *docs;
	struct labelled *labelled;
	struct endpoint_spec *s;
	FILE *to;
	unsigned n, n_static, n_places;
	struct fault *f;
};

static int set_health(struct build *b, const json_t *backend)
{
	static const char *const names[] = {"health_check", "health_interval", "health_rise",
					    "health_fall"};
	char number[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const json_t *v = json_object_get(backend, names[i]);
		const char *text = json_string_value(v), *now;
		const struct field *fd = field_find(names[i]);

		if (json_is_integer(v)) {
			snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(v));
			text = number;
		}
		now = endpoint_spec_value(b->s, fd - field_table);
		if (b->n_static && strcmp(now ? now : "", text ? text : ""))
			return fault_set(b->f, 400, 0, "backends",
					 "differ in %s: it is one for all of them", names[i]);
		if (!b->n_static && text && endpoint_spec_set(b->s, names[i], fd->kind, text, b->f))
			return -1;
	}
	b->n_static++;
	return 0;
}

static void put(struct build *b, bool tls, const char *where, const char *path)
{
	size_t len = strlen(path);

	/* (without the last "/") */
	fprintf(b->to, "%s%s%s%s%.*s", b->n++ ? "," : "", tls ? "tls://" : "", where,
		len ? "@" : "", (int)(len ? len - 1 : 0), path);
}

static int add_static(struct build *b, const json_t *doc, const char *path)
{
	if (b->n == ENDPOINT_TARGETS_MAX)
		return fault_set(b->f, 400, 0, "backends", "have more than %d upstreams",
				 ENDPOINT_TARGETS_MAX);
	if (set_health(b, doc))
		return -1;
	put(b,
	    json_is_object(json_object_get(doc, "tls")) &&
		    edges_doc_is_enabled(json_object_get(doc, "tls")),
	    json_string_value(json_object_get(doc, "address")), path);
	return 0;
}

struct adding {
	struct build *b;
	const char *selector, *path;
	unsigned n;
};

static int add_tunnel(void *arg, const struct labelled_tunnel *t)
{
	struct adding *a = arg;
	char path[PATH_MAX_LEN + 16];

	if (!labels_have(t->labels, a->selector))
		return 0;
	if (a->b->n == ENDPOINT_TARGETS_MAX) {
		log_warn("labels match more than %d tunnels; the newest are left out",
			 ENDPOINT_TARGETS_MAX);
		return 1;
	}
	snprintf(path, sizeof(path), "%se%u:1/", a->path, a->n++);
	put(a->b, false, t->id, path);
	return 0;
}

static int add_tunnels(struct build *b, const json_t *doc, const char *path)
{
	char *selector = selector_of(doc);
	struct adding a = {b, selector, path, 0};

	if (!selector)
		return fault_set(b->f, 500, 0, "", "out of memory");
	labelled_each(b->labelled, add_tunnel, &a);
	free(selector);
	return 0;
}

/* <path>: how it stands in what it is part of. */
static int add_backend(struct build *b, const char *id, const char *path)
{
	enum edges_kind kind = EDGES_STATIC;
	const json_t *doc = find(b->docs, id, &kind);
	char below[PATH_MAX_LEN];
	const char *member;
	long long weight;
	void *iter = NULL;
	size_t i = 0;

	if (++b->n_places > PLACES_MAX)
		return fault_set(b->f, 400, 0, "backends", "stand in more than %d places",
				 PLACES_MAX);
	if (kind == EDGES_TUNNEL_GROUP)
		return add_tunnels(b, doc, path);
	if (kind == EDGES_STATIC)
		return add_static(b, doc, path);
	while ((member = next_member(doc, &iter, &i, &weight))) {
		snprintf(below, sizeof(below), "%s%c%zu:%lld/", path,
			 kind == EDGES_WEIGHTED ? 'w' : 'f', i - 1, weight);
		if (add_backend(b, member, below))
			return -1;
	}
	return 0;
}

int edges_backend_spec(json_t *const docs[EDGES_KIND_MAX], struct labelled *l, const char *id,
		       struct endpoint_spec *s, struct fault *f)
{
	struct build b = {.docs = docs, .labelled = l, .s = s, .f = f};
	enum edges_kind kind;
	char *text = NULL;
	size_t len;
	int err;

	if (!find(docs, id, &kind))
		return fault_set(f, 400, 0, "backend", "there is no backend '%.64s'", id);
	if (edges_backend_check_members(docs, id, f))
		return -1;
	b.to = text_file_open(&text, &len);
	if (!b.to)
		return fault_set(f, 500, 0, "", "out of memory");
	err = add_backend(&b, id, "");
	if (text_file_close(b.to, &text) && !err)
		err = fault_set(f, 500, 0, "", "out of memory");
	if (!err && b.n)
		err = endpoint_spec_set(s, "upstream", FIELD_STRING, text, f);
	free(text);
	return err;
}
