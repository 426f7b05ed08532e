// SPDX-License-Identifier: GPL-2.0-only
/*
 * forward - the -R of a session.
 *
 * Nearly all clients send it before the command, and only both together say what is wanted.  So the
 * answer waits for the command, for as long as one may be under way.  Some clients send no command
 * before they have the answer: for these the name is reserved, which the edge refuses if it is
 * taken or not allowed, and nobody can connect to it until the command is there.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "session.h"

#define SOON_MS 200   /* until a session channel follows, of one who sends it without an answer */
#define HELD_MS 1500  /* until the command follows, behind that */
#define FREED_MS 3000 /* until the edge has noticed that a session is gone */
#define TAKEN 334
#define BAD_URL 249
#define NO_SUCH_PORT 1116 /* of a port alone */

/* A port that this session has not heard of: the client tells its -R apart by them. */
static unsigned label(const struct session *s, unsigned port)
{
	for (unsigned i = 0; i < s->n_forwards; i++)
		if (s->forwards[i].told == port)
			return label(s, port == 65535 ? 1024 : port + 1);
	return port;
}

void forward_add(struct session *s, ssh_message m)
{
	const char *host = ssh_message_global_request_address(m);
	int port = ssh_message_global_request_port(m);
	struct forward *f = &s->forwards[s->n_forwards];

	if (s->n_forwards == SESSION_FORWARDS_MAX || s->over || !host) {
		ssh_message_reply_default(m);
		ssh_message_free(m);
		return;
	}
	/* one that is too long is none; the rest is cmdline_bind()'s to judge */
	snprintf(f->host, sizeof(f->host), "%s", strlen(host) < sizeof(f->host) ? host : "?");
	f->port = port < 0 ? 65536 : (unsigned)port;
	f->told = f->port ? f->port : label(s, 443);
	f->request = m;
	f->came_ms = gateway_now_ms();
	s->n_forwards++;
}

static void answer(struct forward *f, bool yes)
{
	if (!f->request)
		return;
	if (yes)
		ssh_message_global_request_reply_success(f->request, (uint16_t)f->told);
	else
		ssh_message_reply_default(f->request);
	ssh_message_free(f->request);
	f->request = NULL;
}

bool forward_is_waiting(const struct session *s)
{
	for (unsigned i = 0; i < s->n_forwards; i++)
		if (s->forwards[i].request)
			return true;
	return false;
}

void forward_refuse(struct session *s)
{
	for (unsigned i = 0; i < s->n_forwards; i++)
		answer(&s->forwards[i], false);
}

static void take_offline(struct session *s, struct forward *f)
{
	if (f->listener)
		snisplit_unlisten(f->listener);
	f->listener = NULL;
	f->reserved = false;
	gateway_set_url(s->gateway, f->url, sizeof(f->url), "");
}

bool forward_cancel(struct session *s, const char *host, int port)
{
	for (unsigned i = 0; i < s->n_forwards; i++) {
		struct forward *f = &s->forwards[i];

		if (f->dead || (int)f->told != port || strcmp(f->host, host ? host : "") != 0)
			continue;
		if (f->listener && !f->reserved)
			order_say(s, false, "offline     %s", f->url);
		answer(f, false);
		take_offline(s, f);
		f->dead = true;
		return true;
	}
	return false;
}

/* ---- an endpoint ---- */

/* As the command says; before there is one, for nobody. */
static struct snisplit_listener *listen_once(struct session *s, const char *url,
					     struct snisplit_error *err)
{
	static const char *const nobody[] = {"255.255.255.255/32", NULL};
	static const char *const http_alpn[] = {"http/1.1", NULL};
	const struct cmdline *c = &s->cmd;
	struct snisplit_endpoint e = {
		.url = *url ? url : NULL,
		.terminate_at = c->type == CMDLINE_HTTP ? "edge" : c->values[CMDLINE_TERMINATE_AT],
		.alpn = c->type == CMDLINE_HTTP ? http_alpn : NULL,
		.cidr_allow = !s->decided	 ? nobody
			      : c->cidr_allow[0] ? c->cidr_allow
						 : NULL,
		.cidr_deny = c->cidr_deny[0] ? c->cidr_deny : NULL,
		.certificate_authorities = c->mutual_tls_cas[0] ? c->mutual_tls_cas : NULL,
		.name = c->values[CMDLINE_NAME],
		.description = c->values[CMDLINE_DESCRIPTION],
		.metadata = c->values[CMDLINE_METADATA],
		.pooling_enabled = c->pooling,
	};

