// SPDX-License-Identifier: GPL-2.0-only
#include "upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conn_move.h"
#include "conn.h"
#include "edge_open.h"
#include "edge_private.h"
#include "halt.h"
#include "handover_io.h"
#include "listener.h"
#include "log.h"
#include "sibling.h"
#include "stamp.h"
#include "store.h"
#include "takeover.h"
#include "tcp_port.h"
#include "tunnel.h"

#define HELLO_MS 20000 /* to start, and to read the configuration */
#define OPEN_MS 60000  /* to load the programs, on a busy machine, and all endpoints */
#define ADOPT_MS 60000
#define HANDOVER_FD 3
#define END_MS 500
#define SETTLE_MS 2000 /* an agent that is there opens a channel in two round trips */
#define SETTLE_HELLO_MS 300
#define SETTLE_STEP_MS 5
#define SAY_S 5 /* that one message may take, while the workers stand still */

struct upgrade {
	struct edge *edge;
	const struct upgrade_how *how;
	struct upgrade_result *result;
	struct sibling heir;
	int fd;
	struct timespec given; /* when the names went over */
};

static int fail(struct upgrade *u, int err, const char *what)
{
	if (!*u->result->why)
		snprintf(u->result->why, sizeof(u->result->why), "%s: %s", what, strerror(-err));
	return err;
}

/* ---- the new program ---- */

static char **environment(void)
{
	size_t n = 0;
	char **env;

	while (environ[n])
		n++;
	env = calloc(n + 2, sizeof(*env));
	if (!env)
		return NULL;
	n = 0;
	for (char **e = environ; *e; e++)
		if (strncmp(*e, "WATCHDOG_PID=", 13)) /* it is the new one's turn */
			env[n++] = *e;
	env[n] = (char *)"SNISPLIT_HANDOVER=3";
	return env;
}

static int spawn(struct upgrade *u, int fd)
{
	char **env = environment();
	int err = -ENOMEM;

	if (env)
		err = sibling_start(&u->heir, u->how->path, u->how->argv, env, fd, HANDOVER_FD);
	free(env);
	return err;
}

static int start(struct upgrade *u)
{
	int fds[2], err;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, fds))
		return fail(u, -errno, "socketpair");
	u->fd = fds[0];
	setsockopt(u->fd, SOL_SOCKET, SO_SNDTIMEO, &(struct timeval){.tv_sec = SAY_S},
		   sizeof(struct timeval));
	err = spawn(u, fds[1]);
	close(fds[1]);
	return err ? fail(u, err, u->how->path) : 0;
}

/* It has ended, or must. */
static void end(struct upgrade *u)
{
	if (!u->heir.pid)
		return;
	/* one that has refused is about to end by itself */
	if (sibling_wait(&u->heir, END_MS)) {
		sibling_kill(&u->heir);
		sibling_wait(&u->heir, END_MS);
	}
	sibling_forget(&u->heir);
	if (strstr(u->result->why, strerror(EPIPE)))
		snprintf(u->result->why, sizeof(u->result->why),
			 "the new program has ended; what it said is in the log");
}

static int expect(struct upgrade *u, uint8_t type, int timeout_ms, struct handover *h)
{
	struct parcel *p = malloc(sizeof(*p));
	int err = p ? handover_receive(u->fd, p, timeout_ms) : -ENOMEM;

	if (!err) {
		err = handover_read(p->bytes, p->len, h);
		parcel_close(p);
	}
	free(p);
	if (!err && h->type == HANDOVER_REFUSED) {
		snprintf(u->result->why, sizeof(u->result->why), "%s", h->text);
		return -ECANCELED;
	}
	if (!err && h->type != type)
		err = -EBADMSG;
	return err ? fail(u, err, "the new program") : 0;
}

/* ---- what goes over before it is decided ---- */

static int give_kernel(struct upgrade *u)
{
	const struct handover h = {.type = HANDOVER_KERNEL};
	int lock_fd;

	if (!u->edge->kern)
		return 0;
	lock_fd = kern_lock_fd(u->edge->kern);
	return handover_say(u->fd, &h, &lock_fd, 1);
}

static int give_listener(struct upgrade *u, enum handover_use use, const char *text,
			 unsigned worker, int fd)
{
	struct handover h = {.type = HANDOVER_LISTENER, .use = use, .worker = worker};

	if (fd == -1 || !text)
		return 0;
	snprintf(h.text, sizeof(h.text), "%s", text);
	return handover_say(u->fd, &h, &fd, 1);
}

