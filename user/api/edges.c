// SPDX-License-Identifier: GPL-2.0-only
#include "edges.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "stamp.h"
#include "store.h"
#include "ulid.h"

struct edges {
	pthread_mutex_t lock;
	struct store *store;
	struct registry *registry;
	char *base_domain;
	json_t *docs[EDGES_KIND_MAX]; /* each an object, by id */
	bool opening;		      /* names that do not resolve yet are fine */
};

/* ---- endpoints of one edge ---- */

static int spec_of(struct edges *g, const json_t *doc, const char *hostport,
		   struct endpoint_spec *ret_s, struct fault *f)
{
	int err = edges_doc_spec(doc, g->docs, ret_s, f);

	ret_s->may_be_unresolved = g->opening;
	if (!err)
		err = endpoint_spec_set(ret_s, "url", FIELD_STRING, hostport, f);
	return err;
}

/* A new one; its id is kept in <ids>. */
static int put_online(struct edges *g, const json_t *doc, const char *hostport, json_t *ids,
		      struct fault *f)
{
	const char *id = json_string_value(json_object_get(ids, hostport));
	struct endpoint_spec s;
	struct endpoint *e;
	int err = spec_of(g, doc, hostport, &s, f);

	if (!err)
		err = registry_add(g->registry, &s, id, NULL, &e, f);
	if (!err) {
		json_object_set_new(ids, hostport, json_string(e->id));
		endpoint_put(e);
	}
	endpoint_spec_done(&s);
	return err;
}

/* What may take the place of the one there is. */
static struct endpoint *prepare(struct edges *g, const json_t *doc, const char *hostport,
				struct endpoint *old, struct fault *f)
{
	struct endpoint *fresh = NULL;
	struct endpoint_spec s;

	if (!spec_of(g, doc, hostport, &s, f))
		fresh = registry_prepare(g->registry, old, &s, NULL, f);
	endpoint_spec_done(&s);
	return fresh;
}

/* ---- a change ---- */

struct change {
	struct edges *g;
	json_t *doc; /* the edge as it will be */
	json_t *ids; /* its endpoints, by hostport */
	struct endpoint **old, **fresh;
	unsigned n;
	json_t *added; /* hostports */
};

static void undo(struct change *c)
{
	const char *hostport;
	json_t *v;

	json_object_foreach(c->added, hostport, v)
		registry_remove(c->g->registry, json_string_value(v), NULL);
	for (unsigned i = 0; i < c->n; i++) {
		endpoint_put(c->old[i]);
		endpoint_put(c->fresh[i]);
	}
}

/* All that can fail; nothing that is there changes. */
static int ready(struct change *c, const json_t *was, struct fault *f)
{
	json_t *hostports = json_object_get(c->doc, "hostports"), *hp;
	size_t i;

	json_array_foreach(hostports, i, hp) {
		const char *text = json_string_value(hp);
		const char *id = json_string_value(json_object_get(was, text));
		struct endpoint *old = id ? registry_find(c->g->registry, id) : NULL;

		if (json_object_get(c->ids, text)) {
			endpoint_put(old);
			return fault_set(f, 400, 0, "hostports", "'%.200s' is there twice", text);
		}
		if (old) {
			json_object_set_new(c->ids, text, json_string(id));
			c->old[c->n] = old;
			c->fresh[c->n] = prepare(c->g, c->doc, text, old, f);
			if (!c->fresh[c->n++])
				return -1;
			continue;
		}
		if (c->g->opening && id)
			json_object_set_new(c->ids, text, json_string(id));
		if (put_online(c->g, c->doc, text, c->ids, f))
			return -1;
		json_object_set(c->added, text, json_object_get(c->ids, text));
	}
	return 0;
}

