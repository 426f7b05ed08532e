// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_labelled - the tunnels of a session that have labels instead of a name.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "credentials.h"
#include "edge_private.h"
#include "endpoint.h"
#include "labelled.h"
#include "labels.h"
#include "log.h"
#include "pool.h"
#include "stamp.h"
#include "tunnel_private.h"
#include "ulid.h"

#define LABEL_NOT_ALLOWED 399

const char *labelled_of(const struct chan_frame *fr)
{
	const char *name = NULL;
	struct chan_field field;
	size_t pos = 0;

	while (chan_next(fr, &pos, &field)) {
		if (field.tag == CHAN_TAG_NAME) {
			name = (const char *)field.at;
		} else if (field.tag == CHAN_TAG_VALUE && name) {
			if (!strcmp(name, "labels"))
				return (const char *)field.at;
			name = NULL;
		}
	}
	return NULL;
}

/* Where connections for it come from, and what they are, its edges say. */
static int take_field(struct labelled_tunnel *t, const char *name, const char *value,
		      struct fault *f)
{
	const struct {
		const char *name, **where;
	} texts[] = {
		{"labels", &t->labels},		  {"upstream", &t->forwards_to}, {"name", &t->name},
		{"description", &t->description}, {"metadata", &t->metadata},
	};
	const struct field *fd = field_find(name);

	if (!strcmp(name, "proxy_proto")) {
		t->proxy_proto = (unsigned)atoi(value);
		return field_check(fd, fd->kind, value, f);
	}
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (strcmp(texts[i].name, name))
			continue;
		*texts[i].where = value;
		return fd ? field_check(fd, fd->kind, value, f) : labels_check(value, name, f);
	}
	return fault_set(f, 400, 0, name,
			 "is not for a tunnel with labels: that is its edge's business");
}

static int read_tunnel(const struct chan_frame *fr, struct labelled_tunnel *t, struct fault *f)
{
	const char *name = NULL;
	struct chan_field field;
	size_t pos = 0;

	while (chan_next(fr, &pos, &field)) {
		if (field.tag == CHAN_TAG_NAME) {
			name = (const char *)field.at;
		} else if (field.tag == CHAN_TAG_VALUE && name) {
			if (take_field(t, name, (const char *)field.at, f))
				return -1;
			name = NULL;
		}
	}
	return 0;
}

/* "app=foo, dc=bar" */
static void show_labels(const char *labels, char *out, size_t size)
{
	char item[FIELD_ITEM_MAX];
	size_t n = 0;

	*out = '\0';
	while ((labels = field_item(labels, item)) && n < size)
		n += (size_t)snprintf(out + n, size - n, "%s%s", n ? ", " : "", item);
}

/*
 * What became of another session of this agent has no name to take over: it would only go by its
 * silence.
 */
static void end_former_self(struct caller *c)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &c->tunnel->sessions) {
		struct caller *other = list_of(it, struct caller, link);

		if (other == c || strcmp(other->credential, c->credential) || !*c->instance ||
		    strcmp(other->instance, c->instance))
			continue;
		log_info("session %s is what became of %s", c->id, other->id);
		caller_close(other, true);
		return;
	}
}

int labelled_listen(struct caller *c, const struct chan_frame *fr, char ret_id[40], char *ret_text,
		    size_t text_size, struct fault *f)
{
	struct labelled_tunnel t = {.agent = c->number, .started = stamp_now()};
	struct bound *b;

	if (read_tunnel(fr, &t, f) || session_check_rules(c, f))
		return -1;
	if (!credential_allows_labels(c->acl, t.labels))
		return fault_set(f, 403, LABEL_NOT_ALLOWED, "labels",
				 "the rules of credential %s do not allow these", c->credential);
	end_former_self(c);
	b = bound_new(c, f);
	if (!b)
		return -1;
	ulid_new("tn_", b->tunnel, sizeof(b->tunnel));
	memcpy(t.id, b->tunnel, sizeof(t.id));
	memcpy(t.session, c->id, sizeof(t.session));
	memcpy(t.credential, c->credential, sizeof(t.credential));
	strcpy(ret_id, t.id);
	show_labels(t.labels, ret_text, text_size);
	if (labelled_add(c->tunnel->edge->labelled, &t)) {
		bound_drop(c, b);
		return fault_set(f, 500, 0, "", "out of memory");
	}
	log_info("tunnel online: tunnel=%s labels=%s session=%s credential=%s", t.id, ret_text,
		 c->id, c->credential);
	return 0;
}

/* Those who wait for a channel of its find another. */
static void tell_workers(void *arg, struct endpoint *target)
{
	struct edge *g = arg;

	for (unsigned i = 0; i < g->n_workers; i++)
		if (worker_post(&g->workers[i], pool_on_lost, endpoint_get(target)))
			endpoint_put(target);
	endpoint_put(target);
}

void labelled_offline(struct caller *c, const char *id)
{
	struct edge *g = c->tunnel->edge;

	labelled_remove(g->labelled, id);
	registry_on_tunnel_gone(g->registry, id, tell_workers, g);
}
