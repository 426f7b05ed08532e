// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_listen - the endpoints of a session: which it may have, and from when to when.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "chan.h"
#include "credentials.h"
#include "edge_private.h"
#include "endpoint.h"
#include "fault.h"
#include "log.h"
#include "name.h"
#include "pool.h"
#include "tunnel_private.h"
#include "ulid.h"

#define ANSWER_NS (3 * SECOND_NS / 2) /* who holds a name has this long to show that it lives */
#define BOUNDS_MAX 1000
#define CLAIMS_MAX 64
#define NOT_ALLOWED 316
#define RESERVED 320
#define TOO_MANY 324
#define ALREADY_ONLINE 334

/* Of an endpoint: what its agent may say of it.  The rest it does by itself. */
static bool is_agents_field(const char *name)
{
	static const enum field_id ids[] = {
		FIELD_ID_URL,	     FIELD_ID_TERMINATE_AT,    FIELD_ID_CRT,
		FIELD_ID_KEY,	     FIELD_ID_MUTUAL_TLS_CAS,  FIELD_ID_ALPN,
		FIELD_ID_CIDR_ALLOW, FIELD_ID_CIDR_DENY,       FIELD_ID_PROXY_PROTO,
		FIELD_ID_NAME,	     FIELD_ID_DESCRIPTION,     FIELD_ID_METADATA,
		FIELD_ID_UPSTREAM,   FIELD_ID_POOLING_ENABLED, FIELD_ID_CERTIFICATE_AUTHORITIES};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (!strcmp(field_table[ids[i]].name, name))
			return true;
	return false;
}

static int set_field(struct endpoint_spec *s, const char *name, const char *value, struct fault *f)
{
	const struct field *fd = field_find(name);

	if (!fd || !is_agents_field(name))
		return fault_set(f, 400, 0, name, "is no field of an agent's endpoint");
	return endpoint_spec_set(s, name, fd->kind, value, f);
}

/* <random>.<base_domain> */
static int make_url(struct caller *c, struct endpoint_spec *s, struct fault *f)
{
	char name[ULID_LEN + 1], url[ENDPOINT_NAME_MAX + 8];

	ulid_new("", name, sizeof(name));
	/* its tail: the head is the time, the same for all of now */
	snprintf(url, sizeof(url), "tls://%s.%s", name + 12, c->tunnel->base_domain);
	return endpoint_spec_set(s, "url", FIELD_STRING, url, f);
}

static int read_spec(struct caller *c, const struct chan_frame *fr, struct endpoint_spec *s,
		     struct fault *f)
{
	const char *name = NULL;
	struct chan_field field;
	size_t pos = 0;

	s->origin = ENDPOINT_AGENT;
	s->agent = c->number;
	memcpy(s->credential, c->credential, sizeof(s->credential));
	while (chan_next(fr, &pos, &field)) {
		if (field.tag == CHAN_TAG_NAME) {
			name = (const char *)field.at;
		} else if (field.tag == CHAN_TAG_VALUE && name) {
			if (set_field(s, name, (const char *)field.at, f))
				return -1;
			name = NULL;
		}
	}
	return endpoint_spec_value(s, FIELD_ID_URL) ? edge_complete_url(c->tunnel->edge, s, f)
						    : make_url(c, s, f);
}

static int check_name(struct caller *c, const struct endpoint_spec *s, struct fault *f)
{
	char host[ENDPOINT_NAME_MAX], reserved[ENDPOINT_NAME_MAX + 16];

	if (endpoint_spec_check(s, host, f) || session_check_rules(c, f))
		return -1;
	snprintf(reserved, sizeof(reserved), "connect.%s", c->tunnel->base_domain);
	if (!strcmp(host, reserved))
		return fault_set(f, 403, RESERVED, "url", "%s is the edge's own name", host);
	if (!credential_allows(c->acl, host))
		return fault_set(f, 403, NOT_ALLOWED, "url",
				 "the rules of credential %s do not allow %s", c->credential, host);
	return 0;
}

/* ---- answers ---- */

static void refuse(struct caller *c, uint64_t request, const struct fault *f)
{
	chan_begin(&c->out, CHAN_REFUSED);
	chan_put_number(&c->out, CHAN_TAG_REQUEST, request);
	chan_put_number(&c->out, CHAN_TAG_CODE, (uint64_t)f->code);
	chan_put_number(&c->out, CHAN_TAG_STATUS, (uint64_t)f->status);
	chan_put_text(&c->out, CHAN_TAG_FIELD, f->field);
	chan_put_text(&c->out, CHAN_TAG_MESSAGE, f->msg);
	chan_end(&c->out);
}

static void say_listening(struct caller *c, uint64_t request, const char *id, const char *url,
			  bool sealed)
{
	chan_begin(&c->out, CHAN_LISTENING);
	chan_put_number(&c->out, CHAN_TAG_REQUEST, request);
	chan_put_text(&c->out, CHAN_TAG_ENDPOINT, id);
	chan_put_text(&c->out, CHAN_TAG_URL, url);
	chan_put_number(&c->out, CHAN_TAG_SEALED, sealed);
	chan_end(&c->out);
}

