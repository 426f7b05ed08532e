/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * endpoint - a name on :443 and where its connections go; and the registry of
 * all of them.
 *
 * An endpoint is immutable once registered, except for its counters (atomic).
 * It is reference counted: the registry holds one, every connection one.
 * The registry is shared by all threads and locked inside (readers do not
 * exclude each other).
 */
#ifndef ENDPOINT_H
#define ENDPOINT_H
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

#include "addr.h"
#include "endpoint_spec.h"
#include "fault.h"
#include "limit.h"

#define ENDPOINT_ID_MAX 40
#define ENDPOINT_ADDRS_MAX 8

enum endpoint_datapath { ENDPOINT_DP_AUTO, ENDPOINT_DP_KERNEL, ENDPOINT_DP_USERSPACE };

struct group;
struct tls_client;
struct tls_server;

/* Resolved, tried in turn. */
struct endpoint_addrs {
	unsigned n;
	union addr_ip at[ENDPOINT_ADDRS_MAX]; /* of one that is kept, only <n> are there */
};

/* endpoint_addrs.c */
/* Asks getaddrinfo(3) for HOST:PORT, which blocks; false: no address, and <ret_a> is as it was. */
bool endpoint_addrs_ask(const char *text, struct endpoint_addrs *ret_a);
/* In this very order. */
bool endpoint_addrs_same(const struct endpoint_addrs *a, const struct endpoint_addrs *b);
/* All of what may be kept without its end. */
struct endpoint_addrs endpoint_addrs_whole(const struct endpoint_addrs *a);
/*
 * An endpoint keeps a copy, which is as long as it has to be; one shared by all is of those that
 * have none.  0, or -ENOMEM and *keep is as it was.  <a> NULL: none.
 */
extern const struct endpoint_addrs endpoint_addrs_none;
int endpoint_addrs_keep(const struct endpoint_addrs **keep, const struct endpoint_addrs *a);

/* What its names are known to resolve to. */
struct endpoint_known {
	struct endpoint_addrs addrs, acme;
	const struct endpoint_addrs *more; /* of the other targets */
};

struct policy;
struct tcp_port;

/*
 * What an endpoint has done.  One that takes its place, after a reload or a PATCH, goes on counting
 * here: nothing that is a total ever falls.
 */
struct endpoint_stats {
	atomic_int refs;
	atomic_uint_fast64_t conns_total, conns_active, conns_failed;
	/* from and to clients, by whether they ever entered user space; see account.h */
	atomic_uint_fast64_t in_kernel, in_user, out_kernel, out_user;
	atomic_uint_fast64_t active_by[4]; /* live ones by enum close_datapath; see account.h */
};

struct endpoint {
	/* identity */
	char id[ENDPOINT_ID_MAX]; /* ep_... */
	char *host;   /* normalised; "*.example.com" when wild, "tcp://HOST:PORT" when tcp */
	uint32_t num; /* the kernel's id: dense, reused after the last reference */
	bool wild, tcp;
	enum endpoint_origin origin;
	struct timespec created;   /* CLOCK_REALTIME */
	struct timespec updated;   /* ... when somebody changed it; 0: nobody has */
	struct endpoint_spec spec; /* what was asked for; the origin is its origin */
	/*
	 * One upstream is one target.  An endpoint with several is its first target and the
	 * <head> of the others, which have id, policy, limits and counters of it, and are
	 * neither found nor counted by themselves; a reference to one is one to all.
	 */
	struct endpoint *head, *next_target; /* itself; in order, NULL: the last */
	/* how the targets of a head share, and which this is; the outermost first */
	struct endpoint_level levels[ENDPOINT_LEVELS_MAX];
	unsigned n_levels;
	uint32_t pool;	     /* the kernel's first pool; 0: none */
	struct group *group; /* with whom it shares its connections; NULL: alone; registry's lock */
	atomic_uint_fast64_t down_until_ns; /* a connect failed: others first */
	/* health checks, see health.h; asked for by the head, for all its targets */
	unsigned check_ms;	     /* 0: none */
	unsigned rise, fall, streak; /* answers in a row that contradict <dead> */
	uint64_t check_ns;	     /* when to ask next; the checker's own */
	bool check_tls;
	atomic_bool dead;
	_Atomic(const char *) dead_why; /* of the last check that failed; static text, or NULL */
	atomic_llong changed_at;	/* CLOCK_REALTIME, seconds: when <dead> changed; 0: never */
	/* where to */
	const char *upstream; /* HOST:PORT of this target, without tls:// */
	uint64_t agent;	      /* the tunnel session whose channels take its connections; 0: none */
	char credential[ENDPOINT_CREDENTIAL_MAX]; /* whose session that is; "" */
	const char *tunnel;  /* of an edge's target: that labelled tunnel, tn_...; "" */
	bool has_tunnels;    /* a head: one of its targets is such */
	bool empty;	     /* an edge's that has no upstream now: it only holds the name */
	bool upstream_tls;   /* re-encrypt */
	bool upstream_first; /* whose handshake comes first, where TLS ends here */
	enum endpoint_datapath datapath;
	const struct endpoint_addrs *addrs; /* never NULL */
	/* TLS that ends here, see terminate.h; NULL: passthrough */
	struct tls_server *tls_server;
	struct tls_client *tls_client;	   /* re-encrypt; NULL: plaintext */
	const struct endpoint_addrs *acme; /* never NULL; n 0: none */
	struct tcp_port
		*tcp_port; /* what it listens at, see tcp_port.h; under the registry's lock */
	/* who may connect, see policies.h; with the state of the shared rules it was made of */
	struct policy *policy;
	uint64_t policy_state;
	unsigned proxy_proto; /* the PROXY header's version, 0: none */
	unsigned max_conns, max_conns_per_source, conn_rate, conn_rate_per_source; /* 0: none */
	struct limit_rate rate;
	struct endpoint_stats *stats; /* a reference */
	/* CLOCK_MONOTONIC: no warm upstreams before, because its upstream seems to serve
	 * one connection at a time; and how long to stay away the next time */
	atomic_uint_fast64_t warm_after_ns, warm_penalty_ns;
	atomic_uint_fast64_t answered_ns; /* when a connection that was answered last ended */
	atomic_uint warm_held;		  /* warm connections there are, all workers */
	atomic_int refs;
	atomic_bool gone; /* removed from the registry; live connections go on */
};

