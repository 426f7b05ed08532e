// SPDX-License-Identifier: GPL-2.0-only
#include "takeover.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "clock.h"
#include "conn_move.h"
#include "edge_private.h"
#include "handover_io.h"
#include "log.h"

#define ANSWER_MS 60000 /* the other one may have tens of thousands to tell of */
#define EXPECT_NS (10ULL * 1000000000)

struct offer {
	enum handover_use use;
	unsigned worker;
	char text[128];
	int fd;
};

struct known_name {
	char id[64], host[ENDPOINT_NAME_MAX];
	struct timespec created;
	bool agent, used;
};

struct takeover {
	int fd;
	int lock_fd;	      /* on the pins */
	pthread_mutex_t lock; /* of the offers, which ports of agents' endpoints wait in */
	struct offer *offers;
	struct known_name *names;
	unsigned n_offers, n_names, n_agents;
	int elders[ELDERS_MAX];
	uint64_t elder_abilities[ELDERS_MAX], old_abilities;
	unsigned n_elders;
	uint64_t expect_until_ns;
	bool expired;
	uint64_t old_pid;
	unsigned n_adopted;
	struct parcel parcel;
};

int takeover_fd(void)
{
	const char *text = getenv("SNISPLIT_HANDOVER");
	int fd = text ? atoi(text) : -1;

	unsetenv("SNISPLIT_HANDOVER"); /* not for those whom we start, nor the descriptor */
	if (fd >= 0)
		fcntl(fd, F_SETFD, FD_CLOEXEC);
	return fd;
}

/* ---- what comes before READY ---- */

/* One more of <size>, zeroed; NULL: out of memory. */
static void *grow(void *array, unsigned *n, size_t size, void **ret_array)
{
	char *p = realloc(array, (*n + 1) * size);

	if (!p)
		return NULL;
	*ret_array = p;
	return memset(p + (*n)++ * size, 0, size);
}

static int take_lock(struct takeover *t)
{
	if (t->lock_fd != -1)
		return -EBADMSG;
	t->lock_fd = parcel_take(&t->parcel, 0);
	return t->lock_fd == -1 ? -EBADMSG : 0;
}

static int take_listener(struct takeover *t, const struct handover *h)
{
	struct offer *o = grow(t->offers, &t->n_offers, sizeof(*o), (void **)&t->offers);

	if (!o)
		return -ENOMEM;
	o->use = (enum handover_use)h->use;
	o->worker = (unsigned)h->worker;
	snprintf(o->text, sizeof(o->text), "%.127s", h->text);
	o->fd = parcel_take(&t->parcel, 0);
	return o->fd == -1 ? -EBADMSG : 0;
}

static int take_name(struct takeover *t, const struct handover *h)
{
	struct known_name *n = grow(t->names, &t->n_names, sizeof(*n), (void **)&t->names);

	if (!n)
		return -ENOMEM;
	snprintf(n->id, sizeof(n->id), "%s", h->id);
	snprintf(n->host, sizeof(n->host), "%s", h->host);
	n->created = (struct timespec){(time_t)h->created_s, (long)h->created_ns};
	n->agent = h->agent != 0;
	t->n_agents += n->agent;
	return 0;
}

static int take_elder(struct takeover *t, const struct handover *h)
{
	if (t->n_elders == ELDERS_MAX - 1) /* the other one is the last */
		return -EBADMSG;
	t->elder_abilities[t->n_elders] = h->abilities;
	t->elders[t->n_elders] = parcel_take(&t->parcel, 0);
	return t->elders[t->n_elders++] == -1 ? -EBADMSG : 0;
}

static int take(struct takeover *t, const struct handover *h)
{
	switch (h->type) {
	case HANDOVER_KERNEL:
		return take_lock(t);
	case HANDOVER_LISTENER:
		return take_listener(t, h);
	case HANDOVER_NAME:
		return take_name(t, h);
	case HANDOVER_ELDER:
		return take_elder(t, h);
	default:
		return 0; /* of a later version */
	}
}

static int fail(int err, char *why, size_t why_size)
{
	snprintf(why, why_size, "what the running daemon hands over cannot be used: %s",
		 strerror(-err));
	return err;
}

int takeover_begin(int fd, struct takeover **ret_t, char *why, size_t why_size)
{
	struct handover h = {.type = HANDOVER_HELLO, .format = HANDOVER_FORMAT};
	struct takeover *t = calloc(1, sizeof(*t));
	int err;

	if (!t)
		return fail(-ENOMEM, why, why_size);
	*ret_t = t;
	pthread_mutex_init(&t->lock, NULL);
	t->fd = fd;
	t->lock_fd = -1;
	h.pid = (uint64_t)getpid();
	snprintf(h.version, sizeof(h.version), "%s", VERSION);
	err = handover_say(fd, &h, NULL, 0);
	for (h.type = 0; !err && h.type != HANDOVER_READY;) {
		err = handover_receive(fd, &t->parcel, ANSWER_MS);
		if (!err)
			err = handover_read(t->parcel.bytes, t->parcel.len, &h);
		if (!err && h.type == HANDOVER_REFUSED) {
			snprintf(why, why_size, "%s", h.text);
			return -ECANCELED;
		}
		if (!err)
			err = take(t, &h);
		parcel_close(&t->parcel);
	}
	t->old_pid = h.pid;
	t->old_abilities = h.abilities;
	return err ? fail(err, why, why_size) : 0;
}

