// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "config_endpoints.h"
#include "config.h"
#include "text_file.h"

/* A name and where it was said, to find the second one. */
struct claim {
	char *host;
	unsigned index;
	bool shared; /* pooling_enabled */
	struct yaml_node_s *node;
};

/* What kind of value is it, for a field that wants <want>? */
static enum field_kind kind_of(const struct yaml_node_s *node, const char *text,
			       enum field_kind want)
{
	if (doc_is_null(node))
		return FIELD_NULL;
	if (doc_is_list(node))
		return FIELD_LIST;
	if (!text)
		return FIELD_OTHER;
	if (want == FIELD_PEM)
		return FIELD_PEM;
	/* 8443 without quotes is a fine string */
	if (want == FIELD_STRING || !doc_is_plain(node))
		return FIELD_STRING;
	if (!strcmp(text, "true") || !strcmp(text, "false"))
		return FIELD_BOOL;
	if (strspn(text, "0123456789") == strlen(text))
		return FIELD_NUMBER;
	return FIELD_STRING;
}

/* The elements, a line each, malloc'd; NULL after an error, which is told. */
static char *join(struct doc *d, const struct yaml_node_s *list)
{
	struct yaml_node_s *item;
	const char *text;
	char *out = NULL;
	size_t size;
	FILE *to = text_file_open(&out, &size);
	bool bad = !to;

	for (unsigned i = 0; !bad && (item = doc_item(d, list, i)); i++) {
		text = doc_scalar(d, item);
		if (text && strchr(text, '\n')) {
			doc_error(d, item, "has a line break in it");
			text = NULL;
		}
		bad = !text;
		if (text)
			fprintf(to, "%s%s", i ? "\n" : "", text);
	}
	if (text_file_close(to, &out)) {
		doc_error(d, list, "out of memory");
		bad = true;
	}
	if (!bad)
		return out;
	free(out);
	return NULL;
}

/* What the file of a FIELD_PEM holds, malloc'd; NULL after an error, which is told. */
static char *read_pem(struct doc *d, const struct yaml_node_s *node, const char *path)
{
	int fd = *path == '/' ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;
	struct stat st;
	char *text = NULL;
	ssize_t n = -1;

	if (*path != '/')
		doc_error(d, node, "must be a path that starts with /, got '%.200s'", path);
	else if (fd == -1 || fstat(fd, &st))
		doc_error(d, node, "%.200s cannot be read: %s", path, strerror(errno));
	else if (!S_ISREG(st.st_mode) || st.st_size > FIELD_PEM_MAX)
		doc_error(d, node, "%.200s is not a file of at most %d KiB", path,
			  FIELD_PEM_MAX >> 10);
	else if (!(text = malloc((size_t)st.st_size + 1)))
		doc_error(d, node, "out of memory");
	else if ((n = read(fd, text, (size_t)st.st_size)) < 0)
		doc_error(d, node, "%.200s cannot be read: %s", path, strerror(errno));
	if (fd != -1)
		close(fd);
	if (n < 0) {
		free(text);
		return NULL;
	}
	text[n] = '\0';
	if (strlen(text) == (size_t)n && strstr(text, "-----BEGIN "))
		return text;
	doc_error(d, node, "%.200s is not a PEM file (-----BEGIN ...)", path);
	free(text);
	return NULL;
}

/* Adds the field to <bad> when it is. */
static void read_field(struct doc *d, struct endpoint_spec *s, struct yaml_node_s *key,
		       struct yaml_node_s *value, uint64_t *bad)
{
	const char *name = doc_scalar(d, key), *text = "";
	unsigned before;
	const struct field *fd;
	enum field_kind kind;
	char *made = NULL;
	struct fault f;

