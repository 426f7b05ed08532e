// SPDX-License-Identifier: GPL-2.0-only
/*
 * reload - the file again: everything is checked first, then applied; a bad
 * file changes nothing.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "edge_private.h"
#include "edge_tls.h"
#include "guard.h"
#include "log.h"
#include "text_file.h"

static bool same_text(const char *a, const char *b)
{
	return !strcmp(a ? a : "", b ? b : "");
}

static bool same_tcp(const struct config *a, const struct config *b)
{
	if (a->tcp.first != b->tcp.first || a->tcp.last != b->tcp.last ||
	    a->tcp.n_listen != b->tcp.n_listen || !same_text(a->tcp.host, b->tcp.host))
		return false;
	for (unsigned i = 0; i < a->tcp.n_listen; i++)
		if (!same_text(a->tcp.listen[i].text, b->tcp.listen[i].text))
			return false;
	return true;
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
	if (a->sandbox != b->sandbox)
		return "sandbox";
	if (a->workers != b->workers)
		return "workers";
	if (!same_text(a->state_dir, b->state_dir))
		return "state_dir";
	if (!same_text(a->control_socket, b->control_socket) ||
	    !same_text(a->control_group, b->control_group) || a->control_mode != b->control_mode)
		return "control";
	if (a->tls.min_version != b->tls.min_version)
		return "tls.min_version";
	if (a->tls.max_version != b->tls.max_version)
		return "tls.max_version";
	if (!same_text(a->base_domain, b->base_domain))
		return "base_domain";
	if (a->http.len != b->http.len || memcmp(&a->http.sa, &b->http.sa, a->http.len))
		return "http";
	if (a->tunnel.len != b->tunnel.len || memcmp(&a->tunnel.sa, &b->tunnel.sa, a->tunnel.len))
		return "tunnel";
	if (a->ssh.len != b->ssh.len || memcmp(&a->ssh.sa, &b->ssh.sa, a->ssh.len))
		return "ssh";
	if (!same_tcp(a, b))
		return "tcp";
	if (a->limits.connections != b->limits.connections)
		return "limits.connections";
	return NULL;
}

static int check(struct edge *g, const struct config *c, struct fault *f)
{
	struct sockaddr_storage sa[1];
	struct endpoint_target t;
	struct endpoint *e;
	socklen_t len[1];
	bool was_fine;
	unsigned i;

	for (i = 0; i < c->n_endpoints; i++) {
		const struct endpoint_spec *s = &c->endpoints[i];

		e = registry_find(g->registry, endpoint_spec_value(s, FIELD_ID_URL));
		if (e && e->origin == ENDPOINT_API &&
		    !(endpoint_spec_is(&e->spec, FIELD_ID_POOLING_ENABLED) &&
		      endpoint_spec_is(s, FIELD_ID_POOLING_ENABLED))) {
			fault_set(f, 409, 334, "endpoints",
				  "%s:%u: %s is already online as %s, "
				  "registered over the API; remove one of them",
				  c->file, s->line, endpoint_spec_value(s, FIELD_ID_URL), e->id);
			endpoint_put(e);
			return -1;
		}
		was_fine = e && same_text(endpoint_spec_value(&e->spec, FIELD_ID_UPSTREAM),
					  endpoint_spec_value(s, FIELD_ID_UPSTREAM));
		endpoint_put(e);
		for (unsigned n = 0; !was_fine && !endpoint_spec_target(s, n, &t); n++)
			if (addr_resolve(t.text, sa, len, 1) < 0)
				return fault_set(f, 400, 0, "upstream",
						 "%s:%u: upstream %s does not resolve", c->file,
						 s->line, t.text);
	}
	return 0;
}

/* A file that was there is to stay: its end would be the end of all its endpoints. */
static struct config *read_again(const struct config *now, FILE *err)
{
	return now->file ? config_read(now->file, err) : config_read_if_there(now->missing, err);
}

/* As a start names it. */
static void name_endpoint(const struct config *c, unsigned i, struct fault *f)
{
	struct fault why = *f;

	fault_set(f, why.status, why.code, "", "%s:%u: endpoints[%u]%s%s: %s", c->file,
		  c->endpoints[i].line, i, *why.field ? "." : "", why.field, why.msg);
}