/*
 * Has it an upstream that is not dead?  One that has not is given what a wildcard above it does not
 * take.  Under the registry's lock.
 */
bool endpoint_is_up(const struct endpoint *e);

struct endpoint *endpoint_get(struct endpoint *e);
void endpoint_put(struct endpoint *e); /* NULL is fine */

/* A new endpoint's health checks, from its spec. */
void endpoint_health_read(struct endpoint *e);
/* <e>, a target of what takes the place of <old>: as alive as the same upstream was there. */
void endpoint_health_succeed(struct endpoint *e, const struct endpoint *old);

struct registry;

/*
 * Told of what the kernel's maps must show: on_online and on_offline under the
 * registry's write lock (they must not call the registry), on_free without it.
 */
struct registry_ops {
	void *arg;
	/* a new one is complete but for this; without a lock.  0, or -1 with <f> */
	int (*on_new)(void *arg, struct endpoint *e, struct fault *f);
	int (*on_online)(void *arg, struct endpoint *e); /* 0, or -errno: the add is refused */
	/* whether one, or what shares its name, is up may have changed */
	void (*on_shown)(void *arg, struct endpoint *e);
	/* no new connection may go there; <rest>: one that still has the name, or NULL */
	void (*on_offline)(void *arg, struct endpoint *e, struct endpoint *rest);
	/* last reference dropped: e->num may be reused after this returns */
	void (*on_free)(void *arg, uint32_t num);
	/* what on_new made; called even after registry_free(), hence without <arg> */
	void (*on_done)(struct endpoint *e);
	/* the kernel's memory, when there is any: of pools and of names that are shared */
	uint32_t n_pools, pools_each; /* num * pools_each is the first of a target's */
	uint32_t n_groups;
	struct group_value *(*group_value)(void *arg, uint32_t num);
	/*
	 * Sets agent, credential and proxy_proto of a target to what its labelled tunnel says;
	 * leaves them when that is gone.
	 */
	void (*on_tunnel)(void *arg, struct endpoint *target);
};

struct registry *registry_new(uint32_t max_endpoints);
void registry_free(struct registry *r); /* NULL is fine */
void registry_set_ops(struct registry *r,
		      const struct registry_ops *ops); /* before the first add */

/*
 * Validates <s>, resolves its upstream and registers it.  <id> and <created>
 * are given when it is restored from the state database, else NULL and it gets
 * new ones.  Returns 0 and a reference in *ret_e (NULL is fine), or -1 with <f>:
 * 400 what is wrong with which field, 409/334 name already online.
 */
int registry_add(struct registry *r, const struct endpoint_spec *s, const char *id,
		 const struct timespec *created, struct endpoint **ret_e, struct fault *f);

