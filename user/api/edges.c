// SPDX-License-Identifier: GPL-2.0-only
#include "edges.h"
#include "edges_private.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "log.h"
#include "stamp.h"
#include "store.h"
#include "ulid.h"

const char *edges_what(enum edges_kind kind)
{
	static const char *const names[EDGES_KIND_MAX] = {
		[EDGES_STATIC] = "static backend",
		[EDGES_WEIGHTED] = "weighted backend",
		[EDGES_FAILOVER] = "failover backend",
		[EDGES_TUNNEL_GROUP] = "tunnel group",
		[EDGES_TLS] = "edge",
	};

	return names[kind];
}

/* One of the list, "Name.test" or "name.test:443", as "name.test:443", in the list and as the key
 * of its endpoint. */
static int complete_hostport(json_t *doc, json_t *list, size_t i, const char *host)
{
	const char *text = json_string_value(json_array_get(list, i));
	json_t *ids = json_object_get(doc, "endpoints"), *whole = json_sprintf("%s:443", host);
	json_t *id = json_incref(json_object_get(ids, text));

	if (whole && id && strcmp(json_string_value(whole), text)) {
		json_object_del(ids, text);
		json_object_set(ids, json_string_value(whole), id);
	}
	json_decref(id);
	return whole ? json_array_set_new(list, i, whole) : -1;
}

static int check_hostports(json_t *doc, struct fault *f)
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
		if (complete_hostport(doc, list, i, host))
			return fault_set(f, 500, 0, "", "out of memory");
	}
	return 0;
}

int edges_save(struct edges *g, enum edges_kind kind, const json_t *doc, struct fault *f)
{
	char *text = json_text_write(doc, JSON_COMPACT);
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
	int err;

	if (json_object_set(g->docs[kind], id, doc))
		err = fault_set(f, 500, 0, "", "out of memory");
	else
		err = edges_backend_check_members(g->docs, id, f);
	if (!err)
		err = edges_apply_users(g, id, f);
	if (!err)
		err = edges_save(g, kind, doc, f);
	if (err && old) {
		json_object_set(g->docs[kind], id, old);
		edges_apply_users(g, id, &unused);
	} else if (err) {
		json_object_del(g->docs[kind], id);
	}
	json_decref(old);
	return err;
}

/* With what goes without saying, and what is true at the moment only. */
static json_t *show(struct edges *g, enum edges_kind kind, const json_t *doc)
{
	json_t *j = json_deep_copy(doc);

	if (j)
		edges_doc_complete(kind, j);
	if (j && kind == EDGES_TUNNEL_GROUP)
		json_object_set_new(j, "tunnels", edges_backend_tunnels(doc, g->labelled));
	return j;
}

/* An edge that brings neither name nor backend goes where tunnels with its own label are. */
static int add_group(struct edges *g, json_t *edge, const char **ret_id, struct fault *f)
{
	json_t *doc = new_doc(g, EDGES_TUNNEL_GROUP);
	const char *id = json_string_value(json_object_get(doc, "id"));
	int err = id ? 0 : fault_set(f, 500, 0, "", "out of memory");

	if (!err) {
		json_object_set_new(doc, "labels",
				    json_pack("{s:O}", "edge", json_object_get(edge, "id")));
		json_object_set_new(doc, "description", json_string("made with its edge"));
		err = put_backend(g, EDGES_TUNNEL_GROUP, id, doc, f);
	}
	if (!err) {
		json_object_set_new(edge, "backend",
				    json_pack("{s:b, s:s}", "enabled", 1, "backend_id", id));
		*ret_id = json_string_value(
			json_object_get(json_object_get(edge, "backend"), "backend_id"));
	}
	json_decref(doc);
	return err;
}