void takeover_refuse(struct takeover *t, const char *why)
{
	struct handover h = {.type = HANDOVER_REFUSED};

	if (!t || t->fd == -1)
		return;
	snprintf(h.text, sizeof(h.text), "%s", why);
	handover_say(t->fd, &h, NULL, 0);
}

void takeover_give_up(struct takeover *t, const char *why)
{
	log_err("%s", why);
	takeover_refuse(t, why);
	_exit(EXIT_FAILURE);
}

static void close_all(int *fds, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		if (fds[i] != -1)
			close(fds[i]);
		fds[i] = -1;
	}
}

/* Descriptors that nobody has taken; <all>: nor will. */
static void close_rest(struct takeover *t, bool all)
{
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->n_offers; i++)
		if (all || t->offers[i].use != HANDOVER_USE_TCP)
			close_all(&t->offers[i].fd, 1);
	pthread_mutex_unlock(&t->lock);
	close_all(&t->lock_fd, 1);
}

void takeover_free(struct takeover *t)
{
	if (!t)
		return;
	close_rest(t, true);
	pthread_mutex_destroy(&t->lock);
	close_all(t->elders, t->n_elders);
	close_all(&t->fd, 1);
	free(t->offers);
	free(t->names);
	free(t);
}

/* ---- who gets it ---- */

int takeover_lock_fd(const struct takeover *t)
{
	return t ? t->lock_fd : -1;
}

bool takeover_has_listener(struct takeover *t, enum handover_use use, const char *text)
{
	bool found = false;

	if (!t)
		return false;
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->n_offers && !found; i++)
		found = t->offers[i].use == use && t->offers[i].fd != -1 &&
			!strcmp(t->offers[i].text, text);
	pthread_mutex_unlock(&t->lock);
	return found;
}

int takeover_listener(struct takeover *t, enum handover_use use, const char *text, unsigned worker)
{
	int fd = -1;

	if (!t)
		return -1;
	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->n_offers && fd == -1; i++) {
		struct offer *o = &t->offers[i];

		if (o->use != use || o->worker != worker || strcmp(o->text, text) != 0)
			continue;
		fd = o->fd;
		o->fd = -1;
	}
	pthread_mutex_unlock(&t->lock);
	return fd;
}

const char *takeover_id(struct takeover *t, const char *host, struct timespec *ret_created)
{
	for (unsigned i = 0; t && i < t->n_names; i++) {
		struct known_name *n = &t->names[i];

		if (n->agent || n->used || strcmp(n->host, host) != 0)
			continue;
		n->used = true;
		*ret_created = n->created;
		return n->id;
	}
	return NULL;
}

/* How near <host> is to <name>; 0: it is another one. */
static size_t nearness(const char *host, const char *name)
{
	size_t len = strlen(host), n = strlen(name);

	if (!strcmp(host, name))
		return SIZE_MAX;
	return *host == '*' && n >= len && !strcmp(host + 1, name + n - len + 1) ? len : 0;
}

bool takeover_expects(const struct takeover *t, const char *name, const char *now)
{
	size_t near = now ? nearness(now, name) : 0;

	if (!t || !t->n_agents || clock_ns() > t->expect_until_ns)
		return false;
	for (unsigned i = 0; i < t->n_names; i++)
		if (t->names[i].agent && nearness(t->names[i].host, name) > near)
			return true;
	return false;
}

bool takeover_holds(const struct takeover *t, const char *host)
{
	if (!t || !t->n_agents || clock_ns() > t->expect_until_ns)
		return false;
	for (unsigned i = 0; i < t->n_names; i++)
		if (t->names[i].agent && !strcmp(t->names[i].host, host))
			return true;
	return false;
}

/* Is <host> an endpoint here, up or not? */
static bool is_there(struct registry *r, const char *host)
{
	struct endpoint *e = registry_find(r, host);

	endpoint_put(e);
	return e;
}

static int pass_on_ports(struct takeover *t, int fd)
{
	struct handover h = {.type = HANDOVER_LISTENER, .use = HANDOVER_USE_TCP};
	int err = 0;

	pthread_mutex_lock(&t->lock);
	for (unsigned i = 0; i < t->n_offers && !err; i++) {
		const struct offer *o = &t->offers[i];

		if (o->use != HANDOVER_USE_TCP || o->fd == -1)
			continue;
		h.worker = o->worker;
		snprintf(h.text, sizeof(h.text), "%s", o->text);
		err = handover_say(fd, &h, &o->fd, 1);
	}
	pthread_mutex_unlock(&t->lock);
	return err;
}

