// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent_listener - an endpoint as the agent knows it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "tls_client.h"
#include "tls_server.h"

#define RETRY_NS (2 * SECOND_NS) /* refused after it had been online: perhaps it is free soon */

void listener_free(struct snisplit_listener *l)
{
	list_del(&l->link);
	while (!list_empty(&l->ready)) {
		struct accepted *r = list_of(l->ready.next, struct accepted, link);

		list_del(&r->link);
		close(r->fd);
		free(r);
	}
	for (unsigned i = 0; i < l->n_fields; i++) {
		if (l->fields[i].value)
			explicit_bzero(l->fields[i].value, strlen(l->fields[i].value));
		free(l->fields[i].value);
	}
	tls_server_put(l->server);
	tls_client_put(l->client);
	free(l->crt_path);
	free(l->key_path);
	free(l->cas_path);
	free(l->upstream);
	free(l);
}

void listener_put(struct snisplit_listener *l)
{
	if (!--l->refs && l->removed)
		listener_free(l);
}

/* The session cannot be, or the edge has answered. */
static bool is_decided(const struct snisplit_listener *l)
{
	return l->answered || l->failed || l->agent->control.state == CONTROL_DENIED ||
	       l->agent->stop || l->agent->draining;
}

struct snisplit_listener *snisplit_listen(struct snisplit *a, const struct snisplit_endpoint *e,
					  struct snisplit_error *err)
{
	struct snisplit_listener *l = calloc(1, sizeof(*l));
	struct fault f = {.msg = ""};
	bool bad;

	if (!l) {
		fault_set(&f, 500, 0, "", "out of memory");
		agent_error(&f, err);
		return NULL;
	}
	l->agent = a;
	list_init(&l->link);
	list_init(&l->ready);
	if (listener_fill(l, e, &f)) {
		agent_error(&f, err);
		listener_free(l);
		return NULL;
	}
	pthread_mutex_lock(&a->lock);
	l->request = ++a->request;
	list_add_tail(&a->listeners, &l->link);
	if (a->control.state == CONTROL_ONLINE)
		listener_ask(l);
	agent_wake(a);
	while (!is_decided(l))
		pthread_cond_wait(&a->changed, &a->lock);
	bad = !l->answered;
	if (bad) {
		agent_error(l->failed ? &l->why : &a->control.why, err);
		l->removed = true;
		if (!l->refs)
			listener_free(l);
	}
	pthread_mutex_unlock(&a->lock);
	return bad ? NULL : l;
}

void snisplit_unlisten(struct snisplit_listener *l)
{
	struct snisplit *a = l->agent;

	pthread_mutex_lock(&a->lock);
	if (*l->endpoint && a->control.state == CONTROL_ONLINE) {
		chan_begin(&a->control.out, CHAN_UNLISTEN);
		chan_put_text(&a->control.out, CHAN_TAG_ENDPOINT, l->endpoint);
		chan_end(&a->control.out);
		control_flush(a);
	}
	stream_leave_idle(a, l);
	l->removed = true;
	list_del(&l->link);
	if (!l->refs)
		listener_free(l);
	agent_wake(a);
	pthread_mutex_unlock(&a->lock);
}

const char *snisplit_url(const struct snisplit_listener *l)
{
	return l->url;
}

void snisplit_listener_status(struct snisplit_listener *l, struct snisplit_listener_status *s)
{
	pthread_mutex_lock(&l->agent->lock);
	snprintf(s->url, sizeof(s->url), "%s", l->url);
	s->online = *l->endpoint != '\0';
	s->conns_total = l->conns_total;
	s->conns_open = l->conns_open;
	pthread_mutex_unlock(&l->agent->lock);
}

/* ---- the edge's word ---- */

void listener_ask(struct snisplit_listener *l)
{
	struct chan_out *o = &l->agent->control.out;
	bool keeps_url = l->answered && !l->labelled;

	if (l->failed || l->stopped)
		return;
	chan_begin(o, CHAN_LISTEN);
	chan_put_number(o, CHAN_TAG_REQUEST, l->request);
	if (*l->endpoint) /* online: it is changed */
		chan_put_text(o, CHAN_TAG_ENDPOINT, l->endpoint);
	/* what the edge made up, a name or a port, is asked for again after a reconnection */
	if (keeps_url) {
		chan_put_text(o, CHAN_TAG_NAME, "url");
		chan_put_text(o, CHAN_TAG_VALUE, l->url);
	}
	for (unsigned i = 0; i < l->n_fields; i++) {
		if (keeps_url && !strcmp(l->fields[i].name, "url"))
			continue;
		chan_put_text(o, CHAN_TAG_NAME, l->fields[i].name);
		chan_put_text(o, CHAN_TAG_VALUE, l->fields[i].value);
	}
	chan_end(o);
	l->retry_ns = 0;
	control_flush(l->agent);
}

static struct snisplit_listener *find_request(struct snisplit *a, const struct chan_frame *f)
{
	uint64_t n = chan_number(f, CHAN_TAG_REQUEST, 0);
	struct list *it;

	list_for_each(it, &a->listeners)
		if (list_of(it, struct snisplit_listener, link)->request == n)
			return list_of(it, struct snisplit_listener, link);
	return NULL;
}

struct snisplit_listener *listener_find(struct snisplit *a, const char *endpoint)
{
	struct list *it;

