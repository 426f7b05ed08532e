// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "edge.h"
#include "edge_policy.h"
#include "endpoint_json.h"
#include "log.h"
#include "session_ref.h"
#include "stamp.h"
#include "store.h"
#include "ulid.h"

#define FROM_AGENT 9002 /* ours: an agent has it */
#define HELD_BY_EDGE 381
#define FROM_FILE 9001 /* ours: the configuration file has it */

struct listing {
	struct edge *edge;
	json_t *list;
	struct session_refs sessions;
};

static int list_one(void *arg, struct endpoint *e)
{
	struct listing *l = arg;

	return json_array_append_new(l->list, session_ref_add(&l->sessions, e, endpoint_json(e)));
}

int endpoints_get(struct request *r)
{
	struct listing l = {.edge = r->api->edge, .list = json_array()};
	int err;

	edge_account(r->api->edge);
	session_refs_take(l.edge, &l.sessions);
	err = !l.list || registry_each(edge_registry(l.edge), list_one, &l);
	session_refs_done(&l.sessions);
	if (err) {
		json_decref(l.list);
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	}
	return request_answer(r, 200,
			      json_pack("{s:o, s:s, s:n}", "endpoints", l.list, "uri", "/endpoints",
					"next_page_uri"));
}

struct calling {
	const char *name;
	struct endpoint *found;
	unsigned n;
};

static int is_called(void *arg, struct endpoint *e)
{
	struct calling *k = arg;
	const char *name = endpoint_spec_value(&e->spec, FIELD_ID_NAME);

	if (name && !strcmp(name, k->name) && !k->n++)
		k->found = endpoint_get(e);
	return 0;
}

struct endpoint *request_endpoint(struct request *r, const char *text)
{
	struct registry *registry = edge_registry(r->api->edge);
	struct endpoint *e = registry_find(registry, text);
	struct calling k = {.name = text};
	unsigned n = 0;

	if (e && strcmp(e->id, text))
		registry_share(registry, e->host, &n);
	if (!e && !registry_each(registry, is_called, &k))
		e = k.found;
	if (!e)
		fault_set(&r->fault, 404, 0, "", "no endpoint '%.200s'", text);
	else if (n > 1)
		fault_set(&r->fault, 409, 0, "", "%u endpoints share %s%s; name one by its id", n,
			  endpoint_scheme(e->host), e->host);
	else if (k.n > 1)
		fault_set(&r->fault, 409, 0, "",
			  "%u endpoints are called '%.200s'; name one by its id", k.n, text);
	else
		return e;
	endpoint_put(e);
	return NULL;
}

int endpoint_get_one(struct request *r)
{
	struct endpoint *e = request_endpoint(r, r->id);
	struct session_refs sessions;
	int err;

	if (!e)
		return -1;
	edge_account(r->api->edge);
	session_refs_take(r->api->edge, &sessions);
	err = request_answer(r, 200, session_ref_add(&sessions, e, endpoint_json(e)));
	session_refs_done(&sessions);
	endpoint_put(e);
	return err;
}

/* ---- adding ---- */

/* "tls://" asks for a name of our choice. */
static int choose_name(struct request *r, struct endpoint_spec *s)
{
	const char *asked = endpoint_spec_value(s, FIELD_ID_URL);
	char random[ULID_LEN + 1], *url;
	int err;

	if (!asked || strcasecmp(asked, "tls://"))
		return 0;
	ulid_new("", random, sizeof(random));
	/* the last 60 bits: all random */
	if (asprintf(&url, "tls://%s.%s", random + ULID_LEN - 12, r->api->base_domain) < 0)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	err = endpoint_spec_replace(s, FIELD_ID_URL, url);
	free(url);
	return err ? fault_set(&r->fault, 500, 0, "", "out of memory") : 0;
}

static int read_spec(struct request *r, struct endpoint_spec *s)
{
	const char *name;
	json_t *v;

	s->origin = ENDPOINT_API;
	json_object_foreach(r->in, name, v)
		if (endpoint_json_set(s, name, v, &r->fault))
			return -1;
	return choose_name(r, s) || edge_complete_url(r->api->edge, s, &r->fault) ? -1 : 0;
}

