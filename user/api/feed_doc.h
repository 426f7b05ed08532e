/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * feed_doc - the JSON of event destinations and subscriptions: what may be in it, and what it means
 * for the events room.
 */
#ifndef FEED_DOC_H
#define FEED_DOC_H
#include <jansson.h>

#include "events.h"
#include "feed.h"

/*
 * Puts the fields of <in> into <doc>, each checked by itself and in the form that is shown.  0, or
 * -1 with 400 and the field in <f>.
 */
int feed_doc_merge(enum feed_kind kind, json_t *doc, const json_t *in, struct fault *f);
/* Is there all that one needs? */
int feed_doc_check(enum feed_kind kind, const json_t *doc, struct fault *f);

/* <doc>'s target, with files below <dir>. */
int feed_doc_target(const json_t *doc, const char *dir, struct target *ret_t, struct fault *f);
/* Adds the sources of subscription <doc> to <r>. */
int feed_doc_sources(const json_t *doc, struct event_route *r, struct fault *f);
#endif
