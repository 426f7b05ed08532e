// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <yaml.h>

#include "doc.h"
#include "log.h"
#include "quantity.h"

#define KEYS_MAX 48
#define DEPTH_MAX 8

struct doc {
	yaml_document_t yaml;
	const char *file;
	FILE *err;
	unsigned errors;
	char path[128]; /* "limits.client_hello" */
	size_t up[DEPTH_MAX];
	unsigned depth;
};

/* ---- saying what is wrong ---- */

void doc_error(struct doc *d, const struct yaml_node_s *node, const char *fmt, ...)
{
	char msg[1024], shown[1024];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof(msg), fmt, ap);
	va_end(ap);
	d->errors++;
	fprintf(d->err, "%s:%u: %s%s%s\n", d->file, doc_line(node), d->path, *d->path ? ": " : "",
		log_escape(msg, strlen(msg), shown, sizeof(shown)));
}

unsigned doc_line(const struct yaml_node_s *node)
{
	return (unsigned)node->start_mark.line + 1;
}

void doc_enter(struct doc *d, const char *name, int i)
{
	size_t n = strlen(d->path);

	if (d->depth < DEPTH_MAX)
		d->up[d->depth] = n;
	d->depth++;
	if (i >= 0)
		snprintf(d->path + n, sizeof(d->path) - n, "%s[%d]", name, i);
	else
		snprintf(d->path + n, sizeof(d->path) - n, "%s%s", n ? "." : "", name);
}

void doc_leave(struct doc *d)
{
	if (--d->depth < DEPTH_MAX)
		d->path[d->up[d->depth]] = '\0';
}

/* ---- opening ---- */

/* The parser's own problem: it has no node. */
static void syntax_error(yaml_parser_t *p, const char *file, FILE *err)
{
	yaml_mark_t mark = p->problem_mark;

	if (p->error == YAML_READER_ERROR)
		mark = p->mark; /* problem_mark is not set */
	fprintf(err, "%s:%zu: ", file, mark.line + 1);
	if (p->error == YAML_MEMORY_ERROR)
		fprintf(err, "out of memory\n");
	else if (p->context)
		fprintf(err, "not valid YAML: %s (%s)\n", p->problem, p->context);
	else
		fprintf(err, "not valid YAML: %s\n", p->problem ? p->problem : "unreadable");
}

static bool load(struct doc *d, yaml_parser_t *p)
{
	yaml_document_t second;
	yaml_node_t *root;

	if (!yaml_parser_load(p, &d->yaml)) {
		syntax_error(p, d->file, d->err);
		return false;
	}
	if (!yaml_document_get_root_node(&d->yaml))
		return true; /* an empty stream ends here: loading again is not allowed */
	if (!yaml_parser_load(p, &second)) {
		syntax_error(p, d->file, d->err);
		yaml_document_delete(&d->yaml);
		return false;
	}
	root = yaml_document_get_root_node(&second);
	if (root)
		fprintf(d->err, "%s:%u: a second document (\"---\"): there must be one\n", d->file,
			doc_line(root));
	yaml_document_delete(&second);
	if (root)
		yaml_document_delete(&d->yaml);
	return !root;
}

struct doc *doc_open(FILE *in, const char *file, FILE *err)
{
	struct doc *d = calloc(1, sizeof(*d));
	yaml_parser_t parser;
	bool good;

	if (!d || !yaml_parser_initialize(&parser)) {
		fprintf(err, "%s: out of memory\n", file);
		free(d);
		return NULL;
	}
	d->file = file;
	d->err = err;
	yaml_parser_set_input_file(&parser, in);
	good = load(d, &parser);
	yaml_parser_delete(&parser);
	if (good)
		return d;
	free(d);
	return NULL;
}

unsigned doc_errors(const struct doc *d)
{
	return d->errors;
}

void doc_close(struct doc *d)
{
	if (!d)
		return;
	yaml_document_delete(&d->yaml);
	free(d);
}

/* ---- looking at nodes ---- */

int doc_is_plain(const struct yaml_node_s *node)
{
	return node->type == YAML_SCALAR_NODE && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
}

int doc_is_null(const struct yaml_node_s *node)
{
	static const char *const words[] = {"", "~", "null", "Null", "NULL"};

	if (!doc_is_plain(node))
		return 0;
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (!strcmp((const char *)node->data.scalar.value, words[i]))
			return 1;
	return 0;
}

int doc_is(const struct yaml_node_s *node, const char *word)
{
	return node->type == YAML_SCALAR_NODE &&
	       !strcmp((const char *)node->data.scalar.value, word);
}

int doc_is_list(const struct yaml_node_s *node)
{
	return node->type == YAML_SEQUENCE_NODE;
}

int doc_is_map(const struct yaml_node_s *node)
{
	return node->type == YAML_MAPPING_NODE;
}

const char *doc_scalar(struct doc *d, const struct yaml_node_s *node)
{
	const char *text;

	if (node->type != YAML_SCALAR_NODE) {
		doc_error(d, node, "must be a single value, not a %s",
			  doc_is_list(node) ? "list" : "map");
		return NULL;
	}
	text = (const char *)node->data.scalar.value;
	if (strlen(text) != node->data.scalar.length) {
		doc_error(d, node, "has a NUL byte in it");
		return NULL;
	}
	if (!*text || doc_is_null(node)) {
		doc_error(d, node, "needs a value");
		return NULL;
	}
	return text;
}

struct yaml_node_s *doc_item(struct doc *d, const struct yaml_node_s *node, unsigned i)
{
	yaml_node_item_t *item;

	if (!doc_is_list(node))
		return NULL;
	item = node->data.sequence.items.start + i;
	return item < node->data.sequence.items.top ? yaml_document_get_node(&d->yaml, *item)
						    : NULL;
}

