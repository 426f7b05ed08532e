// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "request.h"
#include "json_text.h"
#include "paging.h"
#include "log.h"

#define PAGE "limit", "before_id"

static const struct route {
	const char *method;
	const char *path; /* "/{}" is the id */
	int (*handle)(struct request *r);
	const char *const query[4]; /* what may follow the "?" */
	bool body;
} routes[] = {
	{"GET", "/endpoints", endpoints_get, {PAGE}, false},
	{"POST", "/endpoints", endpoints_post, {NULL}, true},
	{"GET", "/endpoints/{}", endpoint_get_one, {NULL}, false},
	{"PATCH", "/endpoints/{}", endpoint_patch, {"kill"}, true},
	{"DELETE", "/endpoints/{}", endpoint_delete, {"kill"}, false},
	{"GET", "/ip_policies", ip_policies_get, {PAGE}, false},
	{"POST", "/ip_policies", ip_policies_post, {NULL}, true},
	{"GET", "/ip_policies/{}", ip_policy_get_one, {NULL}, false},
	{"PATCH", "/ip_policies/{}", ip_policy_patch, {NULL}, true},
	{"DELETE", "/ip_policies/{}", ip_policy_delete, {NULL}, false},
	{"GET", "/ip_policy_rules", ip_rules_get, {PAGE}, false},
	{"POST", "/ip_policy_rules", ip_rules_post, {"kill"}, true},
	{"GET", "/ip_policy_rules/{}", ip_rule_get_one, {NULL}, false},
	{"PATCH", "/ip_policy_rules/{}", ip_rule_patch, {"kill"}, true},
	{"DELETE", "/ip_policy_rules/{}", ip_rule_delete, {"kill"}, false},
	{"GET", "/tls_certificates", tls_certificates_get, {"all", PAGE}, false},
	{"POST", "/tls_certificates", tls_certificates_post, {NULL}, true},
	{"GET", "/tls_certificates/{}", tls_certificate_get_one, {NULL}, false},
	{"PATCH", "/tls_certificates/{}", tls_certificate_patch, {NULL}, true},
	{"DELETE", "/tls_certificates/{}", tls_certificate_delete, {NULL}, false},
	{"GET", "/certificate_authorities", cas_get, {PAGE}, false},
	{"POST", "/certificate_authorities", cas_post, {NULL}, true},
	{"GET", "/certificate_authorities/{}", ca_get_one, {NULL}, false},
	{"PATCH", "/certificate_authorities/{}", ca_patch, {NULL}, true},
	{"DELETE", "/certificate_authorities/{}", ca_delete, {NULL}, false},
	{"GET", "/local_ca", local_ca_get, {NULL}, false},
	{"GET", "/connections", connections_get, {"endpoint", PAGE}, false},
	{"GET", "/connections/{}", connection_get_one, {NULL}, false},
	{"DELETE", "/connections/{}", connection_delete, {NULL}, false},
	{"GET", "/status", status_get, {NULL}, false},
	{"GET", "/stats", stats_get, {"all"}, false},
	{"GET", "/events", events_get, {"follow", "since"}, false},
	{"GET", "/event_destinations", destinations_get, {PAGE}, false},
	{"POST", "/event_destinations", destination_put_one, {NULL}, true},
	{"GET", "/event_destinations/{}", destination_get_one, {NULL}, false},
	{"PATCH", "/event_destinations/{}", destination_put_one, {NULL}, true},
	{"DELETE", "/event_destinations/{}", destination_delete, {NULL}, false},
	{"GET", "/event_subscriptions", subscriptions_get, {PAGE}, false},
	{"POST", "/event_subscriptions", subscription_put_one, {NULL}, true},
	{"GET", "/event_subscriptions/{}", subscription_get_one, {NULL}, false},
	{"PATCH", "/event_subscriptions/{}", subscription_put_one, {NULL}, true},
	{"DELETE", "/event_subscriptions/{}", subscription_delete, {NULL}, false},
	{"GET", "/credentials", credentials_get, {PAGE}, false},
	{"POST", "/credentials", credentials_post, {NULL}, true},
	{"GET", "/credentials/{}", credential_get_one, {NULL}, false},
	{"PATCH", "/credentials/{}", credential_patch, {NULL}, true},
	{"DELETE", "/credentials/{}", credential_delete, {"kill"}, false},
	{"GET", "/ssh_credentials", ssh_credentials_get, {PAGE}, false},
	{"POST", "/ssh_credentials", ssh_credentials_post, {NULL}, true},
	{"GET", "/ssh_credentials/{}", ssh_credential_get_one, {NULL}, false},
	{"PATCH", "/ssh_credentials/{}", ssh_credential_patch, {NULL}, true},
	{"DELETE", "/ssh_credentials/{}", ssh_credential_delete, {"kill"}, false},
	{"GET", "/ssh_host_keys", ssh_host_keys_get, {NULL}, false},
	{"GET", "/tunnel_sessions", sessions_get, {PAGE}, false},
	{"GET", "/tunnel_sessions/{}", session_get_one, {NULL}, false},
	{"POST", "/tunnel_sessions/{}/stop", session_stop, {NULL}, false},
	{"POST", "/tunnel_sessions/{}/restart", session_restart, {NULL}, false},
	{"GET", "/edges/tls", edges_get_all, {PAGE}, false},
	{"POST", "/edges/tls", edge_put_one, {NULL}, true},
	{"GET", "/edges/tls/{}", edge_get_one, {NULL}, false},
	{"PATCH", "/edges/tls/{}", edge_put_one, {NULL}, true},
	{"DELETE", "/edges/tls/{}", edge_delete, {NULL}, false},
	{"GET", "/edges/tls/{}/backend", module_get, {NULL}, false},
	{"PUT", "/edges/tls/{}/backend", module_put, {NULL}, true},
	{"DELETE", "/edges/tls/{}/backend", module_delete, {NULL}, false},
	{"GET", "/edges/tls/{}/mutual_tls", module_get, {NULL}, false},
	{"PUT", "/edges/tls/{}/mutual_tls", module_put, {NULL}, true},
	{"DELETE", "/edges/tls/{}/mutual_tls", module_delete, {NULL}, false},
	{"GET", "/edges/tls/{}/tls_termination", module_get, {NULL}, false},
	{"PUT", "/edges/tls/{}/tls_termination", module_put, {NULL}, true},
	{"DELETE", "/edges/tls/{}/tls_termination", module_delete, {NULL}, false},
	{"GET", "/edges/tls/{}/ip_restriction", module_get, {NULL}, false},
	{"PUT", "/edges/tls/{}/ip_restriction", module_put, {NULL}, true},
	{"DELETE", "/edges/tls/{}/ip_restriction", module_delete, {NULL}, false},
	{"GET", "/backends/static", backends_get, {PAGE}, false},
	{"POST", "/backends/static", backend_put_one, {NULL}, true},
	{"GET", "/backends/static/{}", backend_get_one, {NULL}, false},
	{"PATCH", "/backends/static/{}", backend_put_one, {NULL}, true},
	{"DELETE", "/backends/static/{}", backend_delete, {NULL}, false},
	{"GET", "/backends/weighted", backends_get, {PAGE}, false},
	{"POST", "/backends/weighted", backend_put_one, {NULL}, true},
	{"GET", "/backends/weighted/{}", backend_get_one, {NULL}, false},
	{"PATCH", "/backends/weighted/{}", backend_put_one, {NULL}, true},
	{"DELETE", "/backends/weighted/{}", backend_delete, {NULL}, false},
	{"GET", "/backends/failover", backends_get, {PAGE}, false},
	{"POST", "/backends/failover", backend_put_one, {NULL}, true},
	{"GET", "/backends/failover/{}", backend_get_one, {NULL}, false},
	{"PATCH", "/backends/failover/{}", backend_put_one, {NULL}, true},
	{"DELETE", "/backends/failover/{}", backend_delete, {NULL}, false},
	{"GET", "/backends/tunnel_group", backends_get, {PAGE}, false},
	{"POST", "/backends/tunnel_group", backend_put_one, {NULL}, true},
	{"GET", "/backends/tunnel_group/{}", backend_get_one, {NULL}, false},
	{"PATCH", "/backends/tunnel_group/{}", backend_put_one, {NULL}, true},
	{"DELETE", "/backends/tunnel_group/{}", backend_delete, {NULL}, false},
	{"POST", "/reload", reload_post, {NULL}, false},
	{"POST", "/upgrade", upgrade_post, {NULL}, false},
};
#define N_ROUTES (sizeof(routes) / sizeof(routes[0]))

