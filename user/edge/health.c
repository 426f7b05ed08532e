// SPDX-License-Identifier: GPL-2.0-only
#include "health.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "edge_private.h"
#include "hello_write.h"
#include "list.h"
#include "log.h"
#include "stamp.h"
#include "thread.h"

#define TICK_MS 50
#define IDLE_MS 200    /* nobody has a health check */
#define PROBES_MAX 512 /* at once; the others wait a tick */
#define MS 1000000ULL

struct probe {
	struct list link;
	struct endpoint *target; /* a reference */
	unsigned address;	 /* of the target's */
	int fd;
	bool connected;
	uint64_t until_ns;
};

struct health {
	pthread_t thread;
	atomic_bool stop;
	struct edge *edge;
	uint64_t now_ns;
	struct list probes;
	unsigned n_probes;
};

/* ---- what came of it ---- */

static void probe_end(struct health *h, struct probe *p)
{
	if (p->fd != -1)
		close(p->fd);
	list_del(&p->link);
	h->n_probes--;
	endpoint_put(p->target);
	free(p);
}

static void change(struct health *h, struct endpoint *t, bool dead)
{
	struct event_upstream ev = {.server_name = t->host,
				    .endpoint_id = t->id,
				    .upstream_addr = t->upstream,
				    .dead = dead,
				    .reason = dead ? atomic_load(&t->dead_why) : NULL};

	atomic_store(&t->dead, dead);
	atomic_store(&t->changed_at, stamp_now().tv_sec);
	t->streak = 0;
	registry_on_health(h->edge->registry, t);
	events_upstream(h->edge->events, &ev);
	if (dead)
		log_warn("endpoint %s: upstream %s is dead: %s", t->host, t->upstream,
			 atomic_load(&t->dead_why));
	else
		log_info("endpoint %s: upstream %s is alive again", t->host, t->upstream);
}

/* <why> NULL: it answered. */
static void judge(struct health *h, struct endpoint *t, const char *why)
{
	bool dead = atomic_load(&t->dead);

	if (why)
		atomic_store(&t->dead_why, why);
	if (dead == (why != NULL)) {
		t->streak = 0;
		return;
	}
	if (++t->streak < (dead ? t->head->rise : t->head->fall))
		return;
	if (!atomic_load(&t->gone))
		change(h, t, !dead);
}

/* ---- asking ---- */

static int open_probe(const struct endpoint *t, unsigned i)
{
	const struct linger hard = {1, 0}; /* no TIME_WAIT for each of them */
	int fd, err = 0;

	fd = socket(t->addrs->at[i].sa.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC,
		    IPPROTO_TCP);
	if (fd == -1)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &hard, sizeof(hard));
	if (connect(fd, &t->addrs->at[i].sa, addr_len(&t->addrs->at[i])) && errno != EINPROGRESS)
		err = -errno;
	if (!err)
		return fd;
	close(fd);
	return err;
}

static bool is_ours(int err)
{
	return err == EMFILE || err == ENFILE || err == ENOBUFS || err == ENOMEM;
}

/* The address that <p> is at, or the next that can be tried.  0, or what the last one said. */
static int connect_next(struct probe *p, int err)
{
	while (p->address < p->target->addrs->n) {
		p->fd = open_probe(p->target, p->address++);
		if (p->fd >= 0)
			return 0;
		err = -p->fd;
		p->fd = -1;
	}
	return err;
}

