// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "addr.h"
#include "edge.h"
#include "log.h"
#include "stamp.h"

static void set_addr(json_t *j, const char *ip_name, const char *port_name,
		     const struct sockaddr_storage *sa)
{
	char text[ADDR_TEXT_MAX];

	if (!sa->ss_family)
		return;
	json_object_set_new(j, ip_name, json_string(addr_ip_text(sa, text)));
	json_object_set_new(j, port_name, json_integer(addr_port(sa)));
}

/* The names are those of the closed event; what is not known yet is absent. */
static json_t *conn_json(const struct conn_info *c)
{
	char text[ADDR_TEXT_MAX > STAMP_TEXT_MAX ? ADDR_TEXT_MAX : STAMP_TEXT_MAX];
	char name[4 * sizeof(c->server_name)];
	json_t *j;

	j = json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:i}", "id", c->id, "state",
		      c->state, "datapath", event_datapath_name(c->datapath), "start_ts",
		      stamp_text(&c->start, text), "bytes_in", (json_int_t)c->bytes_in, "bytes_out",
		      (json_int_t)c->bytes_out, "bytes_user", (json_int_t)c->bytes_user,
		      "bytes_kernel", (json_int_t)c->bytes_kernel, "idle_ms",
		      (json_int_t)c->idle_ms, "worker", (int)c->worker);
	if (!j)
		return NULL;
	if (c->daemon)
		json_object_set_new(j, "earlier_daemon", json_integer(c->daemon));
	set_addr(j, "client_ip", "client_port", &c->client);
	set_addr(j, "server_ip", "server_port", &c->server);
	if (*c->server_name)
		json_object_set_new(j, "server_name",
				    json_string(log_escape(c->server_name, strlen(c->server_name),
							   name, sizeof(name))));
	if (*c->endpoint_id)
		json_object_set_new(j, "endpoint_id", json_string(c->endpoint_id));
	if (c->upstream.ss_family)
		json_object_set_new(j, "upstream_addr", json_string(addr_text(&c->upstream, text)));
	return j;
}

/* ?endpoint= may be a name: *ret_id is "" without it. */
static int wanted_endpoint(struct request *r, char ret_id[ENDPOINT_ID_MAX])
{
	const char *text = request_query(r, "endpoint");
	struct endpoint *e;

	ret_id[0] = '\0';
	if (!text)
		return 0;
	e = registry_find(edge_registry(r->api->edge), text);
	if (!e && strncmp(text, "ep_", 3)) {
		e = request_endpoint(r, text);
		if (!e) {
			strcpy(r->fault.field, "endpoint");
			return -1;
		}
	}
	/* an id may be of an endpoint that is gone, whose connections go on */
	snprintf(ret_id, ENDPOINT_ID_MAX, "%.*s", ENDPOINT_ID_MAX - 1, e ? e->id : text);
	endpoint_put(e);
	return 0;
}

int connections_get(struct request *r)
{
	char id[ENDPOINT_ID_MAX];
	struct conn_info *conns = NULL;
	json_t *list;
	int n;

	if (wanted_endpoint(r, id))
		return -1;
	n = edge_conns(r->api->edge, *id ? id : NULL, &conns);
	if (n < 0)
		return fault_set(&r->fault, 500, 0, "", "cannot list connections: %s",
				 strerror(-n));
	list = json_array();
	for (int i = 0; i < n; i++)
		json_array_append_new(list, conn_json(&conns[i]));
	free(conns);
	r->out = json_pack("{s:o, s:s, s:n}", "connections", list, "uri", "/connections",
			   "next_page_uri");
	return r->out ? 0 : fault_set(&r->fault, 500, 0, "", "out of memory");
}

int connection_get_one(struct request *r)
{
	struct conn_info *conns = NULL;
	int n = edge_conns(r->api->edge, NULL, &conns);

	if (n < 0)
		return fault_set(&r->fault, 500, 0, "", "cannot list connections: %s",
				 strerror(-n));
	for (int i = 0; i < n && !r->out; i++)
		if (!strcmp(conns[i].id, r->id))
			r->out = conn_json(&conns[i]);
	free(conns);
	return r->out ? 0 : fault_set(&r->fault, 404, 0, "", "no connection '%.64s'", r->id);
}

int connection_delete(struct request *r)
{
	unsigned mute;
	char who[64];
	int err;

	err = edge_conn_kill(r->api->edge, r->id, &mute);
	if (err && mute)
		return fault_set(
			&r->fault, 503, 0, "",
			"no connection '%.64s' here; an earlier daemon, pid %u, may have it "
			"but does not answer (snisplitd(8), UPGRADE)",
			r->id, mute);
	if (err)
		return fault_set(&r->fault, 404, 0, "", "no connection '%.64s'", r->id);
	log_info("connection killed: conn=%s %s", r->id, request_who(r, who));
	r->status = 204;
	return 0;
}