/* Of an id, which ends the path or comes before a "/"; a URL (of an endpoint) has some itself. */
static size_t id_len(const char *id)
{
	return strstr(id, "://") ? strlen(id) : strcspn(id, "/");
}

/* The id in <url>, up to a "/", where <path> has "{}"; "" where it has none; NULL: another path. */
static const char *match(const char *path, const char *url)
{
	const char *hole = strstr(path, "{}");
	size_t n = hole ? (size_t)(hole - path) : 0, len;

	if (!hole)
		return strcmp(path, url) ? NULL : "";
	if (strncmp(path, url, n))
		return NULL;
	len = id_len(url + n);
	return len && !strcmp(url + n + len, hole + 2) ? url + n : NULL;
}

/* The route, or NULL with a fault: 404, or 405 with the methods there are. */
static const struct route *find_route(const char *method, const char *url, const char **ret_id,
				      char allow[64], struct fault *f)
{
	size_t n = 0;

	allow[0] = '\0';
	for (size_t i = 0; i < N_ROUTES; i++) {
		const char *id = match(routes[i].path, url);

		if (!id)
			continue;
		if (!strcmp(routes[i].method, method)) {
			*ret_id = id;
			return &routes[i];
		}
		n += (size_t)snprintf(allow + n, 64 - n, "%s%s", n ? ", " : "", routes[i].method);
	}
	if (n)
		fault_set(f, 405, 0, "", "%.16s is not possible here, only %s", method, allow);
	else
		fault_set(f, 404, 0, "", "no resource %.200s in this version", url);
	return NULL;
}

