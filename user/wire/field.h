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
	FIELD_LIST,   /* of strings: text is the elements, a line each; see field_item() */
	FIELD_PEM,    /* text is PEM blocks.  In the file and on the command line their path stands:
		       * over the API it would let a member of the group read root's files. */
	FIELD_OTHER,  /* a kind no field has */
};

enum field_id {
	FIELD_ID_URL,
	FIELD_ID_UPSTREAM,
	FIELD_ID_BALANCE,
	FIELD_ID_HEALTH_CHECK,
	FIELD_ID_HEALTH_INTERVAL,
	FIELD_ID_HEALTH_RISE,
	FIELD_ID_HEALTH_FALL,
	FIELD_ID_TERMINATE_AT,
	FIELD_ID_MIN_VERSION,
	FIELD_ID_CRT,
	FIELD_ID_KEY,
	FIELD_ID_MUTUAL_TLS_CAS,
	FIELD_ID_CERTIFICATE_AUTHORITIES,
	FIELD_ID_ALPN,
	FIELD_ID_ACME_UPSTREAM,
	FIELD_ID_UPSTREAM_TLS_VERIFY,
	FIELD_ID_UPSTREAM_TLS_VERIFY_CAS,
	FIELD_ID_UPSTREAM_CRT,
	FIELD_ID_UPSTREAM_KEY,
	FIELD_ID_CIDR_ALLOW,
	FIELD_ID_CIDR_DENY,
	FIELD_ID_IP_POLICIES,
	FIELD_ID_MAX_CONNS,
	FIELD_ID_MAX_CONNS_PER_SOURCE,
	FIELD_ID_CONN_RATE,
	FIELD_ID_CONN_RATE_PER_SOURCE,
	FIELD_ID_PROXY_PROTO,
	FIELD_ID_POOLING_ENABLED,
	FIELD_ID_DATAPATH,
	FIELD_ID_NAME,
	FIELD_ID_DESCRIPTION,
	FIELD_ID_METADATA,
	FIELD_ID_MAX
};

struct field {
	const char *name;
	enum field_kind kind;
	const char *arg;     /* how --help shows the value; NULL for FIELD_BOOL */
	const char *help;    /* one line */
	const char *choices; /* "auto|kernel|userspace": nothing else is valid; NULL: free */
	const char *needs;   /* NULL: works.  Else what this version lacks for it */
	const char *same;    /* the value that equals leaving it out; valid even with <needs> */
	size_t max;	     /* bytes of a string, or of each element */
	int code;	     /* ERR_SNISPLIT_<code> of a bad value; 0: none */
	int secret;	     /* never in a reply or a log */
};

/* By enum field_id; ends with a row whose name is NULL. */
extern const struct field field_table[FIELD_ID_MAX + 1];

const struct field *field_find(const char *name); /* NULL: unknown */

#define FIELD_ITEM_MAX 4096
#define FIELD_PEM_MAX (256 << 10)

/*
 * Walks the elements of a FIELD_LIST: copies the first of <list> into <item> (cut at its end) and
 * returns what follows, to be given next; NULL when there is none.
 */
const char *field_item(const char *list, char item[FIELD_ITEM_MAX]);

/* Is <text> one of the words of "a|b|c"? */
int field_is_choice(const char *choices, const char *text);

/*
 * Is a value of <kind> and <text> right for <fd>?  0, or -1 with 400 in <f>;
 * the message does not repeat the field's name.
 */
int field_check(const struct field *fd, enum field_kind kind, const char *text, struct fault *f);
#endif
