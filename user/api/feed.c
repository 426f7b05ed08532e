// SPDX-License-Identifier: GPL-2.0-only
#include <pthread.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "feed.h"
#include "feed_doc.h"
#include "json_text.h"
#include "log.h"
#include "stamp.h"
#include "store.h"
#include "ulid.h"

#define DESTINATIONS_MAX 64U
#define SUBSCRIPTIONS_MAX 256U

static const struct {
	const char *kind, *prefix, *path; /* in the database, of ids, of the API */
	unsigned max;
} kinds[FEED_KIND_MAX] = {
	[FEED_DESTINATION] = {"event_destination", "ed_", "/event_destinations", DESTINATIONS_MAX},
	[FEED_SUBSCRIPTION] = {"event_subscription", "esb_", "/event_subscriptions",
			       SUBSCRIPTIONS_MAX},
};

struct feed {
	pthread_mutex_t lock;
	struct store *store;
	struct events *events;
	char *dir;
	json_t *docs[FEED_KIND_MAX]; /* by id, in the order they were made */
};

static int no_memory(struct fault *f)
{
	return fault_set(f, 500, 0, "", "out of memory");
}

/* ---- from the documents to routes ---- */

/* The sources of every subscription that names destination <id>. */
static int add_sources(struct feed *fe, const char *id, struct event_route *r, struct fault *f)
{
	const char *key;
	json_t *sub, *d;
	size_t i;

	json_object_foreach(fe->docs[FEED_SUBSCRIPTION], key, sub) {
		json_array_foreach(json_object_get(sub, "destinations"), i, d) {
			if (strcmp(json_string_value(json_object_get(d, "id")), id))
				continue;
			if (feed_doc_sources(sub, r, f))
				return -1;
			break; /* named twice is named once */
		}
	}
	return 0;
}

static int apply(struct feed *fe, struct fault *f)
{
	json_t *docs = fe->docs[FEED_DESTINATION], *doc;
	struct event_route *routes = calloc(json_object_size(docs) + 1, sizeof(*routes));
	unsigned n = 0;
	const char *id;
	int err = routes ? 0 : no_memory(f);

	json_object_foreach(docs, id, doc) {
		struct event_route *r = &routes[n];

		if (err)
			break;
		n++;
		snprintf(r->id, sizeof(r->id), "%s", id);
		err = feed_doc_target(doc, fe->dir, &r->target, f);
		if (!err)
			err = add_sources(fe, id, r, f);
	}
	if (!err)
		err = events_set(fe->events, EVENTS_OF_API, routes, n, f);
	while (n)
		event_route_done(&routes[--n]);
	free(routes);
	return err;
}

/* ---- life ---- */

/* -ENOMEM: what is only not to be read now is not to be left out. */
static int load_one(void *arg, const struct store_row *row)
{
	json_t *doc;

	errno = EBADMSG;
	doc = row->n_fields == 1
		      ? json_text_read(row->fields[0].value, strlen(row->fields[0].value), 0, NULL)
		      : NULL;
	if (doc)
		return json_object_set_new(arg, row->id, doc) ? -ENOMEM : 0;
	if (errno == ENOMEM)
		return -ENOMEM;
	log_err("state.db: %s is damaged and is left out", row->id);
	return 0;
}

int feed_open(struct store *store, struct events *events, const char *dir, struct feed **ret_f,
	      struct fault *f)
{
	struct feed *fe = calloc(1, sizeof(*fe));
	int err = 0;

	if (!fe)
		return no_memory(f);
	pthread_mutex_init(&fe->lock, NULL);
	fe->store = store;
	fe->events = events;
	fe->dir = strdup(dir);
	for (int k = 0; k < FEED_KIND_MAX && !err; k++) {
		fe->docs[k] = json_object();
		if (!fe->docs[k] || !fe->dir)
			err = no_memory(f);
		else if (store_each(store, kinds[k].kind, load_one, fe->docs[k], f))
			err = -1;
	}
	if (err) {
		feed_close(fe);
		return -1;
	}
	if (apply(fe, f)) /* a daemon without these events is better than none */
		log_err("event destinations are not restored: %s: %s", f->field, f->msg);
	*ret_f = fe;
	return 0;
}

void feed_close(struct feed *fe)
{
	if (!fe)
		return;
	for (int k = 0; k < FEED_KIND_MAX; k++)
		json_decref(fe->docs[k]);
	pthread_mutex_destroy(&fe->lock);
	free(fe->dir);
	free(fe);
}

/* ---- looking ---- */

static int add_state(void *arg, const struct destination_state *s)
{
	json_t *doc = json_object_get(arg, s->id);
	char why[4 * sizeof(s->why)];

	if (doc)
		json_object_set_new(
			doc, "metrics",
			json_pack("{s:I, s:I, s:i, s:s}", "written", (json_int_t)s->written, "lost",
				  (json_int_t)s->lost, "waiting", (int)s->waiting, "error",
				  log_escape(s->why, strlen(s->why), why, sizeof(why))));
	return 0;
}

/* A copy of all, destinations with what they have done. */
static json_t *snapshot(struct feed *fe, enum feed_kind kind)
{
	json_t *docs;

	pthread_mutex_lock(&fe->lock);
	docs = json_deep_copy(fe->docs[kind]);
	pthread_mutex_unlock(&fe->lock);
	if (docs && kind == FEED_DESTINATION)
		events_each(fe->events, add_state, docs);
	return docs;
}

json_t *feed_list(struct feed *fe, enum feed_kind kind)
{
	json_t *docs = snapshot(fe, kind), *list = json_array(), *doc;
	const char *id;

	json_object_foreach(docs, id, doc)
		json_array_append(list, doc);
	json_decref(docs);
	return list;
}