int takeover_pass_on(struct takeover *t, struct edge *g, int fd)
{
	struct handover h = {.type = HANDOVER_NAME, .agent = 1};
	int err;

	if (!t || clock_ns() > t->expect_until_ns)
		return 0;
	err = pass_on_ports(t, fd);
	for (unsigned i = 0; i < t->n_names && !err; i++) {
		const struct known_name *n = &t->names[i];

		if (!n->agent || is_there(g->registry, n->host))
			continue;
		snprintf(h.id, sizeof(h.id), "%s", n->id);
		snprintf(h.host, sizeof(h.host), "%s", n->host);
		h.created_s = (uint64_t)n->created.tv_sec;
		h.created_ns = (uint64_t)n->created.tv_nsec;
		err = handover_say(fd, &h, NULL, 0);
	}
	return err;
}

/* Names that are not there yet have no pool: the verdict program passes what is for them. */
static void hold(void *arg, const char host[ENDPOINT_NAME_MAX])
{
	const struct endpoint_value none = {.num = 0};
	struct edge *g = arg;

	kern_endpoint_put(g->kern, host, *host == '*', &none);
}

static void release(void *arg, const char host[ENDPOINT_NAME_MAX])
{
	struct edge *g = arg;

	kern_endpoint_del(g->kern, host, *host == '*');
}

static void each_down(struct takeover *t, struct edge *g,
		      void (*fn)(void *arg, const char host[ENDPOINT_NAME_MAX]))
{
	for (unsigned i = 0; g->kern && i < t->n_names; i++)
		if (t->names[i].agent)
			registry_if_down(g->registry, t->names[i].host, fn, g);
}

void takeover_expire(struct takeover *t, struct edge *g)
{
	if (!t || t->fd != -1 || t->expired || clock_ns() <= t->expect_until_ns)
		return;
	t->expired = true;
	close_rest(t, true);
	each_down(t, g, release);
}

/* ---- from READY to SERVING ---- */

static int adopt(struct takeover *t, struct edge *g)
{
	struct handover_conn h;
	struct worker *w;
	int err = handover_conn_read(t->parcel.bytes, t->parcel.len, &h);

	if (err)
		return err;
	w = &g->workers[conn_move_worker(&h, g->n_workers)];
	return conn_adopt(w, &h, t->parcel.fds, t->parcel.n_fds);
}

/* Until COMMIT.  How many came, or -errno. */
static int adopt_all(struct takeover *t, struct edge *g)
{
	struct handover h = {.type = 0};
	int n = 0, err;

	for (;;) {
		err = handover_receive(t->fd, &t->parcel, ANSWER_MS);
		if (err)
			return err;
		if (handover_type_of(t->parcel.bytes, t->parcel.len) == HANDOVER_CONN) {
			err = adopt(t, g);
			n++;
		} else {
			err = handover_read(t->parcel.bytes, t->parcel.len, &h);
		}
		parcel_close(&t->parcel);
		if (err)
			return err;
		if (h.type == HANDOVER_REFUSED)
			return -ECANCELED;
		if (h.type == HANDOVER_NAME && take_name(t, &h))
			return -ENOMEM;
		if (h.type == HANDOVER_COMMIT)
			return h.count == (uint64_t)n ? n : -EBADMSG;
	}
}

/* The other one is an elder as well now: its end of the socket pair closes when it is gone. */
static void keep_elders(struct takeover *t, struct edge *g)
{
	for (unsigned i = 0; i < t->n_elders; i++) {
		elders_add(&g->elders, t->elders[i], t->elder_abilities[i]);
		t->elders[i] = -1;
	}
	elders_add(&g->elders, t->fd, t->old_abilities);
	t->fd = -1;
	atomic_store(&g->n_elders_alive, g->elders.n);
}

int takeover_adopt(struct takeover *t, struct edge *g, char *why, size_t why_size)
{
	struct handover h = {.type = HANDOVER_READY};
	int err = handover_say(t->fd, &h, NULL, 0), n;

	pthread_mutex_lock(&g->start_lock);
	pthread_mutex_lock(&g->elders.lock); /* who asks at once, asks all of them */
	for (unsigned i = 0; i < g->n_workers; i++)
		g->workers[i].now_ns = clock_ns();
	n = err ? err : adopt_all(t, g);
	if (n < 0)
		return fail(n, why, why_size);
	for (unsigned i = 0; i < g->n_workers; i++)
		g->workers[i].adopted = g->workers[i].n_conns;
	t->n_adopted = (unsigned)n;
	each_down(t, g, hold);
	return g->kern && kern_take_over(g->kern, why, why_size) ? -EIO : 0;
}

void takeover_serve(struct takeover *t, struct edge *g)
{
	const struct handover h = {.type = HANDOVER_SERVING};

	t->expect_until_ns = clock_ns() + EXPECT_NS; /* before a worker asks */
	/* (one that has died meanwhile is in nobody's way) */
	handover_say(t->fd, &h, NULL, 0);
	keep_elders(t, g);
	pthread_mutex_unlock(&g->elders.lock);
	pthread_mutex_unlock(&g->start_lock);
	log_info("took over from pid %u: connections=%u", (unsigned)t->old_pid, t->n_adopted);
	close_rest(t, false);
}
