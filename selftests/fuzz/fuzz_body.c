// SPDX-License-Identifier: GPL-2.0-only
/*
 * body - any JSON that the API is given, as an endpoint, a credential, an edge, a backend, where
 * events go or which, is taken or refused with a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "client_ca.h"
#include "credential_body.h"
#include "edges.h"
#include "endpoint_json.h"
#include "feed_doc.h"
#include "labelled.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Of what is shown; nothing is here. */
json_t *upstreams_json(struct endpoint *e)
{
	return (void)e, NULL;
}

int labelled_each(struct labelled *l, int (*fn)(void *arg, const struct labelled_tunnel *t),
		  void *arg)
{
	return (void)l, (void)fn, (void)arg, 0;
}

bool client_ca_is_in(const struct client_ca *ca, const char *list)
{
	return (void)ca, (void)list, false;
}

static void refused(const struct fault *f)
{
	if (f->status < 400 || !*f->msg)
		abort();
}

static void as_endpoint(const json_t *in)
{
	struct endpoint_spec s;
	char host[ENDPOINT_NAME_MAX];
	struct fault f = {0};
	const char *name;
	json_t *v;
	int err = 0;

	memset(&s, 0, sizeof(s));
	json_object_foreach((json_t *)in, name, v) {
		err = endpoint_json_set(&s, name, v, &f);
		if (err)
			break;
	}
	if (err || endpoint_spec_check(&s, host, &f))
		refused(&f);
	endpoint_spec_done(&s);
}

static void as_credential(const json_t *in, bool has_key)
{
	struct credential cr = {.acl = NULL};
	struct fault f = {0};

	if (credential_body_read(in, has_key, &cr, &f) || credential_check_acl(cr.acl, &f)) {
		refused(&f);
	} else {
		credential_allows(cr.acl, "app.example.com");
		credential_allows(cr.acl, "tcp.example.com:4000");
		credential_allows_labels(cr.acl, "app=web\ndc=fra");
	}
	credential_body_done(&cr);
}

static json_t *doc_of(const char *id)
{
	json_t *doc = json_pack("{s:s, s:s}", "id", id, "created_at", "2026-12-01T00:00:00Z");

	if (!doc)
		abort();
	return doc;
}

/* What was taken is an array of its lists, as others go on to read it. */
static void as_edge(const json_t *in)
{
	json_t *docs[EDGES_KIND_MAX], *doc;
	struct endpoint_spec s;
	struct fault f;

	for (int kind = 0; kind < EDGES_KIND_MAX; kind++) {
		docs[kind] = json_object();
		doc = doc_of("x_1");
		memset(&f, 0, sizeof(f));
		if (edges_doc_merge((enum edges_kind)kind, doc, in, &f) ||
		    (kind != EDGES_TLS && edges_backend_check((enum edges_kind)kind, doc, &f)))
			refused(&f);
		else
			json_object_set(docs[kind], "x_1", doc);
		json_decref(doc);
	}
	doc = json_object_get(docs[EDGES_TLS], "x_1");
	memset(&s, 0, sizeof(s));
	memset(&f, 0, sizeof(f));
	if (doc && edges_doc_spec(doc, docs, NULL, &s, &f))
		refused(&f);
	if (doc)
		endpoint_spec_done(&s);
	for (int kind = 0; kind < EDGES_KIND_MAX; kind++)
		json_decref(docs[kind]);
}

static void as_feed(const json_t *in, enum feed_kind kind)
{
	struct event_route route = {0};
	struct fault f = {0};
	struct target t = {0};
	json_t *doc = doc_of("x_1");
	int err = feed_doc_merge(kind, doc, in, &f) || feed_doc_check(kind, doc, &f);

	if (!err && kind == FEED_DESTINATION)
		err = feed_doc_target(doc, "/nowhere", &t, &f);
	else if (!err)
		err = feed_doc_sources(doc, &route, &f);
	if (err)
		refused(&f);
	target_done(&t);
	event_route_done(&route);
	json_decref(doc);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	json_t *in = json_loadb((const char *)data, size, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(in)) {
		as_endpoint(in);
		as_credential(in, false);
		as_credential(in, true);
		as_edge(in);
		as_feed(in, FEED_DESTINATION);
		as_feed(in, FEED_SUBSCRIPTION);
	}
	json_decref(in);
	return 0;
}
