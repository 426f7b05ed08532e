// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>
#include <unistd.h>

#include "request.h"
#include "edge.h"
#include "endpoint_json.h"
#include "log.h"
#include "stamp.h"
#include "tls.h"

static int add_counter(void *arg, const struct edge_counter *c)
{
	return json_array_append_new(arg, json_pack("{s:s, s:s, s:I, s:s}", "group", c->group,
						    "name", c->name, "value", (json_int_t)c->value,
						    "help", c->help ? c->help : ""));
}

static json_t *listeners(const struct edge_status *s)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->n_listeners; i++)
		json_array_append_new(list, json_pack("{s:s, s:i}", "addr", s->listeners[i].addr,
						      "workers", (int)s->listeners[i].workers));
	return list;
}

static int add_destination(void *arg, const struct destination_state *s)
{
	char why[4 * sizeof(s->why)], target[4 * sizeof(s->target)];
	json_t *j = json_pack("{s:s, s:I, s:I, s:i, s:s}", "target",
			      log_escape(s->target, strlen(s->target), target, sizeof(target)),
			      "written", (json_int_t)s->written, "lost", (json_int_t)s->lost,
			      "waiting", (int)s->waiting, "error",
			      log_escape(s->why, strlen(s->why), why, sizeof(why)));

	if (j && *s->id)
		json_object_set_new(j, "id", json_string(s->id));
	return json_array_append_new(arg, j);
}

static json_t *destinations(struct edge *e)
{
	json_t *list = json_array();

	if (list)
		events_each(edge_events(e), add_destination, list);
	return list;
}

static json_t *earlier_daemons(struct edge *e)
{
	struct edge_earlier list[EDGE_EARLIER_MAX];
	unsigned n = edge_earlier(e, list);
	json_t *all = json_array();

	for (unsigned i = 0; i < n; i++) {
		json_t *j = json_pack("{s:i, s:b}", "pid", (int)list[i].pid, "answers",
				      list[i].answers);

		if (j && list[i].answers)
			json_object_set_new(j, "connections",
					    json_integer((json_int_t)list[i].conns));
		json_array_append_new(all, j);
	}
	return all;
}

int status_get(struct request *r)
{
	struct edge *edge = r->api->edge;
	char started[STAMP_TEXT_MAX], why[128];
	json_t *counters = json_array();
	struct edge_status s;

	edge_status(edge, &s);
	if (!counters || edge_counters(edge, add_counter, counters)) {
		json_decref(counters);
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	}
	r->out = json_pack("{s:s, s:s, s:s, s:s, s:s, s:I, s:i, s:b, s:o, s:i, s:{s:I, s:I}, s:I,"
			   " s:{s:I, s:I, s:o}, s:o}",
			   "version", VERSION, "datapath", event_datapath_name(s.datapath),
			   "datapath_why", s.datapath_why, "pin_root", s.pin_root, "started_at",
			   stamp_text(&s.started, started), "uptime_s", (json_int_t)s.uptime_s,
			   "workers", (int)s.n_workers, "draining", s.draining, "listeners",
			   listeners(&s), "endpoints", (int)registry_count(edge_registry(edge)),
			   "connections", "active", (json_int_t)s.conns_active, "total",
			   (json_int_t)s.conns_total, "pool_idle", (json_int_t)s.pool_idle,
			   "events", "emitted", (json_int_t)events_emitted(edge_events(edge)),
			   "lost", (json_int_t)events_lost(edge_events(edge)), "destinations",
			   destinations(edge), "counters", counters);
	if (!r->out)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	if (tls_ktls_available(why, sizeof(why)))
		strcpy(why, s.ktls_off ? "available, switched off by tls.ktls" : "used");
	if (*s.tunnel)
		json_object_set_new(r->out, "tunnel",
				    json_pack("{s:s, s:i}", "addr", s.tunnel, "sessions",
					      (int)s.sessions));
	if (*s.http)
		json_object_set_new(r->out, "http", json_pack("{s:s}", "addr", s.http));
	if (*s.ssh)
		json_object_set_new(r->out, "ssh",
				    json_pack("{s:s, s:b, s:s*}", "addr", s.ssh, "up", s.ssh_up,
					      "why", *s.ssh_why ? s.ssh_why : NULL));
	json_object_set_new(r->out, "upstreams", checked_upstreams_json(edge_registry(edge)));
	json_object_set_new(r->out, "kernel_tls", json_string(why));
	json_object_set_new(r->out, "earlier_daemons", json_integer(s.elders));
	json_object_set_new(r->out, "earlier", earlier_daemons(edge));
	json_object_set_new(r->out, "sandbox", json_string(s.sandbox));
	return 0;
}

int reload_post(struct request *r)
{
	char who[64];

	if (edge_reload(r->api->edge, &r->fault))
		return -1;
	log_info("configuration reloaded: %s", request_who(r, who));
	r->out = json_pack("{s:i}", "endpoints", (int)registry_count(edge_registry(r->api->edge)));
	return r->out ? 0 : fault_set(&r->fault, 500, 0, "", "out of memory");
}

int upgrade_post(struct request *r)
{
	unsigned pid;
	char who[64];

	log_info("upgrade: asked for by %s", request_who(r, who));
	if (edge_upgrade(r->api->edge, &pid, &r->fault))
		return -1;
	r->out = json_pack("{s:i, s:i}", "pid", (int)pid, "old_pid", (int)getpid());
	return r->out ? 0 : fault_set(&r->fault, 500, 0, "", "out of memory");
}
