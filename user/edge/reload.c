// SPDX-License-Identifier: GPL-2.0-only
/*
 * reload - the file again: everything is checked first, then applied; a bad
 * file changes nothing.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "edge_private.h"
#include "log.h"
#include "name.h"

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

/* What only a restart can change, by name. */
static const char *needs_restart(const struct config *a, const struct config *b)
{
	unsigned i;

	if (a->n_listen != b->n_listen)
		return "listen";
	for (i = 0; i < a->n_listen; i++)
		if (a->listen[i].len != b->listen[i].len ||
		    memcmp(&a->listen[i].sa, &b->listen[i].sa, a->listen[i].len))
			return "listen";
	if (a->datapath != b->datapath)
		return "datapath";
	if (a->workers != b->workers)
		return "workers";
	if (!same_text(a->state_dir, b->state_dir))
		return "state_dir";
	if (!same_text(a->control_socket, b->control_socket) ||
	    !same_text(a->control_group, b->control_group) || a->control_mode != b->control_mode)
		return "control";
	if (a->http.len != b->http.len || memcmp(&a->http.sa, &b->http.sa, a->http.len))
		return "http";
	if (a->limits.connections != b->limits.connections)
		return "limits.connections";
	return NULL;
}

static const char *host_of(const struct endpoint_spec *s)
{
	return strncmp(s->url, "tls://", 6) ? s->url : s->url + 6;
}

/* Of the running ones, the one <s> describes; a reference. */
static struct endpoint *running(struct edge *g, const struct endpoint_spec *s)
{
	char key[NAME_KEY_LEN], host[300];
	const char *why;

	snprintf(host, sizeof(host), "%s", host_of(s));
	host[strcspn(host, ":")] = '\0';
	if (name_normalise(host, key, true, &why) < 0)
		return NULL;
	return registry_find(g->registry, key);
}

static bool is_same(const struct endpoint *e, const struct endpoint_spec *s)
{
	static const char *const datapaths[] = { "auto", "kernel", "userspace" };

	return same_text(e->upstream, s->upstream) && same_text(e->label, s->name) &&
	       same_text(e->description, s->description) && same_text(e->metadata, s->metadata) &&
	       same_text(datapaths[e->datapath], s->datapath ? s->datapath : "auto");
}

static int check(struct edge *g, const struct config *c, struct fault *f)
{
	struct sockaddr_storage sa[1];
	struct endpoint *e;
	socklen_t len[1];
	unsigned i;

	for (i = 0; i < c->n_endpoints; i++) {
		const struct endpoint_spec *s = &c->endpoints[i];

		e = running(g, s);
		if (e && e->origin == ENDPOINT_API) {
			fault_set(f, 409, 334, "endpoints", "%s:%u: %s is already online as %s, "
				  "registered over the API; remove one of them", c->file, s->line,
				  s->url, e->id);
			endpoint_put(e);
			return -1;
		}
		endpoint_put(e);
		if (addr_resolve(s->upstream, sa, len, 1) < 0)
			return fault_set(f, 400, 0, "upstream", "%s:%u: upstream %s does not resolve",
					 c->file, s->line, s->upstream);
	}
	return 0;
}

struct stale {
	struct edge *edge;
	const struct config *config;
	char (*ids)[ENDPOINT_ID_MAX];
	size_t n;
};

static int find_stale(void *arg, struct endpoint *e)
{
	struct stale *t = arg;
	unsigned i;

	if (e->origin != ENDPOINT_FILE)
		return 0;
	for (i = 0; i < t->config->n_endpoints; i++) {
		char key[NAME_KEY_LEN], host[300];
		const char *why;

		snprintf(host, sizeof(host), "%s", host_of(&t->config->endpoints[i]));
		host[strcspn(host, ":")] = '\0';
		if (name_normalise(host, key, true, &why) > 0 && !strcmp(key, e->host) &&
		    is_same(e, &t->config->endpoints[i]))
			return 0;
	}
	memcpy(t->ids[t->n++], e->id, ENDPOINT_ID_MAX);
	return 0;
}

static void apply_endpoints(struct edge *g, const struct config *c)
{
	struct stale t = { .edge = g, .config = c };
	struct endpoint *e;
	struct fault f;
	unsigned i;
	size_t j;

	t.ids = calloc(registry_count(g->registry) + 1, sizeof(*t.ids));
	if (t.ids)
		registry_each(g->registry, find_stale, &t);
	for (j = 0; j < t.n; j++)
		registry_remove(g->registry, t.ids[j], &f);
	free(t.ids);
	for (i = 0; i < c->n_endpoints; i++) {
		e = running(g, &c->endpoints[i]);
		if (e) {
			endpoint_put(e);
			continue;
		}
		if (registry_add(g->registry, &c->endpoints[i], NULL, NULL, NULL, &f))
			log_err("%s:%u: %s", c->file, c->endpoints[i].line, f.msg);
	}
}

static void take_config(struct worker *w, void *arg)
{
	w->config = arg;
}

int edge_reload(struct edge *g, struct fault *f)
{
	struct config *c, *old;
	char *text = NULL;
	const char *key;
	size_t len = 0;
	unsigned i;
	FILE *err;
	int ret = -1;

	pthread_mutex_lock(&g->reload_lock);
	err = open_memstream(&text, &len);
	c = err ? config_read(g->config->file, err) : NULL;
	if (err)
		fclose(err);
	if (!c) {
		fault_set(f, 400, 0, "", "%s", text && *text ? text : "out of memory");
		goto out;
	}
	key = needs_restart(g->config, c);
	if (key) {
		fault_set(f, 400, 0, key, "%s: %s has changed, which needs a restart; nothing was "
			  "reloaded", c->file ? c->file : "config", key);
		goto out;
	}
	if (check(g, c, f))
		goto out;
	if (events_set_files(g->events, c->event_files, c->n_event_files)) {
		fault_set(f, 400, 0, "events", "an event file cannot be opened; see the log");
		goto out;
	}
	old = g->config;
	g->config = c;
	for (i = 0; i < g->n_workers; i++)
		worker_call(&g->workers[i], take_config, c);
	apply_endpoints(g, c);
	log_info("reloaded %s", c->file ? c->file : "(no file)");
	c = old;
	ret = 0;
out:
	pthread_mutex_unlock(&g->reload_lock);
	config_free(c);
	free(text);
	return ret;
}