/* What is wrong with the file, in whole lines; where they are too many, who tells them all. */
static void tell_mistakes(const char *text, struct fault *f)
{
	static const char more[] = "\n(there is more: snisplitd --check)";
	size_t len = strlen(text), fits = sizeof(f->msg) - sizeof(more);

	while (len && text[len - 1] == '\n')
		len--;
	if (len < sizeof(f->msg)) {
		fault_set(f, 400, 0, "", "%.*s", (int)len, text);
		return;
	}
	for (len = fits; len && text[len] != '\n';)
		len--;
	fault_set(f, 400, 0, "", "%.*s%s", (int)(len ?: fits), text, more);
}

static int reload(struct edge *g, struct fault *f)
{
	struct config *c, *old;
	char *text = NULL;
	const char *key;
	size_t len = 0;
	unsigned i;
	FILE *err;
	int ret = -1;

	pthread_mutex_lock(&g->reload_lock);
	err = text_file_open(&text, &len);
	c = err ? read_again(g->config, err) : NULL;
	text_file_close(err, &text);
	if (!c) {
		tell_mistakes(text && *text ? text : "out of memory", f);
		goto out;
	}
	key = needs_restart(g->config, c);
	if (key) {
		fault_set(f, 400, 0, key,
			  "%s: %s has changed, which needs a restart; nothing was "
			  "reloaded",
			  c->file ? c->file : "config", key);
		goto out;
	}
	if (check(g, c, f))
		goto out;
	guard_take_config(g->guard, c);
	if (events_set(g->events, EVENTS_OF_FILE, c->events, c->n_events, f)) {
		guard_take_config(g->guard, NULL);
		goto out;
	}
	/* in one step: a name whose endpoint changes is never offline */
	if (registry_sync(g->registry, c->endpoints, c->n_endpoints, &i, f)) {
		if (i < c->n_endpoints)
			name_endpoint(c, i, f);
		events_set(g->events, EVENTS_OF_FILE, g->config->events, g->config->n_events, NULL);
		guard_take_config(g->guard, NULL);
		goto out;
	}
	guard_keep_config(g->guard);
	config_forget_endpoints(c);
	edge_tls_reload(g, c);
	pthread_mutex_lock(&g->config_lock);
	old = g->config;
	g->config = c;
	pthread_mutex_unlock(&g->config_lock);
	for (i = 0; i < g->n_workers; i++)
		worker_call(&g->workers[i], worker_take_config, c);
	if (c->file)
		log_info("reloaded %s", c->file);
	else
		log_info("reloaded the defaults: there is still no %s", c->missing);
	c = old;
	ret = 0;
out:
	pthread_mutex_unlock(&g->reload_lock);
	config_free(c);
	free(text);
	return ret;
}

/* ---- who does it ---- */

struct reload_ask {
	struct fault *fault;
	int err;
	bool done;
};

/* In the main thread: for itself, and for one that has asked. */
static int reload_here(struct edge *g, struct fault *f)
{
	struct reload_ask *ask;
	int err;

	pthread_mutex_lock(&g->config_lock);
	ask = g->reload_ask;
	pthread_mutex_unlock(&g->config_lock);
	err = reload(g, f);
	pthread_mutex_lock(&g->config_lock);
	if (ask) {
		ask->err = err;
		*ask->fault = *f;
		ask->done = true;
		g->reload_ask = NULL;
		pthread_cond_broadcast(&g->reload_done);
	}
	pthread_mutex_unlock(&g->config_lock);
	return ask ? 0 : err;
}

/* Other threads do not reach all files, and have no capability: main is told, and waited for. */
static int reload_by_main(struct edge *g, struct fault *f)
{
	struct reload_ask ask = {.fault = f};
	struct timespec until;

	pthread_mutex_lock(&g->config_lock);
	while (!ask.done && !g->draining) {
		if (!g->reload_ask) {
			g->reload_ask = &ask;
			pthread_kill(g->main_thread, SIGHUP);
		}
		clock_gettime(CLOCK_MONOTONIC, &until);
		until.tv_sec++; /* to see <draining> */
		pthread_cond_clockwait(&g->reload_done, &g->config_lock, CLOCK_MONOTONIC, &until);
	}
	if (g->reload_ask == &ask)
		g->reload_ask = NULL;
	pthread_mutex_unlock(&g->config_lock);
	return ask.done ? ask.err : fault_set(f, 503, 0, "", "this snisplitd is ending");
}

int edge_reload(struct edge *g, struct fault *f)
{
	return pthread_equal(pthread_self(), g->main_thread) ? reload_here(g, f)
							     : reload_by_main(g, f);
}
