// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge.h"
#include "addr.h"
#include "clock.h"
#include "client_ca.h"
#include "credentials.h"
#include "complaint.h"
#include "crowd.h"
#include "edge_cert.h"
#include "edge_open.h"
#include "edge_policy.h"
#include "ip_policy_store.h"
#include "labelled.h"
#include "edge_private.h"
#include "edge_tls.h"
#include "guard.h"
#include "health.h"
#include "join.h"
#include "listener.h"
#include "log.h"
#include "privileged.h"
#include "resolver.h"
#include "sshd.h"
#include "store.h"
#include "takeover.h"
#include "tcp_port.h"
#include "tunnel.h"
#include "upgrade.h"

#define FDS_SPARE 1024
#define REPLAYS 4096

/* ---- start ---- */

/* Two sockets a connection, warm ones and our own. */
static void raise_nofile(const struct config *c)
{
	rlim_t want = (rlim_t)c->limits.connections * 2 + FDS_SPARE + c->pool.max_idle * 64;
	struct rlimit rl;

	if (getrlimit(RLIMIT_NOFILE, &rl) || rl.rlim_cur >= want)
		return;
	if (rl.rlim_max < want) {
		struct rlimit more = {want, want};

		if (!setrlimit(RLIMIT_NOFILE, &more))
			return;
	}
	rl.rlim_cur = rl.rlim_max < want ? rl.rlim_max : want;
	setrlimit(RLIMIT_NOFILE, &rl);
	if (rl.rlim_cur < want)
		log_warn("file descriptors: %lu allowed, limits.connections=%u may need %lu; "
			 "raise LimitNOFILE",
			 (unsigned long)rl.rlim_cur, c->limits.connections, (unsigned long)want);
}

static unsigned workers_of(const struct config *c)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);
	unsigned n = c->workers ? c->workers : cpus > 0 ? (unsigned)cpus : 1;

	return n < WORKERS_MAX ? n : WORKERS_MAX;
}

static uint32_t slots_of(const struct config *c, unsigned n_workers)
{
	return (2 * c->limits.connections + 8192) / n_workers + 1024;
}

/* In test builds: shall the self-test meet the mistake as well? */
static bool mutant_is_tested(void)
{
#ifdef MUTANT
	const char *word = getenv("SNISPLIT_SELFTEST");

	return word && !strcmp(word, "mutant");
#else
	return false;
#endif
}

static int open_kernel(struct edge *g, enum datapath want, char *why, size_t why_size)
{
	struct kern_opts o = {
		.n_workers = g->n_workers,
		.pools = EDGE_POOLS,
		.groups = EDGE_GROUPS,
		.endpoints = EDGE_ENDPOINTS,
		.policies = EDGE_POLICY_ENTRIES,
		.hard = JOIN_HARD,
		.mutant = g->mutant,
		.selftest_mutant = mutant_is_tested() ? g->mutant : MUTANT_NONE,
		.lock_fd = takeover_lock_fd(g->takeover),
	};
	const struct config *c = g->config;
	unsigned i, j, n = 0;
	int err;

	if (want == DATAPATH_USERSPACE) {
		snprintf(g->datapath_why, sizeof(g->datapath_why),
			 "asked for by datapath: userspace");
		return 0;
	}
	g->slots_a_worker = slots_of(c, g->n_workers);
	g->replays_a_worker = REPLAYS / g->n_workers;
	g->n_pools = EDGE_POOLS;
	o.slots = 1 + g->slots_a_worker * g->n_workers;
	o.replays = 1 + g->replays_a_worker * g->n_workers;
	for (i = 0; i < c->n_listen; i++) {
		uint16_t port = addr_port(&c->listen[i].sa);

		for (j = 0; j < n && o.ports[j] != port; j++)
			;
		if (j == n && n < 15)
			o.ports[n++] = port;
	}
	if (c->tunnel.len) /* channels are accepted too */
		o.ports[n++] = addr_port(&c->tunnel.sa);
	o.first_port = c->tcp.first;
	o.last_port = c->tcp.last;
	err = kern_open(&o, &g->kern, why, why_size);
	if (!err) {
		snprintf(g->datapath_why, sizeof(g->datapath_why),
			 "BPF programs loaded, maps pinned under %s; self-test %s",
			 kern_pin_root(g->kern), kern_selftest(g->kern));
		log_info("self-test of the kernel path: %s", kern_selftest(g->kern));
		return 0;
	}
	if (err == -EBUSY)
		return err;
	if (want == DATAPATH_KERNEL)
		return -ENOTSUP; /* exit code 4, whatever the kernel's word for it */
	log_warn("no kernel datapath: %s; connections are relayed with splice(2)", why);
	snprintf(g->datapath_why, sizeof(g->datapath_why), "%s", why);
	return 0;
}

