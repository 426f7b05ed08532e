// SPDX-License-Identifier: GPL-2.0-only
/*
 * mail - what libsnisplit's thread says to a session's.
 */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "log.h"
#include "session.h"
#include "thread.h"

#define EDGE_WAIT_S 5
#define NOT_OURS 107
#define REVOKED 300
#define KEY_UNKNOWN 1102
#define NO_EDGE 8000

void mail_init(struct session *s)
{
	pthread_mutex_init(&s->mail_lock, NULL);
	thread_cond_init(&s->mail_came);
}

void mail_done(struct session *s)
{
	pthread_cond_destroy(&s->mail_came);
	pthread_mutex_destroy(&s->mail_lock);
}

/* Under the lock.  The oldest are kept: they are nearest to the cause. */
static void post(struct session *s, const char *text)
{
	if (s->n_letters < SESSION_LETTERS)
		snprintf(s->letters[s->n_letters++], sizeof(s->letters[0]), "%s", text);
}

void mail_on_event(void *arg, const struct snisplit_event *e)
{
	struct session *s = arg;

	pthread_mutex_lock(&s->mail_lock);
	switch (e->type) {
	case SNISPLIT_ONLINE:
		s->online = true;
		break;
	case SNISPLIT_OFFLINE:
		if (s->online)
			post(s, "the edge is not reachable; trying again");
		s->online = false;
		snprintf(s->why, sizeof(s->why), "%s", e->text);
		break;
	case SNISPLIT_DENIED:
		s->online = false;
		s->denied = true;
		s->denied_code = e->error ? e->error->code : 0;
		snprintf(s->why, sizeof(s->why), "%s", e->error ? e->error->msg : e->text);
		break;
	case SNISPLIT_REFUSED:
	case SNISPLIT_REMOVED:
		post(s, e->error ? e->error->msg : e->text);
		break;
	default:
		break;
	}
	pthread_cond_broadcast(&s->mail_came);
	pthread_mutex_unlock(&s->mail_lock);
	session_wake(s);
}

static void wait_for_edge(struct session *s)
{
	struct timespec until;
	int err = 0;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += EDGE_WAIT_S;
	while (!s->online && !s->denied && !err)
		err = pthread_cond_timedwait(&s->mail_came, &s->mail_lock, &until);
}

/* What the edge says of a token is said of the key that stands for; the rest as it is. */
static int denial(const struct session *s, const char *key, struct fault *f)
{
	switch (s->denied_code) {
	case KEY_UNKNOWN:
	case REVOKED:
		return fault_set(f, 401, KEY_UNKNOWN, "",
				 "the key %s is not known here: `snisplit ssh-key add FILE.pub` on "
				 "the edge makes it so",
				 key);
	case NOT_OURS:
		log_err("ssh: the edge %s does not know this gateway: is --token-file its own?",
			gateway_conf(s->gateway)->server);
		return fault_set(f, 503, NO_EDGE, "", "the edge does not know this gateway");
	default:
		return fault_set(f, 403, s->denied_code, "", "%.400s", s->why);
	}
}

int mail_open_edge(struct session *s, const char *key, struct fault *f)
{
	const struct gateway_conf *g = gateway_conf(s->gateway);
	struct snisplit_error err = {.msg = ""};
	char token[256], about[128];
	struct snisplit_conf conf = {.server = g->server,
				     .server_ca = g->server_ca,
				     .authtoken = token,
				     .metadata = about,
				     .on_event = mail_on_event,
				     .arg = s};
	bool online, denied;

	snisplit_close(s->edge); /* of another key */
	s->online = s->denied = false;
	s->denied_code = 0;
	s->n_letters = 0;
	snprintf(token, sizeof(token), "ssh:%s:%s", g->secret, key);
	snprintf(about, sizeof(about), "ssh -R from %s", s->from);
	s->edge = snisplit_open(&conf, &err);
	explicit_bzero(token, sizeof(token));
	if (!s->edge)
		return fault_set(f, 500, NO_EDGE, "", "the edge cannot be asked: %.300s", err.msg);
	pthread_mutex_lock(&s->mail_lock);
	wait_for_edge(s);
	online = s->online;
	denied = s->denied;
	pthread_mutex_unlock(&s->mail_lock);
	if (online)
		return 0;
	snisplit_close(s->edge);
	s->edge = NULL;
	if (!denied) {
		log_warn("ssh: the edge %s is not reachable: %s", g->server, s->why);
		return fault_set(f, 503, NO_EDGE, "", "the edge is not reachable just now");
	}
	log_debug("ssh: key %s of %s: %s", key, s->from, s->why);
	return denial(s, key, f);
}

void mail_deliver(struct session *s)
{
	char letters[SESSION_LETTERS][512];
	struct fault f;
	unsigned n;
	bool denied;

	pthread_mutex_lock(&s->mail_lock);
	n = s->n_letters;
	memcpy(letters, s->letters, n * sizeof(letters[0]));
	s->n_letters = 0;
	denied = s->denied;
	pthread_mutex_unlock(&s->mail_lock);
	for (unsigned i = 0; i < n; i++)
		order_say(s, true, "%s", letters[i]);
	if (denied && !s->over) {
		denial(s, s->key, &f);
		order_refuse(s, &f);
	}
}
