// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config_events.h"
#include "config.h"

#define DEFAULT_FILE "/var/log/snisplit/events.ndjson"
#define ROUTES_MAX 64

static void clear(struct config *c)
{
	while (c->n_events)
		event_route_done(&c->events[--c->n_events]);
	free(c->events);
	c->events = NULL;
}

static void set_source(struct doc *d, struct source_spec *s, const char *name,
		       struct yaml_node_s *value)
{
	const char *text = doc_scalar(d, value);
	struct fault f;

	if (text && source_spec_set(s, name, text, &f))
		doc_error(d, value, "%s", f.msg);
}

static void set_fields(struct doc *d, struct source_spec *s, struct yaml_node_s *value)
{
	struct yaml_node_s *item;

	if (!doc_is_list(value)) {
		doc_error(d, value, "must be a list such as [conn.bytes_in, close_reason]");
		return;
	}
	for (unsigned i = 0; (item = doc_item(d, value, i)); i++)
		set_source(d, s, "fields", item);
}

static void set_target(struct doc *d, struct target *t, int kind, struct yaml_node_s *value)
{
	const char *text = doc_scalar(d, value);
	struct fault f;

	if (text && target_set(t, (enum target_kind)kind, text, TARGET_OF_FILE, &f))
		doc_error(d, value, "%s", f.msg);
}

static void read_pair(struct doc *d, struct target *t, struct source_spec *s,
		      struct yaml_node_s *key, struct yaml_node_s *value)
{
	const char *name = doc_scalar(d, key);
	int kind;

	if (!name)
		return;
	doc_enter(d, name, -1);
	kind = target_kind_of(name);
	if (kind >= 0)
		set_target(d, t, kind, value);
	else if (!strcmp(name, "type") || !strcmp(name, "filter"))
		set_source(d, s, name, value);
	else if (!strcmp(name, "fields"))
		set_fields(d, s, value);
	else
		doc_error(d, key,
			  "unknown key; there are file, unix, tcp, syslog, webhook, type, filter "
			  "and fields");
	doc_leave(d);
}

/* Two entries for one target are two sources of one destination. */
static struct event_route *route_for(struct config *c, const struct target *t, unsigned line)
{
	struct event_route *r;

	for (unsigned i = 0; i < c->n_events; i++) {
		r = &c->events[i];
		if (r->target.kind == t->kind && !strcmp(r->target.address, t->address))
			return r;
	}
	r = &c->events[c->n_events];
	if (target_copy(t, &r->target))
		return NULL;
	c->n_events++; /* what there is of it is freed with the others */
	if (asprintf(&r->where, "%s:%u", c->file, line) < 0) {
		r->where = NULL;
		return NULL;
	}
	return r;
}

static void read_item(struct doc *d, struct config *c, struct yaml_node_s *item)
{
	struct source_spec source = {0}, *s;
	struct yaml_node_s *key, *value;
	unsigned before = doc_errors(d);
	struct target target = {0};
	struct event_route *r;

	if (!doc_is_map(item))
		doc_error(d, item, "must be a map such as {file: /var/log/events.ndjson}");
	for (unsigned i = 0; doc_pair(d, item, i, &key, &value); i++)
		read_pair(d, &target, &source, key, value);
	if (doc_errors(d) == before && !target.address)
		doc_error(d, item,
			  "needs a target: file: PATH (or \"-\" for stdout), unix: PATH, tcp: "
			  "HOST:PORT, syslog: ADDRESS or webhook: URL");
	if (target.address && doc_errors(d) == before) {
		r = route_for(c, &target, doc_line(item));
		s = r ? event_route_add(r) : NULL;
		if (s)
			*s = source;
		else
			doc_error(d, item, "out of memory");
		if (s)
			memset(&source, 0, sizeof(source));
	}
	source_spec_done(&source);
	target_done(&target);
}

void config_events_read(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			void *out)
{
	struct config *c = out;
	struct yaml_node_s *item;
	unsigned n = 0;

	(void)key;
	if (doc_is_null(node))
		return;
	if (!doc_is_list(node)) {
		doc_error(d, node, "must be a list such as [{file: /var/log/events.ndjson}]");
		return;
	}
	while (doc_item(d, node, n))
		n++;
	clear(c);
	if (n > ROUTES_MAX) {
		doc_error(d, node, "there may be %d, no more", ROUTES_MAX);
		return;
	}
	c->events = calloc(n + 1, sizeof(*c->events));
	if (!c->events)
		doc_error(d, node, "out of memory");
	for (unsigned i = 0; c->events && (item = doc_item(d, node, i)); i++) {
		doc_enter(d, "", (int)i);
		read_item(d, c, item);
		doc_leave(d);
	}
}

int config_events_default(struct config *c)
{
	c->events = calloc(1, sizeof(*c->events));
	if (!c->events || !event_route_add(&c->events[0]))
		return -ENOMEM;
	c->n_events = 1;
	return target_set(&c->events[0].target, TARGET_FILE, DEFAULT_FILE, TARGET_OF_FILE, NULL)
		       ? -ENOMEM
		       : 0;
}
