/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edge_private - the daemon's one object, for the files of this room only.
 */
#ifndef EDGE_PRIVATE_H
#define EDGE_PRIVATE_H
#include <pthread.h>

#include "edge.h"
#include "elders.h"
#include "ssh_secret.h"
#include "terminate.h"
#include "worker.h"

#define EDGE_ENDPOINTS 200000
#define EDGE_POLICY_ENTRIES (1U << 20) /* of all IP policies together; allocated as they come */
#define EDGE_GROUPS 1024	       /* names that are shared, picked in the kernel */
#define EDGE_POOLS 4096		       /* endpoints with warm upstreams in the kernel */

struct client_cas;
struct complaints;
struct credentials;
struct crowd;
struct guard;
struct labelled;
struct privileged;
struct sshd;
struct takeover;
struct tcp_ports;
struct tunnel;

struct edge {
	struct config *config;
	struct registry *registry;
	struct events *events;
	struct store *store;
	struct limit_sources *sources;
	struct crowd *crowd;
	struct policies *policies;
	struct ip_policies *ip_policies;
	pthread_mutex_t policy_lock; /* one change of ip_policies at a time */
	struct terminate_ctx terminate;
	struct client_cas *client_cas;	 /* of mutual TLS, by name */
	struct complaints *complaints;	 /* of upstreams */
	pthread_mutex_t cert_lock;	 /* of changes to uploaded certificates */
	struct kern *kern;		 /* NULL: userspace datapath */
	struct tunnel *tunnel;		 /* NULL: no agents */
	struct labelled *labelled;	 /* tunnels without a name */
	struct credentials *credentials; /* of agents */
	struct credentials *ssh_credentials;
	struct ssh_secret ssh_secret;
	struct tcp_ports *tcp_ports;
	struct sshd *sshd; /* NULL: no ssh -R */
	char datapath_why[256];
	struct takeover *takeover; /* NULL: started by itself */
	struct elders elders;
	int heir_fd; /* to the daemon that has taken our place; -1: none has */
	pthread_mutex_t heir_lock;
	int heir_events_fd; /* where it wants our events; -1: nowhere; under heir_lock */
	atomic_uint n_elders_alive;
	pthread_mutex_t start_lock; /* held by main: workers must not begin yet, see takeover.h */
	pthread_mutex_t asked_lock;
	pthread_cond_t asked_done;
	struct upgrade_asked *asked; /* an upgrade, by the API; NULL: nobody waits */
	struct guard *guard;
	struct privileged *privileged;
	struct resolver *resolver;
	struct health *health;
	struct worker *workers;
	unsigned n_workers;
	uint32_t slots_a_worker, replays_a_worker, n_pools;
	uint32_t mutant;
	struct timespec started;
	uint64_t started_ns;		  /* the same moment, CLOCK_MONOTONIC */
	uint64_t id_prefix;		  /* of this run's connection ids */
	char own_name[ENDPOINT_NAME_MAX]; /* connect.<base_domain>: nobody's endpoint */
	atomic_bool draining;
	atomic_uint_fast64_t accounted_ns; /* CLOCK_MONOTONIC, see account.h */
	pthread_mutex_t reload_lock;	   /* of a whole reload, which may wait for DNS */
	pthread_t main_thread;		   /* which reloads: it reaches all files */
	struct reload_ask *reload_ask;	   /* under config_lock: somebody else waits for one */
	pthread_cond_t reload_done;
	pthread_mutex_t config_lock; /* of <config> itself: for a look at it from other threads */
	atomic_uint n_conns;	     /* all workers */
	atomic_uint n_charges;	     /* of earlier daemons, see charges.h */
	atomic_uint gone_seq;	     /* endpoints that went offline; workers drop their pools */
};

/* The registry's changes reach all that follows it (edge_online.c). */
void edge_hook_registry(struct edge *g);
/* What the kernel's map says of an endpoint.  0, or -errno. */
int edge_show(struct edge *g, struct endpoint *e, const struct policy *p);
/* Runs <fn> in each worker, in turn; not from a worker. */
void edge_each_worker(struct edge *g, void (*fn)(struct worker *w, void *arg), void *arg);
#endif
