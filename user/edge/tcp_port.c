// SPDX-License-Identifier: GPL-2.0-only
#include "tcp_port.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "config_tcp.h"
#include "edge_private.h"
#include "listener.h"
#include "privileged.h"
#include "takeover.h"

#define ALREADY_ONLINE 334

struct tcp_port {
	struct tcp_ports *owner;
	struct list link;
	unsigned port, refs;
	unsigned joined; /* of <listeners>: the workers' */
	char host[ENDPOINT_NAME_MAX];
	unsigned n;
	struct listener **listeners; /* n_workers of each address */
};

struct tcp_ports {
	struct edge *edge;
	pthread_mutex_t lock;
	struct list all;
	bool stopped;
	unsigned next; /* where to look for a free one */
};

struct tcp_ports *tcp_ports_new(struct edge *g)
{
	struct tcp_ports *t = calloc(1, sizeof(*t));
	uint16_t start;

	if (!t)
		return NULL;
	t->edge = g;
	pthread_mutex_init(&t->lock, NULL);
	list_init(&t->all);
	if (getrandom(&start, sizeof(start), 0) == sizeof(start))
		t->next = start;
	return t;
}

void tcp_ports_stop(struct tcp_ports *t)
{
	if (!t)
		return;
	pthread_mutex_lock(&t->lock);
	t->stopped = true;
	pthread_mutex_unlock(&t->lock);
}

void tcp_ports_free(struct tcp_ports *t)
{
	if (!t)
		return;
	pthread_mutex_destroy(&t->lock);
	free(t);
}

static struct tcp_port *find(struct tcp_ports *t, unsigned port)
{
	struct list *it;

	list_for_each(it, &t->all)
		if (list_of(it, struct tcp_port, link)->port == port)
			return list_of(it, struct tcp_port, link);
	return NULL;
}

/* ---- one port ---- */

static void close_port(struct tcp_port *p)
{
	struct edge *g = p->owner->edge;

	for (unsigned i = 0; i < p->n; i++) {
		struct listener *l = p->listeners[i];

		if (i >= p->joined) {
			listener_free(l);
		} else if (!p->owner->stopped) {
			/* at once for clients, and for whoever binds the port next; the descriptor
			 * is the worker's to close */
			shutdown(l->fd, SHUT_RDWR);
			worker_post(&g->workers[i % g->n_workers], listener_leave, l);
		}
	}
	list_del(&p->link);
	free(p->listeners);
	free(p);
}

static int open_one(struct tcp_port *p, const struct config_addr *a, struct fault *f)
{
	struct edge *g = p->owner->edge;
	int fd = takeover_listener(g->takeover, HANDOVER_USE_TCP, a->text, p->n % g->n_workers);

	if (fd == -1)
		fd = privileged_listen(g->privileged, a, g->kern != NULL);
	if (fd < 0)
		return fault_set(f, fd == -EADDRINUSE ? 409 : 503, 0, "url",
				 "cannot listen on %s: %s", a->text, strerror(-fd));
	p->listeners[p->n] = listener_new_tcp(p->host, fd);
	if (p->listeners[p->n]) {
		snprintf(p->listeners[p->n]->text, sizeof(p->listeners[p->n]->text), "%s", a->text);
		p->n++;
		return 0;
	}
	close(fd);
	return fault_set(f, 500, 0, "url", "out of memory");
}

/* Of the configuration in force.  How many, or -1 with <f>: no endpoint here may be <host>. */
static int addrs_of(struct tcp_ports *t, const char *host,
		    struct config_addr ret_addrs[CONFIG_TCP_LISTEN_MAX], struct fault *f)
{
	struct edge *g = t->edge;
	int n;

	pthread_mutex_lock(&g->config_lock);
	n = config_tcp_addrs(g->config, host, ret_addrs, f);
	pthread_mutex_unlock(&g->config_lock);
	return n;
}

/* One for every worker and address. */
static int open_port(struct tcp_port *p, const struct config_addr *addrs, int n, struct fault *f)
{
	struct edge *g = p->owner->edge;
	char why[200];
	int err;

	p->listeners = calloc((size_t)n * g->n_workers, sizeof(*p->listeners));
	if (!p->listeners)
		return fault_set(f, 500, 0, "url", "out of memory");
	for (int i = 0; i < n; i++) {
		err = takeover_has_listener(g->takeover, HANDOVER_USE_TCP, addrs[i].text)
			      ? 0
			      : privileged_probe(g->privileged, &addrs[i], why, sizeof(why));
		/* no IPv6 on this machine: the other addresses serve */
		if ((err == -EAFNOSUPPORT || err == -EADDRNOTAVAIL) && n > 1)
			continue;
		if (err)
			return fault_set(f, err == -EADDRINUSE ? 409 : 503, 0, "url", "%s", why);
		for (unsigned w = 0; w < g->n_workers; w++)
			if (open_one(p, &addrs[i], f))
				return -1;
	}
	return p->n ? 0
		    : fault_set(f, 503, 0, "url", "none of the addresses of tcp.listen is there");
}

