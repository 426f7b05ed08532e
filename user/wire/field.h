/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * field - the fields of an endpoint, under the name the file and the API use;
 * the CLI's option is the same name with dashes.  One table checks all three
 * and is what --help, completion and the man page are compared with.
 *
 * Pure and read only: any thread.
 */
#ifndef FIELD_H
#define FIELD_H
#include <stddef.h>

#include "fault.h"

enum field_kind {
	FIELD_NULL, /* said to be absent */
	FIELD_STRING,
	FIELD_BOOL,   /* text is "true" or "false" */
	FIELD_NUMBER, /* text is the integer */
	FIELD_LIST,   /* text is empty for an empty list, else anything */
	FIELD_OTHER,  /* a kind no field has */
};

struct field {
	const char *name;
	enum field_kind kind;
	const char *arg;     /* how --help shows the value; NULL for FIELD_BOOL */
	const char *help;    /* one line */
	const char *choices; /* "auto|kernel|userspace": nothing else is valid; NULL: free */
	const char *needs;   /* NULL: works.  Else what this version lacks for it */
	const char *same;    /* the value that equals leaving it out; valid even with <needs> */
	size_t max;	     /* bytes of a string */
	int code;	     /* ERR_SNISPLIT_<code> of a bad value; 0: none */
};

/* Ends with a row whose name is NULL. */
extern const struct field field_table[];

const struct field *field_find(const char *name); /* NULL: unknown */

/* Is <text> one of the words of "a|b|c"? */
int field_is_choice(const char *choices, const char *text);

/*
 * Is a value of <kind> and <text> right for <fd>?  0, or -1 with 400 in <f>;
 * the message does not repeat the field's name.
 */
int field_check(const struct field *fd, enum field_kind kind, const char *text, struct fault *f);
#endif