/* ---- reading ---- */

const char *request_query(struct request *r, const char *name)
{
	return MHD_lookup_connection_value(r->conn, MHD_GET_ARGUMENT_KIND, name);
}

int request_query_flag(struct request *r, const char *name, bool *ret_v)
{
	const char *text = request_query(r, name);

	if (text && strcmp(text, "0") && strcmp(text, "1"))
		return fault_set(&r->fault, 400, 0, name, "must be 0 or 1, got '%.40s'", text);
	*ret_v = text && *text == '1';
	return 0;
}

int request_text(struct request *r, const char *name, const json_t *v, size_t max,
		 const char **ret_text)
{
	const char *text = json_string_value(v);

	if (!text || strlen(text) != json_string_length(v))
		return fault_set(&r->fault, 400, 0, name, "must be a string");
	if (max && strlen(text) > max)
		return fault_set(&r->fault, 400, 0, name, "is longer than %zu bytes", max);
	*ret_text = text;
	return 0;
}

static int no_memory_to_show(struct request *r)
{
	return fault_set(&r->fault, 500, 0, "", "%s",
			 r->changes ? "this is done, but there was no memory to show it"
				    : "out of memory");
}

int request_answer(struct request *r, unsigned status, json_t *j)
{
	r->status = status;
	r->out = j;
	return j ? 0 : no_memory_to_show(r);
}

