/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * endpoint_json - endpoints as the API shows them, and fields as it is given them.
 */
#ifndef ENDPOINT_JSON_H
#define ENDPOINT_JSON_H
#include <jansson.h>

#include "endpoint.h"

/* A new reference; NULL: out of memory.  Never a private key. */
json_t *endpoint_json(struct endpoint *e);

/* Of one endpoint: [{address, state, reason, since, weight}]; of all with health checks. */
json_t *upstreams_json(struct endpoint *e);
json_t *checked_upstreams_json(struct registry *r);

/* Sets field <name> of <s> from <v>; null leaves it out.  0, or -1 with the field in <f>. */
int endpoint_json_set(struct endpoint_spec *s, const char *name, const json_t *v, struct fault *f);
#endif