/* 0, or -1 with <f>: saved, but a name still serves by the old rules.  Never told as done. */
static int commit(struct change *c, const json_t *was, struct fault *f)
{
	struct fault why = {.msg = ""};
	const char *hostport;
	int err = 0;
	json_t *id;

	for (unsigned i = 0; i < c->n; i++) {
		if (registry_swap(c->g->registry, c->old[i], c->fresh[i], &why)) {
			log_err("tls://%s is not changed as its edge is: %s", c->old[i]->host,
				why.msg);
			err = fault_set(
				f, 503, 0, "",
				"tls://%s still serves by what held before: %.200s; make the "
				"change again",
				c->old[i]->host, why.msg);
			endpoint_put(c->fresh[i]);
		}
		endpoint_put(c->old[i]);
	}
	json_object_foreach((json_t *)was, hostport, id)
		if (!json_object_get(c->ids, hostport))
			registry_remove(c->g->registry, json_string_value(id), NULL);
	return err;
}

static int check_hostports(const json_t *doc, struct fault *f)
{
	json_t *list = json_object_get(doc, "hostports"), *hp;
	char host[ENDPOINT_NAME_MAX];
	size_t i;

	json_array_foreach(list, i, hp) {
		if (!json_is_string(hp) || strstr(json_string_value(hp), "://"))
			return fault_set(f, 400, 0, "hostports", "must be a list of NAME:443");
		if (endpoint_url_host(json_string_value(hp), host, f)) {
			snprintf(f->field, sizeof(f->field), "hostports");
			return -1;
		}
	}
	return 0;
}

static int save(struct edges *g, enum edges_kind kind, const json_t *doc, struct fault *f)
{
	char *text = json_dumps(doc, JSON_COMPACT);
	struct store_field field = {"json", text};
	struct store_row row = {.id = json_string_value(json_object_get(doc, "id")),
				.created = stamp_now(),
				.fields = &field,
				.n_fields = 1};
	int err;

	if (!text)
		return fault_set(f, 500, 0, "", "out of memory");
	err = store_put(g->store, edges_types[kind].name, &row, f) ? -1 : 0;
	free(text);
	return err;
}

/* <doc> is to be edge <doc>.id: its endpoints, and the disk. */
static int apply_edge(struct edges *g, json_t *doc, bool to_disk, struct fault *f)
{
	json_t *was = json_object_get(doc, "endpoints");
	size_t n = json_array_size(json_object_get(doc, "hostports"));
	struct change c = {.g = g, .doc = doc, .ids = json_object(), .added = json_object()};
	int err;

	c.old = calloc(n + 1, sizeof(struct endpoint *));
	c.fresh = calloc(n + 1, sizeof(struct endpoint *));
	was = was ? json_incref(was) : json_object();
	err = !c.old || !c.fresh || !c.ids || !c.added || !was
		      ? fault_set(f, 500, 0, "", "out of memory")
		      : ready(&c, was, f);
	if (!err) {
		json_object_set(doc, "endpoints", c.ids);
		if (to_disk)
			err = save(g, EDGES_TLS, doc, f);
	}
	if (err)
		undo(&c);
	else
		err = commit(&c, was, f);
	free(c.old);
	free(c.fresh);
	json_decref(c.ids);
	json_decref(c.added);
	json_decref(was);
	return err;
}

/* ---- who names whom ---- */

/* Does edge <doc> depend on backend <id>, itself or by another backend? */
static bool depends(struct edges *g, const json_t *doc, const char *id)
{
	const char *backend;
	json_t *v;

	if (edges_doc_names(EDGES_TLS, doc, id))
		return true;
	for (int k = EDGES_WEIGHTED; k <= EDGES_FAILOVER; k++)
		json_object_foreach(g->docs[k], backend, v)
			if (edges_doc_names((enum edges_kind)k, v, id) &&
			    edges_doc_names(EDGES_TLS, doc, backend))
				return true;
	return false;
}

/* A backend has changed: so have the edges that use it.  Stops at the first that cannot. */
static int apply_users(struct edges *g, const char *backend, struct fault *f)
{
	const char *id;
	json_t *doc;

	json_object_foreach(g->docs[EDGES_TLS], id, doc)
		if (depends(g, doc, backend) && apply_edge(g, doc, true, f))
			return -1;
	return 0;
}

