/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store - what must survive the daemon: the endpoints and all else that is
 * registered over the API, in SQLite.
 *
 * Every change is on disk (WAL, synchronous=FULL) when its function returns.
 * Any thread; locked inside.  Errors are negative errno with the reason in <f>
 * (status 500), for a person.
 */
#ifndef STORE_H
#define STORE_H
#include <stddef.h>
#include <time.h>

#include "fault.h"

struct store;

struct store_field {
	const char *name, *value;
};

/* One registered thing, as it was asked for: the fields that were given. */
struct store_row {
	const char *id;
	struct timespec created;
	struct timespec updated; /* 0: not since */
	const struct store_field *fields;
	unsigned n_fields; /* at most STORE_FIELDS_MAX */
};
#define STORE_FIELDS_MAX 64
/* The value of a field; NULL: the row has not got it. */
const char *store_row_text(const struct store_row *r, const char *name);

/*
 * Opens (makes) state.db in <dir>, which is made 0700 if missing.  Refuses a
 * database of a newer version and one that is damaged, naming the file and what
 * to do.  Only one store may have a database open.
 */
int store_open(const char *dir, struct store **ret_s, struct fault *f);
void store_close(struct store *s); /* NULL is fine */

/*
 * Another process may have it: from store_lend() on all that is asked fails with 503, until
 * store_return() finds it as the other has left it (0, or -errno with <f>: it stays so).
 */
void store_lend(struct store *s);
int store_return(struct store *s, struct fault *f);

/*
 * <kind> is a word such as "endpoint" or "ip_policy": each has its own ids.
 * Adds or replaces by id.
 */
int store_put(struct store *s, const char *kind, const struct store_row *r, struct fault *f);
/* Not there: fine. */
int store_del(struct store *s, const char *kind, const char *id, struct fault *f);
/*
 * Oldest first; <r> is valid during the call, which must not use the store.  Stops
 * at non-zero and returns it; what -ENOMEM of <fn> is called is in <f>.
 */
int store_each(struct store *s, const char *kind, int (*fn)(void *arg, const struct store_row *r),
	       void *arg, struct fault *f);
const char *store_library_version(void);
#endif
