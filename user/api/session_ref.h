/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session_ref - whose an agent's endpoint is: its tunnel_session, {id, uri}, as in ngrok's API.
 */
#ifndef SESSION_REF_H
#define SESSION_REF_H
#include <jansson.h>

struct edge;
struct endpoint;

/* The sessions there are now. */
struct session_refs {
	struct tunnel_session *list; /* by number */
	int n;
};
void session_refs_take(struct edge *g, struct session_refs *ret_r); /* none, if out of memory */
void session_refs_done(struct session_refs *r);

/* Endpoint <e>, whose JSON is <j> (NULL: out of memory); returns <j>. */
json_t *session_ref_add(const struct session_refs *r, const struct endpoint *e, json_t *j);
#endif