json_t *feed_get(struct feed *fe, enum feed_kind kind, const char *id)
{
	json_t *docs = snapshot(fe, kind), *doc = json_incref(json_object_get(docs, id));

	json_decref(docs);
	return doc;
}

/* ---- changing ---- */

static json_t *new_doc(enum feed_kind kind)
{
	char id[ULID_LEN + 8], uri[80], created[STAMP_TEXT_MAX];
	struct timespec now = stamp_now();

	ulid_new(kinds[kind].prefix, id, sizeof(id));
	snprintf(uri, sizeof(uri), "%s/%s", kinds[kind].path, id);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:s*, s:o*}", "id", id, "uri", uri,
			 "created_at", stamp_text(&now, created), "description", "", "metadata", "",
			 "format", kind == FEED_DESTINATION ? "json" : NULL, "destinations",
			 kind == FEED_SUBSCRIPTION ? json_array() : NULL);
}

/* A subscription may only name destinations there are. */
static int check_ids(struct feed *fe, const json_t *doc, struct fault *f)
{
	json_t *d;
	size_t i;

	json_array_foreach(json_object_get(doc, "destinations"), i, d) {
		const char *id = json_string_value(json_object_get(d, "id"));

		if (!json_object_get(fe->docs[FEED_DESTINATION], id))
			return fault_set(f, 400, 0, "destination_ids", "there is no '%.64s'", id);
	}
	return 0;
}

/* One field with all of it: the JSON. */
static int save(struct feed *fe, enum feed_kind kind, const json_t *doc, struct fault *f)
{
	char *body = json_text_write(doc, JSON_COMPACT);
	const struct store_field field = {"json", body};
	struct store_row row = {
		.id = json_string_value(json_object_get(doc, "id")),
		.created = stamp_now(),
		.fields = &field,
		.n_fields = 1,
	};
	int err;

	stamp_parse(json_string_value(json_object_get(doc, "created_at")), &row.created);
	err = body ? store_put(fe->store, kinds[kind].kind, &row, f) : no_memory(f);
	free(body);
	return err;
}

/* Under the lock: <doc> (NULL: none) for what is there under <id>, running and on disk, or not. */
static int exchange(struct feed *fe, enum feed_kind kind, const char *id, json_t *doc,
		    struct fault *f)
{
	unsigned lacked = json_text_lacked();
	json_t *before = fe->docs[kind], *now = json_copy(before);
	struct fault why = {.msg = ""};
	int err;

	if (now && doc)
		json_object_set(now, id, doc);
	else if (now)
		json_object_del(now, id);
	if (json_text_lacked() != lacked) {
		json_decref(now);
		return no_memory(f);
	}
	fe->docs[kind] = now;
	err = apply(fe, f);
	if (!err)
		err = doc ? save(fe, kind, doc, f) : store_del(fe->store, kinds[kind].kind, id, f);
	if (err) {
		fe->docs[kind] = before;
		before = now;
		if (apply(fe, &why))
			log_err("event destinations are not as they were before a change that "
				"failed: %s",
				why.msg);
	}
	json_decref(before);
	return err ? -1 : 0;
}

static int put(struct feed *fe, enum feed_kind kind, const char *id, const json_t *in,
	       json_t **ret_j, struct fault *f)
{
	const json_t *now = id ? json_object_get(fe->docs[kind], id) : NULL;
	unsigned lacked = json_text_lacked();
	json_t *doc;
	int err;

	if (id && !now)
		return fault_set(f, 404, 0, "", "no %s '%.64s'", kinds[kind].kind, id);
	if (!id && json_object_size(fe->docs[kind]) >= kinds[kind].max)
		return fault_set(f, 503, 0, "", "this edge holds at most %u", kinds[kind].max);
	doc = id ? json_deep_copy(now) : new_doc(kind);
	if (!doc)
		return no_memory(f);
	err = feed_doc_merge(kind, doc, in, f);
	if (!err && json_text_lacked() != lacked)
		err = no_memory(f);
	if (!err)
		err = feed_doc_check(kind, doc, f);
	if (!err)
		err = check_ids(fe, doc, f);
	if (!err)
		err = exchange(fe, kind, json_string_value(json_object_get(doc, "id")), doc, f);
	if (err)
		json_decref(doc);
	else
		*ret_j = doc;
	return err;
}

int feed_put(struct feed *fe, enum feed_kind kind, const char *id, const json_t *in, json_t **ret_j,
	     struct fault *f)
{
	int err;

	pthread_mutex_lock(&fe->lock);
	err = put(fe, kind, id, in, ret_j, f);
	pthread_mutex_unlock(&fe->lock);
	return err;
}

/* The subscription that names destination <id>, or NULL. */
static const char *user_of(struct feed *fe, const char *id)
{
	const char *key;
	json_t *sub, *d;
	size_t i;

	json_object_foreach(fe->docs[FEED_SUBSCRIPTION], key, sub)
		json_array_foreach(json_object_get(sub, "destinations"), i, d)
			if (!strcmp(json_string_value(json_object_get(d, "id")), id))
				return key;
	return NULL;
}

int feed_del(struct feed *fe, enum feed_kind kind, const char *id, struct fault *f)
{
	const char *user;
	int err;

	pthread_mutex_lock(&fe->lock);
	user = kind == FEED_DESTINATION ? user_of(fe, id) : NULL;
	if (!json_object_get(fe->docs[kind], id))
		err = fault_set(f, 404, 0, "", "no %s '%.64s'", kinds[kind].kind, id);
	else if (user)
		err = fault_set(f, 409, 0, "", "%s is named by %s; remove that first", id, user);
	else
		err = exchange(fe, kind, id, NULL, f);
	pthread_mutex_unlock(&fe->lock);
	return err;
}