	return snisplit_listen(s->edge, &e, err);
}

/* A name that is ours by an earlier session, whose client is gone, is not taken. */
static struct snisplit_listener *listen_for(struct session *s, const char *url,
					    struct snisplit_error *err)
{
	struct snisplit_listener *l = listen_once(s, url, err);
	uint64_t until_ms;

	if (l || err->code != TAKEN || !*url || !gateway_take_over(s->gateway, s, url))
		return l;
	until_ms = gateway_now_ms() + FREED_MS;
	do {
		l = listen_once(s, url, err);
		if (l || err->code != TAKEN)
			return l;
		usleep(50000);
	} while (gateway_now_ms() < until_ms);
	return NULL;
}

static bool go_online(struct session *s, struct forward *f, const char *url, struct fault *fault)
{
	struct snisplit_error err = {.msg = ""};

	f->listener = listen_for(s, url, &err);
	if (!f->listener) {
		fault_set(fault, err.status, err.code, "", "%s%s%.400s", url, *url ? ": " : "",
			  err.msg);
		return false;
	}
	gateway_set_url(s->gateway, f->url, sizeof(f->url), snisplit_url(f->listener));
	return true;
}

static void judge(struct session *s, struct forward *f)
{
	char url[CMDLINE_URL_MAX];
	struct cmdline_bind b;
	bool yes = !cmdline_bind(f->host, f->port, &b, &f->why) &&
		   !cmdline_likely_url(&b, url, &f->why);

	if (yes && *url) {
		yes = go_online(s, f, url, &f->why);
		f->reserved = yes;
	}
	f->refused = !yes;
	answer(f, yes);
}

void forward_judge(struct session *s)
{
	unsigned limit_ms = s->channel ? HELD_MS : SOON_MS;
	uint64_t now_ms = gateway_now_ms();

	for (unsigned i = 0; i < s->n_forwards; i++)
		if (s->forwards[i].request && now_ms - s->forwards[i].came_ms >= limit_ms)
			judge(s, &s->forwards[i]);
}

/* The port that the edge has made up, of "tcp://HOST:PORT". */
static unsigned port_of(const char *url)
{
	const char *colon = strncmp(url, "tcp://", 6) ? NULL : strrchr(url, ':');

	return colon ? (unsigned)strtoul(colon + 1, NULL, 10) : 0;
}

static void begin(struct session *s, struct forward *f)
{
	char url[CMDLINE_URL_MAX];
	struct snisplit_status edge;
	struct cmdline_bind b = {.host = ""};
	unsigned port;

	if (f->reserved)
		take_offline(s, f);
	snisplit_status(s->edge, &edge);
	if (f->refused || cmdline_bind(f->host, f->port, &b, &f->why) ||
	    cmdline_url(&s->cmd, &b, edge.domain, url, &f->why) || !go_online(s, f, url, &f->why)) {
		if (s->cmd.type == CMDLINE_TCP && f->port && !*b.host && f->why.code == BAD_URL)
			f->why.code = NO_SUCH_PORT;
		f->dead = true;
		order_refuse(s, &f->why);
		return;
	}
	port = f->port ? 0 : port_of(f->url);
	if (port && f->request)
		f->told = label(s, port);
	answer(f, true);
	order_say(s, false, "endpoint    %s", f->url);
	order_say(s, false, "forwarding  %s -> ssh client, -R %s%s%u", f->url, b.host,
		  *b.host ? ":" : "", f->told);
}

void forward_begin(struct session *s)
{
	for (unsigned i = 0; i < s->n_forwards && !s->over; i++)
		if (!s->forwards[i].dead && (!s->forwards[i].listener || s->forwards[i].reserved))
			begin(s, &s->forwards[i]);
}
