/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * doc - one YAML document, read by tables of keys.
 *
 * Every mistake becomes a line "FILE:LINE: key: what is wrong" and is counted;
 * reading goes on, so that all of them are told at once.  Used by one thread.
 */
#ifndef DOC_H
#define DOC_H
#include <stdint.h>
#include <stdio.h>

struct yaml_node_s;
struct doc;
struct doc_key;

/* Stores the value of <node> in <out> as <key> says, or calls doc_error(). */
typedef void doc_read_fn(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			 void *out);

struct doc_key {
	const char *name; /* NULL ends a table */
	doc_read_fn *read;
	size_t offset;	   /* of the value in <out> */
	uint64_t min, max; /* of numbers; max 0: none */
	const void *more;  /* doc_map: the table; doc_refuse: the reason */
};

/* Parses <in>, called <file> in messages.  NULL: out of memory, or errors, told on <err>. */
struct doc *doc_open(FILE *in, const char *file, FILE *err);
unsigned doc_errors(const struct doc *d);
void doc_close(struct doc *d); /* NULL is fine */

/* The whole document is a map of <keys>; an empty one is fine. */
void doc_read(struct doc *d, const struct doc_key *keys, void *out);

/* For read functions. */
void doc_error(struct doc *d, const struct yaml_node_s *node, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
unsigned doc_line(const struct yaml_node_s *node);
/* The text of a scalar; NULL (and an error) for anything else. */
const char *doc_scalar(struct doc *d, const struct yaml_node_s *node);
int doc_is_null(const struct yaml_node_s *node); /* nothing after the colon, ~ or null */
int doc_is(const struct yaml_node_s *node, const char *word); /* a scalar that reads so */
/* Was it written without quotes? */
int doc_is_plain(const struct yaml_node_s *node);
/* The <i>th element of a list, NULL after the last; what is not a list has none. */
struct yaml_node_s *doc_item(struct doc *d, const struct yaml_node_s *node, unsigned i);
int doc_is_list(const struct yaml_node_s *node);
/* The <i>th pair of a map, 0 after the last. */
int doc_pair(struct doc *d, const struct yaml_node_s *node, unsigned i,
	     struct yaml_node_s **ret_key, struct yaml_node_s **ret_value);
int doc_is_map(const struct yaml_node_s *node);
/* What messages call the value read next: ".name", or "name[i]" with i >= 0. */
void doc_enter(struct doc *d, const char *name, int i);
void doc_leave(struct doc *d);

/* Read functions for the usual kinds. */
doc_read_fn doc_map;	  /* a map with the table <more>, into the same <out> */
doc_read_fn doc_refuse;	  /* not available in this version: <more> */
doc_read_fn doc_string;	  /* char *, replaced */
doc_read_fn doc_path;	  /* the same, must start with "/" */
doc_read_fn doc_duration; /* unsigned, ms */
doc_read_fn doc_size;	  /* uint32_t, bytes */
doc_read_fn doc_count;	  /* unsigned */
#endif
