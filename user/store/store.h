/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * store - what must survive the daemon: the endpoints registered over the API,
 * in SQLite.
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

/* One registered endpoint, as it was asked for: the fields that were given. */
struct store_endpoint {
	const char *id;
	struct timespec created;
	const struct store_field *fields;
	unsigned n_fields; /* at most STORE_FIELDS_MAX */
};
#define STORE_FIELDS_MAX 64

/*
 * Opens (makes) state.db in <dir>, which is made 0700 if missing.  Refuses a
 * database of a newer version and one that is damaged, naming the file and what
 * to do.  Only one store may have a database open.
 */
int store_open(const char *dir, struct store **ret_s, struct fault *f);
void store_close(struct store *s); /* NULL is fine */

/* Adds or replaces by id. */
int store_endpoint_put(struct store *s, const struct store_endpoint *e, struct fault *f);
/* Not there: fine. */
int store_endpoint_del(struct store *s, const char *id, struct fault *f);
/*
 * Oldest first; <e> is valid during the call, which must not use the store.  Stops
 * at non-zero and returns it.
 */
int store_endpoint_each(struct store *s, int (*fn)(void *arg, const struct store_endpoint *e),
			void *arg, struct fault *f);
const char *store_library_version(void);
#endif
