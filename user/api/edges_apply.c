// SPDX-License-Identifier: GPL-2.0-only
/*
 * edges_apply - the endpoints that edges make, when an edge, a backend or the tunnels change.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edges_private.h"
#include "json_text.h"
#include "labelled.h"
#include "log.h"
#include "stamp.h"
#include "thread.h"

#define ALREADY_ONLINE 334

/* ---- endpoints of one edge ---- */

static int spec_of(struct edges *g, const json_t *doc, const char *hostport,
		   struct endpoint_spec *ret_s, struct fault *f)
{
	int err = edges_doc_spec(doc, g->docs, g->labelled, ret_s, f);

	ret_s->may_be_unresolved = g->lenient;
	if (!err)
		err = endpoint_spec_set(ret_s, "url", FIELD_STRING, hostport, f);
	return err;
}

/* What is wrong with a name, of an edge, which has no pooling_enabled to offer. */
static void say_hostport(struct fault *f)
{
	char *hint = f && f->code == ALREADY_ONLINE ? strrchr(f->msg, ';') : NULL;

	if (!f || strcmp(f->field, "url"))
		return;
	strcpy(f->field, "hostports");
	if (hint)
		snprintf(hint, sizeof(f->msg) - (size_t)(hint - f->msg), "; remove that one first");
}

/* A new one; its id is kept in <ids>. */
static int put_online(struct edges *g, const json_t *doc, const char *hostport, json_t *ids,
		      struct fault *f)
{
	const char *id = json_string_value(json_object_get(ids, hostport));
	struct endpoint_spec s;
	struct endpoint *e;
	int err = spec_of(g, doc, hostport, &s, f);

	if (!err) {
		err = registry_add(g->registry, &s, id, NULL, &e, f);
		if (err)
			say_hostport(f);
	}
	if (!err) {
		if (json_object_set_new(ids, hostport, json_string(e->id))) {
			registry_remove(g->registry, e->id, NULL);
			err = fault_set(f, 500, 0, "", "out of memory");
		}
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
	if (fresh)
		fresh->updated = stamp_now();
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
		id = json_string_value(json_object_get(c->ids, text));
		if (json_object_set(c->added, text, json_object_get(c->ids, text))) {
			registry_remove(c->g->registry, id, NULL);
			return fault_set(f, 500, 0, "", "out of memory");
		}
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

int edges_apply(struct edges *g, json_t *doc, bool to_disk, struct fault *f)
{
	json_t *was = json_object_get(doc, "endpoints");
	size_t n = json_array_size(json_object_get(doc, "hostports"));
	unsigned lacked = json_text_lacked();
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
		if (json_text_lacked() != lacked)
			err = fault_set(f, 500, 0, "", "out of memory");
		else if (to_disk)
			err = edges_save(g, EDGES_TLS, doc, f);
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

/* ---- a backend has changed ---- */

static const char *backend_of(const json_t *edge)
{
	const char *id =
		json_string_value(json_object_get(json_object_get(edge, "backend"), "backend_id"));

	return id ? id : "";
}

int edges_apply_users(struct edges *g, const char *backend, struct fault *f)
{
	const char *id;
	json_t *doc;

	json_object_foreach(g->docs[EDGES_TLS], id, doc)
		if (backend_of(doc) && edges_backend_has(g->docs, backend_of(doc), backend) &&
		    edges_apply(g, doc, true, f))
			return -1;
	return 0;
}

/* ---- tunnels that come and go ---- */

static bool is_as_it_should(struct edges *g, const json_t *doc)
{
	json_t *ids = json_object_get(doc, "endpoints"), *id;
	const char *hostport;
	bool same = true;

	json_object_foreach(ids, hostport, id) {
		struct endpoint *e = registry_find(g->registry, json_string_value(id));
		struct endpoint_spec s;

		same = same && e && !spec_of(g, doc, hostport, &s, NULL) &&
		       endpoint_spec_same(&s, &e->spec);
		if (e)
			endpoint_spec_done(&s);
		endpoint_put(e);
	}
	return same;
}

static void follow(struct edges *g)
{
	struct fault why = {.msg = ""};
	const char *id;
	json_t *doc;

	g->lenient = true;
	json_object_foreach(g->docs[EDGES_TLS], id, doc) {
		const char *backend = backend_of(doc);

		if (!backend || !edges_backend_has_tunnels(g->docs, backend) ||
		    is_as_it_should(g, doc))
			continue;
		if (edges_apply(g, doc, false, &why))
			log_err("edge %s does not follow its tunnels: %s: %s", id, why.field,
				why.msg);
	}
	g->lenient = false;
}

static void *run(void *arg)
{
	struct edges *g = arg;
	uint64_t state = 0;

	while ((state = labelled_wait(g->labelled, state))) {
		pthread_mutex_lock(&g->lock);
		follow(g);
		pthread_mutex_unlock(&g->lock);
	}
	return NULL;
}

int edges_follow_start(struct edges *g)
{
	int err = thread_start(&g->follower, THREAD_FILES, "edges", run, g);

	g->following = !err;
	return err;
}

void edges_follow_stop(struct edges *g)
{
	if (!g->following)
		return;
	labelled_stop(g->labelled);
	pthread_join(g->follower, NULL);
	g->following = false;
}