	list_for_each(it, &a->listeners)
		if (!strcmp(list_of(it, struct snisplit_listener, link)->endpoint, endpoint))
			return list_of(it, struct snisplit_listener, link);
	return NULL;
}

void listener_on_listening(struct snisplit *a, const struct chan_frame *f)
{
	struct snisplit_listener *l = find_request(a, f);
	struct snisplit_event e = {.type = SNISPLIT_LISTENING, .listener = l};
	const char *url = chan_text(f, CHAN_TAG_URL), *id = chan_text(f, CHAN_TAG_ENDPOINT);

	if (!l && id) { /* given up before it was answered: it must not stay online */
		chan_begin(&a->control.out, CHAN_UNLISTEN);
		chan_put_text(&a->control.out, CHAN_TAG_ENDPOINT, id);
		chan_end(&a->control.out);
		control_flush(a);
	}
	if (!l || !url || !id)
		return;
	snprintf(l->endpoint, sizeof(l->endpoint), "%s", id);
	snprintf(l->url, sizeof(l->url), "%s", url);
	l->sealed = chan_number(f, CHAN_TAG_SEALED, 0);
	l->answered = true;
	agent_tell(a, &e, "%s -> %s", l->url, l->upstream ? l->upstream : "this program");
	pthread_cond_broadcast(&a->changed);
}

void listener_on_refused(struct snisplit *a, const struct chan_frame *f)
{
	struct snisplit_listener *l = find_request(a, f);
	struct snisplit_event e = {.type = SNISPLIT_REFUSED, .listener = l};
	struct snisplit_error err;

	if (!l)
		return;
	fault_set(&l->why, (int)chan_number(f, CHAN_TAG_STATUS, 400),
		  (int)chan_number(f, CHAN_TAG_CODE, 0), chan_text(f, CHAN_TAG_FIELD) ?: "", "%s",
		  chan_text(f, CHAN_TAG_MESSAGE) ?: "refused");
	/* at first it is its caller's to decide; later it was fine once; and what is online and
	 * could not be changed stays as it was */
	if (*l->endpoint)
		e.type = SNISPLIT_WARNING;
	else if (l->answered)
		l->retry_ns = a->now_ns + RETRY_NS;
	else
		l->failed = true;
	agent_error(&l->why, &err);
	e.error = &err;
	agent_tell(a, &e, "%s%s%s", l->why.field, *l->why.field ? ": " : "", l->why.msg);
	pthread_cond_broadcast(&a->changed);
}

void listener_on_offline(struct snisplit *a, const struct chan_frame *f)
{
	const char *id = chan_text(f, CHAN_TAG_ENDPOINT);
	struct snisplit_listener *l = id ? listener_find(a, id) : NULL;
	struct snisplit_event e = {.type = SNISPLIT_REMOVED, .listener = l};

	if (!l)
		return;
	*l->endpoint = '\0';
	l->stopped = true;
	stream_leave_idle(a, l);
	agent_tell(a, &e, "%s is offline: %s", l->url, chan_text(f, CHAN_TAG_MESSAGE) ?: "");
	pthread_cond_broadcast(&a->changed);
}

void listener_lost(struct snisplit *a)
{
	struct list *it;

	list_for_each(it, &a->listeners)
		*list_of(it, struct snisplit_listener, link)->endpoint = '\0';
}

void listener_tick(struct snisplit *a)
{
	struct list *it;

	list_for_each(it, &a->listeners) {
		struct snisplit_listener *l = list_of(it, struct snisplit_listener, link);

		if (l->crt_path)
			listener_renew(l);
		if (l->retry_ns && a->now_ns >= l->retry_ns && a->control.state == CONTROL_ONLINE)
			listener_ask(l);
	}
}

/* ---- programs that accept ---- */

static int until_of(int timeout_ms, struct timespec *ret_t)
{
	clock_gettime(CLOCK_MONOTONIC, ret_t);
	ret_t->tv_sec += timeout_ms / 1000;
	ret_t->tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (ret_t->tv_nsec >= 1000000000) {
		ret_t->tv_sec++;
		ret_t->tv_nsec -= 1000000000;
	}
	return 0;
}

int snisplit_accept(struct snisplit_listener *l, struct snisplit_conn *ret_c, int timeout_ms)
{
	struct snisplit *a = l->agent;
	struct timespec until;
	struct accepted *r;
	int fd = 0;

	if (timeout_ms > 0)
		until_of(timeout_ms, &until);
	pthread_mutex_lock(&a->lock);
	while (list_empty(&l->ready) && !fd) {
		if (a->stop || l->stopped || a->control.state == CONTROL_DENIED)
			fd = -ESHUTDOWN;
		else if (!timeout_ms) /* (to wait until now sleeps, for a timer's length) */
			fd = -EAGAIN;
		else if (timeout_ms < 0)
			pthread_cond_wait(&a->changed, &a->lock);
		else if (pthread_cond_timedwait(&a->changed, &a->lock, &until))
			fd = -EAGAIN;
	}
	if (!list_empty(&l->ready)) {
		r = list_of(l->ready.next, struct accepted, link);
		list_del(&r->link);
		l->n_ready--;
		fd = r->fd;
		if (ret_c)
			*ret_c = r->conn;
		free(r);
	}
	pthread_mutex_unlock(&a->lock);
	return fd;
}
