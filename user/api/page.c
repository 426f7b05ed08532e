// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "edge.h"
#include "stamp.h"

/* One page: its text (malloc'd), status and type. */
struct page {
	char *text;
	size_t len;
	unsigned status;
	const char *type;
};

static void say(struct page *p, unsigned status, const char *text)
{
	p->status = status;
	p->text = strdup(text);
	p->len = p->text ? strlen(text) : 0;
}

static void metrics_page(struct api *a, struct page *p)
{
	p->type = "text/plain; version=0.0.4; charset=utf-8";
	p->text = metrics_text(a->edge, &p->len);
}

/* Alive: this thread answers. */
static void health_page(struct api *a, struct page *p)
{
	(void)a;
	say(p, 200, "ok\n");
}

/* Ready: new connections are taken. */
static void ready_page(struct api *a, struct page *p)
{
	struct edge_status s;

	edge_status(a->edge, &s);
	if (s.draining)
		say(p, 503, "draining\n");
	else
		say(p, 200, "ready\n");
}

static int list_endpoint(void *out, struct endpoint *e)
{
	fprintf(out, "  tls://%s -> %s  active %" PRIu64 "  total %" PRIu64 "\n", e->host,
		e->upstream, (uint64_t)atomic_load(&e->stats->conns_active),
		(uint64_t)atomic_load(&e->stats->conns_total));
	return 0;
}

static void status_page(struct api *a, struct page *p)
{
	FILE *out = open_memstream(&p->text, &p->len);
	char started[STAMP_TEXT_MAX];
	struct edge_status s;

	if (!out)
		return;
	edge_status(a->edge, &s);
	fprintf(out, "snisplitd %s%s\n", VERSION, s.draining ? " (draining)" : "");
	fprintf(out, "datapath     %s: %s\n", event_datapath_name(s.datapath), s.datapath_why);
	fprintf(out, "started      %s\n", stamp_text(&s.started, started));
	fprintf(out, "connections  %" PRIu64 " active, %" PRIu64 " since then\n", s.conns_active,
		s.conns_total);
	fprintf(out, "endpoints    %u\n", registry_count(edge_registry(a->edge)));
	registry_each(edge_registry(a->edge), list_endpoint, out);
	fprintf(out, "\nSee also /metrics, /healthz and /readyz.\n");
	if (fclose(out)) {
		free(p->text);
		p->text = NULL;
	}
}

static const struct {
	const char *path;
	void (*make)(struct api *a, struct page *p);
} pages[] = {
	{"/", status_page},
	{"/metrics", metrics_page},
	{"/healthz", health_page},
	{"/readyz", ready_page},
};

static void make_page(struct api *a, const char *url, const char *method, struct page *p)
{
	if (strcmp(method, "GET") && strcmp(method, "HEAD")) {
		say(p, 405, "read only: GET\n");
		return;
	}
	for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
		if (!strcmp(pages[i].path, url)) {
			pages[i].make(a, p);
			return;
		}
	}
	say(p, 404, "there are /, /metrics, /healthz and /readyz\n");
}

enum MHD_Result page_serve(void *arg, struct MHD_Connection *conn, const char *url,
			   const char *method, const char *version, const char *data,
			   size_t *data_len, void **state)
{
	struct page p = {.status = 200, .type = "text/plain; charset=utf-8"};
	static int seen;
	struct MHD_Response *response;
	enum MHD_Result res;

	(void)version;
	(void)data;
	if (!*state) {
		*state = &seen; /* the headers; the answer comes with the second call */
		return MHD_YES;
	}
	if (*data_len) {
		*data_len = 0;
		return MHD_YES;
	}
	make_page(arg, url, method, &p);
	if (!p.text)
		return MHD_NO;
	response = MHD_create_response_from_buffer(p.len, p.text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(p.text);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", p.type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	res = MHD_queue_response(conn, p.status, response);
	MHD_destroy_response(response);
	return res;
}
