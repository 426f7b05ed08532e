// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "route.h"

void event_route_done(struct event_route *r)
{
	target_done(&r->target);
	free(r->where);
	while (r->n_sources)
		source_spec_done(&r->sources[--r->n_sources]);
	free(r->sources);
	memset(r, 0, sizeof(*r));
}

struct source_spec *event_route_add(struct event_route *r)
{
	struct source_spec *more = realloc(r->sources, (r->n_sources + 1) * sizeof(*more));

	if (!more)
		return NULL;
	r->sources = more;
	memset(&more[r->n_sources], 0, sizeof(*more));
	return &more[r->n_sources++];
}
