/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pool_private - the pool's inside, for pool.c, pool_demand.c and pool_channel.c only.
 */
#ifndef POOL_PRIVATE_H
#define POOL_PRIVATE_H
#include "pool.h"

#define MS 1000000ULL

struct pool {
	struct endpoint *endpoint; /* a reference */
	struct worker *worker;
	struct pool_value *kernel;  /* NULL: only user space takes from it */
	struct list idle, dialling; /* struct warm; idle: oldest first */
	struct list active;	    /* in worker->pools_active */
	struct list waiting;	    /* struct conn, for an agent's channel */
	unsigned n_idle, n_dialling, n_waiting;
	/* channels the agent was asked for that have not come: since <asked_ns>, and before */
	unsigned asked, asked_before;
	uint64_t asked_ns;
	uint64_t lead_ns; /* from asking for a channel to having it, lately */
	uint32_t tail;	  /* where the next one is offered to the program */
	unsigned started; /* in this tick */
	unsigned pace;	  /* started in a tick, on average of late; in parts of PACE_ONE */
	unsigned want;
	uint64_t used_ns;  /* last start */
	uint64_t again_ns; /* after a failed dial: not before */
	uint64_t near_ns;  /* a connect is over at once, as far as is known until then */
	uint64_t backoff_ns;
	uint64_t age_ns; /* how old one may get; learned, at most pool_max_age() */
};

/* An established <wm>, on no list, becomes an idle one of its pool. */
void pool_add(struct warm *wm);
/* Established and silent: fit to be used. */
bool pool_is_fresh(const struct end *e);
void pool_refill(struct pool *p);

/* pool_demand.c */
/* pool.max_idle is an endpoint's; every worker may hold its part. */
unsigned pool_share(const struct worker *w);
/* How many are to be there or on their way: more than may wait here only if they are used up by the
 * time they come. */
unsigned pool_goal(const struct pool *p);
/* Once a POOL_TICK_NS: what is wanted falls as less starts. */
void pool_want_tick(struct pool *p);

/* pool_channel.c */
void pool_ask(struct pool *p);
/* One of its channels is gone: it is looked after again. */
void pool_renew(struct pool *p);
/* Ticks from wanting a warm one to having it; 1 for what is dialled: a connect is about as quick.
 */
unsigned pool_lead(const struct pool *p);
/* How old one may be now. */
uint64_t pool_age(const struct pool *p);
/* How many it keeps although nobody comes. */
unsigned pool_floor(const struct pool *p);
/* Nothing to do until a connection or an event comes. */
bool pool_is_settled(const struct pool *p);
void pool_fail_waiting(struct pool *p);
uint64_t pool_max_age(const struct pool *p);
/* The channel of <c> began with its proof: TCP has received it, the client will not. */
void pool_skip_proof(struct conn *c);
#endif
