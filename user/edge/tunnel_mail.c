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
		MAIL_DRAIN
	} kind;
	struct endpoint *endpoint; /* a reference */
	unsigned worker, n;
	bool restart;
	char id[40];
	uint64_t agent;
	struct tunnel_started started;
};

static void wake(struct tunnel *t)
{
	uint64_t one = 1;

	if (write(t->mail_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_err("eventfd: %s", strerror(errno));
}

/* 0 or -ENOMEM; there may be no tunnel. */
static int send_mail(struct tunnel *t, const struct mail *in)
{
	struct mail *m = t ? malloc(sizeof(*m)) : NULL;
	bool first;

	if (!m) {
		endpoint_put(in->endpoint);
		return t ? -ENOMEM : 0;
	}
	*m = *in;
	list_init(&m->link);
	pthread_mutex_lock(&t->lock);
	first = list_empty(&t->mail); /* else it has been woken, and is not done yet */
	list_add_tail(&t->mail, &m->link);
	pthread_mutex_unlock(&t->lock);
	if (first)
		wake(t);
	return 0;
}

/* The same, for what must not be lost: a flag says it where there is no memory.  There is a tunnel.
 */
static void send_surely(struct tunnel *t, const struct mail *in, atomic_bool *flag)
{
	if (!send_mail(t, in))
		return;
	atomic_store(flag, true);
	wake(t);
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
	if (t)
		send_surely(t, &m, &t->credentials_changed);
}

void tunnel_renew_rules(struct tunnel *t, const char *credential_id)
{
	struct mail m = {.kind = MAIL_RENEW};

	snprintf(m.id, sizeof(m.id), "%s", credential_id);
	if (t)
		send_surely(t, &m, &t->credentials_changed);
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
	return send_mail(t, &m);
}

void tunnel_started(struct tunnel *t, const struct tunnel_started *s)
{
	const struct mail m = {.kind = MAIL_STARTED, .started = *s};

	send_mail(t, &m);
}

void tunnel_drain(struct tunnel *t)
{
	const struct mail m = {.kind = MAIL_DRAIN};

	if (t)
		send_surely(t, &m, &t->drain_asked);
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

static void end_revoked(struct caller *c)
{
	struct fault f;

	fault_set(&f, 401, REVOKED, "authtoken", "the credential was removed at the edge");
	session_offline(c);
	session_refuse(c, &f);
}

static void end_sessions_of(struct tunnel *t, const char *credential)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &t->sessions) {
		struct caller *c = list_of(it, struct caller, link);

		if (!strcmp(c->credential, credential))
			end_revoked(c);
	}
}

/* What became of which credential is not known: of all. */
static void look_at_credentials(struct tunnel *t)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &t->sessions) {
		struct caller *c = list_of(it, struct caller, link);

		if (session_is_revoked(c))
			end_revoked(c);
		else
			c->rules_changed = true;
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
	}
	endpoint_put(m->endpoint);
}

static void read_all(struct tunnel *t)
{
	struct mail *m;

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

void tunnel_read_mail(struct tunnel *t)
{
	uint64_t n;

	if (read(t->mail_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_err("eventfd: %s", strerror(errno));
	read_all(t);
	if (atomic_exchange(&t->credentials_changed, false))
		look_at_credentials(t);
	if (atomic_exchange(&t->drain_asked, false))
		drain(t);
}

void tunnel_wake(struct tunnel *t)
{
	if (t)
		wake(t);
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