static void welcome(struct caller *c, uint64_t request, struct endpoint *e)
{
	char url[ENDPOINT_NAME_MAX + 8];

	snprintf(url, sizeof(url), "%s%s", endpoint_scheme(e->host), e->host);
	say_listening(c, request, e->id, url, e->tls_server != NULL);
	log_info("endpoint online: endpoint=%s url=%s session=%s credential=%s", e->id, url, c->id,
		 c->credential);
	pool_announce(c->tunnel->edge, e);
}

/* ---- names that are taken ---- */

static struct endpoint *holder_of(struct caller *c, const struct endpoint_spec *s)
{
	char host[ENDPOINT_NAME_MAX];

	if (endpoint_url_host(endpoint_spec_value(s, FIELD_ID_URL), host, NULL))
		return NULL;
	return registry_find(c->tunnel->edge->registry, host);
}

static void ask_holder(struct caller *c, struct caller *holder, const uint8_t *bytes, size_t len)
{
	struct claim *cl = malloc(sizeof(*cl) + len);

	if (!cl)
		return;
	list_init(&cl->link);
	cl->holder = holder->number;
	cl->asked_ns = c->tunnel->now_ns;
	cl->len = len;
	memcpy(cl->frame, bytes, len);
	list_add_tail(&c->claims, &cl->link);
	chan_begin(&holder->out, CHAN_PING);
	chan_put_number(&holder->out, CHAN_TAG_STAMP, c->tunnel->now_ns);
	chan_end(&holder->out);
	session_flush(holder);
}

/* 0: the way is free now; 1: it will be known soon; -1: it is not, with <f>. */
static int make_way(struct caller *c, const struct endpoint_spec *s, const uint8_t *bytes,
		    size_t len, bool asked, struct fault *f)
{
	/* (who shares a name does not push others out) */
	bool shares = endpoint_spec_is(s, FIELD_ID_POOLING_ENABLED);
	struct endpoint *e = shares ? NULL : holder_of(c, s);
	struct caller *holder = e ? tunnel_session_find(c->tunnel, e->agent) : NULL;
	int res = 0;

	/* by whom else it is held says registry_add() */
	if (holder == c || !holder || strcmp(holder->credential, c->credential))
		goto out;
	if (asked) {
		res = fault_set(f, 409, ALREADY_ONLINE, "url",
				"%s%s is online in another session of this credential, "
				"%s, which is alive",
				endpoint_scheme(e->host), e->host, holder->id);
	} else if (!strcmp(holder->instance, c->instance)) {
		log_info("session %s is what became of %s", c->id, holder->id);
		caller_close(holder, true);
	} else {
		ask_holder(c, holder, bytes, len);
		res = 1;
	}
out:
	endpoint_put(e);
	return res;
}

static struct bound *find_bound(struct caller *c, const char *id)
{
	struct list *it;

	list_for_each(it, &c->bounds) {
		struct bound *b = list_of(it, struct bound, link);

		if (!strcmp(b->endpoint ? b->endpoint->id : b->tunnel, id))
			return b;
	}
	return NULL;
}

struct bound *bound_new(struct caller *c, struct fault *f)
{
	struct bound *b;

	if (session_check_endpoints(c, f))
		return NULL;
	b = c->n_bounds < BOUNDS_MAX ? calloc(1, sizeof(*b)) : NULL;
	if (!b) {
		fault_set(f, 429, TOO_MANY, "", "a session has at most %d endpoints", BOUNDS_MAX);
		return NULL;
	}
	list_init(&b->link);
	list_add_tail(&c->bounds, &b->link);
	c->n_bounds++;
	return b;
}

void bound_drop(struct caller *c, struct bound *b)
{
	list_del(&b->link);
	c->n_bounds--;
	free(b);
}

static int put_online(struct caller *c, const struct endpoint_spec *s, struct endpoint **ret_e,
		      struct fault *f)
{
	struct bound *b = bound_new(c, f);

	if (!b)
		return -1;
	if (registry_add(c->tunnel->edge->registry, s, NULL, NULL, &b->endpoint, f)) {
		bound_drop(c, b);
		return -1;
	}
	*ret_e = b->endpoint;
	return 0;
}

static void listen_labelled(struct caller *c, const struct chan_frame *fr)
{
	uint64_t request = chan_number(fr, CHAN_TAG_REQUEST, 0);
	char id[40], text[ENDPOINT_NAME_MAX + 40];
	struct fault f = {.msg = ""};

	if (labelled_listen(c, fr, id, text, sizeof(text), &f))
		refuse(c, request, &f);
	else
		say_listening(c, request, id, text, false);
	session_flush(c);
}

