// SPDX-License-Identifier: GPL-2.0-only
/*
 * upgrade_answer - what the daemon that has our place asks of the connections we still have.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "edge_look.h"
#include "edge_open.h"
#include "edge_private.h"
#include "elders.h"
#include "handover_io.h"
#include "health.h"
#include "kill.h"
#include "log.h"
#include "upgrade.h"

#define HOLD_MS 5000 /* one that has just begun asks at once, but may be busy */
#define PASS_MS 500  /* within ELDERS_ANSWER_MS: an answer may wait for it */

#define ID_MAX sizeof(((struct handover_info *)0)->id)

_Static_assert(sizeof(((struct handover_info *)0)->client) <= sizeof(struct sockaddr_storage),
	       "an address is the beginning of one");

static void tell_one(struct chan_out *o, const struct conn_info *c)
{
	struct handover_info i = {
		.bytes_in = c->bytes_in,
		.bytes_out = c->bytes_out,
		.bytes_user = c->bytes_user,
		.bytes_kernel = c->bytes_kernel,
		.start_s = (uint64_t)c->start.tv_sec,
		.start_frac = (uint64_t)c->start.tv_nsec,
		.idle_ms = c->idle_ms,
		.datapath = c->datapath,
		.worker = c->worker,
	};

	memcpy(i.client, &c->client, sizeof(i.client));
	memcpy(i.server, &c->server, sizeof(i.server));
	memcpy(i.upstream, &c->upstream, sizeof(i.upstream));
	snprintf(i.id, sizeof(i.id), "%s", c->id);
	snprintf(i.name, sizeof(i.name), "%s", c->server_name);
	snprintf(i.endpoint, sizeof(i.endpoint), "%s", c->endpoint_id);
	snprintf(i.state, sizeof(i.state), "%s", c->state);
	handover_info_write(o, &i);
}

/* A descriptor, or -errno. */
static int list_all(struct edge *g, uint64_t *ret_n)
{
	struct conn_info *conns = NULL;
	struct chan_out o = {0};
	int n = edge_conns_here(g, NULL, &conns);

	for (int i = 0; i < n; i++)
		tell_one(&o, &conns[i]);
	free(conns);
	*ret_n = n > 0 ? (uint64_t)n : 0;
	return n < 0 ? n : elders_list_fd(&o);
}

/* ---- a list of those to be ended ---- */

struct ids {
	char (*at)[ID_MAX];
	size_t n, size;
};

static int add_id(void *arg, const struct handover_info *i)
{
	struct ids *ids = arg;
	char(*more)[ID_MAX];

	if (ids->n == ids->size) {
		ids->size = ids->size ? 2 * ids->size : 64;
		more = realloc(ids->at, ids->size * sizeof(*more));
		if (!more)
			return -ENOMEM;
		ids->at = more;
	}
	memcpy(ids->at[ids->n++], i->id, ID_MAX);
	return 0;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(a, b);
}

static unsigned end_list(struct edge *g, int fd)
{
	struct ids ids = {.n = 0};
	unsigned n = 0;
	int err = fd == -1 ? -EBADMSG : elders_list_each(fd, add_id, &ids);

	if (err)
		log_err("the next daemon's list of connections to end: %s", strerror(-err));
	if (ids.n) {
		qsort(ids.at, ids.n, sizeof(*ids.at), by_text);
		n = kill_denied_here(g, ids.at, ids.n);
	}
	free(ids.at);
	return n;
}

/* ---- events ---- */

/* The events' writer.  One whose heir does not read, or has no room, writes by itself again. */
static bool pass_on(void *arg, const char *line, size_t len)
{
	struct handover_event e;
	struct chan_out o = {0};
	struct edge *g = arg;
	int err = -ENOBUFS;
	bool taken;

	pthread_mutex_lock(&g->heir_lock);
	if (g->heir_events_fd != -1) {
		if (line && len < sizeof(e.line)) {
			memcpy(e.line, line, len);
			e.line[len] = '\0';
			handover_event_write(&o, &e);
			err = handover_send(g->heir_events_fd, &o, NULL, 0);
		}
		if (err) {
			close(g->heir_events_fd);
			g->heir_events_fd = -1;
		}
	}
	taken = g->heir_events_fd != -1;
	pthread_mutex_unlock(&g->heir_lock);
	return taken;
}

void upgrade_pass_events_on(struct edge *g)
{
	/* of upstreams it tells by itself */
	health_stop(g->health);
	g->health = NULL;
	events_divert(g->events, pass_on, g, HOLD_MS);
}

/* The list of those whose events will come there: a descriptor, or -errno. */
static int begin_events(struct edge *g, int fd, uint64_t *ret_n)
{
	const struct timeval limit = {.tv_usec = PASS_MS * 1000};

	if (fd == -1)
		return -EBADMSG;
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	pthread_mutex_lock(&g->heir_lock);
	if (g->heir_events_fd != -1)
		close(g->heir_events_fd);
	g->heir_events_fd = fd;
	pthread_mutex_unlock(&g->heir_lock);
	fd = list_all(g, ret_n);
	events_release(g->events);
	return fd;
}

void upgrade_answer(struct edge *g, struct parcel *p)
{
	struct handover ask, h = {.type = HANDOVER_ANSWER};
	int fd = -1, list;
	struct fault f;

	if (handover_read(p->bytes, p->len, &ask))
		return;
	h.serial = ask.serial;
	h.use = ask.use;
	switch (ask.use) {
	case HANDOVER_ASK_COUNT:
		h.count = edge_conns_active(g);
		break;
	case HANDOVER_ASK_LIST:
	case HANDOVER_ASK_EVENTS:
		fd = ask.use == HANDOVER_ASK_LIST ? list_all(g, &h.count)
						  : begin_events(g, parcel_take(p, 0), &h.count);
		if (fd >= 0)
			break;
		log_err("the list for the next daemon: %s", strerror(-fd));
		h.use = 0;
		break;
	case HANDOVER_ASK_KILL_ENDPOINT:
		/* gone there: who is still to say hello does not find it here, either */
		registry_remove(g->registry, ask.id, &f);
		h.count = kill_here(g, HANDOVER_ASK_KILL_ENDPOINT, ask.id);
		break;
	case HANDOVER_ASK_KILL:
	case HANDOVER_ASK_KILL_CREDENTIAL:
		h.count = kill_here(g, (enum handover_ask)ask.use, ask.id);
		break;
	case HANDOVER_ASK_KILL_DENIED:
		list = parcel_take(p, 0);
		h.count = end_list(g, list);
		if (list != -1)
			close(list);
		break;
	default: /* of a later version */
		h.use = 0;
	}
	/* (one that does not listen is not waited for) */
	handover_say(g->heir_fd, &h, &fd, fd >= 0);
	if (fd >= 0)
		close(fd);
}