static struct tcp_port *port_new(struct tcp_ports *t, const char *host, unsigned port,
				 const struct config_addr *addrs, int n, struct fault *f)
{
	struct tcp_port *p = calloc(1, sizeof(*p));

	if (!p) {
		fault_set(f, 500, 0, "url", "out of memory");
		return NULL;
	}
	p->owner = t;
	p->refs = 1;
	p->port = port;
	snprintf(p->host, sizeof(p->host), "%s", host);
	list_init(&p->link);
	if (open_port(p, addrs, n, f)) {
		close_port(p);
		return NULL;
	}
	list_add_tail(&t->all, &p->link);
	return p;
}

struct tcp_port *tcp_port_get(struct tcp_ports *t, const char *host, struct fault *f)
{
	struct config_addr addrs[CONFIG_TCP_LISTEN_MAX];
	char name[ENDPOINT_NAME_MAX];
	struct tcp_port *p;
	unsigned port = 0;
	int n;

	/* first: what may never be is not "taken", whoever has the port.  But a port that is open
	 * stays its endpoint's when a reload leaves it out. */
	n = addrs_of(t, host, addrs, f);
	endpoint_tcp_split(host, name, &port);
	pthread_mutex_lock(&t->lock);
	p = find(t, port);
	if (n < 0 && (!p || strcmp(p->host, host))) {
		p = NULL;
	} else if (p && strcmp(p->host, host)) {
		fault_set(f, 409, ALREADY_ONLINE, "url",
			  "port %u is taken by %s; a port has one endpoint", port, p->host);
		p = NULL;
	} else if (p) {
		p->refs++;
	} else {
		p = port_new(t, host, port, addrs, n, f);
	}
	pthread_mutex_unlock(&t->lock);
	return p;
}

int tcp_port_accept(struct tcp_port *p)
{
	struct edge *g = p->owner->edge;
	int err = 0;

	pthread_mutex_lock(&p->owner->lock);
	while (p->joined < p->n && !err) {
		err = worker_post(&g->workers[p->joined % g->n_workers], listener_join,
				  p->listeners[p->joined]);
		p->joined += !err;
	}
	pthread_mutex_unlock(&p->owner->lock);
	return err;
}

void tcp_port_put(struct tcp_port *p)
{
	struct tcp_ports *t = p ? p->owner : NULL;

	if (!p)
		return;
	pthread_mutex_lock(&t->lock);
	if (!--p->refs)
		close_port(p);
	pthread_mutex_unlock(&t->lock);
}

/* ---- choosing one ---- */

static bool is_free(struct tcp_ports *t, const struct config *c, unsigned port)
{
	struct config_addr addrs[CONFIG_TCP_LISTEN_MAX];
	char host[ENDPOINT_NAME_MAX], why[200];
	int n, err;

	if (find(t, port))
		return false;
	snprintf(host, sizeof(host), "tcp://%.240s:%u", config_tcp_host(c), port);
	n = config_tcp_addrs(c, host, addrs, NULL);
	for (int i = 0; i < n; i++) {
		err = privileged_probe(t->edge->privileged, &addrs[i], why, sizeof(why));
		if (err && err != -EAFNOSUPPORT && err != -EADDRNOTAVAIL)
			return false;
	}
	return n > 0;
}

/* Never the same one soon: two who ask at the same time get two. */
static unsigned choose(struct tcp_ports *t, const struct config *c)
{
	unsigned n = c->tcp.first ? c->tcp.last - c->tcp.first + 1U : 0;

	for (unsigned i = 0; i < n; i++) {
		unsigned port = c->tcp.first + t->next++ % n;

		if (is_free(t, c, port))
			return port;
	}
	return 0;
}

int tcp_ports_complete(struct tcp_ports *t, struct endpoint_spec *s, struct fault *f)
{
	const char *url = endpoint_spec_value(s, FIELD_ID_URL);
	struct edge *g = t->edge;
	char host[ENDPOINT_NAME_MAX], *whole = NULL;
	bool none, has_host;
	unsigned port = 0;
	int err;

	if (!url || endpoint_tcp_split(url, host, &port) || (*host && port))
		return 0;
	pthread_mutex_lock(&t->lock);
	pthread_mutex_lock(&g->config_lock);
	none = !g->config->tcp.first;
	has_host = *host;
	if (!port)
		port = choose(t, g->config);
	if (port && asprintf(&whole, strchr(host, ':') ? "tcp://[%s]:%u" : "tcp://%s:%u",
			     has_host ? host : config_tcp_host(g->config), port) < 0)
		whole = NULL;
	pthread_mutex_unlock(&g->config_lock);
	pthread_mutex_unlock(&t->lock);
	if (none)
		return fault_set(f, 400, 249, "url", "this edge has no TCP endpoints (tcp: none)");
	if (!port)
		return fault_set(f, 503, 0, "url", "no port of tcp.ports is free");
	if (!whole)
		return fault_set(f, 500, 0, "url", "out of memory");
	err = endpoint_spec_replace(s, FIELD_ID_URL, whole);
	free(whole);
	return err ? fault_set(f, 500, 0, "url", "out of memory") : 0;
}