int request_texts(struct request *r, const struct request_field *known, size_t n)
{
	const char *name;
	json_t *v;
	size_t i;

	json_object_foreach(r->in, name, v) {
		for (i = 0; i < n && strcmp(known[i].name, name); i++)
			;
		if (i == n)
			return fault_set(&r->fault, 400, 0, name, "unknown field");
		if (!json_is_null(v) && request_text(r, name, v, known[i].max, known[i].where))
			return -1;
	}
	return 0;
}

const char *request_who(struct request *r, char out[64])
{
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct ucred cred;
	socklen_t len = sizeof(cred);

	if (info && !getsockopt(info->connect_fd, SOL_SOCKET, SO_PEERCRED, &cred, &len))
		snprintf(out, 64, "uid=%u pid=%d", cred.uid, cred.pid);
	else
		strcpy(out, "uid=unknown");
	return out;
}

struct query_check {
	const struct route *route;
	struct fault *fault;
	unsigned n;
};

static enum MHD_Result check_parameter(void *arg, enum MHD_ValueKind kind, const char *key,
				       const char *value)
{
	struct query_check *q = arg;

	(void)kind;
	(void)value;
	for (size_t i = 0; i < 4 && q->route->query[i]; i++) {
		if (strcmp(q->route->query[i], key))
			continue;
		if (!(q->n & 1U << i)) {
			q->n |= 1U << i;
			return MHD_YES;
		}
		fault_set(q->fault, 400, 0, key, "given twice");
		return MHD_NO;
	}
	fault_set(q->fault, 400, 0, key, "unknown parameter");
	return MHD_NO;
}

static int check_query(struct request *r, const struct route *route)
{
	struct query_check q = {route, &r->fault, 0};

	MHD_get_connection_values(r->conn, MHD_GET_ARGUMENT_KIND, check_parameter, &q);
	return r->fault.status ? -1 : 0;
}

static int read_body(struct request *r, const struct route *route)
{
	json_error_t err;

	if (r->body_too_large)
		return fault_set(&r->fault, 413, 0, "", "the body is larger than %d bytes",
				 REQUEST_BODY_MAX);
	/* (an empty object is what clients of ngrok's API send) */
	if (!route->body && r->body_len && (r->body_len != 2 || memcmp(r->body, "{}", 2)))
		return fault_set(&r->fault, 400, 0, "", "%s takes no body", route->path);
	if (!route->body)
		return 0;
	r->in = json_text_read(r->body ?: "", r->body_len, JSON_REJECT_DUPLICATES, &err);
	if (!r->in && errno == ENOMEM)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	if (!r->in)
		return fault_set(&r->fault, 400, 0, "",
				 "the body is not valid JSON: %.120s (line "
				 "%d)",
				 err.text, err.line);
	if (!json_is_object(r->in))
		return fault_set(&r->fault, 400, 0, "", "the body must be a JSON object");
	return 0;
}

static enum MHD_Result take_data(struct request *r, const char *data, size_t *len)
{
	char *body;

	if (*len > REQUEST_BODY_MAX - r->body_len) {
		r->body_too_large = true; /* read to its end, so that the answer is seen */
	} else {
		body = realloc(r->body, r->body_len + *len);
		if (!body)
			return MHD_NO;
		memcpy(body + r->body_len, data, *len);
		r->body = body;
		r->body_len += *len;
	}
	*len = 0;
	return MHD_YES;
}

/* ---- answering ---- */

static json_t *fault_json(const struct fault *f)
{
	char code[32], msg[600];
	json_t *j;

	snprintf(code, sizeof(code), "ERR_SNISPLIT_%d", f->code);
	snprintf(msg, sizeof(msg), "%s%s%s", f->field, *f->field ? ": " : "", f->msg);
	j = json_pack("{s:i, s:s}", "status_code", f->status, "msg", msg);
	if (!j)
		return NULL;
	if (f->code)
		json_object_set_new(j, "error_code", json_string(code));
	json_object_set_new(j, "details",
			    *f->field ? json_pack("{s:s}", "field", f->field) : json_object());
	return j;
}

