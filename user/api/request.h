/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * request - one request on the control socket, from its first byte to its answer;
 * and the resources that answer.
 *
 * Belongs to the thread of its connection.
 */
#ifndef REQUEST_H
#define REQUEST_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>
#include <microhttpd.h>

#include "fault.h"
#include "room.h"

#define REQUEST_BODY_MAX (1 << 20) /* a chain, a key and ten CAs fit */

struct edge;
struct edges;
struct feed;
struct store;

/* What all requests share. */
struct api {
	struct edge *edge;
	struct store *store;
	struct edges *edges;
	struct feed *feed; /* event destinations and subscriptions */
	/* held across "registry and store say the same"; never while resolving a name */
	pthread_mutex_t change;
	atomic_bool stopping;
	struct MHD_Daemon *control, *http;
	struct room control_room, http_room;
	int control_fd, http_fd; /* until a daemon owns it */
	char *base_domain;
	char *file;   /* of the configuration; NULL: none */
	char *socket; /* its path, once bound */
	unsigned long long socket_dev, socket_ino;
	bool left; /* the socket is another daemon's now */
};

struct endpoint;

struct request {
	struct api *api;
	struct MHD_Connection *conn;
	char *id;      /* of /endpoints/{id}; "" where the path has none */
	char part[24]; /* "mutual_tls" of /edges/tls/{id}/mutual_tls, "static" of /backends/static
			*/
	bool changes;  /* it is no GET */
	bool whole;    /* all of it is there */
	char *body;
	size_t body_len;
	bool body_too_large;
	json_t *in; /* POST and PATCH: the body, an object */
	/* the answer: <out>, or the fault, or a stream of the handler's own */
	unsigned status;
	json_t *out;
	struct MHD_Response *stream;
	struct fault fault;
};

/* The endpoint with this id, URL, name on the wire, or `name`: a reference.  NULL with the fault.
 */
struct endpoint *request_endpoint(struct request *r, const char *text);
/* The value of ?<name>=, or NULL. */
const char *request_query(struct request *r, const char *name);
/* ?<name>=1 is true, =0 or absent false; else -1 with the fault. */
int request_query_flag(struct request *r, const char *name, bool *ret_v);
/*
 * The string that <v>, the field <name>, must be: at most <max> bytes (0: any length) and without a
 * NUL.  0, or -1 with the fault.
 */
int request_text(struct request *r, const char *name, const json_t *v, size_t max,
		 const char **ret_text);
struct request_field {
	const char *name;
	const char **where; /* untouched when the body has not got it, or null */
	size_t max;
};
/* Reads a body in which no other fields than these <n> may be.  0, or -1 with the fault. */
int request_texts(struct request *r, const struct request_field *known, size_t n);
/*
 * Takes <j>, what to answer with, when all that was asked for is done; NULL: there was no memory
 * for it.  0, or -1 with the fault, which says that it is done.
 */
int request_answer(struct request *r, unsigned status, json_t *j);
/* "uid=1000 pid=42" of who asks, for the log. */
const char *request_who(struct request *r, char out[64]);

/* MHD's callbacks for the control socket (request.c). */
enum MHD_Result request_serve(void *api, struct MHD_Connection *conn, const char *url,
			      const char *method, const char *version, const char *data,
			      size_t *data_len, void **state);
void request_done(void *api, struct MHD_Connection *conn, void **state,
		  enum MHD_RequestTerminationCode how);

/*
 * Handlers.  0 with <status> and <out> (or <stream>) set, or -1 with <fault>.
 */
int endpoints_get(struct request *r);	   /* GET /endpoints */
int endpoints_post(struct request *r);	   /* POST /endpoints */
int endpoint_get_one(struct request *r);   /* GET /endpoints/{id} */
int endpoint_patch(struct request *r);	   /* PATCH /endpoints/{id} */
int endpoint_delete(struct request *r);	   /* DELETE /endpoints/{id} */
int connections_get(struct request *r);	   /* GET /connections */
int connection_get_one(struct request *r); /* GET /connections/{id} */
int connection_delete(struct request *r);  /* DELETE /connections/{id} */
int status_get(struct request *r);	   /* GET /status */
int upgrade_post(struct request *r);	   /* POST /upgrade */
int reload_post(struct request *r);	   /* POST /reload */
int events_get(struct request *r);	   /* GET /events */
int ip_policies_get(struct request *r);	   /* /ip_policies */
int ip_policies_post(struct request *r);
int ip_policy_get_one(struct request *r);
int ip_policy_patch(struct request *r);
int ip_policy_delete(struct request *r);
int ip_rules_get(struct request *r); /* /ip_policy_rules */
int ip_rules_post(struct request *r);
int ip_rule_get_one(struct request *r);
int ip_rule_patch(struct request *r);
int ip_rule_delete(struct request *r);
int tls_certificates_get(struct request *r); /* /tls_certificates */
int tls_certificates_post(struct request *r);
int tls_certificate_get_one(struct request *r);
int tls_certificate_patch(struct request *r);
int tls_certificate_delete(struct request *r);
int cas_get(struct request *r); /* /certificate_authorities */
int cas_post(struct request *r);
int ca_get_one(struct request *r);
int ca_patch(struct request *r);
int ca_delete(struct request *r);
int local_ca_get(struct request *r);	 /* GET /local_ca */
int destinations_get(struct request *r); /* /event_destinations */
int destination_get_one(struct request *r);
int destination_put_one(struct request *r); /* POST, PATCH */
int destination_delete(struct request *r);
int subscriptions_get(struct request *r); /* /event_subscriptions */
int subscription_get_one(struct request *r);
int subscription_put_one(struct request *r); /* POST, PATCH */
int subscription_delete(struct request *r);
int edges_get_all(struct request *r); /* /edges/tls */
int edge_get_one(struct request *r);
int edge_put_one(struct request *r); /* POST, PATCH */
int edge_delete(struct request *r);
int module_get(struct request *r); /* /edges/tls/{id}/{part} */
int module_put(struct request *r);
int module_delete(struct request *r);
int backends_get(struct request *r); /* /backends/{part} */
int backend_get_one(struct request *r);
int backend_put_one(struct request *r); /* POST, PATCH */
int backend_delete(struct request *r);

int credentials_get(struct request *r); /* /credentials */
int credentials_post(struct request *r);
int credential_get_one(struct request *r);
int credential_patch(struct request *r);
int credential_delete(struct request *r);
int ssh_credentials_get(struct request *r); /* /ssh_credentials */
int ssh_credentials_post(struct request *r);
int ssh_credential_get_one(struct request *r);
int ssh_credential_patch(struct request *r);
int ssh_credential_delete(struct request *r);
int ssh_host_keys_get(struct request *r); /* GET /ssh_host_keys */
int sessions_get(struct request *r);	  /* /tunnel_sessions */
int session_get_one(struct request *r);
int session_stop(struct request *r);
int session_restart(struct request *r);

/* The read-only listener (page.c): /metrics, /healthz, /readyz and /. */
enum MHD_Result page_serve(void *api, struct MHD_Connection *conn, const char *url,
			   const char *method, const char *version, const char *data,
			   size_t *data_len, void **state);
/* What `snisplit top` and the status page draw (stats.c).  <all>: also endpoints without a
 * connection yet.  NULL: out of memory. */
json_t *stats_json(struct edge *e, bool all);
int stats_get(struct request *r); /* GET /stats */
/* Prometheus text, malloc'd (metrics.c).  NULL: out of memory. */
char *metrics_text(struct edge *e, size_t *ret_len);
#endif