static int restore_one(void *arg, const struct store_row *e)
{
	struct endpoint_spec s = {.origin = ENDPOINT_API, .may_be_unresolved = true};
	struct endpoint *made = NULL;
	struct edge *g = arg;
	struct fault f;
	int err = 0;

	for (unsigned i = 0; i < e->n_fields && !err; i++) {
		const struct field *fd = field_find(e->fields[i].name);

		err = endpoint_spec_set(&s, e->fields[i].name, fd ? fd->kind : FIELD_OTHER,
					e->fields[i].value, &f);
	}
	if (!err)
		err = registry_add(g->registry, &s, e->id, &e->created, &made, &f);
	if (made)
		made->updated = e->updated;
	endpoint_put(made);
	/* Not fatal: the others must come back even when one name is in the file now. */
	if (err)
		log_err("endpoint %s (%s) is not restored: %s: %s (it may be at the next start; "
			"`snisplit endpoint rm %s` forgets it)",
			e->id, endpoint_spec_value(&s, FIELD_ID_URL) ?: "no url", f.field, f.msg,
			e->id);
	endpoint_spec_done(&s);
	return 0;
}

/* With the id it had, when this daemon takes another one's place. */
static int add_of_file(struct edge *g, const struct endpoint_spec *s, struct fault *f)
{
	char host[ENDPOINT_NAME_MAX] = "";
	struct timespec created;
	const char *id = NULL;

	if (g->takeover && !endpoint_url_host(endpoint_spec_value(s, FIELD_ID_URL), host, NULL))
		id = takeover_id(g->takeover, host, &created);
	return registry_add(g->registry, s, id, id ? &created : NULL, NULL, f);
}

static int open_endpoints(struct edge *g, char *why, size_t why_size)
{
	struct config *c = g->config;
	struct fault f = {.msg = ""};
	unsigned i;

	/* the policies before those who name them */
	if (store_open(c->state_dir, &g->store, &f) ||
	    ip_policies_restore(g->ip_policies, g->store, &f) || edge_cert_restore(g, &f) ||
	    client_cas_open(g->store, &g->client_cas, &f) ||
	    credentials_open(g->store, CREDENTIAL_TOKEN, &g->credentials, &f) ||
	    credentials_open(g->store, CREDENTIAL_SSH_KEY, &g->ssh_credentials, &f) ||
	    ssh_secret_open(&g->ssh_secret, c->state_dir, &f)) {
		snprintf(why, why_size, "%s", f.msg);
		return -EIO;
	}
	g->terminate.client_cas = g->client_cas;
	for (i = 0; i < c->n_endpoints; i++) {
		/* before the network is there, after a power cut, it must start nevertheless */
		c->endpoints[i].may_be_unresolved = true;
		if (add_of_file(g, &c->endpoints[i], &f)) {
			snprintf(why, why_size, "%s:%u: endpoints[%u].%s: %s",
				 c->file ? c->file : "config", c->endpoints[i].line, i, f.field,
				 f.msg);
			return -EINVAL;
		}
		endpoint_spec_done(&c->endpoints[i]); /* the next one's copy goes there */
	}
	config_forget_endpoints(c);
	if (store_each(g->store, "endpoint", restore_one, g, &f)) {
		snprintf(why, why_size, "%s", f.msg);
		return -EIO;
	}
	return 0;
}

int edge_open(struct config *config, enum datapath datapath, uint32_t mutant,
	      struct takeover *takeover, struct edge **ret_g, char *why, size_t why_size)
{
	struct edge *g = calloc(1, sizeof(*g));
	struct fault f = {.msg = ""};
	unsigned i;
	int err;

