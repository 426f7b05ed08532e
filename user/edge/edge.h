/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edge - the running daemon as the control plane sees it: what api/ may ask.
 *
 * One object for the life of the process, made by main.c.  All functions may be
 * called from any thread; those that ask the workers wait for their answer (a
 * worker answers between two events, well under a millisecond).
 */
#ifndef EDGE_H
#define EDGE_H
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "config.h"
#include "endpoint.h"
#include "event.h"
#include "events.h"
#include "histogram.h"

struct certs;
struct edge;
struct store;

/* One live connection, copied: nothing in it points into a worker. */
struct conn_info {
	char id[40];
	char server_name[256];
	char endpoint_id[40];
	char state[24]; /* hello, connecting, open, client_done, upstream_done, closing */
	struct sockaddr_storage client, server, upstream;
	struct timespec start;
	enum close_datapath datapath;
	uint64_t bytes_in, bytes_out, bytes_user, bytes_kernel;
	uint64_t idle_ms;
	unsigned worker;
	unsigned daemon; /* the pid of the earlier daemon that has it; 0: this one */
};

/* One named number for `status` and /metrics. */
struct edge_counter {
	const char *name; /* e.g. "pass_no_endpoint" */
	const char
		*group;	  /* "verdict" (from the kernel), "hello", "accept", "close", "pool", ... */
	const char *help; /* one sentence */
	uint64_t value;
};

struct edge_listener {
	char addr[64];
	unsigned workers;
};

struct edge_status {
	enum close_datapath datapath; /* KERNEL or SPLICE */
	char datapath_why[256];	      /* one sentence: why this one */
	char pin_root[128];	      /* "" without the kernel path */
	char sandbox[256];	      /* what has been given up, in one line */
	struct timespec started;      /* CLOCK_REALTIME, of then */
	uint64_t uptime_s;
	unsigned n_workers;
	bool draining;
	unsigned n_listeners;
	struct edge_listener listeners[16];
	char ssh[64], tunnel[64], http[64]; /* where ssh -R and agents connect; "": nowhere */
	unsigned sessions;		    /* of agents */
	bool ssh_up;
	char ssh_why[300]; /* it is not this daemon's to start, or cannot be; "": it is */
	uint64_t conns_active, conns_total;
	uint64_t pool_idle;
	unsigned elders; /* earlier daemons that still have connections, see upgrade.h */
	bool ktls_off;	 /* by the configuration */
};

struct registry *edge_registry(struct edge *e);
struct certs *edge_certs(struct edge *e);
struct events *edge_events(struct edge *e);
const struct config *edge_config(struct edge *e); /* valid until the next reload returns */

void edge_status(struct edge *e, struct edge_status *ret_s);

/* Calls <fn> for every counter (stable order).  Stops at non-zero. */
int edge_counters(struct edge *e, int (*fn)(void *arg, const struct edge_counter *c), void *arg);

/* Of all workers together: connects to upstreams, and handshakes with clients. */
void edge_times(struct edge *e, struct histogram_total *ret_connect,
		struct histogram_total *ret_handshake);

/*
 * Copies the live connections (of <endpoint_id>, or all when NULL) to a malloc'd
 * array, those of earlier daemons first.  Returns their number, or -ENOMEM.
 */
int edge_conns(struct edge *e, const char *endpoint_id, struct conn_info **ret_list);

/*
 * Resets both ends of one connection.  0, or -ENOENT; *ret_mute_pid is an earlier daemon that may
 * have it, but does not answer (it ends it when it comes to that), or 0.
 */
int edge_conn_kill(struct edge *e, const char *conn_id, unsigned *ret_mute_pid);
/* The same for every connection of an endpoint.  Returns how many. */
int edge_endpoint_kill(struct edge *e, const char *endpoint_id);
/* ... that went to agents of a credential's, in sessions that have ended too. */
int edge_credential_kill(struct edge *e, const char *credential_id);

/* Earlier daemons that still have connections, see upgrade.h.  How many; each is asked. */
#define EDGE_EARLIER_MAX 62
struct edge_earlier {
	unsigned pid;
	bool answers; /* else <conns> is not known */
	uint64_t conns;
};
unsigned edge_earlier(struct edge *e, struct edge_earlier ret[EDGE_EARLIER_MAX]);

/*
 * Adds what live connections have moved to the counters of their endpoints: totals then are exact
 * as of now, or a few milliseconds ago.
 */
void edge_account(struct edge *e);

/* tcp://[HOST][:PORT] in <s> becomes a whole URL: see tcp_ports_complete().  0, or -1 with <f>. */
int edge_complete_url(struct edge *e, struct endpoint_spec *s, struct fault *f);

/*
 * Re-reads the configuration file: endpoints of the file, events, limits and
 * timeouts take effect; what needs a restart (listen, workers, datapath) is
 * refused by name when it changed.  0, or -1 with <f>; nothing changed then.
 */
int edge_reload(struct edge *e, struct fault *f);

/*
 * Starts the program anew and hands over to it.  Waits; 0 with the new one's pid, or -1 with <f>:
 * this daemon goes on.
 */
int edge_upgrade(struct edge *e, unsigned *ret_pid, struct fault *f);
#endif
