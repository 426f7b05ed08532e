// SPDX-License-Identifier: GPL-2.0-only
/*
 * upstream_json - the upstreams of endpoints, and how they are.
 */
#include "endpoint_json.h"
#include "stamp.h"

static const char *state_of(struct endpoint *t)
{
	struct timespec now;

	if (atomic_load(&t->dead))
		return "dead";
	clock_gettime(CLOCK_MONOTONIC, &now);
	if ((uint64_t)now.tv_sec * 1000000000ULL + (uint64_t)now.tv_nsec <
	    atomic_load(&t->down_until_ns))
		return "failing";
	return t->head->check_ms || *t->tunnel ? "alive" : "unchecked";
}

static json_t *upstream_json(struct endpoint *t)
{
	struct timespec at = {.tv_sec = atomic_load(&t->changed_at)};
	const char *why = atomic_load(&t->dead_why);
	json_t *j = json_pack("{s:s, s:s}", "address", t->upstream, "state", state_of(t));
	char text[STAMP_TEXT_MAX];

	if (j && t->levels[0].balance == BALANCE_WEIGHTED)
		json_object_set_new(j, "weight", json_integer(t->levels[0].weight));
	if (j && *t->tunnel)
		json_object_set_new(j, "tunnel", json_string(t->tunnel));
	if (j && why && (atomic_load(&t->dead) || t->streak))
		json_object_set_new(j, "reason", json_string(why));
	if (j && at.tv_sec)
		json_object_set_new(j, "since", json_string(stamp_text(&at, text)));
	return j;
}

json_t *upstreams_json(struct endpoint *e)
{
	json_t *list = json_array();

	for (struct endpoint *t = e->empty ? NULL : e; list && t; t = t->next_target)
		json_array_append_new(list, upstream_json(t));
	return list;
}

static int add_checked(void *arg, struct endpoint *e)
{
	if (!e->check_ms)
		return 0;
	for (struct endpoint *t = e; t; t = t->next_target) {
		json_t *j = upstream_json(t);

		if (j)
			json_object_set_new(j, "endpoint", json_string(e->host));
		json_array_append_new(arg, j);
	}
	return 0;
}

json_t *checked_upstreams_json(struct registry *r)
{
	json_t *list = json_array();

	if (list && registry_checked(r))
		registry_each(r, add_checked, list);
	return list;
}
