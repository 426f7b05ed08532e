// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_mail - what other threads want of the tunnel's.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "endpoint.h"
#include "fault.h"
#include "log.h"
#include "tunnel_private.h"

#define REVOKED 300
#define STOPPED 9003 /* ours: it is not to come back */

struct mail {
	struct list link;
	enum {
		MAIL_ASK,
		MAIL_GONE,
		MAIL_STARTED,
		MAIL_REVOKE,
		MAIL_RENEW,
		MAIL_END,
		MAIL_DRAIN,
		MAIL_STOP
	} kind;
	struct endpoint *endpoint; /* a reference */
	unsigned worker, n;
	bool restart;
	char id[40];
	uint64_t agent;
	struct tunnel_started started;
};

static void send_mail(struct tunnel *t, const struct mail *in)
{
	struct mail *m = t ? malloc(sizeof(*m)) : NULL;
	uint64_t one = 1;
	bool first;

	if (!m) {
		endpoint_put(in->endpoint);
		return;
	}
	*m = *in;
	list_init(&m->link);
	pthread_mutex_lock(&t->lock);
	first = list_empty(&t->mail); /* else it has been woken, and is not done yet */
	list_add_tail(&t->mail, &m->link);
	pthread_mutex_unlock(&t->lock);
	if (first && write(t->mail_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_err("eventfd: %s", strerror(errno));
}

void tunnel_ask(struct tunnel *t, struct endpoint *e, unsigned worker, unsigned n)
{
	const struct mail m = {
		.kind = MAIL_ASK, .endpoint = endpoint_get(e), .worker = worker, .n = n};

	send_mail(t, &m);
}

void tunnel_gone(struct tunnel *t, const struct endpoint *e)
{
	struct mail m = {.kind = MAIL_GONE, .agent = e->agent};

	snprintf(m.id, sizeof(m.id), "%s", e->id);
	send_mail(t, &m);
}

void tunnel_revoke(struct tunnel *t, const char *credential_id)
{
	struct mail m = {.kind = MAIL_REVOKE};

	snprintf(m.id, sizeof(m.id), "%s", credential_id);
	send_mail(t, &m);
}

void tunnel_renew_rules(struct tunnel *t, const char *credential_id)
{
	struct mail m = {.kind = MAIL_RENEW};

	snprintf(m.id, sizeof(m.id), "%s", credential_id);
	send_mail(t, &m);
}

int tunnel_session_end(struct tunnel *t, const char *id, bool restart)
{
	struct mail m = {.kind = MAIL_END, .restart = restart};
	bool there = false;
	struct list *it;

	if (!t)
		return -ENOENT;
	pthread_mutex_lock(&t->lock);
	list_for_each(it, &t->sessions)
		there = there || !strcmp(list_of(it, struct caller, link)->id, id);
	pthread_mutex_unlock(&t->lock);
	if (!there)
		return -ENOENT;
	snprintf(m.id, sizeof(m.id), "%s", id);
	send_mail(t, &m);
	return 0;
}

void tunnel_started(struct tunnel *t, const struct tunnel_started *s)
{
	const struct mail m = {.kind = MAIL_STARTED, .started = *s};

	send_mail(t, &m);
}

void tunnel_drain(struct tunnel *t)
{
	const struct mail m = {.kind = MAIL_DRAIN};

	send_mail(t, &m);
}

static void on_started(struct tunnel *t, const struct tunnel_started *s)
{
	struct caller *c = tunnel_session_find(t, s->agent);
	char addr[ADDR_TEXT_MAX];

	if (!c)
		return;
	chan_begin(&c->out, CHAN_STARTED);
	chan_put_number(&c->out, CHAN_TAG_CHANNEL, s->channel);
	chan_put_text(&c->out, CHAN_TAG_CONNECTION, s->connection);
	chan_put_text(&c->out, CHAN_TAG_CLIENT, addr_text(&s->client, addr));
	chan_put_text(&c->out, CHAN_TAG_SERVER, addr_text(&s->server, addr));
	chan_put_text(&c->out, CHAN_TAG_SNI, s->name);
	chan_end(&c->out);
	session_flush(c);
}

static void end_sessions_of(struct tunnel *t, const char *credential)
{
	struct list *it, *tmp;
	struct fault f;

	fault_set(&f, 401, REVOKED, "authtoken", "the credential was removed at the edge");
	list_for_each_safe(it, tmp, &t->sessions) {
		struct caller *c = list_of(it, struct caller, link);

		if (strcmp(c->credential, credential))
			continue;
		session_offline(c);
		session_refuse(c, &f);
	}
}

static void end_session(struct tunnel *t, const char *id, bool restart)
{
	struct list *it, *tmp;
	struct fault f;

	fault_set(&f, restart ? 503 : 410, restart ? 0 : STOPPED, "",
		  "the session was %s at the edge", restart ? "restarted" : "stopped");
	list_for_each_safe(it, tmp, &t->sessions) {
		struct caller *c = list_of(it, struct caller, link);

		if (strcmp(c->id, id))
			continue;
		session_offline(c);
		session_refuse(c, &f);
		return;
	}
}

static void drain(struct tunnel *t)
{
	struct list *it, *tmp;

	t->draining = true;
	list_for_each_safe(it, tmp, &t->sessions)
		session_send_drain(list_of(it, struct caller, link));
}

static void handle(struct tunnel *t, const struct mail *m)
{
	struct caller *c;

	switch (m->kind) {
	case MAIL_ASK:
		c = tunnel_session_find(t, m->endpoint->agent);
		if (c)
			proofs_give(c, m->endpoint, m->worker, m->n);
		break;
	case MAIL_GONE:
		c = tunnel_session_find(t, m->agent);
		if (c)
			session_lost(c, m->id);
		break;
	case MAIL_STARTED:
		on_started(t, &m->started);
		break;
	case MAIL_REVOKE:
		end_sessions_of(t, m->id);
		break;
	case MAIL_RENEW:
		sessions_renew_rules(t, m->id);
		break;
	case MAIL_END:
		end_session(t, m->id, m->restart);
		break;
	case MAIL_DRAIN:
		drain(t);
		break;
	case MAIL_STOP:
		break;
	}
	endpoint_put(m->endpoint);
}

void tunnel_read_mail(struct tunnel *t)
{
	struct mail *m;
	uint64_t n;

	if (read(t->mail_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_err("eventfd: %s", strerror(errno));
	for (;;) {
		pthread_mutex_lock(&t->lock);
		m = list_empty(&t->mail) ? NULL : list_of(t->mail.next, struct mail, link);
		if (m)
			list_del(&m->link);
		pthread_mutex_unlock(&t->lock);
		if (!m)
			return;
		handle(t, m);
		free(m);
	}
}

void tunnel_wake(struct tunnel *t)
{
	const struct mail m = {.kind = MAIL_STOP};

	send_mail(t, &m);
}

void tunnel_drop_mail(struct tunnel *t)
{
	while (!list_empty(&t->mail)) {
		struct mail *m = list_of(t->mail.next, struct mail, link);

		list_del(&m->link);
		endpoint_put(m->endpoint);
		free(m);
	}
}
