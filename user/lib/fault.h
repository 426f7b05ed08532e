/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fault - why a request was refused, in a form that a person, the API and the
 * CLI's exit code all derive from.
 */
#ifndef FAULT_H
#define FAULT_H

struct fault {
	int status;	/* HTTP status the API answers: 400, 404, 409, 500 ... */
	int code;	/* ERR_SNISPLIT_<code>; 0: none assigned */
	char field[48]; /* the field or option at fault, "" if none */
	char msg[512];	/* what is wrong and what would be right */
};

/* Fills <f> (NULL is fine) and returns -1, so that a check can be one line. */
#define fault_set(...) (fault_tell(__VA_ARGS__), fault_is())

void fault_tell(struct fault *f, int status, int code, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));

/* Here, so that analyzers see that what is refused goes no further. */
static inline int fault_is(void)
{
	return -1;
}
#endif
