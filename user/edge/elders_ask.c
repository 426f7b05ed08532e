// SPDX-License-Identifier: GPL-2.0-only
/*
 * elders_ask - operators' questions to earlier daemons: which connections have you, end these.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "elders.h"
#include "log.h"

/* ---- lists ---- */

struct gather {
	struct elders_ask ask;
	struct elders_conn *list;
	size_t n, size;
	unsigned pid;
	int err;
};

static int add_one(void *arg, const struct handover_info *i)
{
	struct gather *t = arg;
	struct elders_conn *more;

	if (t->n == t->size) {
		t->size = t->size ? 2 * t->size : 64;
		more = realloc(t->list, t->size * sizeof(*more));
		if (!more)
			return -ENOMEM;
		t->list = more;
	}
	t->list[t->n].pid = t->pid;
	t->list[t->n++].info = *i;
	return 0;
}

static void on_list(struct elders_ask *a, const struct elder *e, const struct handover *h, int fd)
{
	struct gather *t = (struct gather *)a; /* it is the first there */
	int err;

	t->pid = e->pid;
	if (!h || fd == -1)
		return;
	err = elders_list_each(fd, add_one, t);
	if (err == -ENOMEM)
		t->err = err;
	else if (err)
		log_err("the list of an earlier daemon cannot be read: pid=%u: %s", e->pid,
			strerror(-err));
}

static void say_mute(const struct elders_ask *a, const char *what)
{
	if (a->n_mute)
		log_warn("%s: %u earlier daemons do not answer, pid %u", what, a->n_mute,
			 a->mute_pid);
}

int elders_conns(struct edge *g, struct elders_conn **ret_list)
{
	struct gather t = {
		.ask = {.h = {.use = HANDOVER_ASK_LIST}, .fd = -1, .on_answer = on_list}};

	elders_ask(g, &t.ask);
	if (t.err) {
		free(t.list);
		return t.err;
	}
	*ret_list = t.list;
	return (int)t.n;
}

/* ---- ends ---- */

unsigned elders_kill(struct edge *g, enum handover_ask what, const char *id, unsigned *ret_mute_pid)
{
	struct elders_ask a = {.h = {.use = what}, .fd = -1};

	snprintf(a.h.id, sizeof(a.h.id), "%s", id);
	elders_ask(g, &a);
	say_mute(&a, "connections to be ended");
	if (ret_mute_pid)
		*ret_mute_pid = a.mute_pid;
	return (unsigned)a.count;
}

/* What they are is asked first: who is allowed is known here, not there. */
unsigned elders_kill_denied(struct edge *g,
			    bool (*is_denied)(void *arg, const struct handover_info *i), void *arg)
{
	struct elders_ask a = {.h = {.use = HANDOVER_ASK_KILL_DENIED}, .fd = -1};
	struct gather t = {
		.ask = {.h = {.use = HANDOVER_ASK_LIST}, .fd = -1, .on_answer = on_list}};
	struct chan_out o = {0};
	size_t n = 0;

	elders_ask(g, &t.ask);
	say_mute(&t.ask, "connections to be ended");
	for (size_t i = 0; i < t.n; i++) {
		struct handover_info only_id = {.bytes_in = 0};

		if (!is_denied(arg, &t.list[i].info))
			continue;
		memcpy(only_id.id, t.list[i].info.id, sizeof(only_id.id));
		handover_info_write(&o, &only_id);
		n++;
	}
	free(t.list);
	if (n)
		a.fd = elders_list_fd(&o);
	if (a.fd >= 0) {
		elders_ask(g, &a);
		say_mute(&a, "connections to be ended");
		close(a.fd);
	} else if (n) {
		log_err("connections of earlier daemons are not ended: %s", strerror(-a.fd));
	}
	return (unsigned)a.count;
}
