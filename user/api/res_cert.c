// SPDX-License-Identifier: GPL-2.0-only
/*
 * res_cert - /tls_certificates, whose fields follow ngrok's, and /local_ca.  A private key goes in
 * and never comes out.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "cert_json.h"
#include "certs.h"
#include "edge.h"
#include "edge_cert.h"
#include "log.h"
#include "stamp.h"

#define DESCRIPTION_MAX 255
#define METADATA_MAX 4096

/* ---- as JSON ---- */

static json_t *cert_json(const struct edge_cert *c)
{
	char uri[EDGE_CERT_ID_MAX + 32], created[STAMP_TEXT_MAX];
	json_t *j;

	snprintf(uri, sizeof(uri), "/tls_certificates/%s", c->id);
	j = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:{s:[], s:[]}, s:n}", "id", c->id, "uri",
		      uri, "created_at", stamp_text(&c->created, created), "description",
		      c->description ? c->description : "", "metadata",
		      c->metadata ? c->metadata : "", "certificate_pem", c->crt,
		      "subject_alternative_names", "dns_names", "ips", "issued_at");
	if (j)
		cert_json_add(j, c->crt);
	return j;
}

static int append(void *arg, const struct edge_cert *c)
{
	return json_array_append_new(arg, cert_json(c));
}

struct finding {
	const char *id;
	json_t *found;
};

static int find(void *arg, const struct edge_cert *c)
{
	struct finding *f = arg;

	if (strcmp(f->id, c->id))
		return 0;
	f->found = cert_json(c);
	return 1;
}

static int answer_one(struct request *r, unsigned status, const char *id, const char *warning)
{
	struct finding f = {.id = id};
	int ret = edge_cert_each(r->api->edge, find, &f, &r->fault);

	if (ret < 0)
		return r->changes ? request_answer(r, status, NULL) : -1;
	if (!ret)
		return fault_set(&r->fault, 404, 0, "", "no certificate '%.40s'", id);
	if (f.found && warning)
		json_object_set_new(f.found, "warning", json_string(warning));
	return request_answer(r, status, f.found);
}

static int append_item(void *arg, const struct certs_item *i)
{
	static const char *const origins[] = {
		[CERTS_UPLOADED] = "uploaded",
		[CERTS_DIRECTORY] = "directory",
		[CERTS_LOCAL] = "local_ca",
	};

	return json_array_append_new(arg,
				     json_pack("{s:s, s:s, s:s, s:o, s:o}", "origin",
					       origins[i->origin], "where", i->where, "name",
					       i->name, "not_before", cert_json_time(i->not_before),
					       "not_after", cert_json_time(i->not_after)));
}

/* ---- the body ---- */

struct body {
	const char *description, *metadata, *crt, *key;
};

/* Of the four, the first <n> may be there. */
static int read_body(struct request *r, struct body *b, size_t n)
{
	const struct request_field known[] = {
		{"description", &b->description, DESCRIPTION_MAX},
		{"metadata", &b->metadata, METADATA_MAX},
		{"certificate_pem", &b->crt, 0},
		{"private_key_pem", &b->key, 0},
	};

	return request_texts(r, known, n);
}

/* ---- handlers ---- */

int tls_certificates_get(struct request *r)
{
	json_t *list = json_array(), *all = NULL, *j;
	bool want_all;

	if (request_query_flag(r, "all", &want_all)) {
		json_decref(list);
		return -1;
	}
	if (!list || edge_cert_each(r->api->edge, append, list, &r->fault)) {
		json_decref(list);
		return r->fault.status ? -1 : fault_set(&r->fault, 500, 0, "", "out of memory");
	}
	j = json_pack("{s:o, s:s, s:n}", "tls_certificates", list, "uri", "/tls_certificates",
		      "next_page_uri");
	if (j && want_all) {
		all = json_array();
		if (!all || certs_each(edge_certs(r->api->edge), append_item, all) ||
		    json_object_set_new(j, "in_use", all)) {
			json_decref(j);
			j = NULL;
		}
	}
	return request_answer(r, 200, j);
}

int tls_certificates_post(struct request *r)
{
	struct body b = {NULL};
	struct edge_cert c = {.id = ""};
	const char *warning = NULL;
	char who[64];

	if (read_body(r, &b, 4))
		return -1;
	if (!b.crt)
		return fault_set(&r->fault, 400, 0, "certificate_pem", "is missing");
	if (!b.key)
		return fault_set(&r->fault, 400, 0, "private_key_pem", "is missing");
	c.description = b.description;
	c.metadata = b.metadata;
	c.crt = b.crt;
	c.key = b.key;
	if (edge_cert_add(r->api->edge, &c, &warning, &r->fault))
		return -1;
	log_info("certificate added: id=%s %s", c.id, request_who(r, who));
	return answer_one(r, 201, c.id, warning);
}

int tls_certificate_get_one(struct request *r)
{
	return answer_one(r, 200, r->id, NULL);
}

int tls_certificate_patch(struct request *r)
{
	struct body b = {NULL};

	if (read_body(r, &b, 2) ||
	    edge_cert_set(r->api->edge, r->id, b.description, b.metadata, &r->fault))
		return -1;
	return answer_one(r, 200, r->id, NULL);
}

int tls_certificate_delete(struct request *r)
{
	char who[64];

	if (edge_cert_remove(r->api->edge, r->id, &r->fault))
		return -1;
	log_info("certificate removed: id=%s %s", r->id, request_who(r, who));
	r->status = 204;
	return 0;
}

int local_ca_get(struct request *r)
{
	char fingerprint[CA_FINGERPRINT_MAX];
	char *pem = certs_root(edge_certs(r->api->edge), fingerprint, &r->fault);
	json_t *j;

	if (!pem)
		return -1;
	j = json_pack("{s:s, s:s}", "certificate_pem", pem, "sha256_fingerprint", fingerprint);
	free(pem);
	return request_answer(r, 200, j);
}