/* As it routes and as it was asked for, on disk. */
static int save(struct request *r, const struct endpoint *e)
{
	struct store_field fields[FIELD_ID_MAX];
	struct store_row row = {
		.id = e->id, .created = e->created, .updated = e->updated, .fields = fields};

	for (int i = 0; i < FIELD_ID_MAX; i++) {
		if (!endpoint_spec_value(&e->spec, i))
			continue;
		fields[row.n_fields].name = field_table[i].name;
		/* the name as it routes, so that it need not be normalised in the same way for ever
		 */
		fields[row.n_fields++].value =
			i == FIELD_ID_URL ? e->host : endpoint_spec_value(&e->spec, i);
	}
	return store_put(r->api->store, "endpoint", &row, &r->fault) ? -1 : 0;
}

/*
 * Registered, now on disk too, or neither.  In between somebody may have removed
 * it again: then it must not come back with the next start.
 */
static int make_durable(struct request *r, struct endpoint *e)
{
	int err;

	pthread_mutex_lock(&r->api->change);
	if (atomic_load(&e->gone)) {
		err = fault_set(&r->fault, 409, 0, "", "%s was removed while it was added", e->id);
	} else {
		err = save(r, e);
		if (err)
			registry_remove(edge_registry(r->api->edge), e->id, NULL);
	}
	pthread_mutex_unlock(&r->api->change);
	return err;
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
			log_info("endpoint added: endpoint=%s url=%s%s upstream=%s %s", e->id,
				 endpoint_scheme(e->host), e->host, e->upstream,
				 request_who(r, who));
			err = request_answer(r, 201, endpoint_json(e));
		}
		endpoint_put(e);
	}
	endpoint_spec_done(&s);
	return err;
}

static int from_file(struct request *r, const struct endpoint *e, const char *todo)
{
	return fault_set(&r->fault, 409, FROM_FILE, "",
			 "%s%s comes from %s; %s it there and reload", endpoint_scheme(e->host),
			 e->host, r->api->file ? r->api->file : "the configuration file", todo);
}

static int of_edge(struct request *r, const struct endpoint *e, const char *todo)
{
	return fault_set(&r->fault, 409, HELD_BY_EDGE, "",
			 "tls://%s is held by an edge; %s it there: see edge list", e->host, todo);
}

/* ---- changing ---- */

#define TRIES 8 /* against others who change the same one */

/* What must stay, because other things were decided by it. */
static int check_fixed(const char *name, const struct endpoint_spec *old,
		       const struct endpoint_spec *s, const struct endpoint *e, struct fault *f)
{
	char host[ENDPOINT_NAME_MAX];

	if (!strcmp(name, "url")) {
		if (!endpoint_spec_value(s, FIELD_ID_URL) ||
		    endpoint_url_host(endpoint_spec_value(s, FIELD_ID_URL), host, f) ||
		    strcmp(host, e->host))
			return fault_set(f, 400, 0, name,
					 "cannot be changed; add another endpoint and remove this");
	}
	if (!strcmp(name, "pooling_enabled") &&
	    endpoint_spec_is(s, FIELD_ID_POOLING_ENABLED) !=
		    endpoint_spec_is(old, FIELD_ID_POOLING_ENABLED))
		return fault_set(f, 400, 0, name, "cannot be changed");
	return 0;
}

/* <e> as it would be with the fields of the request; null takes one away. */
static int merge(struct request *r, const struct endpoint *e, struct endpoint_spec *ret_s)
{
	const struct field *fd;
	const char *name;
	json_t *v;

	if (endpoint_spec_copy(&e->spec, ret_s))
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	json_object_foreach(r->in, name, v) {
		fd = field_find(name);
		if (fd)
			endpoint_spec_clear(ret_s, (enum field_id)(fd - field_table));
		if (endpoint_json_set(ret_s, name, v, &r->fault) ||
		    check_fixed(name, &e->spec, ret_s, e, &r->fault))
			return -1;
	}
	return 0;
}

