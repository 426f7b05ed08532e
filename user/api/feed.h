/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * feed - event destinations and subscriptions made over the API.
 *
 * Both are kept as the JSON that the API shows, in the state database; what the events room runs is
 * derived from all of them after each change.  A change is checked as a whole, applied, written to
 * disk, or undone.  Any thread; locked inside.
 */
#ifndef FEED_H
#define FEED_H
#include <jansson.h>

#include "fault.h"

struct feed;
struct events;
struct store;

enum feed_kind { FEED_DESTINATION, FEED_SUBSCRIPTION, FEED_KIND_MAX };

/* Loads what there is and applies it.  <dir> is where files go.  0, or -1 with <f>. */
int feed_open(struct store *store, struct events *events, const char *dir, struct feed **ret_f,
	      struct fault *f);
void feed_close(struct feed *fe); /* NULL is fine */

/* A list of all, or one; new references.  NULL: no such id, or out of memory. */
json_t *feed_list(struct feed *fe, enum feed_kind kind);
json_t *feed_get(struct feed *fe, enum feed_kind kind, const char *id);

/*
 * Makes one of <in>, or, with an <id>, changes the fields that <in> has.  0 with a new reference in
 * *ret_j, or -1 with <f> and nothing changed.
 */
int feed_put(struct feed *fe, enum feed_kind kind, const char *id, const json_t *in, json_t **ret_j,
	     struct fault *f);
/* 404: not there; 409: a subscription names it. */
int feed_del(struct feed *fe, enum feed_kind kind, const char *id, struct fault *f);
#endif
