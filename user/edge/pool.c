// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pool.h"
#include "pool_private.h"
#include "privileged.h"
#include "edge_private.h"
#include "log.h"

#define WATCH_IDLE (EPOLLIN | WATCH_END) /* one that speaks is to be discarded */
#define DIALS_A_TURN 16
#define NEAR_NS (10ULL * 1000 * 1000 * 1000)
#define SILENCE_NS (250ULL * 1000 * 1000) /* a TLS server answers a hello at once */
#define BACKOFF_NS (1000ULL * 1000 * 1000)
#define SILENCE_MIN_NS (10ULL * 1000 * 1000 * 1000)
#define SILENCE_MAX_NS (3600ULL * 1000 * 1000 * 1000)
#define YOUNG_NS (100ULL * 1000 * 1000)
#define DIAL_NS (3000ULL * 1000 * 1000)
#define LOST_NS (100ULL * 1000 * 1000)

/* warm.entry when it is not an index of the kernel's pool */
enum { ENTRY_NONE = -1, ENTRY_LOST = -2 };

struct endpoint *pool_endpoint(const struct pool *p)
{
	return p->endpoint;
}

static struct pool *find(const struct worker *w, uint32_t num)
{
	return num < w->n_pools ? w->pools[num] : NULL;
}

struct pool *pool_of(struct worker *w, struct endpoint *e)
{
	struct pool *p = find(w, e->num), **grown;
	uint32_t n;

	if (p)
		return p;
	if (atomic_load(&e->gone))
		return NULL;
	if (e->num >= w->n_pools) {
		for (n = w->n_pools ? w->n_pools : 64; n <= e->num; n *= 2)
			;
		grown = realloc(w->pools, n * sizeof(*grown));
		if (!grown)
			return NULL;
		memset(grown + w->n_pools, 0, (n - w->n_pools) * sizeof(*grown));
		w->pools = grown;
		w->n_pools = n;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->endpoint = endpoint_get(e);
	p->worker = w;
	w->n_agent_pools += e->agent != 0;
	p->age_ns = pool_max_age(p);
	if (w->kern && e->num <= w->edge->n_pools)
		p->kernel = kern_pool(w->kern, e->num * w->edge->n_workers + w->index);
	list_init(&p->idle);
	list_init(&p->dialling);
	list_init(&p->active);
	list_init(&p->waiting);
	w->pools[e->num] = p;
	return p;
}

/* ---- one warm connection ---- */

int pool_dial(struct worker *w, const struct endpoint_addrs *a, unsigned i, enum dial_for what,
	      struct end *ret_e, bool *ret_done)
{
	bool kernel = w->kern && what != DIAL_USER;
	int fd, one = 1, err;
	struct tcp_info ti;
	uint32_t slot;

	if (kernel) {
		fd = privileged_socket(w, a->at[i].sa.sa_family);
		if (fd < 0)
			return fd;
	} else {
		fd = socket(a->at[i].sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
			    IPPROTO_TCP);
		if (fd == -1)
			return -errno;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	end_init(ret_e, fd);
	if (kernel) {
		slot = worker_slot_get(w, ret_e);
		if (slot != SLOT_NONE &&
		    end_slot(ret_e, w->kern, slot, FLOW_UPSTREAM, w->index, 0, NULL))
			slots_give(&w->slots, slot);
	}
	if (ret_e->slot && what == DIAL_ENROLLED)
		end_enrol_early(ret_e);
	if (connect(fd, &a->at[i].sa, addr_len(&a->at[i])) && errno != EINPROGRESS) {
		err = -errno;
		slots_end_close(&w->slots, ret_e, false);
		return err;
	}
	/* over loopback the handshake is over when connect() returns */
	*ret_done = (ret_e->slot && end_is_early(ret_e)) ||
		    (!end_info(ret_e, &ti) && ti.tcpi_state == TCP_STATE_ESTABLISHED);
	return 0;
}

/* Who has a warm connection once we want it back from the kernel's pool. */
enum holder {
	HELD_BY_US,
	HELD_BY_CONN, /* paired by the program; the event is on the way */
	HELD_BY_NONE, /* thrown out by the program as dead, or being paired right now */
};

static enum holder withdraw(struct warm *wm)
{
	uint32_t slot = wm->end.slot;