	if (!g)
		return -ENOMEM;
	g->config = config;
	g->takeover = takeover;
	g->heir_fd = g->heir_events_fd = -1;
	g->mutant = mutant;
	snprintf(g->own_name, sizeof(g->own_name), "connect.%s", config->base_domain);
	pthread_mutex_init(&g->reload_lock, NULL);
	pthread_mutex_init(&g->config_lock, NULL);
	pthread_mutex_init(&g->asked_lock, NULL);
	pthread_mutex_init(&g->start_lock, NULL);
	pthread_mutex_init(&g->heir_lock, NULL);
	elders_init(&g->elders);
	pthread_cond_init(&g->asked_done, NULL);
	clock_gettime(CLOCK_REALTIME, &g->started);
	g->started_ns = clock_ns();
	if (getrandom(&g->id_prefix, sizeof(g->id_prefix), 0) < 0)
		g->id_prefix = (uint64_t)g->started.tv_nsec;
	g->id_prefix &= 0xffffffffffffULL;
	g->n_workers = workers_of(config);
	raise_nofile(config);

	g->main_thread = pthread_self();
	pthread_cond_init(&g->reload_done, NULL);
	err = -EPERM;
	if (guard_open(config, takeover != NULL, &g->guard, why, why_size))
		goto fail;
	err = open_kernel(g, datapath, why, why_size);
	if (err)
		goto fail;
	err = privileged_start(&g->privileged);
	if (err) {
		snprintf(why, why_size, "no thread: %s", strerror(-err));
		goto fail;
	}
	err = edge_tls_open(g, why, why_size);
	if (err)
		goto fail;
	g->registry = registry_new(EDGE_ENDPOINTS);
	g->workers = calloc(g->n_workers, sizeof(*g->workers));
	err = -ENOMEM;
	snprintf(why, why_size, "out of memory");
	g->crowd = crowd_new();
	g->sources = limit_sources_new(LIMIT_SOURCES);
	g->tcp_ports = tcp_ports_new(g);
	g->labelled = labelled_new();
	g->complaints = complaints_new();
	if (!g->labelled || !g->complaints || edge_policy_open(g) || !g->tcp_ports ||
	    !g->registry || !g->workers || !g->sources)
		goto fail;
	edge_hook_registry(g);
	g->events = events_open();
	if (!g->events ||
	    events_set(g->events, EVENTS_OF_FILE, config->events, config->n_events, &f)) {
		snprintf(why, why_size, "events: %s", g->events ? f.msg : "out of memory");
		err = -EIO;
		goto fail;
	}
	for (i = 0; i < g->n_workers; i++) {
		err = worker_open(g, i, &g->workers[i]);
		if (err) {
			snprintf(why, why_size, "worker %u: %s", i, strerror(-err));
			goto fail;
		}
	}
	err = listeners_open(g, why, why_size);
	if (!err)
		err = open_endpoints(g, why, why_size);
	if (err)
		goto fail;
	err = tunnel_open(g, &g->tunnel, why, why_size);
	if (err)
		goto fail;
	*ret_g = g;
	return 0;
fail:
	g->config = NULL; /* stays the caller's, as does this */
	g->takeover = NULL;
	edge_close(g);
	return err;
}

int edge_start(struct edge *g, char *why, size_t why_size)
{
	unsigned i;
	int err;

	for (i = 0; i < g->n_workers; i++) {
		err = worker_start(&g->workers[i]);
		if (err) {
			snprintf(why, why_size, "worker %u: %s", i, strerror(-err));
			return err;
		}
	}
	err = tunnel_start(g->tunnel);
	if (err) {
		snprintf(why, why_size, "tunnel: %s", strerror(-err));
		return err;
	}
	err = g->takeover ? elders_events_start(g) : 0;
	if (err) {
		snprintf(why, why_size, "earlier daemons: %s", strerror(-err));
		return err;
	}
	if (sshd_start(g, &g->sshd, why, why_size))
		return -EIO;
	g->resolver = resolver_start(g);
	g->health = health_start(g);
	return 0;
}

void edge_each_worker(struct edge *g, void (*fn)(struct worker *w, void *arg), void *arg)
{
	unsigned i;

	for (i = 0; i < g->n_workers; i++)
		if (g->workers[i].thread)
			worker_call(&g->workers[i], fn, arg);
}