/* The disk first: what was acknowledged must be what the next start has.  -EAGAIN: once more. */
static int put_in_place(struct request *r, struct endpoint *e, struct endpoint *fresh)
{
	struct fault first;
	int err;

	pthread_mutex_lock(&r->api->change);
	if (atomic_load(&e->gone)) {
		err = -EAGAIN;
	} else {
		err = save(r, fresh);
		if (!err)
			err = registry_swap(edge_registry(r->api->edge), e, fresh, &r->fault);
		first = r->fault;
		if (err && save(r, e))
			log_err("endpoint %s: its change was refused, but may come with the next "
				"start: %s",
				e->id, r->fault.msg);
		r->fault = first;
	}
	pthread_mutex_unlock(&r->api->change);
	return err;
}

/* One try with what is there now.  *ret_e: a reference to the changed one. */
static int change(struct request *r, struct endpoint **ret_e)
{
	struct registry *registry = edge_registry(r->api->edge);
	struct endpoint *e = request_endpoint(r, r->id), *fresh = NULL;
	struct endpoint_spec s = {0};
	int err;

	if (!e)
		return -1;
	if (e->origin == ENDPOINT_FILE)
		err = from_file(r, e, "change");
	else if (e->origin == ENDPOINT_EDGE)
		err = of_edge(r, e, "change");
	else if (e->origin == ENDPOINT_AGENT)
		err = fault_set(&r->fault, 409, FROM_AGENT, "",
				"%s is an agent's; change it where that runs", e->id);
	else
		err = merge(r, e, &s);
	if (!err) {
		fresh = registry_prepare(registry, e, &s, NULL, &r->fault);
		err = fresh ? 0 : -1;
	}
	if (!err) {
		fresh->updated = stamp_now();
		*ret_e = endpoint_get(fresh);
		err = put_in_place(r, e, fresh);
		if (err) {
			endpoint_put(fresh);
			endpoint_put(fresh);
		}
	}
	endpoint_spec_done(&s);
	endpoint_put(e);
	return err;
}

int endpoint_patch(struct request *r)
{
	struct endpoint *e = NULL;
	char who[64];
	int err = -EAGAIN;
	bool kill_too;

	if (request_query_flag(r, "kill", &kill_too))
		return -1;
	for (int i = 0; i < TRIES && err == -EAGAIN; i++)
		err = change(r, &e);
	if (err == -EAGAIN)
		fault_set(&r->fault, 409, 0, "", "%.64s is being changed by others; try again",
			  r->id);
	if (err)
		return -1;
	log_info("endpoint changed: endpoint=%s url=%s%s upstream=%s %s", e->id,
		 endpoint_scheme(e->host), e->host, e->upstream, request_who(r, who));
	err = request_answer(r, 200, endpoint_json(e));
	if (!err && kill_too)
		json_object_set_new(r->out, "connections_killed",
				    json_integer(edge_endpoint_kill_denied(r->api->edge, e->id)));
	endpoint_put(e);
	return err;
}

/* ---- removing ---- */

static int is_row(void *arg, const struct store_row *row)
{
	return !strcmp(row->id, arg);
}

/*
 * It may be one that was not restored, as the file has its name now.  -1: it is not, and the
 * request has its fault already.
 */
static int forget_one(struct request *r, char ret_id[ENDPOINT_ID_MAX])
{
	struct fault f;

	if (strncmp(r->id, "ep_", 3) != 0 || strlen(r->id) >= ENDPOINT_ID_MAX ||
	    store_each(r->api->store, "endpoint", is_row, (void *)r->id, &f) != 1)
		return -1;
	strcpy(ret_id, r->id);
	return store_del(r->api->store, "endpoint", r->id, &r->fault);
}

/* The disk first: what was acknowledged as gone must not come back. */
static int remove_one(struct request *r, char ret_id[ENDPOINT_ID_MAX])
{
	struct registry *registry = edge_registry(r->api->edge);
	struct endpoint *e = request_endpoint(r, r->id);
	int err;

	if (!e)
		return forget_one(r, ret_id);
	strcpy(ret_id, e->id);
	if (e->origin == ENDPOINT_FILE)
		err = from_file(r, e, "remove");
	else if (e->origin == ENDPOINT_EDGE)
		err = of_edge(r, e, "remove");
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
	return request_answer(r, 200,
			      json_pack("{s:i}", "connections_killed",
					edge_endpoint_kill(r->api->edge, id)));
}