int doc_pair(struct doc *d, const struct yaml_node_s *node, unsigned i,
	     struct yaml_node_s **ret_key, struct yaml_node_s **ret_value)
{
	yaml_node_pair_t *pair;

	if (!doc_is_map(node))
		return 0;
	pair = node->data.mapping.pairs.start + i;
	if (pair >= node->data.mapping.pairs.top)
		return 0;
	*ret_key = yaml_document_get_node(&d->yaml, pair->key);
	*ret_value = yaml_document_get_node(&d->yaml, pair->value);
	return 1;
}

/* ---- reading by table ---- */

static int find_key(const struct doc_key *keys, const struct yaml_node_s *key)
{
	if (key->type != YAML_SCALAR_NODE)
		return -1;
	for (int i = 0; keys[i].name; i++)
		if (!strcmp(keys[i].name, (const char *)key->data.scalar.value))
			return i;
	return -1;
}

static void unknown_key(struct doc *d, const struct doc_key *keys, const struct yaml_node_s *key)
{
	char valid[512] = "";
	size_t n = 0;

	for (int i = 0; keys[i].name && n < sizeof(valid); i++)
		if (keys[i].read != doc_refuse)
			n += (size_t)snprintf(valid + n, sizeof(valid) - n, "%s%s", n ? ", " : "",
					      keys[i].name);
	if (key->type == YAML_SCALAR_NODE)
		doc_error(d, key, "unknown key '%.64s'; there are %s",
			  (const char *)key->data.scalar.value, valid);
	else
		doc_error(d, key, "a key must be one of %s", valid);
}

static void read_pairs(struct doc *d, const struct doc_key *keys, struct yaml_node_s *map,
		       void *out)
{
	struct yaml_node_s *key, *value;
	unsigned seen[KEYS_MAX] = {0};

	for (unsigned i = 0; doc_pair(d, map, i, &key, &value); i++) {
		int k = find_key(keys, key);

		if (k < 0) {
			unknown_key(d, keys, key);
			continue;
		}
		doc_enter(d, keys[k].name, -1);
		if (seen[k])
			doc_error(d, key, "given twice, first on line %u", seen[k]);
		else
			keys[k].read(d, &keys[k], value, out);
		seen[k] = doc_line(key);
		doc_leave(d);
	}
}

void doc_map(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	if (doc_is_map(node))
		read_pairs(d, key->more, node, out);
	else if (!doc_is_null(node))
		doc_error(d, node, "must be a map of keys and values");
}

void doc_read(struct doc *d, const struct doc_key *keys, void *out)
{
	yaml_node_t *root = yaml_document_get_root_node(&d->yaml);
	const struct doc_key top = {.more = keys};

	if (root)
		doc_map(d, &top, root, out);
}

void doc_refuse(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	(void)out;
	doc_error(d, node, "not available in this version (%s); remove the line",
		  (const char *)key->more);
}

void doc_string(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	char **where = (char **)((char *)out + key->offset), *copy;
	const char *text = doc_scalar(d, node);

	if (!text)
		return;
	copy = strdup(text);
	if (!copy) {
		doc_error(d, node, "out of memory");
		return;
	}
	free(*where);
	*where = copy;
}

void doc_path(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	const char *text = doc_scalar(d, node);

	if (!text)
		return;
	if (*text != '/')
		doc_error(d, node, "must be a path that starts with '/', got '%.200s'", text);
	else if (key->max && strlen(text) > key->max)
		doc_error(d, node, "is longer than %llu bytes", (unsigned long long)key->max);
	else
		doc_string(d, key, node, out);
}

/* A bound as it is written in a file: "168h" of milliseconds. */
static const char *bound(uint64_t v, bool is_duration, char out[32])
{
	bool hours = v && v % 3600000 == 0, seconds = v && v % 1000 == 0;

	if (!is_duration)
		snprintf(out, 32, "%llu", (unsigned long long)v);
	else
		snprintf(out, 32, "%llu%s",
			 (unsigned long long)(v / (hours     ? 3600000
						   : seconds ? 1000
							     : 1)),
			 hours	   ? "h"
			 : seconds ? "s"
				   : "ms");
	return out;
}

/* 0 and the value of a quantity between the key's bounds. */
static int quantity(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
		    int (*parse)(const char *text, uint64_t *ret_v), const char *hint,
		    uint64_t *ret_v)
{
	const char *text = doc_scalar(d, node);
	char least[32], most[32];
	uint64_t v;
	int err;

	if (!text)
		return -EINVAL;
	err = parse(text, &v);
	if (err == -EINVAL) {
		doc_error(d, node, "must be %s, got '%.64s'", hint, text);
		return err;
	}
	if (err || v < key->min || v > key->max) {
		bool is_duration = parse == quantity_duration;

		doc_error(d, node, "%s is out of range: %s to %s%s", text,
			  bound(key->min, is_duration, least), bound(key->max, is_duration, most),
			  parse == quantity_size ? " bytes" : "");
		return -ERANGE;
	}
	*ret_v = v;
	return 0;
}

void doc_duration(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	uint64_t v;

	if (!quantity(d, key, node, quantity_duration, "a duration such as 500ms, 3s, 5m or 1h",
		      &v))
		*(unsigned *)((char *)out + key->offset) = (unsigned)v;
}

void doc_size(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	uint64_t v;

	if (!quantity(d, key, node, quantity_size, "a size such as 16k or 4m", &v))
		*(uint32_t *)((char *)out + key->offset) = (uint32_t)v;
}

void doc_count(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	uint64_t v;

	if (!quantity(d, key, node, quantity_count, "a whole number", &v))
		*(unsigned *)((char *)out + key->offset) = (unsigned)v;
}