	if (!name)
		return;
	fd = field_find(name);
	if (!fd) {
		doc_error(d, key,
			  "unknown field '%.64s'; fields are those of `snisplit endpoint "
			  "add`, with underscores",
			  name);
		return;
	}
	before = doc_errors(d);
	doc_enter(d, name, -1);
	if (doc_is_list(value))
		text = made = join(d, value);
	else if (!doc_is_map(value) && !doc_is_null(value))
		text = doc_scalar(d, value);
	kind = kind_of(value, doc_is_map(value) ? NULL : text, fd->kind);
	if (text && kind == FIELD_PEM && !fd->needs)
		text = made = read_pem(d, value, text);
	if (text && endpoint_spec_set(s, name, kind, text, &f))
		doc_error(d, value, "%s", f.msg);
	if (made && fd->secret)
		explicit_bzero(made, strlen(made));
	free(made);
	doc_leave(d);
	if (doc_errors(d) != before)
		*bad |= 1ULL << (fd - field_table);
}

/* The node of field <name>, for its line; the whole map when it is missing. */
static struct yaml_node_s *field_node(struct doc *d, struct yaml_node_s *map, const char *name)
{
	struct yaml_node_s *key, *value;

	for (unsigned i = 0; doc_pair(d, map, i, &key, &value); i++) {
		const char *text = doc_scalar(d, key);

		if (text && !strcmp(text, name))
			return value;
	}
	return map;
}

/* ---- mistakes between fields ---- */

static bool is_given(const struct endpoint_spec *s, enum field_id id)
{
	return endpoint_spec_value(s, id) != NULL;
}

static bool starts(const char *text, const char *with)
{
	return text && !strncasecmp(text, with, strlen(with));
}

/* What is wrong with <id> has been told: <s> is to be as if it were right, to find the others. */
static void mend(struct endpoint_spec *s, enum field_id id)
{
	const char *text = endpoint_spec_value(s, id);
	bool tcp = starts(endpoint_spec_value(s, FIELD_ID_URL), "tcp://");
	bool tls = !tcp && (starts(text, "tls://") || is_given(s, FIELD_ID_UPSTREAM_TLS_VERIFY) ||
			    is_given(s, FIELD_ID_UPSTREAM_TLS_VERIFY_CAS) ||
			    is_given(s, FIELD_ID_UPSTREAM_CRT));
	const char *right = NULL;

	switch (id) {
	case FIELD_ID_URL:
		right = tcp ? "tcp://a.invalid:1" : "tls://a.invalid";
		break;
	case FIELD_ID_UPSTREAM:
		right = tls ? "tls://192.0.2.1:1" : "192.0.2.1:1";
		endpoint_spec_clear(s, FIELD_ID_BALANCE); /* it is for several */
		break;
	case FIELD_ID_TERMINATE_AT:
		right = tcp ? NULL : "edge";
		endpoint_spec_clear(s, FIELD_ID_DATAPATH);
		break;
	case FIELD_ID_CRT:
	case FIELD_ID_KEY:
	case FIELD_ID_MUTUAL_TLS_CAS:
	case FIELD_ID_UPSTREAM_CRT:
	case FIELD_ID_UPSTREAM_KEY:
		/* missing, or not to be read; else it should not be there */
		right = is_given(s, id) ? NULL : "-";
		break;
	case FIELD_ID_HEALTH_CHECK:
		right = "tcp";
		break;
	case FIELD_ID_CIDR_ALLOW:
		right = "0.0.0.0/0";
		break;
	default:
		break;
	}
	if (right)
		endpoint_spec_replace(s, id, right);
	else
		endpoint_spec_clear(s, id);
}