struct giving {
	struct upgrade *upgrade;
	int err;
};

/* In the worker, whose lists these are. */
static void give_worker(struct worker *w, void *arg)
{
	struct giving *g = arg;
	struct list *it;

	for (unsigned i = 0; i < w->n_listeners && !g->err; i++)
		g->err = give_listener(g->upgrade, HANDOVER_USE_TLS, w->listeners[i].text, w->index,
				       w->listeners[i].fd);
	list_for_each(it, &w->tcp_listeners) {
		struct listener *l = list_of(it, struct listener, link);

		if (!g->err)
			g->err = give_listener(g->upgrade, HANDOVER_USE_TCP, l->text, w->index,
					       l->fd);
	}
}

static int give_listeners(struct upgrade *u)
{
	struct edge *g = u->edge;
	struct giving giving = {.upgrade = u};
	int err = give_listener(u, HANDOVER_USE_CONTROL, u->how->control, 0, u->how->control_fd);

	if (!err)
		err = give_listener(u, HANDOVER_USE_HTTP, u->how->http, 0, u->how->http_fd);
	if (!err)
		err = give_listener(u, HANDOVER_USE_TUNNEL, g->config->tunnel.text, 0,
				    tunnel_listen_fd(g->tunnel));
	giving.err = err;
	edge_each_worker(g, give_worker, &giving);
	return giving.err;
}

static int give_elders(struct upgrade *u)
{
	struct handover h = {.type = HANDOVER_ELDER};
	struct elders *es = &u->edge->elders;
	int err = 0;

	pthread_mutex_lock(&es->lock);
	for (unsigned i = 0; i < es->n && !err; i++) {
		h.abilities = es->at[i].abilities;
		err = handover_say(u->fd, &h, &es->at[i].fd, 1);
	}
	pthread_mutex_unlock(&es->lock);
	return err;
}

static int give_name(void *arg, struct endpoint *e)
{
	struct handover h = {.type = HANDOVER_NAME,
			     .agent = e->origin == ENDPOINT_AGENT || e->has_tunnels};
	struct upgrade *u = arg;

	if (!h.agent && e->origin != ENDPOINT_FILE)
		return 0; /* the state database has them */
	snprintf(h.id, sizeof(h.id), "%s", e->id);
	snprintf(h.host, sizeof(h.host), "%s", e->host);
	h.created_s = (uint64_t)e->created.tv_sec;
	h.created_ns = (uint64_t)e->created.tv_nsec;
	return handover_say(u->fd, &h, NULL, 0);
}

/* Of an agent that came while the new one opened. */
static int give_late_name(void *arg, struct endpoint *e)
{
	const struct upgrade *u = arg;
	bool late = e->created.tv_sec > u->given.tv_sec || (e->created.tv_sec == u->given.tv_sec &&
							    e->created.tv_nsec >= u->given.tv_nsec);

	return late ? give_name(arg, e) : 0;
}

static int give(struct upgrade *u)
{
	const struct handover ready = {.type = HANDOVER_READY,
				       .pid = (uint64_t)getpid(),
				       .abilities = HANDOVER_ABLE_ANSWERS | HANDOVER_ABLE_EVENTS};
	int err = give_kernel(u);

	if (!err)
		err = give_listeners(u);
	if (!err)
		err = give_elders(u);
	if (!err)
		err = takeover_pass_on(u->edge->takeover, u->edge, u->fd);
	u->given = stamp_now();
	u->given.tv_sec--; /* (one may have its stamp, and no place in the list yet) */
	if (!err)
		err = registry_each(u->edge->registry, give_name, u);
	if (!err)
		err = handover_say(u->fd, &ready, NULL, 0);
	return err ? fail(u, err, "the new program") : 0;
}

/* ---- connections ---- */

static void each_conn(struct upgrade *u, void (*fn)(struct upgrade *u, struct conn *c))
{
	struct list *it, *tmp;

	for (unsigned i = 0; i < u->edge->n_workers; i++)
		list_for_each_safe(it, tmp, &u->edge->workers[i].conns)
			fn(u, list_of(it, struct conn, all));
}

static void stay(struct upgrade *u, struct conn *c)
{
	(void)u;
	c->described = false;
}

static void forget(struct upgrade *u, struct conn *c)
{
	(void)u;
	if (c->described)
		conn_forget(c);
}

