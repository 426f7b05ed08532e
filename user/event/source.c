// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "source.h"
#include "json_text.h"

#define FIELDS_MAX 64

const char *const source_types[] = {"tcp_connection_closed.v0", "upstream_state_changed.v0", NULL};

/* What may be selected; an object's name selects all below it. */
static const char *const field_names[] = {
	"conn",
	"conn.bytes_in",
	"conn.bytes_out",
	"conn.client_ip",
	"conn.client_port",
	"conn.server_ip",
	"conn.server_port",
	"conn.proxy_ip",
	"conn.proxy_port",
	"conn.server_name",
	"conn.start_ts",
	"conn.end_ts",
	"ip_policy",
	"ip_policy.decision",
	"connection_id",
	"endpoint_id",
	"terminated_at",
	"upstream_addr",
	"datapath",
	"bytes_user",
	"bytes_kernel",
	"close_reason",
	"error",
	"tls",
	"tls.version",
	"tls.cipher",
	"tls.alpn",
	"tls.client_cert_subject",
	"ja4_fingerprint",
	"timing_us",
	"timing_us.hello",
	"timing_us.connect",
	"timing_us.first_upstream_byte",
	"tcp",
	"tcp.client",
	"tcp.client.rtt_us",
	"tcp.client.retransmits",
	"tcp.upstream",
	"tcp.upstream.rtt_us",
	"tcp.upstream.retransmits",
	"tcp.upstream.bytes_acked",
	NULL,
};

struct source {
	struct filter *filter;
	char *fields[FIELDS_MAX]; /* point into <text> */
	unsigned n_fields;	  /* 0: the whole line */
	unsigned type;		  /* index in source_types */
	char *text;
};

struct sources {
	atomic_int refs;
	unsigned n;
	struct source list[];
};

/* ---- as asked for ---- */

void source_spec_done(struct source_spec *s)
{
	free(s->type);
	free(s->filter);
	free(s->fields);
	memset(s, 0, sizeof(*s));
}

static int copy(const char *from, char **to)
{
	*to = from ? strdup(from) : NULL;
	return from && !*to ? -ENOMEM : 0;
}

int source_spec_copy(const struct source_spec *from, struct source_spec *to)
{
	memset(to, 0, sizeof(*to));
	if (!copy(from->type, &to->type) && !copy(from->filter, &to->filter) &&
	    !copy(from->fields, &to->fields))
		return 0;
	source_spec_done(to);
	return -ENOMEM;
}

static bool is_one_of(const char *const *names, const char *name)
{
	for (; *names; names++)
		if (!strcmp(*names, name))
			return true;
	return false;
}

static int add_field(struct source_spec *s, const char *name, struct fault *f)
{
	size_t old = s->fields ? strlen(s->fields) + 1 : 0;
	char *more;

	/* ngrok's way to write them; a path starts below the event's object */
	if (!strncmp(name, "ev.", 3))
		name += 3;
	if (!is_one_of(field_names, name))
		return fault_set(f, 400, 0, "fields",
				 "the event has no field '%.64s'; they are named as in the event's "
				 "object, such as conn.bytes_in",
				 name);
	more = realloc(s->fields, old + strlen(name) + 1);
	if (!more)
		return fault_set(f, 500, 0, "fields", "out of memory");
	if (old)
		more[old - 1] = '\n';
	strcpy(more + old, name);
	s->fields = more;
	return 0;
}

int source_spec_set(struct source_spec *s, const char *name, const char *value, struct fault *f)
{
	bool is_type = !strcmp(name, "type");
	char **where = is_type ? &s->type : &s->filter;
	struct filter *fl = NULL;

	if (!strcmp(name, "fields"))
		return add_field(s, value, f);
	if (!is_type && strcmp(name, "filter"))
		return fault_set(f, 400, 0, name, "unknown field; there are type, filter, fields");
	if (*where)
		return fault_set(f, 400, 0, name, "given twice");
	if (is_type && !is_one_of(source_types, value))
		return fault_set(f, 400, 0, name, "there is no type '%.64s', only %s and %s", value,
				 source_types[0], source_types[1]);
	if (!is_type && filter_new(value, &fl, f))
		return -1;
	filter_free(fl);
	if (copy(value, where))
		return fault_set(f, 500, 0, name, "out of memory");
	return 0;
}

