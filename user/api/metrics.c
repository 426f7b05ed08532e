// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "certs.h"
#include "edge.h"
#include "text_file.h"
#include "tunnel.h"

/* What the endpoints of one name have done together: they may share it, a label may not. */
struct name {
	struct endpoint *e; /* one of them, a reference */
	uint64_t total, failed, in_kernel, in_user, out_kernel, out_user, warm;
	uint64_t active_by[CLOSE_DP_USERSPACE + 1];
};

/* Values of one family are written together, so each family walks the names. */
struct walk {
	FILE *out;
	struct edge *edge;
	struct name *names;
	size_t n, room;
	const char *group; /* of the counters being written */
	const char *metric;
	const char *label;
};

static void family(FILE *out, const char *name, const char *type, const char *help)
{
	fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* ---- the names ---- */

static int add_endpoint(void *arg, struct endpoint *e)
{
	struct endpoint_stats *t = e->stats;
	struct walk *w = arg;
	struct name *more;

	if (w->n == w->room) {
		more = realloc(w->names, (w->room * 2 + 64) * sizeof(*more));
		if (!more)
			return -1;
		w->names = more;
		w->room = w->room * 2 + 64;
	}
	more = &w->names[w->n++];
	*more = (struct name){
		.e = endpoint_get(e),
		.total = atomic_load(&t->conns_total),
		.failed = atomic_load(&t->conns_failed),
		.in_kernel = atomic_load(&t->in_kernel),
		.in_user = atomic_load(&t->in_user),
		.out_kernel = atomic_load(&t->out_kernel),
		.out_user = atomic_load(&t->out_user),
		.warm = atomic_load(&e->warm_held),
	};
	for (int d = CLOSE_DP_NONE; d <= CLOSE_DP_USERSPACE; d++)
		more->active_by[d] = atomic_load(&t->active_by[d]);
	return 0;
}

static int by_host(const void *a, const void *b)
{
	return strcmp(((const struct name *)a)->e->host, ((const struct name *)b)->e->host);
}

static void add_name(struct name *to, const struct name *from)
{
	to->total += from->total;
	to->failed += from->failed;
	to->in_kernel += from->in_kernel;
	to->in_user += from->in_user;
	to->out_kernel += from->out_kernel;
	to->out_user += from->out_user;
	to->warm += from->warm;
	for (int d = CLOSE_DP_NONE; d <= CLOSE_DP_USERSPACE; d++)
		to->active_by[d] += from->active_by[d];
	endpoint_put(from->e);
}

/* Those of one name together.  0 or -1: out of memory. */
static int collect_names(struct walk *w)
{
	size_t kept = 0;

	if (registry_each(edge_registry(w->edge), add_endpoint, w))
		return -1;
	if (w->n)
		qsort(w->names, w->n, sizeof(*w->names), by_host);
	for (size_t i = 1; i < w->n; i++) {
		if (by_host(&w->names[kept], &w->names[i]))
			w->names[++kept] = w->names[i];
		else
			add_name(&w->names[kept], &w->names[i]);
	}
	w->n = w->n ? kept + 1 : 0;
	return 0;
}

static void free_names(struct walk *w)
{
	while (w->n)
		endpoint_put(w->names[--w->n].e);
	free(w->names);
}

/* ---- per name; a host name needs no escaping in a label ---- */

static void connections_total(struct walk *w, const struct name *n)
{
	fprintf(w->out, "snisplit_connections_total{endpoint=\"%s\",result=\"ok\"} %" PRIu64 "\n",
		n->e->host, n->total > n->failed ? n->total - n->failed : 0);
	fprintf(w->out,
		"snisplit_connections_total{endpoint=\"%s\",result=\"failed\"} %" PRIu64 "\n",
		n->e->host, n->failed);
}

static void bytes_of(struct walk *w, const struct name *n, const char *direction,
		     const char *datapath, uint64_t value)
{
	fprintf(w->out,
		"snisplit_bytes_total{endpoint=\"%s\",direction=\"%s\",datapath=\"%s\"} %" PRIu64
		"\n",
		n->e->host, direction, datapath, value);
}

static void bytes_total(struct walk *w, const struct name *n)
{
	bytes_of(w, n, "in", "kernel", n->in_kernel);
	bytes_of(w, n, "in", "userspace", n->in_user);
	bytes_of(w, n, "out", "kernel", n->out_kernel);
	bytes_of(w, n, "out", "userspace", n->out_user);
}

static void pool_idle(struct walk *w, const struct name *n)
{
	fprintf(w->out, "snisplit_pool_idle{endpoint=\"%s\"} %" PRIu64 "\n", n->e->host, n->warm);
}

static void connections_active(struct walk *w, const struct name *n)
{
	for (int d = CLOSE_DP_NONE; d <= CLOSE_DP_USERSPACE; d++)
		if (n->active_by[d] || d == CLOSE_DP_KERNEL)
			fprintf(w->out,
				"snisplit_connections_active{endpoint=\"%s\",datapath=\"%s\"} "
				"%" PRIu64 "\n",
				n->e->host, event_datapath_name((enum close_datapath)d),
				n->active_by[d]);
}

/* Of each endpoint, not of each name: it has the id. */
static int upstream_up(void *arg, struct endpoint *e)
{
	struct walk *w = arg;

	if (!e->check_ms)
		return 0;
	for (struct endpoint *t = e; t; t = t->next_target)
		fprintf(w->out,
			"snisplit_upstream_up{endpoint=\"%s\",id=\"%s\",upstream=\"%s\"} %d\n",
			e->host, e->id, t->upstream, !atomic_load(&t->dead));
	return 0;
}

/* ---- counters of the edge: a metric for each group, a label for each name ---- */

static int write_counter(void *arg, const struct edge_counter *c)
{
	struct walk *w = arg;

	if (!strcmp(c->group, w->group))
		fprintf(w->out, "%s{%s=\"%s\"} %" PRIu64 "\n", w->metric, w->label, c->name,
			c->value);
	return 0;
}

/* Groups in their order; at most as many as fit. */
struct groups {
	const char *names[32];
	unsigned n;
};

static int collect_group(void *arg, const struct edge_counter *c)
{
	struct groups *g = arg;

	for (unsigned i = 0; i < g->n; i++)
		if (!strcmp(g->names[i], c->group))
			return 0;
	if (g->n < sizeof(g->names) / sizeof(g->names[0]))
		g->names[g->n++] = c->group;
	return 0;
}

static void counters(struct walk *w)
{
	static const struct {
		const char *group, *name, *label, *help;
	} known[] = {
		{"verdict", "verdict", "reason", "What the kernel programs decided."},
		{"hello", "hello", "result", "How ClientHellos ended."},
		{"tls", "tls_handshakes", "result", "How TLS handshakes ended."},
	};
	struct groups groups = {.n = 0};
	char metric[64];

	edge_counters(w->edge, collect_group, &groups);
	for (unsigned i = 0; i < groups.n; i++) {
		const char *help = "Counters of this group, by reason; see snisplit status -v.";
		const char *name = groups.names[i];

		w->group = name;
		w->label = "reason";
		for (size_t k = 0; k < sizeof(known) / sizeof(known[0]); k++) {
			if (strcmp(known[k].group, w->group))
				continue;
			name = known[k].name;
			w->label = known[k].label;
			help = known[k].help;
		}
		snprintf(metric, sizeof(metric), "snisplit_%.40s_total", name);
		w->metric = metric;
		family(w->out, metric, "counter", help);
		edge_counters(w->edge, write_counter, w);
	}
}

static void each(struct walk *w, const char *name, const char *type, const char *help,
		 void (*write)(struct walk *w, const struct name *n))
{
	family(w->out, name, type, help);
	for (size_t i = 0; i < w->n; i++)
		write(w, &w->names[i]);
}

/* ---- how long things take ---- */

static void histogram(FILE *out, const char *name, const char *help,
		      const struct histogram_total *t)
{
	uint64_t below = 0;

	family(out, name, "histogram", help);
	for (int i = 0; i < HISTOGRAM_BUCKETS; i++) {
		below += t->in[i];
		fprintf(out, "%s_bucket{le=\"%g\"} %" PRIu64 "\n", name,
			(double)histogram_le_us[i] / 1e6, below);
	}
	fprintf(out, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n", name, t->count);
	fprintf(out, "%s_sum %.6f\n%s_count %" PRIu64 "\n", name, (double)t->sum_us / 1e6, name,
		t->count);
}

static void times(struct walk *w)
{
	struct histogram_total connect, handshake;

	edge_times(w->edge, &connect, &handshake);
	histogram(w->out, "snisplit_upstream_connect_seconds",
		  "From dialling an upstream for a client to the connection.", &connect);
	histogram(w->out, "snisplit_tls_handshake_seconds",
		  "TLS handshakes with clients that were completed.", &handshake);
}

/* ---- events and certificates; an address or a file may have bytes that a label must not ---- */

static void label_value(FILE *out, const char *text)
{
	for (; *text; text++) {
		if (*text == '\n')
			fputs("\\n", out);
		else if (*text == '"' || *text == '\\')
			fprintf(out, "\\%c", *text);
		else
			fputc(*text, out);
	}
}

static int write_expiry(void *arg, const struct certs_item *i)
{
	static const char *const origins[] = {
		[CERTS_UPLOADED] = "uploaded",
		[CERTS_DIRECTORY] = "directory",
		[CERTS_LOCAL] = "local_ca",
	};
	FILE *out = arg;

	fprintf(out, "snisplit_certificate_expiry_timestamp_seconds{origin=\"%s\",where=\"",
		origins[i->origin]);
	label_value(out, i->where);
	fprintf(out, "\",name=\"%s\"} %lld\n", i->name, (long long)i->not_after);
	return 0;
}

static void destination_sample(const struct walk *w, const struct destination_state *s,
			       uint64_t value)
{
	fprintf(w->out, "%s{destination=\"", w->metric);
	label_value(w->out, s->target);
	fprintf(w->out, "\",id=\"%s\"} %" PRIu64 "\n", s->id, value);
}

static int destination_written(void *arg, const struct destination_state *s)
{
	destination_sample(arg, s, s->written);
	return 0;
}

static int destination_lost(void *arg, const struct destination_state *s)
{
	destination_sample(arg, s, s->lost);
	return 0;
}

static int destination_waiting(void *arg, const struct destination_state *s)
{
	destination_sample(arg, s, s->waiting);
	return 0;
}

static void destinations(struct walk *w)
{
	static const struct {
		const char *name, *type, *help;
		int (*write)(void *arg, const struct destination_state *s);
	} of[] = {
		{"snisplit_event_destination_written_total", "counter",
		 "Events that a destination took.", destination_written},
		{"snisplit_event_destination_lost_total", "counter",
		 "Events that a destination missed: too slow, dead, or it refused them.",
		 destination_lost},
		{"snisplit_event_destination_waiting", "gauge",
		 "Events that wait for a destination.", destination_waiting},
	};

	for (size_t i = 0; i < sizeof(of) / sizeof(of[0]); i++) {
		w->metric = of[i].name;
		family(w->out, of[i].name, of[i].type, of[i].help);
		events_each(edge_events(w->edge), of[i].write, w);
	}
}

/* What earlier daemons still have: not in the counters of this one. */
static void earlier(struct walk *w)
{
	struct edge_earlier list[EDGE_EARLIER_MAX];
	unsigned n = edge_earlier(w->edge, list);

	family(w->out, "snisplit_earlier_daemons", "gauge",
	       "Daemons before this one that still have connections.");
	fprintf(w->out, "snisplit_earlier_daemons %u\n", n);
	family(w->out, "snisplit_earlier_connections", "gauge",
	       "Connections that an earlier daemon still has.");
	for (unsigned i = 0; i < n; i++)
		if (list[i].answers)
			fprintf(w->out, "snisplit_earlier_connections{pid=\"%u\"} %" PRIu64 "\n",
				list[i].pid, list[i].conns);
}

char *metrics_text(struct edge *e, size_t *ret_len)
{
	struct walk w = {.edge = e};
	struct edge_status s;
	char *text = NULL;

	edge_account(e);
	edge_status(e, &s);
	w.out = collect_names(&w) ? NULL : text_file_open(&text, ret_len);
	if (!w.out) {
		free_names(&w);
		return NULL;
	}
	family(w.out, "snisplit_build_info", "gauge", "Always 1; what runs is in the labels.");
	fprintf(w.out, "snisplit_build_info{version=\"%s\",datapath=\"%s\"} 1\n", VERSION,
		event_datapath_name(s.datapath));
	family(w.out, "snisplit_start_time_seconds", "gauge", "When the daemon started.");
	fprintf(w.out, "snisplit_start_time_seconds %lld\n", (long long)s.started.tv_sec);
	family(w.out, "snisplit_endpoints", "gauge", "Endpoints online.");
	fprintf(w.out, "snisplit_endpoints %u\n", registry_count(edge_registry(e)));
	each(&w, "snisplit_connections_total", "counter", "Connections by how they ended up.",
	     connections_total);
	each(&w, "snisplit_connections_active", "gauge", "Connections open now.",
	     connections_active);
	earlier(&w);
	each(&w, "snisplit_bytes_total", "counter",
	     "TCP payload from (in) and to (out) clients, by whether it ever entered user space.",
	     bytes_total);
	family(w.out, "snisplit_tunnel_sessions", "gauge", "Sessions of agents.");
	fprintf(w.out, "snisplit_tunnel_sessions %u\n", tunnel_count(edge_tunnel(e)));
	each(&w, "snisplit_pool_idle", "gauge", "Warm upstream connections.", pool_idle);
	family(w.out, "snisplit_upstream_up", "gauge", "Does an upstream pass its health checks?");
	registry_each(edge_registry(e), upstream_up, &w);
	counters(&w);
	times(&w);
	family(w.out, "snisplit_events_emitted_total", "counter", "Closed events made.");
	fprintf(w.out, "snisplit_events_emitted_total %" PRIu64 "\n",
		events_emitted(edge_events(e)));
	family(w.out, "snisplit_events_lost_total", "counter",
	       "Events lost, once for each destination that missed one.");
	fprintf(w.out, "snisplit_events_lost_total %" PRIu64 "\n", events_lost(edge_events(e)));
	destinations(&w);
	family(w.out, "snisplit_certificate_expiry_timestamp_seconds", "gauge",
	       "When a certificate expires: uploaded ones, those of tls.certificates, and those "
	       "the "
	       "local CA has issued since the start.");
	certs_each(edge_certs(e), write_expiry, w.out);
	free_names(&w);
	text_file_close(w.out, &text);
	return text;
}
