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
int fault_set(struct fault *f, int status, int code, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 5, 6)));
#endif