static int put_edge(struct edges *g, json_t *doc, const json_t *in, bool fresh, struct fault *f)
{
	const char *group = NULL, *id = json_string_value(json_object_get(doc, "id"));
	json_t *old = json_incref(json_object_get(g->docs[EDGES_TLS], id));
	int err = check_hostports(doc, f);

	if (!err && fresh && !json_object_get(doc, "backend") && !json_object_get(in, "hostports"))
		err = add_group(g, doc, &group, f);
	if (!err && fresh && !json_object_get(doc, "backend"))
		err = fault_set(f, 400, 0, "backend", "is missing: {\"backend_id\": ID}");
	/* (its place first: there may be no memory for it once all is done) */
	if (!err && json_object_set(g->docs[EDGES_TLS], id, doc))
		err = fault_set(f, 500, 0, "", "out of memory");
	else if (!err)
		err = edges_apply(g, doc, true, f);
	if (err && old)
		json_object_set(g->docs[EDGES_TLS], id, old);
	else if (err)
		json_object_del(g->docs[EDGES_TLS], id);
	if (err)
		edges_doc_say_field(f);
	if (err && group) {
		store_del(g->store, edges_types[EDGES_TUNNEL_GROUP].name, group, NULL);
		json_object_del(g->docs[EDGES_TUNNEL_GROUP], group);
	}
	json_decref(old);
	return err;
}

int edges_put(struct edges *g, enum edges_kind kind, const char *id, const json_t *in,
	      json_t **ret_j, struct fault *f)
{
	unsigned lacked = json_text_lacked();
	json_t *now, *doc;
	int err = 0;

	pthread_mutex_lock(&g->lock);
	now = id ? json_object_get(g->docs[kind], id) : NULL;
	doc = id ? json_deep_copy(now) : new_doc(g, kind);
	if (id && !now)
		err = fault_set(f, 404, 0, "", "no %s '%.64s'", edges_what(kind), id);
	else if (!doc)
		err = fault_set(f, 500, 0, "", "out of memory");
	if (!err)
		err = edges_doc_merge(kind, doc, in, f);
	if (!err && json_text_lacked() != lacked)
		err = fault_set(f, 500, 0, "", "out of memory");
	if (!err && kind == EDGES_TLS)
		err = put_edge(g, doc, in, !id, f);
	else if (!err)
		err = edges_backend_check(kind, doc, f) ||
				      put_backend(g, kind,
						  json_string_value(json_object_get(doc, "id")),
						  doc, f)
			      ? -1
			      : 0;
	if (!err)
		*ret_j = show(g, kind, doc);
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
		err = fault_set(f, 404, 0, "", "no %s '%.64s'", edges_what(kind), id);
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
		json_array_append_new(list, show(g, kind, doc));
	pthread_mutex_unlock(&g->lock);
	return list;
}

json_t *edges_get(struct edges *g, enum edges_kind kind, const char *id)
{
	json_t *doc;

	pthread_mutex_lock(&g->lock);
	doc = json_object_get(g->docs[kind], id);
	doc = doc ? show(g, kind, doc) : NULL;
	pthread_mutex_unlock(&g->lock);
	return doc;
}

/* ---- life ---- */

static int load(void *arg, const struct store_row *r)
{
	json_t *docs = arg, *doc = NULL;

	errno = EBADMSG;
	if (r->n_fields == 1)
		doc = json_text_read(r->fields[0].value, strlen(r->fields[0].value), 0, NULL);
	if (doc)
		return json_object_set_new(docs, r->id, doc) ? -ENOMEM : 0;
	if (errno == ENOMEM)
		return -ENOMEM;
	log_err("%s in the state database is damaged and left out", r->id);
	return 0;
}

int edges_open(struct store *store, struct registry *registry, struct labelled *l,
	       const char *base_domain, struct edges **ret_g, struct fault *f)
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
	g->labelled = l;
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
	g->opening = g->lenient = true;
	json_object_foreach(g->docs[EDGES_TLS], id, doc)
		if (check_hostports(doc, &why) || edges_apply(g, doc, false, &why))
			log_err("edge %s is not restored: %s: %s", id, why.field, why.msg);
	g->opening = g->lenient = false;
	if (edges_follow_start(g)) {
		edges_close(g);
		return fault_set(f, 500, 0, "", "no thread for the edges");
	}
	*ret_g = g;
	return 0;
}

void edges_close(struct edges *g)
{
	if (!g)
		return;
	edges_follow_stop(g);
	for (int k = 0; k < EDGES_KIND_MAX; k++)
		json_decref(g->docs[k]);
	pthread_mutex_destroy(&g->lock);
	free(g->base_domain);
	free(g);
}