static int check_members(struct edges *g, enum edges_kind kind, const json_t *doc, struct fault *f)
{
	json_t *list = json_object_get(doc, "backends"), *v;
	const char *id;
	size_t i;

	if (kind != EDGES_WEIGHTED && kind != EDGES_FAILOVER)
		return 0;
	json_object_foreach(list, id, v)
		if (!json_object_get(g->docs[EDGES_STATIC], id))
			return fault_set(f, 400, 0, "backends",
					 "there is no static backend '%.64s'", id);
	json_array_foreach(list, i, v)
		if (!json_object_get(g->docs[EDGES_STATIC], json_string_value(v)))
			return fault_set(f, 400, 0, "backends",
					 "there is no static backend '%.64s'",
					 json_string_value(v));
	return 0;
}

/* ---- verbs ---- */

static json_t *new_doc(struct edges *g, enum edges_kind kind)
{
	char id[48], uri[96], created[STAMP_TEXT_MAX], name[ULID_LEN + 1];
	struct timespec now = stamp_now();
	json_t *doc;

	ulid_new(edges_types[kind].prefix, id, sizeof(id));
	snprintf(uri, sizeof(uri), "%s/%s", edges_types[kind].path, id);
	doc = json_pack("{s:s, s:s, s:s}", "id", id, "uri", uri, "created_at",
			stamp_text(&now, created));
	if (doc && kind == EDGES_TLS) {
		/* one that brings no name gets one */
		ulid_new("", name, sizeof(name));
		json_object_set_new(doc, "hostports",
				    json_pack("[o]", json_sprintf("%s.%s:443", name + ULID_LEN - 12,
								  g->base_domain)));
	}
	return doc;
}

static int put_backend(struct edges *g, enum edges_kind kind, const char *id, json_t *doc,
		       struct fault *f)
{
	json_t *old = json_incref(json_object_get(g->docs[kind], id));
	struct fault unused;
	int err = check_members(g, kind, doc, f);

	if (!err) {
		json_object_set(g->docs[kind], id, doc);
		err = apply_users(g, id, f);
		if (!err)
			err = save(g, kind, doc, f);
		if (err && old) {
			json_object_set(g->docs[kind], id, old);
			apply_users(g, id, &unused);
		} else if (err) {
			json_object_del(g->docs[kind], id);
		}
	}
	json_decref(old);
	return err;
}

int edges_put(struct edges *g, enum edges_kind kind, const char *id, const json_t *in,
	      json_t **ret_j, struct fault *f)
{
	json_t *now, *doc;
	int err = 0;

	pthread_mutex_lock(&g->lock);
	now = id ? json_object_get(g->docs[kind], id) : NULL;
	doc = id ? json_deep_copy(now) : new_doc(g, kind);
	if (id && !now)
		err = fault_set(f, 404, 0, "", "no %s/%.64s", edges_types[kind].path, id);
	else if (!doc)
		err = fault_set(f, 500, 0, "", "out of memory");
	if (!err)
		err = edges_doc_merge(kind, doc, in, f);
	if (!err)
		err = edges_doc_check(kind, doc, f);
	if (!err)
		id = json_string_value(json_object_get(doc, "id"));
	if (!err && kind == EDGES_TLS) {
		err = check_hostports(doc, f) || apply_edge(g, doc, true, f) ? -1 : 0;
		if (!err)
			json_object_set(g->docs[kind], id, doc);
	} else if (!err) {
		err = put_backend(g, kind, id, doc, f);
	}
	if (!err)
		*ret_j = json_deep_copy(doc);
	json_decref(doc);
	pthread_mutex_unlock(&g->lock);
	return err;
}

static int find_user(struct edges *g, const char *id, struct fault *f)
{
	const char *user;
	json_t *doc;

	for (int k = 0; k < EDGES_KIND_MAX; k++)
		json_object_foreach(g->docs[k], user, doc)
			if (edges_doc_names((enum edges_kind)k, doc, id))
				return fault_set(f, 409, 0, "",
						 "%s names it; take it from there first", user);
	return 0;
}

