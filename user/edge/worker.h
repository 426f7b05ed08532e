/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * worker - one thread: its listeners, its ring, its connections.
 *
 * Everything here belongs to the worker's thread, except where a comment says
 * otherwise.  Other threads reach it by worker_call().
 */
#ifndef WORKER_H
#define WORKER_H
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "addr.h"
#include "config.h"
#include "edge.h"
#include "half.h"
#include "histogram.h"
#include "kern.h"
#include "list.h"
#include "slots.h"

#define WORKER_LISTENERS_MAX 16

/* X(group, name, help): what a worker counts beside the kernel's counters. */
#define WORKER_COUNTERS(X)                                                                         \
	X(accept, accepted, "connections accepted")                                                \
	X(accept, accept_failed, "accepts that failed, out of descriptors or memory")              \
	X(accept, over_limit, "connections closed because limits.connections was reached")         \
	X(accept, unrouted_evicted,                                                                \
	  "connections without a hello that made room (limits.unrouted)")                          \
	X(accept, not_enrolled, "clients the kernel path could not take (closed early, map full)") \
	X(accept, denied, "connections that an IP policy of their endpoint denied")                \
	X(accept, over_max_conns, "connections over max_conns of their endpoint")                  \
	X(accept, over_source_conns, "connections over max_conns_per_source of their endpoint")    \
	X(accept, over_rate, "connections over conn_rate of their endpoint")                       \
	X(accept, over_source_rate, "connections over conn_rate_per_source of their endpoint")     \
	X(accept, denied_by_all, "connections from ranges of ip_deny")                             \
	X(hello, proxy_ok, "PROXY headers read from ranges of accept_proxy.from")                  \
	X(hello, proxy_bad, "connections from these ranges without a right PROXY header")          \
	X(hello, hello_ok, "complete hellos with a usable name")                                   \
	X(hello, hello_no_sni, "complete hellos without a name")                                   \
	X(hello, hello_bad, "malformed hellos, unusable names included")                           \
	X(hello, hello_not_tls, "first bytes that are not TLS")                                    \
	X(hello, hello_too_large, "hellos above limits.client_hello")                              \
	X(hello, hello_timeout, "hellos not finished in timeouts.client_hello")                    \
	X(start, start_kernel, "connections the verdict program started")                          \
	X(start, start_user, "connections user space started")                                     \
	X(start, start_unknown_name, "hellos for a name without an endpoint")                      \
	X(start, start_replayed, "hellos sent again because the first upstream was dead")          \
	X(start, replay_refused, "dead upstreams whose hello could not be sent again")             \
	X(tls, tls_done, "TLS handshakes with clients that were completed")                        \
	X(tls, tls_failed, "TLS handshakes with clients that failed")                              \
	X(tls, tls_timeout, "TLS handshakes not finished in timeouts.handshake")                   \
	X(tls, tls_upstream_failed, "TLS handshakes with upstreams that failed")                   \
	X(upstream, dialled, "connects to an upstream")                                            \
	X(upstream, dial_refused, "connects that were refused or failed")                          \
	X(upstream, dial_timeout, "connects that did not finish in timeouts.connect")              \
	X(upstream, moved_on, "connections that another upstream of the name got then")            \
	X(pool, warm_made, "upstream connections opened ahead of use")                             \
	X(pool, warm_used_kernel, "of these, taken by the verdict program")                        \
	X(pool, warm_used_user, "of these, taken by user space")                                   \
	X(pool, warm_expired, "of these, closed at pool.max_age")                                  \
	X(pool, warm_dead, "of these, found closed or readable while idle")                        \
	X(pool, warm_silent, "of these, taken and acknowledging nothing in timeouts.connect")      \
	X(pool, channel_waited, "connections that found no channel of their agent's and waited")   \
	X(pool, channel_spare, "channels closed as they came, as many as may wait were there")     \
	X(relay, passed_episodes, "times user space had to relay for the kernel path")             \
	X(full, full_flows,                                                                        \
	  "sockets that found no place in `flows`: user space moves their bytes")                  \
	X(relay, swept, "connections brought up to date by a sweep after lost events")

enum worker_counter {
#define X(group, name, help) WC_##name,
	WORKER_COUNTERS(X)
#undef X
		WC_MAX
};

/* Deadlines of one kind have one duration, so each list is in order. */
enum timer_kind {
	TIMER_HELLO,
	TIMER_HANDSHAKE,
	TIMER_CONNECT,
	TIMER_ACCEPTED, /* OPEN, on a warm one that may be dead; then TIMER_IDLE */
	TIMER_IDLE,
	TIMER_HALF_CLOSED,
	TIMER_FLUSH,
	TIMER_MAX
};

struct pool;

struct listener {
	int fd;
	unsigned kind; /* END_LISTENER: what epoll's pointer points at */
	char text[ADDR_TEXT_MAX];
	struct worker *worker;
	char *tcp;	  /* of this TCP endpoint: its tcp://HOST:PORT; NULL: TLS */
	struct list link; /* in worker->tcp_listeners */
};