/* All of them, one for each field.  <bad>: fields that are told, and left out of <given>. */
static void check_together(struct doc *d, struct yaml_node_s *node,
			   const struct endpoint_spec *given, uint64_t bad)
{
	char host[ENDPOINT_NAME_MAX];
	struct endpoint_spec s;
	bool reencrypts = false;
	struct fault f;

	if (!bad && !endpoint_spec_check(given, host, &f))
		return;
	if (endpoint_spec_copy(given, &s)) {
		doc_error(d, node, "out of memory");
		return;
	}
	for (int id = 0; id < FIELD_ID_MAX; id++)
		if (bad >> id & 1)
			mend(&s, (enum field_id)id);
	while (endpoint_spec_check(&s, host, &f)) {
		const struct field *fd = field_find(f.field);
		enum field_id id = fd ? (enum field_id)(fd - field_table) : FIELD_ID_MAX;

		if (fd && bad >> id & 1) {
			/* (mended it says tls:// as before, which needs this) */
			if (id != FIELD_ID_UPSTREAM || reencrypts)
				break;
			reencrypts = true;
			mend(&s, FIELD_ID_TERMINATE_AT);
			continue;
		}
		doc_enter(d, f.field, -1);
		doc_error(d, field_node(d, node, f.field), "%s", f.msg);
		doc_leave(d);
		if (!fd)
			break;
		bad |= 1ULL << id;
		mend(&s, id);
	}
	endpoint_spec_done(&s);
}

/* True when <ret_claim> has its name. */
static bool read_endpoint(struct doc *d, struct yaml_node_s *node, struct endpoint_spec *s,
			  struct claim *ret_claim)
{
	struct yaml_node_s *key, *value;
	char host[ENDPOINT_NAME_MAX];
	uint64_t bad = 0;
	const char *url;

	s->origin = ENDPOINT_FILE;
	s->line = doc_line(node);
	if (!doc_is_map(node)) {
		doc_error(d, node,
			  "must be a map such as {url: \"tls://NAME\", upstream: "
			  "\"HOST:PORT\"}");
		return false;
	}
	for (unsigned i = 0; doc_pair(d, node, i, &key, &value); i++)
		read_field(d, s, key, value, &bad);
	check_together(d, node, s, bad);
	url = endpoint_spec_value(s, FIELD_ID_URL);
	if (!url || endpoint_url_host(url, host, NULL))
		return false;
	ret_claim->host = strdup(host);
	if (!ret_claim->host) {
		doc_error(d, node, "out of memory");
		return false;
	}
	ret_claim->node = node;
	ret_claim->shared = endpoint_spec_is(s, FIELD_ID_POOLING_ENABLED);
	return true;
}

static int compare_claims(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int order = strcmp(x->host, y->host);

	return order ? order : (x->index > y->index) - (x->index < y->index);
}

static void find_duplicates(struct doc *d, struct claim *claims, unsigned n)
{
	qsort(claims, n, sizeof(*claims), compare_claims);
	for (unsigned i = 1; i < n; i++) {
		if (strcmp(claims[i].host, claims[i - 1].host) ||
		    (claims[i].shared && claims[i - 1].shared))
			continue;
		doc_enter(d, "", (int)claims[i].index);
		doc_error(d, claims[i].node, "%s%s is already on line %u",
			  endpoint_scheme(claims[i].host), claims[i].host,
			  doc_line(claims[i - 1].node));
		doc_leave(d);
	}
}

void config_endpoints_read(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			   void *out)
{
	struct config *c = out;
	struct claim *claims;
	unsigned n = 0, n_claims = 0, before = doc_errors(d);

	(void)key;
	if (doc_is_null(node))
		return;
	if (!doc_is_list(node)) {
		doc_error(d, node, "must be a list of endpoints");
		return;
	}
	while (doc_item(d, node, n))
		n++;
	claims = calloc(n + 1, sizeof(*claims));
	c->endpoints = calloc(n + 1, sizeof(*c->endpoints));
	if (!claims || !c->endpoints) {
		doc_error(d, node, "out of memory");
		free(claims);
		return;
	}
	for (unsigned i = 0; i < n; i++) {
		doc_enter(d, "", (int)i);
		c->n_endpoints++; /* even a bad one holds strings to free */
		claims[n_claims].index = i;
		if (read_endpoint(d, doc_item(d, node, i), &c->endpoints[i], &claims[n_claims]))
			n_claims++;
		doc_leave(d);
	}
	find_duplicates(d, claims, n_claims);
	c->bad_endpoints = doc_errors(d) - before;
	while (n_claims)
		free(claims[--n_claims].host);
	free(claims);
}