/*
 * What live connections of an earlier daemon belong to when it is not registered (any more): for
 * their events.  Nobody finds it, it is gone already.  A reference, or NULL: out of memory.
 */
struct orphan {
	const char *id, *host, *upstream, *terminate_at;
};
struct endpoint *registry_orphan(struct registry *r, const struct orphan *o);

/* By id, or by (normalised or plain) name.  A reference, or NULL. */
struct endpoint *registry_find(struct registry *r, const char *id_or_name);

/*
 * Where a connection for normalised <name> goes: the exact name, else the
 * longest wildcard above it; of several that share it, the one with the num <hint>, or
 * (0) whose turn it is.  A reference, or NULL.  Any thread, hot path.
 */
struct endpoint *registry_route(struct registry *r, const char name[ENDPOINT_NAME_MAX],
				uint32_t hint);
/* Runs <fn> if nobody has this very name, or nobody who is up; meanwhile nobody gets it.  <fn> may
 * not call the registry. */
void registry_if_down(struct registry *r, const char host[ENDPOINT_NAME_MAX],
		      void (*fn)(void *arg, const char host[ENDPOINT_NAME_MAX]), void *arg);
/* Who has the name (of several, any one), without taking a turn.  A reference, or NULL. */
struct endpoint *registry_peek(struct registry *r, const char name[ENDPOINT_NAME_MAX]);
/* Does the TLS of any endpoint end here?  Without a lock. */
bool registry_terminates(struct registry *r);
/* The same for the one that connections without a known name go to. */
struct endpoint *registry_default(struct registry *r, const char *id_or_name);
/* Who may have a connection that <failed> did not take; NULL: nobody else. */
struct endpoint *registry_next(struct registry *r, const struct endpoint *failed);
/* How many endpoints have the normalised name. */
void registry_share(struct registry *r, const char *host, unsigned *ret_n);

/* 0, or -1 with 404. */
int registry_remove(struct registry *r, const char *id_or_name, struct fault *f);

/*
 * Changing one in two steps, as what lies between (a disk) may not hold the lock:
 *
 * registry_prepare() checks <s>, resolves its upstream (may block; not with <known>) and makes what
 * may take the place of <old>, with its id and counters.  The one reference, or NULL with <f>.
 *
 * registry_swap() puts it there, in one step: the next connection is of the new one, those there
 * go on.  0: the reference is the registry's; -EAGAIN: <old> is not registered any more; -1 with
 * <f>: the kernel's map refuses it.  Nothing has changed then.
 */
struct endpoint *registry_prepare(struct registry *r, struct endpoint *old,
				  const struct endpoint_spec *s, const struct endpoint_known *known,
				  struct fault *f);
int registry_swap(struct registry *r, struct endpoint *old, struct endpoint *fresh,
		  struct fault *f);

/*
 * Makes the endpoints of origin ENDPOINT_FILE those of <specs>, in one step: the
 * unchanged stay as they are (counters, connections, num), a changed one keeps
 * its id.  0, or -1 with <f>, in <ret_at> which of them is at fault (<n>: none by itself), and
 * nothing changed.
 */
int registry_sync(struct registry *r, const struct endpoint_spec *specs, unsigned n,
		  unsigned *ret_at, struct fault *f);

/*
 * Calls <fn> for each that was registered at the time of the call, oldest first,
 * without a lock: <fn> may call the registry.  Stops at non-zero and returns it.
 */
int registry_each(struct registry *r, int (*fn)(void *arg, struct endpoint *e), void *arg);
/* <fn> under the write lock, unless <e> has gone offline: then 0. */
int registry_with(struct registry *r, struct endpoint *e, int (*fn)(void *arg, struct endpoint *e),
		  void *arg);
unsigned registry_count(struct registry *r);
/* How often something was full: any thread. */
struct registry_full {
	uint64_t endpoints; /* refused */
	uint64_t pools;	    /* go without warm upstreams in the kernel: user space starts them */
	uint64_t groups;    /* names whose turn user space picks */
};
struct registry_full registry_full(const struct registry *r);
/* How many have health checks. */
unsigned registry_checked(struct registry *r);
/*
 * The labelled tunnel is gone: its targets are dead.  <fn> is called for each, with a reference,
 * when no new connection can go there any more.
 */
void registry_on_tunnel_gone(struct registry *r, const char *tunnel,
			     void (*fn)(void *arg, struct endpoint *target), void *arg);
/* A target's <dead> has changed: the others of its name get its connections, or it its own. */
void registry_on_health(struct registry *r, struct endpoint *target);
#endif