#define SOCKET_STOCK_MAX 32

/* Sockets made ahead of use by another thread, see privileged.h. */
struct socket_stock {
	int family;
	int fds[SOCKET_STOCK_MAX];
	unsigned n, want;
	uint64_t used_ns;
};

struct worker {
	unsigned index;
	struct edge *edge;
	struct events *events;
	const struct config *config; /* replaced between two turns by a reload */
	struct kern *kern;	     /* NULL: userspace datapath */
	struct kern_ring *ring;
	bool polled; /* no sockops: ends are watched for RDHUP instead */
	pthread_t thread;
	int epoll_fd, mail_fd, spare_fd;
	struct listener listeners[WORKER_LISTENERS_MAX];
	unsigned n_listeners;
	struct list tcp_listeners, listener_graves;
	uint64_t accept_again_ns; /* 0, or listeners are off until then */
	bool lets_nobody_in;	  /* listeners are off, see settle() in upgrade.c */
	uint64_t now_ns;	  /* CLOCK_MONOTONIC at the start of the turn */

	struct slots slots;
	uint32_t *replay_stock;
	uint32_t n_replay_stock, n_replays;

	struct pump pump;
	struct list conns;
	struct list timers[TIMER_MAX];
	struct list retry;  /* polled, see conn.h */
	struct list ready;  /* have more to do in the next turn */
	struct list graves; /* struct conn, freed at the end of the turn */
	struct list warm_graves;
	struct list answers;	/* kernel-started, hello not yet released */
	struct list keeps;	/* on a warm upstream, see conn_keep() */
	struct list unanswered; /* dialled, first byte of the answer not seen yet */
	uint32_t n_conns;
	uint32_t n_unrouted; /* of these, without a hello yet */
	int trickle_fd;	     /* see trickle.h */
	uint32_t n_trickling;
	uint64_t trickle_ns;
	uint64_t conn_number; /* the last one given */
	atomic_uint n_conns_shown;
	atomic_uint_fast64_t turned_ms; /* now_ns of the last turn that began, in ms */

	struct pool **pools; /* by endpoint num */
	uint32_t n_pools;
	struct list pools_active;
	unsigned n_agent_pools; /* whose agents are to hear soon what the program started */
	uint64_t pool_tick_ns;
	struct socket_stock sockets[2]; /* IPv4, IPv6 */
	unsigned gone_seen;		/* edge->gone_seq */
	atomic_uint n_warm;

	uint64_t event_lost_seen, sweep_ns;
	bool draining, stop;
	bool adopted; /* connections of another daemon's came before the first turn */
	struct histogram connect_us, handshake_us; /* of upstreams; of clients that got through */
	atomic_uint_fast64_t counters[WC_MAX];
	atomic_uint_fast64_t reasons[CLOSE_REASON_MAX]; /* connections by close_reason */

	pthread_mutex_t mail_lock;
	struct list mail;
};

int worker_open(struct edge *edge, unsigned index, struct worker *w);
int worker_start(struct worker *w);
void worker_join(struct worker *w);
void worker_close(struct worker *w);

/* For worker_call(): no new connections; the end of all of them and of the thread. */
void worker_drain(struct worker *w, void *arg);
void worker_stop(struct worker *w, void *arg);
/* ... and after a reload: <arg> is the new configuration. */
void worker_take_config(struct worker *w, void *arg);

/* Any other thread: runs fn(w, arg) in the worker's and waits for it. */
void worker_call(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg);
/* The same without waiting.  0 or -ENOMEM; after worker_stop() was called, <fn> may never run. */
int worker_post(struct worker *w, void (*fn)(struct worker *w, void *arg), void *arg);

static inline void worker_count(struct worker *w, enum worker_counter c)
{
	atomic_fetch_add_explicit(&w->counters[c], 1, memory_order_relaxed);
}

/* Masks of an end: everything, or only that the other side is done. */
#define WATCH_ALL (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define WATCH_END (EPOLLRDHUP | EPOLLET)

/* What the kernel has told, without waiting for it to wake us. */
void worker_read_ring(struct worker *w);

/* epoll has told of <events> at <e>. */
void worker_on_end(struct end *e, uint32_t events);

/* epoll: <mask> 0 takes it out.  What is ready now is told once more. */
void worker_watch(struct worker *w, struct end *e, uint32_t mask);
/* WATCH_ALL, unless it is; for a caller who looks at the socket himself right after. */
static inline void worker_watch_all(struct worker *w, struct end *e)
{
	if (!e->watched_all)
		worker_watch(w, e, WATCH_ALL);
}

/* The stock of slots and replay buffers; 0: none left. */
uint32_t worker_slot_get(struct worker *w, struct end *e);
uint32_t worker_replay_get(struct worker *w);
void worker_replay_put(struct worker *w, uint32_t idx);
#endif