/* ---- compiled ---- */

static int compile(const struct source_spec *spec, struct source *s, struct fault *f)
{
	char *name, *rest;

	while (spec->type && strcmp(source_types[s->type], spec->type))
		s->type++;
	if (s->type && spec->fields)
		return fault_set(f, 400, 0, "fields", "are those of %s", source_types[0]);
	if (filter_new(spec->filter ?: "", &s->filter, f))
		return -1;
	if (!spec->fields)
		return 0;
	s->text = strdup(spec->fields);
	if (!s->text)
		return fault_set(f, 500, 0, "fields", "out of memory");
	for (rest = s->text; (name = strsep(&rest, "\n"));) {
		if (s->n_fields == FIELDS_MAX)
			return fault_set(f, 400, 0, "fields", "more than %d", FIELDS_MAX);
		s->fields[s->n_fields++] = name;
	}
	return 0;
}

int sources_new(const struct source_spec *specs, unsigned n, struct sources **ret_s,
		struct fault *f)
{
	struct sources *s = calloc(1, sizeof(*s) + n * sizeof(s->list[0]));

	if (!s)
		return fault_set(f, 500, 0, "", "out of memory");
	atomic_init(&s->refs, 1);
	for (; s->n < n; s->n++) {
		if (compile(&specs[s->n], &s->list[s->n], f)) {
			s->n++; /* what there is of it is freed too */
			sources_put(s);
			return -1;
		}
	}
	*ret_s = s;
	return 0;
}

struct sources *sources_get(struct sources *s)
{
	atomic_fetch_add(&s->refs, 1);
	return s;
}

void sources_put(struct sources *s)
{
	if (!s || atomic_fetch_sub(&s->refs, 1) != 1)
		return;
	for (unsigned i = 0; i < s->n; i++) {
		filter_free(s->list[i].filter);
		free(s->list[i].text);
	}
	free(s);
}

/* ---- fewer fields ---- */

/* "a.b" of <from> to the same place in <to>; nothing when it is absent. */
static void pick(json_t *from, json_t *to, const char *path)
{
	size_t len = strcspn(path, ".");
	json_t *value = json_object_getn(from, path, len), *below;

	if (!value)
		return;
	if (!path[len]) {
		json_object_setn(to, path, len, value);
		return;
	}
	below = json_object_getn(to, path, len);
	if (!below) {
		below = json_object();
		json_object_setn_new(to, path, len, below);
	}
	pick(value, below, path + len + 1);
}

/* The chosen fields in the same envelope, with a newline; malloc'd, NULL: out of memory. */
static char *shorten(const struct source *s, const char *line, size_t len, size_t *ret_len)
{
	unsigned lacked = json_text_lacked();
	json_t *event = json_text_read(line, len, 0, NULL), *less = json_object();
	char *text = NULL;

	for (unsigned i = 0; event && less && i < s->n_fields; i++)
		pick(json_object_get(event, "object"), less, s->fields[i]);
	if (event && !json_object_set(event, "object", less) && json_text_lacked() == lacked)
		text = json_text_write(event, JSON_COMPACT);
	if (text) { /* (its NUL is where the newline goes) */
		*ret_len = strlen(text) + 1;
		text[*ret_len - 1] = '\n';
	}
	json_decref(event);
	json_decref(less);
	return text;
}

void sources_select(const struct sources *s, const struct facts *facts, const char *line,
		    size_t len, void (*fn)(void *arg, const char *line, size_t len), void *arg)
{
	size_t short_len;
	char *shorter;

	for (unsigned i = 0; i < s->n; i++) {
		if (s->list[i].type != facts->type || !filter_match(s->list[i].filter, facts))
			continue;
		if (!s->list[i].n_fields) {
			fn(arg, line, len);
			continue;
		}
		shorter = shorten(&s->list[i], line, len, &short_len);
		if (shorter)
			fn(arg, shorter, short_len);
		free(shorter);
	}
}