static enum MHD_Result send_json(struct request *r, unsigned status, json_t *j, const char *allow)
{
	char *text = j ? json_text_write(j, JSON_COMPACT) : strdup("");
	struct MHD_Response *response;
	enum MHD_Result res;
	size_t len;

	if (!text)
		return MHD_NO;
	len = strlen(text);
	if (len) {
		char *line = realloc(text, len + 2); /* ends in a newline, for people with curl */

		if (line) {
			text = line;
			memcpy(text + len++, "\n", 2);
		}
	}
	response = MHD_create_response_from_buffer(len, text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(text);
		return MHD_NO;
	}
	if (len)
		MHD_add_response_header(response, "Content-Type", "application/json");
	if (allow && *allow)
		MHD_add_response_header(response, "Allow", allow);
	res = MHD_queue_response(r->conn, status, response);
	MHD_destroy_response(response);
	return res;
}

static enum MHD_Result refuse(struct request *r, const char *allow)
{
	json_t *j = fault_json(&r->fault);
	enum MHD_Result res = MHD_NO;

	if (j)
		res = send_json(r, (unsigned)r->fault.status, j, allow);
	json_decref(j);
	return res;
}

/* The word of a route that handlers share. */
static void take_part(struct request *r, const char *path)
{
	static const char *const before[] = {"/edges/tls/{}/", "/backends/"};

	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		const char *part = path + strlen(before[i]);

		if (!strncmp(path, before[i], strlen(before[i])))
			snprintf(r->part, sizeof(r->part), "%.*s", (int)strcspn(part, "/"), part);
	}
}

/* Does what is asked.  What is answered is whole: nothing that no memory was found for is missing.
 */
static int handle(struct request *r, const struct route *route)
{
	unsigned lacked = json_text_lacked();
	int err = route->handle(r);

	if (!err && r->out)
		err = paging_apply(r, route->path);
	if (json_text_lacked() == lacked)
		return err;
	/* (what is said to be wrong, or not there, may only have been lost on the way) */
	if (err && r->fault.status < 500)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	return !err && r->out ? no_memory_to_show(r) : err;
}

static enum MHD_Result answer(struct request *r, const char *method, const char *url)
{
	const struct route *route;
	const char *id;
	char allow[64];
	enum MHD_Result res;

	route = find_route(method, url, &id, allow, &r->fault);
	if (!route)
		return refuse(r, allow);
	r->id = strndup(id, id_len(id));
	take_part(r, route->path);
	r->status = 200;
	r->changes = strcmp(method, "GET") != 0;
	if (!r->id)
		return MHD_NO;
	if (check_query(r, route) || read_body(r, route) || handle(r, route))
		return refuse(r, NULL);
	if (!r->stream)
		return send_json(r, r->status, r->out, NULL);
	MHD_add_response_header(r->stream, "Content-Type", "application/x-ndjson");
	res = MHD_queue_response(r->conn, r->status, r->stream);
	MHD_destroy_response(r->stream);
	r->stream = NULL;
	return res;
}

enum MHD_Result request_serve(void *arg, struct MHD_Connection *conn, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *data_len, void **state)
{
	struct request *r = *state;

	(void)version;
	if (!r) {
		*state = r = calloc(1, sizeof(*r));
		if (!r)
			return MHD_NO;
		r->api = arg;
		r->conn = conn;
		return MHD_YES;
	}
	if (*data_len)
		return take_data(r, data, data_len);
	r->whole = true;
	room_begin(&r->api->control_room, conn);
	return answer(r, method, url);
}

void request_done(void *arg, struct MHD_Connection *conn, void **state,
		  enum MHD_RequestTerminationCode how)
{
	struct request *r = *state;

	(void)arg;
	(void)how;
	if (!r)
		return;
	if (r->whole)
		room_end(&r->api->control_room, conn);
	json_decref(r->in);
	json_decref(r->out);
	if (r->body)
		explicit_bzero(r->body, r->body_len); /* it may have held a private key */
	free(r->body);
	free(r->id);
	free(r);
	*state = NULL;
}