/* An endpoint of its own becomes what <s> says: there are other certificates, say. */
static int change(struct caller *c, const char *id, const struct endpoint_spec *s,
		  struct endpoint **ret_e, struct fault *f)
{
	struct registry *r = c->tunnel->edge->registry;
	struct bound *b = find_bound(c, id);
	char host[ENDPOINT_NAME_MAX];
	struct endpoint *fresh;

	if (!b || !b->endpoint)
		return fault_set(f, 404, 0, "", "no endpoint '%.60s' of this session", id);
	if (endpoint_url_host(endpoint_spec_value(s, FIELD_ID_URL), host, f) ||
	    strcmp(host, b->endpoint->host))
		return fault_set(f, 400, 0, "url", "cannot be changed");
	fresh = registry_prepare(r, b->endpoint, s, NULL, f);
	if (!fresh)
		return -1;
	endpoint_get(fresh); /* the session's; the other one is the registry's */
	switch (registry_swap(r, b->endpoint, fresh, f)) {
	case 0:
		endpoint_put(b->endpoint);
		b->endpoint = *ret_e = fresh;
		return 0;
	case -EAGAIN:
		fault_set(f, 409, 0, "", "%s has just been removed", id);
	}
	endpoint_put(fresh);
	endpoint_put(fresh);
	return -1;
}

static void listen_for(struct caller *c, const uint8_t *bytes, const struct chan_frame *fr,
		       bool asked)
{
	uint64_t request = chan_number(fr, CHAN_TAG_REQUEST, 0);
	const char *id = chan_text(fr, CHAN_TAG_ENDPOINT);
	struct endpoint_spec s = {.line = 0};
	struct endpoint *e = NULL;
	struct fault f = {.msg = ""};
	int err;

	err = read_spec(c, fr, &s, &f);
	if (!err)
		err = check_name(c, &s, &f);
	if (!err && !id)
		err = make_way(c, &s, bytes, fr->end, asked, &f);
	if (!err)
		err = id ? change(c, id, &s, &e, &f) : put_online(c, &s, &e, &f);
	endpoint_spec_done(&s);
	if (err < 0)
		refuse(c, request, &f);
	else if (!err)
		welcome(c, request, e);
	session_flush(c);
}

static void claim_free(struct claim *cl)
{
	list_del(&cl->link);
	explicit_bzero(cl->frame, cl->len); /* there may be a key in it */
	free(cl);
}

void session_listen(struct caller *c, const uint8_t *bytes, const struct chan_frame *f)
{
	struct list *it;
	unsigned n = 0;

	if (labelled_of(f)) {
		listen_labelled(c, f);
		return;
	}
	list_for_each(it, &c->claims)
		n++;
	listen_for(c, bytes, f, n >= CLAIMS_MAX);
}

/* The holder has spoken since, or has had its time. */
void session_check_claims(struct caller *c)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &c->claims) {
		struct claim *cl = list_of(it, struct claim, link);
		struct caller *holder = tunnel_session_find(c->tunnel, cl->holder);
		bool alive = holder && holder->heard_ns > cl->asked_ns;
		struct chan_frame f;

		if (holder && !alive && c->tunnel->now_ns - cl->asked_ns < ANSWER_NS)
			continue;
		if (holder && !alive) {
			log_info("session %s does not answer; %s takes its names over", holder->id,
				 c->id);
			caller_close(holder, true);
		}
		chan_frame_read(cl->frame, cl->len, CHAN_FRAME_MAX, &f);
		/* to answer may end the session, and that frees the claims it still has */
		list_del(&cl->link);
		listen_for(c, cl->frame, &f, alive);
		claim_free(cl);
		if (c->dead)
			return;
	}
}

/* ---- offline ---- */

static void bound_free(struct caller *c, struct bound *b, bool online)
{
	struct endpoint *e = b->endpoint;

	if (!e)
		labelled_offline(c, b->tunnel);
	else if (online && !atomic_load(&e->gone))
		registry_remove(c->tunnel->edge->registry, e->id, NULL);
	bound_drop(c, b);
	endpoint_put(e);
}

void session_unlisten(struct caller *c, const char *endpoint_id)
{
	struct bound *b = endpoint_id ? find_bound(c, endpoint_id) : NULL;

	if (b)
		bound_free(c, b, true);
}

void session_lost(struct caller *c, const char *endpoint_id)
{
	struct bound *b = find_bound(c, endpoint_id);

	if (!b || (b->endpoint &&
		   !atomic_load(&b->endpoint->gone))) /* it has made way for its successor */
		return;
	bound_free(c, b, false);
	chan_begin(&c->out, CHAN_OFFLINE);
	chan_put_text(&c->out, CHAN_TAG_ENDPOINT, endpoint_id);
	chan_put_text(&c->out, CHAN_TAG_MESSAGE, "it was removed at the edge");
	chan_end(&c->out);
	session_flush(c);
}

void session_offline(struct caller *c)
{
	while (!list_empty(&c->bounds))
		bound_free(c, list_of(c->bounds.next, struct bound, link), true);
	while (!list_empty(&c->claims))
		claim_free(list_of(c->claims.next, struct claim, link));
}