void edge_drain(struct edge *g)
{
	const struct upgrade_result r = {.why = "this daemon is being stopped"};

	g->draining = true;
	upgrade_tell(g, &r); /* who has asked a moment before: nobody will look at it any more */
	tunnel_drain(g->tunnel);
	edge_each_worker(g, worker_drain, NULL);
}

void edge_leave_agents(struct edge *g)
{
	sshd_stop(g->sshd);
	g->sshd = NULL;
	tunnel_stop(g->tunnel);
}

unsigned edge_conns_active(struct edge *g)
{
	return atomic_load(&g->n_conns);
}

const char *edge_stuck(struct edge *g, unsigned ms)
{
	uint64_t now_ms = clock_ns() / 1000000;

	for (unsigned i = 0; i < g->n_workers; i++)
		if (now_ms > atomic_load(&g->workers[i].turned_ms) + ms)
			return "a worker";
	return tunnel_turned_ms(g->tunnel) + ms < now_ms ? "the tunnel" : NULL;
}

void edge_stop(struct edge *g)
{
	unsigned i;

	health_stop(g->health);
	g->health = NULL;
	resolver_stop(g->resolver); /* before what it looks at goes */
	g->resolver = NULL;
	sshd_stop(g->sshd);
	g->sshd = NULL;
	/* first: what it has posted to workers is done before they stop */
	tunnel_stop(g->tunnel);
	tcp_ports_stop(g->tcp_ports);
	edge_each_worker(g, worker_stop, NULL);
	for (i = 0; i < g->n_workers; i++)
		worker_join(&g->workers[i]);
	elders_events_stop(g);
}

void edge_close(struct edge *g)
{
	unsigned i;

	if (!g)
		return;
	tcp_ports_stop(g->tcp_ports);
	for (i = 0; g->workers && i < g->n_workers; i++)
		if (g->workers[i].edge)
			worker_close(&g->workers[i]);
	free(g->workers);
	tunnel_close(g->tunnel);
	credentials_close(g->credentials);
	credentials_close(g->ssh_credentials);
	explicit_bzero(&g->ssh_secret, sizeof(g->ssh_secret));
	registry_free(g->registry);
	labelled_free(g->labelled);
	client_cas_close(g->client_cas);
	tcp_ports_free(g->tcp_ports);
	edge_policy_close(g);
	limit_sources_free(g->sources);
	crowd_free(g->crowd);
	complaints_free(g->complaints);
	edge_tls_close(g);
	events_close(g->events);
	if (g->heir_events_fd != -1)
		close(g->heir_events_fd);
	store_close(g->store);
	privileged_stop(g->privileged);
	kern_close(g->kern);
	takeover_free(g->takeover);
	elders_done(&g->elders);
	config_free(g->config);
	guard_close(g->guard);
	pthread_cond_destroy(&g->reload_done);
	pthread_mutex_destroy(&g->reload_lock);
	pthread_mutex_destroy(&g->config_lock);
	pthread_mutex_destroy(&g->asked_lock);
	pthread_mutex_destroy(&g->start_lock);
	pthread_mutex_destroy(&g->heir_lock);
	pthread_cond_destroy(&g->asked_done);
	free(g);
}

int edge_complete_url(struct edge *g, struct endpoint_spec *s, struct fault *f)
{
	return tcp_ports_complete(g->tcp_ports, s, f);
}

int edge_confine(struct edge *g, char *why, size_t why_size)
{
	return guard_main(g->guard, why, why_size);
}

void edge_raise(struct edge *g, bool up)
{
	guard_raise(g->guard, up);
}

struct tunnel *edge_tunnel(struct edge *g)
{
	return g->tunnel;
}

struct credentials *edge_ssh_credentials(struct edge *g)
{
	return g->ssh_credentials;
}

const char *edge_ssh_dir(struct edge *g)
{
	return g->ssh_secret.dir;
}

struct credentials *edge_credentials(struct edge *g)
{
	return g->credentials;
}

struct store *edge_store(struct edge *g)
{
	return g->store;
}

struct registry *edge_registry(struct edge *g)
{
	return g->registry;
}

struct events *edge_events(struct edge *g)
{
	return g->events;
}

const struct config *edge_config(struct edge *g)
{
	return g->config;
}
