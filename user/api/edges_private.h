/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edges_private - the inside of edges, for edges*.c only.
 */
#ifndef EDGES_PRIVATE_H
#define EDGES_PRIVATE_H
#include <pthread.h>

#include "edges.h"

struct edges {
	pthread_mutex_t lock;
	struct store *store;
	struct registry *registry;
	struct labelled *labelled;
	pthread_t follower;
	bool following;
	char *base_domain;
	json_t *docs[EDGES_KIND_MAX]; /* each an object, by id */
	bool opening;		      /* they were there before: ids are kept */
	bool lenient;		      /* names that do not resolve now are fine */
};

/* Writes it to the disk.  0, or -1 with <f>. */
int edges_save(struct edges *g, enum edges_kind kind, const json_t *doc, struct fault *f);

/* edges_apply.c: <doc> is to be edge <doc>.id: its endpoints, and the disk. */
int edges_apply(struct edges *g, json_t *doc, bool to_disk, struct fault *f);
/* A backend has changed: so have the edges that use it.  Stops at the first that cannot. */
int edges_apply_users(struct edges *g, const char *backend, struct fault *f);
/* The thread that keeps edges up with tunnels.  0 or -errno; stops with labelled_stop(). */
int edges_follow_start(struct edges *g);
void edges_follow_stop(struct edges *g);
#endif