static void begin(struct health *h, struct endpoint *t)
{
	struct probe *p;
	int err;

	if (!t->addrs->n) {
		judge(h, t, "its name does not resolve");
		return;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return;
	p->target = endpoint_get(t);
	p->until_ns = h->now_ns + t->head->check_ms * MS;
	list_init(&p->link);
	list_add_tail(&h->probes, &p->link);
	h->n_probes++;
	err = connect_next(p, 0);
	if (!err)
		return;
	if (!is_ours(err))
		judge(h, t, strerrordesc_np(err));
	probe_end(h, p);
}

static int begin_due(void *arg, struct endpoint *e)
{
	struct health *h = arg;

	for (struct endpoint *t = e; t && e->check_ms; t = t->next_target) {
		if (h->now_ns < t->check_ns || h->n_probes >= PROBES_MAX || *t->tunnel || t->empty)
			continue;
		/* the next not before this one's deadline: never two at once */
		t->check_ns = h->now_ns + (uint64_t)(e->check_ms + TICK_MS) * MS;
		begin(h, t);
	}
	return 0;
}

static void send_hello(struct health *h, struct probe *p)
{
	const char *host = p->target->host;
	uint8_t hello[HELLO_WRITE_MAX], random[96];
	size_t n;

	if (getrandom(random, sizeof(random), GRND_NONBLOCK) < 0)
		memset(random, 9, sizeof(random));
	/* below a wildcard any name is as good as another */
	n = hello_write(hello, p->target->wild ? host + 2 : host, random);
	if (send(p->fd, hello, n, MSG_NOSIGNAL) == (ssize_t)n)
		return;
	judge(h, p->target, "it does not take a TLS hello");
	probe_end(h, p);
}

static void on_connected(struct health *h, struct probe *p)
{
	socklen_t len = sizeof(int);
	int err = 0;

	getsockopt(p->fd, SOL_SOCKET, SO_ERROR, &err, &len);
	if (err) {
		close(p->fd);
		p->fd = -1;
		err = connect_next(p, err);
		if (!err)
			return;
		judge(h, p->target, strerrordesc_np(err));
		probe_end(h, p);
		return;
	}
	p->connected = true;
	if (p->target->head->check_tls) {
		send_hello(h, p);
		return;
	}
	judge(h, p->target, NULL);
	probe_end(h, p);
}

/* A record of TLS: a handshake, or an alert because of the name. */
static void on_answer(struct health *h, struct probe *p)
{
	uint8_t b[2];
	ssize_t n = recv(p->fd, b, sizeof(b), 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n == 2 && (b[0] == 22 || b[0] == 21) && b[1] == 3)
		judge(h, p->target, NULL);
	else
		judge(h, p->target,
		      n > 0    ? "it does not answer in TLS"
		      : n == 0 ? "it closes after a TLS hello"
			       : "it resets after a TLS hello");
	probe_end(h, p);
}

static void on_timeout(struct health *h, struct probe *p)
{
	judge(h, p->target,
	      p->connected ? "no answer to a TLS hello in time" : "no connection in time");
	probe_end(h, p);
}

/* ---- the thread ---- */

static void look(struct health *h)
{
	struct pollfd fds[PROBES_MAX];
	struct probe *of[PROBES_MAX];
	struct list *it;
	unsigned n = 0;

	list_for_each(it, &h->probes) {
		of[n] = list_of(it, struct probe, link);
		fds[n].fd = of[n]->fd;
		fds[n].events = of[n]->connected ? POLLIN : POLLOUT;
		n++;
	}
	poll(fds, n, n || registry_checked(h->edge->registry) ? TICK_MS : IDLE_MS);
	h->now_ns = clock_ns();
	for (unsigned i = 0; i < n; i++) {
		if (fds[i].revents && of[i]->connected)
			on_answer(h, of[i]);
		else if (fds[i].revents)
			on_connected(h, of[i]);
		else if (h->now_ns > of[i]->until_ns)
			on_timeout(h, of[i]);
	}
}

static void *work(void *arg)
{
	struct health *h = arg;

	while (!atomic_load(&h->stop)) {
		if (registry_checked(h->edge->registry))
			registry_each(h->edge->registry, begin_due, h);
		look(h);
	}
	while (!list_empty(&h->probes))
		probe_end(h, list_of(h->probes.next, struct probe, link));
	return NULL;
}

struct health *health_start(struct edge *g)
{
	struct health *h = calloc(1, sizeof(*h));
	int err;

	if (!h)
		return NULL;
	h->edge = g;
	h->now_ns = clock_ns();
	list_init(&h->probes);
	err = thread_start(&h->thread, THREAD_NETWORK, "health", work, h);
	if (!err)
		return h;
	log_err("health: %s; upstreams are not checked", strerror(err));
	free(h);
	return NULL;
}

void health_stop(struct health *h)
{
	if (!h)
		return;
	atomic_store(&h->stop, true);
	pthread_join(h->thread, NULL);
	free(h);
}