static int describe(int fd, struct conn *c)
{
	struct handover_conn h;
	struct chan_out o = {0};
	int fds[HANDOVER_FDS_MAX];
	unsigned n;

	conn_describe(c, &h, fds, &n);
	handover_conn_write(&o, &h);
	c->described = true;
	return handover_send(fd, &o, fds, n);
}

static int describe_all(struct upgrade *u)
{
	struct handover h = {.type = HANDOVER_COMMIT};
	struct list *it, *tmp;
	struct worker *w;
	int err = 0;

	for (unsigned i = 0; i < u->edge->n_workers && !err; i++) {
		w = &u->edge->workers[i];
		list_for_each_safe(it, tmp, &w->conns) {
			struct conn *c = list_of(it, struct conn, all);

			if (err || !conn_may_move(c))
				continue;
			err = describe(u->fd, c);
			h.count++;
		}
	}
	if (!err)
		err = handover_say(u->fd, &h, NULL, 0);
	u->result->moved = (unsigned)h.count;
	return err ? fail(u, err, "the new program") : 0;
}

/* ---- those who wait for agents ---- */

struct waiting {
	unsigned agents;  /* for a channel, or for an agent, or about to */
	unsigned unknown; /* no hello yet: it may name an agent's endpoint */
};

static void count_waiting(struct worker *w, void *arg)
{
	struct waiting *n = arg;
	struct list *it;

	list_for_each(it, &w->conns) {
		const struct conn *c = list_of(it, struct conn, all);

		if (c->phase >= CONN_OPEN)
			continue;
		if (c->awaits || (c->endpoint && c->endpoint->agent))
			n->agents++;
		else if (c->phase == CONN_HELLO)
			n->unknown++;
	}
}

static void let_in(struct worker *w, void *on)
{
	w->lets_nobody_in = !on;
	listener_watch_all(w, on && !w->accept_again_ns);
}

/*
 * A channel comes to the socket that agents call, which the new one has from then on, and with a
 * proof that only we know: who waits for one gets it now or never.  So nobody is let in, which is
 * to say that all wait in the listening sockets, until there is no such client; not for long, as
 * the new one can do with those what we cannot.
 */
static void settle(struct upgrade *u)
{
	struct waiting n;

	if (!u->edge->tunnel)
		return;
	edge_each_worker(u->edge, let_in, NULL);
	for (unsigned ms = 0; ms < SETTLE_MS; ms += SETTLE_STEP_MS) {
		n = (struct waiting){.agents = 0};
		edge_each_worker(u->edge, count_waiting, &n);
		if (!n.agents &&
		    (!n.unknown || ms >= SETTLE_HELLO_MS || !tunnel_count(u->edge->tunnel)))
			return;
		usleep(SETTLE_STEP_MS * 1000);
	}
	log_warn("upgrade: %u clients that wait for an agent will be closed", n.agents);
}

/* ---- all of it ---- */

static int check(struct upgrade *u, const struct handover *h)
{
	if (h->format == HANDOVER_FORMAT && u->edge->elders.n < ELDERS_MAX)
		return 0;
	if (h->format != HANDOVER_FORMAT)
		snprintf(u->result->why, sizeof(u->result->why),
			 "snisplitd %s hands over in another way than this %s: restart instead",
			 h->version, VERSION);
	else
		snprintf(u->result->why, sizeof(u->result->why),
			 "%u earlier daemons still have connections; wait for them, or end them",
			 u->edge->elders.n);
	return -EPROTO;
}

/* The workers stand still.  0: it is the new one's. */
static int commit(struct upgrade *u)
{
	struct handover h;
	char why[200];
	int err = describe_all(u);

	if (!err)
		err = expect(u, HANDOVER_SERVING, ADOPT_MS, &h);
	if (err) {
		if (err == -ETIMEDOUT)
			sibling_kill(&u->heir); /* it may be about to serve */
		end(u);				/* before anything of its own can run */
		each_conn(u, stay);
		if (u->edge->kern && kern_take_over(u->edge->kern, why, sizeof(why)))
			log_err("after an upgrade that failed: %s", why);
		for (unsigned i = 0; i < u->edge->n_workers; i++) {
			u->edge->workers[i].adopted = true;
			u->edge->workers[i].sweep_ns = 0;
		}
		return err;
	}
	each_conn(u, forget);
	tcp_ports_stop(u->edge->tcp_ports); /* or it would shut down what the other one has, too */
	for (unsigned i = 0; i < u->edge->n_workers; i++)
		worker_drain(&u->edge->workers[i], NULL);
	if (u->edge->kern)
		kern_leave(u->edge->kern);
	return 0;
}

