/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * source - what somebody wants of the events: a type, which of them, and which of their fields.
 *
 * struct source_spec is how it was asked for; a sources set is that, compiled: immutable, counted,
 * shared by threads.
 */
#ifndef SOURCE_H
#define SOURCE_H
#include <stdbool.h>
#include <stddef.h>

#include "fault.h"
#include "filter.h"

/* Strings are owned by the spec; NULL is absent. */
struct source_spec {
	char *type;   /* NULL: tcp_connection_closed.v0 */
	char *filter; /* see filter.h */
	char *fields; /* paths below "object", '\n' between them; NULL: all */
};
void source_spec_done(struct source_spec *s);
int source_spec_copy(const struct source_spec *from, struct source_spec *to); /* 0 or -ENOMEM */

/* Sets "type", "filter", or adds one of "fields".  0, or -1 with 400 and the field in <f>. */
int source_spec_set(struct source_spec *s, const char *name, const char *value, struct fault *f);

/* The types there are, NULL after the last. */
extern const char *const source_types[];

struct sources;
/* Checks and compiles <n> specs; 0 of them select nothing.  0, or -1 with <f>. */
int sources_new(const struct source_spec *specs, unsigned n, struct sources **ret_s,
		struct fault *f);
struct sources *sources_get(struct sources *s);
void sources_put(struct sources *s); /* NULL is fine */

/*
 * Calls <fn> with the line that each source which wants the event gets: the line itself, or one
 * with fewer fields.
 */
void sources_select(const struct sources *s, const struct facts *facts, const char *line,
		    size_t len, void (*fn)(void *arg, const char *line, size_t len), void *arg);
#endif
