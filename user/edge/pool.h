/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pool - upstream connections of one endpoint, opened ahead of use; one pool an
 * endpoint and worker.
 *
 * How many follows the demand: twice the most connections that started within
 * one tick lately, never more than pool.max_idle; none for an endpoint that has
 * not been used for pool.max_age, or whose TLS ends here while a connect to it
 * takes no time, as over loopback.  One that speaks or closes while idle is
 * discarded; when that happens young, the pool learns the upstream's patience.
 * With the kernel path the slots are also in `pools`, where the verdict program
 * takes them; an exchange with 0 decides who got one.
 */
#ifndef POOL_H
#define POOL_H
#include "conn.h"

struct warm {
	struct end end;
	struct pool *pool;
	struct list link; /* in pool->idle or pool->dialling */
	uint64_t born_ns;
	uint64_t lost_ns;
	int entry; /* in the kernel's pool; negative: not there */
	union addr_ip addr;
	uint64_t channel; /* an agent's: its number */
	bool connected;
};

/* Makes the pool on first use.  NULL: out of memory, or the endpoint is gone. */
struct pool *pool_of(struct worker *w, struct endpoint *e);
struct endpoint *pool_endpoint(const struct pool *p);

/* A connection starts: counts it, and refills. */
void pool_on_start(struct pool *p);
/* A dial for this endpoint failed: no more warm ones for a while. */
void pool_on_dial_failed(struct pool *p);

/*
 * A connection that was dialled has no answer after a while: perhaps the upstream
 * serves one connection at a time and sits on a warm one of ours.  All workers
 * drop theirs and keep none for a minute, longer each time.
 */
void pool_on_silence(struct worker *w, struct endpoint *e);

/* Takes a live one for user space: it is the upstream of <c>.  False: none. */
bool pool_take(struct pool *p, struct conn *c);
/* The verdict program took it for <c>. */
void pool_taken(struct warm *wm, struct conn *c);

/*
 * pool_channel.c: the pool of an agent's endpoint is not dialled.  It asks the tunnel for channels,
 * keeps one or more for as long as the endpoint is online, and a connection that finds none waits
 * (CONN_CONNECT, its clock running) for the next that comes.
 */
void pool_wait(struct pool *p, struct conn *c);
void pool_leave(struct conn *c); /* it waits no longer */
/* For worker_post(): a struct channel (tunnel.h), which it takes over; an endpoint's reference. */
void pool_on_channel(struct worker *w, void *arg);
void pool_on_online(struct worker *w, void *arg);
/* No channel comes any more: who waits for one goes elsewhere. */
void pool_on_lost(struct worker *w, void *arg);
/* Posts pool_on_online() to all workers, for all of its targets that are agents'. */
void pool_announce(struct edge *g, struct endpoint *e);

void pool_on_warm(struct warm *wm); /* its socket has news */
void pool_tick(struct worker *w);   /* expiry, demand; every POOL_TICK_NS */
void pool_drop(struct worker *w, uint32_t num);
void pool_drop_all(struct worker *w);

#define POOL_TICK_NS (50ULL * 1000 * 1000)

enum dial_for {
	DIAL_USER,     /* never for the verdict program */
	DIAL_SLOT,     /* perhaps: it gets a slot */
	DIAL_ENROLLED, /* under the program as soon as it is established, see end_enrol_early() */
};

/*
 * Starts a connect to the address <i>.  0: *ret_done says whether it is established already; or
 * -errno.
 */
int pool_dial(struct worker *w, const struct endpoint_addrs *a, unsigned i, enum dial_for what,
	      struct end *ret_e, bool *ret_done);
#endif