	if (wm->entry == ENTRY_NONE)
		return HELD_BY_US;
	if (wm->entry >= 0 &&
	    __atomic_compare_exchange_n(&wm->pool->kernel->slot[wm->entry], &slot, 0, false,
					__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		wm->entry = ENTRY_NONE;
		return HELD_BY_US;
	}
	if (__atomic_load_n(&wm->end.flow->peer_cookie, __ATOMIC_SEQ_CST))
		return HELD_BY_CONN;
	if (wm->entry != ENTRY_LOST) {
		wm->entry = ENTRY_LOST;
		wm->lost_ns = wm->pool->worker->now_ns;
		return HELD_BY_NONE;
	}
	/* the program takes microseconds from taking to pairing */
	return wm->pool->worker->now_ns - wm->lost_ns > LOST_NS ? HELD_BY_US : HELD_BY_NONE;
}

static void unlink_warm(struct warm *wm)
{
	struct pool *p = wm->pool;

	list_del(&wm->link);
	atomic_fetch_sub(&p->endpoint->warm_held, 1);
	if (wm->connected) {
		p->n_idle--;
		atomic_fetch_sub_explicit(&p->worker->n_warm, 1, memory_order_relaxed);
	} else {
		p->n_dialling--;
	}
}

static void discard(struct warm *wm)
{
	struct worker *w = wm->pool->worker;

	unlink_warm(wm);
	slots_end_close(&w->slots, &wm->end, false);
	list_add_tail(&w->warm_graves, &wm->link);
}

/* Offers it to the verdict program. */
static void offer(struct warm *wm)
{
	struct pool_value *k = wm->pool->kernel;
	uint32_t none, at;
	int i;

	wm->entry = ENTRY_NONE;
	if (!k || !wm->end.enrolled)
		return;
	/* in a ring, so that the oldest is taken first */
	for (i = 0; i < POOL_SLOTS; i++) {
		at = wm->pool->tail++ % POOL_SLOTS;
		none = 0;
		if (!__atomic_load_n(&k->slot[at], __ATOMIC_RELAXED) &&
		    __atomic_compare_exchange_n(&k->slot[at], &none, wm->end.slot, false,
						__ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
			wm->entry = (int)at;
			return;
		}
	}
}

void pool_add(struct warm *wm)
{
	struct pool *p = wm->pool;
	struct worker *w = p->worker;
	int err = 0;

	wm->entry = ENTRY_NONE;
	wm->connected = true;
	wm->born_ns = w->now_ns;
	list_add_tail(&p->idle, &wm->link);
	atomic_fetch_add(&p->endpoint->warm_held, 1);
	p->n_idle++;
	atomic_fetch_add_explicit(&w->n_warm, 1, memory_order_relaxed);
	worker_count(w, WC_warm_made);
	/* one that the map has no room for waits for user space; any other error: it is closed */
	if (wm->end.slot)
		err = end_enrol(&wm->end, w->kern);
	if (err && err != -E2BIG && err != -ENOMEM) {
		worker_count(w, WC_warm_dead);
		discard(wm);
		return;
	}
	if (!wm->end.enrolled || w->polled)
		worker_watch(w, &wm->end, WATCH_IDLE);
	else
		worker_watch(w, &wm->end, 0); /* the ring tells */
	offer(wm);
}

static void warm_ready(struct warm *wm)
{
	unlink_warm(wm);
	pool_add(wm);
}

static void warm_failed(struct warm *wm)
{
	struct pool *p = wm->pool;

	p->again_ns = p->worker->now_ns + BACKOFF_NS;
	discard(wm);
}

static void warm_dial(struct pool *p)
{
	struct worker *w = p->worker;
	struct warm *wm = calloc(1, sizeof(*wm));
	bool done = false;

	if (!wm)
		return;
	wm->pool = p;
	wm->entry = ENTRY_NONE;
	wm->born_ns = w->now_ns;
	wm->addr = p->endpoint->addrs->at[0];
	worker_count(w, WC_dialled);
	if (pool_dial(w, p->endpoint->addrs, 0, p->endpoint->tls_server ? DIAL_USER : DIAL_ENROLLED,
		      &wm->end, &done)) {
		p->again_ns = w->now_ns + BACKOFF_NS;
		free(wm);
		return;
	}
	wm->end.kind = END_WARM;
	wm->end.owner = wm;
	list_init(&wm->link);
	list_add_tail(&p->dialling, &wm->link);
	atomic_fetch_add(&p->endpoint->warm_held, 1);
	p->n_dialling++;
	slots_moved(&w->slots, &wm->end);
	p->near_ns = done ? w->now_ns + NEAR_NS : 0;
	if (done)
		warm_ready(wm);
	else
		worker_watch(w, &wm->end, WATCH_ALL);
}

bool pool_is_fresh(const struct end *e)
{
	struct tcp_info ti;
	char byte;

	return !end_info(e, &ti) && ti.tcpi_state == TCP_STATE_ESTABLISHED &&
	       recv(e->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) < 0 && errno == EAGAIN &&
	       !(e->flow && e->flow->passed);
}

void pool_on_warm(struct warm *wm)
{
	struct pool *p = wm->pool;
	struct worker *w = p->worker;
	struct tcp_info ti;
	uint64_t age;

	if (!wm->connected) {
		if (end_error(&wm->end))
			warm_failed(wm);
		else if (!end_info(&wm->end, &ti) && ti.tcpi_state == TCP_STATE_ESTABLISHED)
			warm_ready(wm);
		return;
	}
	if (wm->end.flow && __atomic_load_n(&wm->end.flow->peer_cookie, __ATOMIC_SEQ_CST)) {
		/* taken by the program: news of a connection, whose conn is told so first */
		struct end *client = slots_end(&w->slots, wm->end.flow->peer);

		if (client && client->kind == END_CLIENT) {
			struct conn *c = client->owner;

			conn_on_paired(c);
			if (c->phase != CONN_DEAD && c->upstream.fd != -1)
				conn_on_state(c, &c->upstream, 0);
		}
		return;
	}
	if (pool_is_fresh(&wm->end))
		return;
	switch (withdraw(wm)) {
	case HELD_BY_CONN:
		pool_on_warm(wm); /* taken in this very moment */
		return;
	case HELD_BY_NONE:
		return; /* pool_tick() comes back to it */
	case HELD_BY_US:
		break;
	}
	worker_count(w, WC_warm_dead);
	if (p->endpoint->agent) {
		discard(wm);
		pool_renew(p);
		return;
	}
	/* An upstream that hangs up on silent clients: stay well below its patience. */
	age = (w->now_ns - wm->born_ns) / 4 * 3;
	if (age < YOUNG_NS) {
		/* it wants none that wait: ask again later and later */
		p->backoff_ns = p->backoff_ns ? p->backoff_ns * 2 : BACKOFF_NS;
		if (p->backoff_ns > SILENCE_MAX_NS)
			p->backoff_ns = SILENCE_MAX_NS;
		p->again_ns = w->now_ns + p->backoff_ns;
	} else if (age < p->age_ns) {
		p->age_ns = age;
	}
	discard(wm);
}

/* ---- the pool ---- */

/* No warm ones for now: it cannot be connected to, or sits on those it has. */
static bool is_banned(const struct pool *p)
{
	const struct endpoint *e = p->endpoint;

	return p->worker->now_ns < atomic_load(&e->warm_after_ns) ||
	       (!e->agent && p->worker->now_ns < atomic_load(&e->down_until_ns));
}

void pool_on_silence(struct worker *w, struct endpoint *e)
{
	uint64_t penalty = atomic_load(&e->warm_penalty_ns);

	/* only when one of ours can be what it sits on, and it answers nobody else: a
	 * busy one is slow for many at once */
	if (w->now_ns < atomic_load(&e->warm_after_ns) || !atomic_load(&e->warm_held) ||
	    w->now_ns - atomic_load(&e->answered_ns) < SILENCE_NS)
		return;
	penalty = penalty * 4 > SILENCE_MIN_NS ? penalty * 4 : SILENCE_MIN_NS;
	if (penalty > SILENCE_MAX_NS)
		penalty = SILENCE_MAX_NS;
	atomic_store(&e->warm_penalty_ns, penalty);
	atomic_store(&e->warm_after_ns, w->now_ns + penalty);
	log_info("endpoint %s: no answer from %s while warm connections are held; none for %u s",
		 e->host, e->upstream, (unsigned)(penalty / 1000000000ULL));
}

/*
 * Over loopback connect(2) returns connected: user space, which has a client's TLS to do first,
 * saves nothing by having done it earlier, and has two wake-ups and a look before use more.  (The
 * verdict program cannot connect.)  Asked anew from time to time.
 */
static bool is_near(const struct pool *p)
{
	return p->endpoint->tls_server && p->worker->now_ns < p->near_ns;
}

void pool_refill(struct pool *p)
{
	struct worker *w = p->worker;
	int n = 0;

	if (is_banned(p) || w->draining || w->now_ns < p->again_ns ||
	    atomic_load(&p->endpoint->gone) || atomic_load(&p->endpoint->dead))
		return;
	if (p->endpoint->agent) {
		pool_ask(p);
		return;
	}
	/* who speaks first, as SSH and SMTP do, greets the one it is for */
	if (p->endpoint->tcp)
		return;
	while (p->n_idle + p->n_dialling < pool_goal(p) && n++ < DIALS_A_TURN &&
	       w->now_ns >= p->again_ns && !is_near(p))
		warm_dial(p);
}

void pool_on_dial_failed(struct pool *p)
{
	if (p && !p->endpoint->agent)
		p->again_ns = p->worker->now_ns + BACKOFF_NS;
}

static void hand_over(struct warm *wm, struct conn *c)
{
	unlink_warm(wm);
	c->upstream = wm->end;
	c->upstream_addr = wm->addr;
	c->channel = wm->channel;
	pool_skip_proof(c);
	wm->end.fd = -1; /* an event of this turn may still point here */
	list_add_tail(&wm->pool->worker->warm_graves, &wm->link);
}

bool pool_take(struct pool *p, struct conn *c)
{
	struct list *it, *tmp;
	struct warm *wm;

	list_for_each_safe(it, tmp, &p->idle) {
		wm = list_of(it, struct warm, link);
		if (withdraw(wm) != HELD_BY_US)
			continue;
		if (!pool_is_fresh(&wm->end)) {
			worker_count(p->worker, WC_warm_dead);
			discard(wm);
			continue;
		}
		hand_over(wm, c);
		return true;
	}
	return false;
}

void pool_taken(struct warm *wm, struct conn *c)
{
	hand_over(wm, c);
}

static void expire(struct pool *p, uint64_t age_ns)
{
	struct list *it, *tmp;
	struct warm *wm;

	list_for_each_safe(it, tmp, &p->idle) {
		wm = list_of(it, struct warm, link);
		if (p->worker->now_ns - wm->born_ns < age_ns && wm->entry != ENTRY_LOST)
			continue;
		if (withdraw(wm) != HELD_BY_US)
			continue;
		worker_count(p->worker, WC_warm_expired);
		/* it would have waited longer: perhaps what we learned was a restart */
		p->backoff_ns = 0;
		p->age_ns += p->age_ns / 8;
		if (p->age_ns > pool_max_age(p))
			p->age_ns = pool_max_age(p);
		discard(wm);
	}
	list_for_each_safe(it, tmp, &p->dialling) {
		wm = list_of(it, struct warm, link);
		if (p->worker->now_ns - wm->born_ns > DIAL_NS)
			warm_failed(wm);
	}
}

static void drop_dialling(struct pool *p)
{
	while (!list_empty(&p->dialling))
		discard(list_of(p->dialling.next, struct warm, link));
}

static void pool_free(struct pool *p)
{
	struct worker *w = p->worker;

	list_del(&p->active);
	w->n_agent_pools -= p->endpoint->agent != 0;
	w->pools[p->endpoint->num] = NULL;
	endpoint_put(p->endpoint);
	free(p);
}

static void drop_gone(struct worker *w)
{
	unsigned seq = atomic_load(&w->edge->gone_seq);
	uint32_t i;

	if (seq == w->gone_seen)
		return;
	w->gone_seen = seq;
	for (i = 0; i < w->n_pools; i++)
		if (w->pools[i] && atomic_load(&w->pools[i]->endpoint->gone))
			pool_drop(w, i);
}

/* Those that were dialled and wait for their first byte, oldest first. */
static void find_silent(struct worker *w)
{
	uint64_t patience;
	struct conn *c;

	while (!list_empty(&w->unanswered)) {
		c = list_of(w->unanswered.next, struct conn, silent);
		if (!half_kernel_bytes(&c->down) && !half_user_bytes(&c->down)) {
			/* far away: a handful of its round trips */
			patience = (c->connected_ns - c->dial_ns) * 5;
			if (patience < SILENCE_NS)
				patience = SILENCE_NS;
			if (w->now_ns - c->connected_ns < patience)
				return;
			pool_on_silence(w, c->endpoint);
		} else if (atomic_load(&c->endpoint->warm_held)) {
			/* answers with warm ones held: forgiven by halves */
			atomic_store(&c->endpoint->warm_penalty_ns,
				     atomic_load(&c->endpoint->warm_penalty_ns) / 2);
		}
		list_del(&c->silent);
	}
}

void pool_tick(struct worker *w)
{
	struct list *it, *tmp;
	struct pool *p;

	if (w->n_agent_pools)
		worker_read_ring(w);
	drop_gone(w);
	find_silent(w);
	list_for_each_safe(it, tmp, &w->pools_active) {
		p = list_of(it, struct pool, active);
		pool_want_tick(p);
		if (is_banned(p))
			drop_dialling(p);
		expire(p, is_banned(p) ? 0 : pool_age(p));
		pool_refill(p);
		if (pool_is_settled(p)) {
			list_del(&p->active);
			if (atomic_load(&p->endpoint->gone))
				pool_free(p);
		}
	}
}

void pool_drop(struct worker *w, uint32_t num)
{
	struct pool *p = find(w, num);

	if (!p)
		return;
	p->want = 0;
	expire(p, 0);
	drop_dialling(p);
	if (atomic_load(&p->endpoint->gone))
		pool_fail_waiting(p);
	/* one that the program took this moment is handed over by its event */
	if (!p->n_idle && !p->n_waiting)
		pool_free(p);
	else if (list_empty(&p->active))
		list_add_tail(&w->pools_active, &p->active);
}

void pool_drop_all(struct worker *w)
{
	uint32_t i;

	for (i = 0; i < w->n_pools; i++)
		if (w->pools[i])
			pool_drop(w, i);
}