static int hand_over(struct upgrade *u)
{
	struct edge *g = u->edge;
	struct halt halt;
	int err;

	settle(u);
	tunnel_listen(g->tunnel, false);
	u->how->pause(u->how->arg);
	elders_leave(g, true);
	err = registry_each(g->registry, give_late_name, u);
	if (err) {
		fail(u, err, "the new program");
	} else {
		err = halt_begin(&halt, g);
		if (!err)
			err = commit(u);
		halt_end(&halt);
	}
	if (!err) {
		g->draining = true;
		tunnel_drain(g->tunnel);
		return 0;
	}
	elders_leave(g, false);
	tunnel_listen(g->tunnel, true);
	edge_each_worker(g, let_in, g);
	return err;
}

static int run(struct upgrade *u)
{
	struct handover h = {.type = 0};
	struct fault f = {.msg = ""};
	int err = start(u);

	if (!err)
		err = expect(u, HANDOVER_HELLO, HELLO_MS, &h);
	if (!err)
		err = check(u, &h);
	if (err)
		return err;
	store_lend(u->edge->store);
	err = give(u);
	if (!err)
		err = expect(u, HANDOVER_READY, OPEN_MS, &h);
	if (!err)
		err = hand_over(u);
	if (!err)
		return 0;
	end(u); /* it may have the database open */
	if (store_return(u->edge->store, &f))
		log_err("after an upgrade that failed: %s", f.msg);
	return err;
}

void upgrade_run(struct edge *g, const struct upgrade_how *how, struct upgrade_result *r)
{
	struct upgrade u = {.edge = g, .how = how, .result = r, .heir = {.fd = -1}, .fd = -1};

	*r = (struct upgrade_result){.pid = 0};
	log_info("upgrade: starting %s", how->path);
	pthread_mutex_lock(&g->reload_lock);
	if (run(&u)) {
		end(&u);
		if (u.fd != -1)
			close(u.fd);
		log_err("upgrade: %s; this daemon goes on", r->why);
	} else {
		/* the way for those that follow, who must not wait for it; and it tells that we
		 * live */
		g->heir_fd = u.fd;
		upgrade_pass_events_on(g);
		elders_forget(&g->elders); /* it has them, too */
		fcntl(u.fd, F_SETFL, O_NONBLOCK);
		r->pid = (unsigned)u.heir.pid;
		sibling_forget(&u.heir);
		r->stayed = edge_conns_active(g);
		log_info("upgrade: pid %u serves now: moved=%u stayed=%u", r->pid, r->moved,
			 r->stayed);
	}
	pthread_mutex_unlock(&g->reload_lock);
}

/* ---- those that follow ---- */

static void follow(struct worker *w, void *arg)
{
	struct edge *g = w->edge;
	struct list *it, *tmp;
	int err = 0;

	(void)arg;
	list_for_each_safe(it, tmp, &w->conns) {
		struct conn *c = list_of(it, struct conn, all);

		if (err || !conn_may_move(c))
			continue;
		err = describe(g->heir_fd, c);
		if (!err)
			conn_forget(c);
	}
}

void upgrade_follow(struct edge *g)
{
	edge_each_worker(g, follow, NULL);
}

enum handover_type upgrade_heir_wants(struct edge *g)
{
	struct parcel *p = malloc(sizeof(*p));
	uint8_t what = 0;

	while (p && what != HANDOVER_DRAIN && what != HANDOVER_END &&
	       !handover_receive(g->heir_fd, p, 0)) {
		what = handover_type_of(p->bytes, p->len);
		if (what == HANDOVER_ASK)
			upgrade_answer(g, p);
		parcel_close(p);
	}
	free(p);
	return what == HANDOVER_DRAIN || what == HANDOVER_END ? (enum handover_type)what : 0;
}

static void count_starting(struct worker *w, void *arg)
{
	unsigned *n = arg;
	struct list *it;

	list_for_each(it, &w->conns)
		*n += list_of(it, struct conn, all)->phase < CONN_OPEN;
}

unsigned upgrade_conns_starting(struct edge *g)
{
	unsigned n = 0;

	edge_each_worker(g, count_starting, &n);
	return n;
}
