/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edge_cert - uploaded certificates: on disk, and in the certificate store.
 *
 * A change is on disk and in force for new handshakes when its function returns; on failure nothing
 * has changed.  Any thread but a worker's; one change at a time.
 */
#ifndef EDGE_CERT_H
#define EDGE_CERT_H
#include <time.h>

#include "fault.h"

#define EDGE_CERT_ID_MAX 40

struct edge;

struct edge_cert {
	char id[EDGE_CERT_ID_MAX]; /* cert_... */
	struct timespec created;
	const char *description, *metadata; /* NULL: none */
	const char *crt, *key;		    /* PEM */
};

/*
 * A new one: <id> and <created> are set.  *ret_warning is NULL or completes "the certificate ...".
 * 0, or -1 with <f>.
 */
int edge_cert_add(struct edge *g, struct edge_cert *c, const char **ret_warning, struct fault *f);
/* Other texts; NULL: as it is.  404 if there is none. */
int edge_cert_set(struct edge *g, const char *id, const char *description, const char *metadata,
		  struct fault *f);
int edge_cert_remove(struct edge *g, const char *id, struct fault *f);

/* Oldest first; <c> is valid during the call, which must not come back here.  Stops at non-zero. */
int edge_cert_each(struct edge *g, int (*fn)(void *arg, const struct edge_cert *c), void *arg,
		   struct fault *f);

/* At start: from the store.  One that is of no use is logged, the others serve.  0, or -1. */
int edge_cert_restore(struct edge *g, struct fault *f);

#endif
