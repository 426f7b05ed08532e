// SPDX-License-Identifier: GPL-2.0-only
/*
 * stats - totals and gauges as of now, for those who look again and again and draw the difference.
 */
#include <time.h>

#include "request.h"
#include "edge.h"

struct walk {
	json_t *list;
	bool all;
};

static json_int_t count(atomic_uint_fast64_t *n)
{
	return (json_int_t)atomic_load(n);
}

static int add_endpoint(void *arg, struct endpoint *e)
{
	struct endpoint_stats *t = e->stats;
	struct walk *w = arg;

	if (!w->all && !atomic_load(&t->conns_total))
		return 0;
	return json_array_append_new(
		w->list,
		json_pack("{s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:i}", "id",
			  e->id, "name", e->host, "upstream", e->upstream, "active",
			  count(&t->conns_active), "active_kernel",
			  count(&t->active_by[CLOSE_DP_KERNEL]), "total", count(&t->conns_total),
			  "failed", count(&t->conns_failed), "in_kernel", count(&t->in_kernel),
			  "in_user", count(&t->in_user), "out_kernel", count(&t->out_kernel),
			  "out_user", count(&t->out_user), "pool_idle",
			  (int)atomic_load(&e->warm_held)));
}

json_t *stats_json(struct edge *e, bool all)
{
	struct walk w = {json_array(), all};
	struct edge_status s;
	struct timespec ts;

	edge_account(e);
	edge_status(e, &s);
	clock_gettime(CLOCK_MONOTONIC, &ts);
	if (!w.list || registry_each(edge_registry(e), add_endpoint, &w)) {
		json_decref(w.list);
		return NULL;
	}
	return json_pack("{s:I, s:s, s:s, s:b, s:i, s:{s:I, s:I}, s:I, s:{s:I, s:I}, s:o}", "at_us",
			 (json_int_t)ts.tv_sec * 1000000 + ts.tv_nsec / 1000, "version", VERSION,
			 "datapath", event_datapath_name(s.datapath), "draining", s.draining,
			 "endpoint_count", (int)registry_count(edge_registry(e)), "connections",
			 "active", (json_int_t)s.conns_active, "total", (json_int_t)s.conns_total,
			 "pool_idle", (json_int_t)s.pool_idle, "events", "emitted",
			 (json_int_t)events_emitted(edge_events(e)), "lost",
			 (json_int_t)events_lost(edge_events(e)), "endpoints", w.list);
}

int stats_get(struct request *r)
{
	bool all;

	if (request_query_flag(r, "all", &all))
		return -1;
	r->out = stats_json(r->api->edge, all);
	return r->out ? 0 : fault_set(&r->fault, 500, 0, "", "out of memory");
}