int edges_del(struct edges *g, enum edges_kind kind, const char *id, struct fault *f)
{
	const char *hostport;
	json_t *doc, *v;
	int err;

	pthread_mutex_lock(&g->lock);
	doc = json_object_get(g->docs[kind], id);
	if (!doc)
		err = fault_set(f, 404, 0, "", "no %s/%.64s", edges_types[kind].path, id);
	else
		err = kind == EDGES_TLS ? 0 : find_user(g, id, f);
	if (!err)
		err = store_del(g->store, edges_types[kind].name, id, f) ? -1 : 0;
	if (!err) {
		json_object_foreach(json_object_get(doc, "endpoints"), hostport, v)
			registry_remove(g->registry, json_string_value(v), NULL);
		json_object_del(g->docs[kind], id);
	}
	pthread_mutex_unlock(&g->lock);
	return err;
}

int edges_find_ca(void *arg, const struct client_ca *ca, struct fault *f)
{
	struct edges *g = arg;
	const char *user;
	int err = 0;
	json_t *doc;

	pthread_mutex_lock(&g->lock);
	json_object_foreach(g->docs[EDGES_TLS], user, doc)
		if (!err && edges_doc_names_ca(doc, ca))
			err = fault_set(f, 409, 0, "", "%s names it; take it from there first",
					user);
	pthread_mutex_unlock(&g->lock);
	return err;
}

json_t *edges_list(struct edges *g, enum edges_kind kind)
{
	json_t *list = json_array(), *doc;
	const char *id;

	pthread_mutex_lock(&g->lock);
	json_object_foreach(g->docs[kind], id, doc)
		json_array_append_new(list, json_deep_copy(doc));
	pthread_mutex_unlock(&g->lock);
	return list;
}

json_t *edges_get(struct edges *g, enum edges_kind kind, const char *id)
{
	json_t *doc;

	pthread_mutex_lock(&g->lock);
	doc = json_deep_copy(json_object_get(g->docs[kind], id));
	pthread_mutex_unlock(&g->lock);
	return doc;
}

/* ---- life ---- */

static int load(void *arg, const struct store_row *r)
{
	json_t *docs = arg, *doc = NULL;

	if (r->n_fields == 1)
		doc = json_loads(r->fields[0].value, 0, NULL);
	if (!doc) {
		log_err("%s in the state database is damaged and left out", r->id);
		return 0;
	}
	return json_object_set_new(docs, r->id, doc);
}

int edges_open(struct store *store, struct registry *registry, const char *base_domain,
	       struct edges **ret_g, struct fault *f)
{
	struct edges *g = calloc(1, sizeof(*g));
	struct fault why = {.msg = ""};
	const char *id;
	json_t *doc;

	if (!g)
		return fault_set(f, 500, 0, "", "out of memory");
	pthread_mutex_init(&g->lock, NULL);
	g->store = store;
	g->registry = registry;
	g->base_domain = strdup(base_domain);
	for (int k = 0; k < EDGES_KIND_MAX; k++) {
		g->docs[k] = json_object();
		if (!g->docs[k] || !g->base_domain ||
		    store_each(store, edges_types[k].name, load, g->docs[k], f)) {
			edges_close(g);
			return -1;
		}
	}
	/* not fatal: the others must come back even when one's name is in the file now */
	g->opening = true;
	json_object_foreach(g->docs[EDGES_TLS], id, doc)
		if (apply_edge(g, doc, false, &why))
			log_err("edge %s is not restored: %s: %s", id, why.field, why.msg);
	g->opening = false;
	*ret_g = g;
	return 0;
}

void edges_close(struct edges *g)
{
	if (!g)
		return;
	for (int k = 0; k < EDGES_KIND_MAX; k++)
		json_decref(g->docs[k]);
	pthread_mutex_destroy(&g->lock);
	free(g->base_domain);
	free(g);
}
