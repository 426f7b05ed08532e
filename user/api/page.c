// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "request.h"
#include "addr.h"
#include "edge.h"
#include "text_file.h"

#define NAME_MAX 256 /* of a host in a request */

#define EVENTS_SHOWN 30U

/* Nothing from elsewhere, nothing inline: foreign bytes on the page can be text only. */
#define POLICY                                                                          \
	"default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; " \
	"img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

/* One page: its text (malloc'd) or an asset, status and type. */
struct page {
	char *text;
	const char *asset;
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

/* The last events in a list, newest last; each line is JSON already. */
static void write_events(struct events *ev, FILE *out)
{
	static const size_t size = (size_t)EVENTS_SHOWN * EVENT_LINE_MAX;
	uint64_t next = events_seek(ev, NULL), seq, skipped;
	char *buf = malloc(size);
	ssize_t n = 0;

	seq = next > EVENTS_SHOWN ? next - EVENTS_SHOWN : 0;
	if (buf && seq < next)
		n = events_read(ev, &seq, buf, size, 0, &skipped);
	for (ssize_t i = 0; i < n; i++)
		if (buf[i] == '\n')
			buf[i] = i + 1 < n ? ',' : ' ';
	fprintf(out, "[%.*s]", n > 0 ? (int)n : 0, buf ? buf : "");
	free(buf);
}

static void status_json(struct api *a, struct page *p)
{
	json_t *stats = stats_json(a->edge, false);
	FILE *out = stats ? text_file_open(&p->text, &p->len) : NULL;

	p->type = "application/json";
	if (!out) {
		json_decref(stats);
		return;
	}
	fprintf(out, "{\"stats\":");
	json_dumpf(stats, out, JSON_COMPACT);
	fprintf(out, ",\"events\":");
	write_events(edge_events(a->edge), out);
	fprintf(out, "}\n");
	json_decref(stats);
	text_file_close(out, &p->text);
}

/* ---- what is the same every time: files beside this one, part of the program ---- */

/* (the file is a part of a string: no parentheses. NOLINTBEGIN(bugprone-macro-parentheses)) */
#define ASSET(name, file)                                                                 \
	__asm__(".pushsection .rodata\n" #name ":\n.incbin \"user/api/" file "\"\n" #name \
		"_end:\n"                                                                 \
		".popsection\n");                                                         \
	extern const char name[], name##_end[]
/* NOLINTEND(bugprone-macro-parentheses) */

ASSET(asset_html, "status.html");
ASSET(asset_css, "status.css");
ASSET(asset_js, "status.js");

static void say_asset(struct page *p, const char *type, const char *start, const char *end)
{
	p->type = type;
	p->len = (size_t)(end - start);
	p->asset = start;
}

static void status_html(struct api *a, struct page *p)
{
	(void)a;
	say_asset(p, "text/html; charset=utf-8", asset_html, asset_html_end);
}

static void status_css(struct api *a, struct page *p)
{
	(void)a;
	say_asset(p, "text/css; charset=utf-8", asset_css, asset_css_end);
}

static void status_js(struct api *a, struct page *p)
{
	(void)a;
	say_asset(p, "text/javascript; charset=utf-8", asset_js, asset_js_end);
}

static const struct {
	const char *path;
	void (*make)(struct api *a, struct page *p);
} pages[] = {
	{"/", status_html},	    {"/status.css", status_css},
	{"/status.js", status_js},  {"/status.json", status_json},
	{"/metrics", metrics_page}, {"/healthz", health_page},
	{"/readyz", ready_page},
};

/*
 * A web page elsewhere may have a name of its own for a loopback address, and read what is there by
 * the browser of who is on this machine (DNS rebinding): where only this machine is served, it must
 * have been asked for as such.
 */
static bool is_asked_for(struct api *a, struct MHD_Connection *conn)
{
	const char *host = MHD_lookup_connection_value(conn, MHD_HEADER_KIND, "Host");
	char name[NAME_MAX], text[NAME_MAX + 4];
	static const char own[] = ".localhost";
	struct sockaddr_storage sa;
	struct edge_status s;
	socklen_t len;

	edge_status(a->edge, &s);
	if (!host || addr_parse(s.http, &sa, &len) || !addr_is_loopback(&sa))
		return true;
	snprintf(text, sizeof(text), "%.200s:80", host);
	if (!addr_parse(host, &sa, &len) || !addr_parse(text, &sa, &len))
		return true; /* an address has no DNS */
	len = (socklen_t)snprintf(name, sizeof(name), ".%.*s", (int)strcspn(host, ":"), host);
	return len < sizeof(name) && len >= strlen(own) &&
	       !strcasecmp(name + len - strlen(own), own);
}

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
	say(p, 404, "there are /, /status.json, /metrics, /healthz and /readyz\n");
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
	room_end(&((struct api *)arg)->http_room, conn); /* it is the last that makes room again */
	if (is_asked_for(arg, conn))
		make_page(arg, url, method, &p);
	else
		say(&p, 421,
		    "this listens on a loopback address: ask for localhost or the address\n");
	if (!p.text && !p.asset)
		return MHD_NO;
	if (p.asset)
		response = MHD_create_response_from_buffer(p.len, (void *)p.asset,
							   MHD_RESPMEM_PERSISTENT);
	else
		response = MHD_create_response_from_buffer(p.len, p.text, MHD_RESPMEM_MUST_FREE);
	if (!response) {
		free(p.text);
		return MHD_NO;
	}
	MHD_add_response_header(response, "Content-Type", p.type);
	MHD_add_response_header(response, "Cache-Control", "no-store");
	MHD_add_response_header(response, "X-Content-Type-Options", "nosniff");
	MHD_add_response_header(response, "Content-Security-Policy", POLICY);
	MHD_add_response_header(response, "Referrer-Policy", "no-referrer");
	if (p.status == 405)
		MHD_add_response_header(response, "Allow", "GET, HEAD");
	res = MHD_queue_response(conn, p.status, response);
	MHD_destroy_response(response);
	return res;
}
