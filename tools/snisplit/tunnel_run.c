// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_run - tunnels from their start to SIGTERM.
 */
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "log.h"
#include "stamp.h"
#include "tunnel_log.h"
#include "tunnel_screen.h"
#include "tunnel_state.h"
#include "tunnel_web.h"

#define DRAIN_MS 60000
#define STEP_MS 200
#define STOPPED 9003 /* ERR_SNISPLIT_ of a session that was stopped at the edge */

const char *tunnel_addr_shown(const struct tunnel_one *o, char out[300])
{
	bool tls = !strncmp(o->addr, "tls://", 6);
	const char *rest = o->addr + (tls ? 6 : 0);

	snprintf(out, 300, "%s%s%s", tls ? "tls://" : "",
		 strchr(rest, ':') ? "" : "localhost:", rest);
	return out;
}

/* ---- what happens ---- */

static struct tunnel_recent *recent_of(struct tunnel_state *s, const struct snisplit_conn *c)
{
	for (unsigned i = 0; i < TUNNEL_RECENT; i++)
		if (i < s->n_recent && s->recent[i].number == c->number)
			return &s->recent[i];
	return NULL;
}

static void note_conn(struct tunnel_state *s, const struct snisplit_event *e)
{
	const struct snisplit_conn *c = e->conn;
	struct tunnel_recent *r = recent_of(s, c);

	if (!r && e->type == SNISPLIT_CONN_OPENED) {
		r = &s->recent[s->n_recent++ % TUNNEL_RECENT];
		*r = (struct tunnel_recent){.number = c->number, .when = stamp_now()};
	}
	if (!r)
		return;
	snprintf(r->client, sizeof(r->client), "%s", c->client);
	snprintf(r->name, sizeof(r->name), "%s", c->name);
	if (e->type != SNISPLIT_CONN_CLOSED)
		return;
	r->closed = true;
	r->in = c->in;
	r->out = c->out;
	snprintf(r->reason, sizeof(r->reason), "%s", c->reason);
}

static void log_conn(const struct snisplit_event *e)
{
	const struct snisplit_conn *c = e->conn;
	char in[24], out[24], kernel[24], ms[16];

	if (e->type == SNISPLIT_CONN_OPENED) {
		/* whose it is may not be known yet: then it is told by CONN_STARTED */
		tunnel_log(*c->client ? TUNNEL_INFO : TUNNEL_DEBUG, "connection", "client",
			   c->client, "sni", c->name, "conn", c->id, NULL);
	} else if (e->type == SNISPLIT_CONN_STARTED) {
		tunnel_log(TUNNEL_INFO, "connection", "client", c->client, "sni", c->name, "conn",
			   c->id, NULL);
	} else {
		snprintf(in, sizeof(in), "%llu", (unsigned long long)c->in);
		snprintf(out, sizeof(out), "%llu", (unsigned long long)c->out);
		snprintf(kernel, sizeof(kernel), "%llu", (unsigned long long)c->kernel);
		snprintf(ms, sizeof(ms), "%u", c->duration_ms);
		tunnel_log(TUNNEL_INFO, "connection closed", "client", c->client, "sni", c->name,
			   "conn", c->id, "reason", c->reason, "bytes_in", in, "bytes_out", out,
			   "bytes_kernel", kernel, "ms", ms, NULL);
	}
}

static void log_event(const struct snisplit_event *e)
{
	char code[40] = "", wait[16];

	if (e->error && e->error->code)
		snprintf(code, sizeof(code), "ERR_SNISPLIT_%d", e->error->code);
	switch (e->type) {
	case SNISPLIT_CONNECTING:
		tunnel_log(TUNNEL_DEBUG, e->text, NULL);
		break;
	case SNISPLIT_OFFLINE:
		snprintf(wait, sizeof(wait), "%u", e->wait_ms);
		tunnel_log(TUNNEL_WARN, "session lost", "err", e->text, "retry_ms", wait, NULL);
		break;
	case SNISPLIT_DENIED:
	case SNISPLIT_REFUSED:
		tunnel_log(TUNNEL_ERROR, "refused", "err", e->text, "code", code, NULL);
		break;
	case SNISPLIT_WARNING:
	case SNISPLIT_REMOVED:
		tunnel_log(TUNNEL_WARN, e->text, "client", e->conn ? e->conn->client : NULL, NULL);
		break;
	case SNISPLIT_LISTENING:
		tunnel_log(TUNNEL_INFO, "endpoint online", "url", snisplit_url(e->listener), "to",
			   e->text, NULL);
		break;
	default:
		tunnel_log(TUNNEL_INFO, e->text, NULL);
	}
}

/* On one line of stderr; <o> NULL: of the session, no tunnel. */
static void say_error(const struct tunnel_conf *t, const struct tunnel_one *o,
		      const struct snisplit_error *e)
{
	static const struct {
		const char *field;
		enum tunnel_source what;
	} rows[] = {
		{"server", TUNNEL_FROM_SERVER},
		{"server_ca", TUNNEL_FROM_SERVER_CA},
		{"authtoken", TUNNEL_FROM_AUTHTOKEN},
		{"datapath", TUNNEL_FROM_DATAPATH},
		{"heartbeat_tolerance", TUNNEL_FROM_TOLERANCE},
	};
	char code[40] = "";

	if (e->code)
		snprintf(code, sizeof(code), " (ERR_SNISPLIT_%d)", e->code);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (!strcmp(rows[i].field, e->field) && t->from[rows[i].what]) {
			tunnel_say_from(stderr, t, rows[i].what, "%s%s", e->msg, code);
			return;
		}
	tunnel_say(stderr, o, e->field, "%s%s", e->msg, code);
}

static void on_event(void *arg, const struct snisplit_event *e)
{
	struct tunnel_state *s = arg;

	pthread_mutex_lock(&s->lock);
	if (e->conn && e->type != SNISPLIT_WARNING) {
		note_conn(s, e);
	} else if (e->type == SNISPLIT_WARNING || e->type == SNISPLIT_REFUSED ||
		   e->type == SNISPLIT_REMOVED) {
		snprintf(s->notice, sizeof(s->notice), "%s", e->text);
	} else {
		snprintf(s->status, sizeof(s->status), "%s%s", e->text,
			 e->type == SNISPLIT_OFFLINE ? "; reconnecting" : "");
	}
	if (e->type == SNISPLIT_ONLINE)
		s->was_online = true;
	if (e->type == SNISPLIT_DENIED) {
		s->denied = true;
		if (e->error)
			s->error = *e->error;
		s->stopped = e->error && e->error->code == STOPPED;
	}
	if (e->type == SNISPLIT_REMOVED && ++s->n_removed == s->conf->n_tunnels)
		s->failed = EXIT_REFUSED;
	pthread_mutex_unlock(&s->lock);
	if (e->conn && e->type != SNISPLIT_WARNING)
		log_conn(e);
	else
		log_event(e);
	if (e->type == SNISPLIT_DENIED || e->type == SNISPLIT_REMOVED)
		kill(getpid(), SIGUSR1); /* main waits for signals */
}

/* ---- listening ---- */

/* Of a TCP endpoint: PORT and HOST:PORT are enough, nothing is enough. */
static const char *tcp_url(const struct tunnel_one *o, char out[300])
{
	const char *text = o->url ? o->url : "";
	bool port = *text && strspn(text, "0123456789") == strlen(text);

	if (strncasecmp(text, "tcp://", 6))
		snprintf(out, 300, "tcp://%s%.280s", port ? ":" : "", text);
	else
		snprintf(out, 300, "%s", text);
	return out;
}

static bool is_over(struct tunnel_state *s)
{
	bool over;

	pthread_mutex_lock(&s->lock);
	over = s->failed || s->denied;
	pthread_mutex_unlock(&s->lock);
	return over;
}

static int listen_one(struct tunnel_state *s, unsigned i)
{
	static const char *const http1[] = {"http/1.1", NULL};
	const struct tunnel_one *o = &s->conf->tunnels[i];
	const char *at = tunnel_terminate_at(o);
	bool http = !strcmp(o->proto, "http");
	struct snisplit_endpoint e = {
		.url = o->url,
		.terminate_at = strcmp(at, "upstream") ? at : NULL,
		.crt = o->crt,
		.key = o->key,
		.mutual_tls_cas = o->mutual_tls_cas,
		.labels = o->labels.n ? (const char *const *)o->labels.at : NULL,
		.certificate_authorities = (const char *const *)o->cas.at,
		.cidr_allow = (const char *const *)o->allow.at,
		.cidr_deny = (const char *const *)o->deny.at,
		.alpn = http && !strcmp(at, "edge") ? http1 : NULL,
		.name = o->name,
		.description = o->description,
		.metadata = o->metadata,
		.upstream = o->addr,
		.proxy_proto = o->proxy_proto ? (unsigned)atoi(o->proxy_proto) : 0,
		.pooling_enabled = o->pooling_enabled,
		.upstream_tls_verify = o->upstream_tls_verify,
		.upstream_tls_verify_cas = o->upstream_tls_verify_cas,
	};
	struct snisplit_listener *l;
	struct snisplit_error err;
	struct snisplit_status st;
	char url[300];

	if (!strcmp(o->proto, "tcp"))
		e.url = tcp_url(o, url);
	l = snisplit_listen(s->session, &e, &err);
	pthread_mutex_lock(&s->lock);
	s->listeners[i] = l;
	pthread_mutex_unlock(&s->lock);
	if (l)
		return 0;
	snisplit_status(s->session, &st);
	if (err.status == 503 && !st.online)
		return 0; /* being stopped */
	if (!is_over(s))  /* else that is told at the end */
		say_error(s->conf, o, &err);
	return err.status == 400 ? EXIT_USAGE : EXIT_REFUSED;
}

/* On a thread of its own: the first answer may take as long as the edge is away. */
static void *listen_all(void *arg)
{
	struct tunnel_state *s = arg;
	int failed = 0;

	for (unsigned i = 0; i < s->conf->n_tunnels && !failed; i++)
		failed = listen_one(s, i);
	if (failed) {
		pthread_mutex_lock(&s->lock);
		s->failed = failed;
		pthread_mutex_unlock(&s->lock);
		kill(getpid(), SIGUSR1);
	}
	return NULL;
}

/* ---- the whole ---- */

/* The signal that is to end it, or 0: it is over by itself. */
static int wait_for_signal(struct tunnel_state *s, const sigset_t *set, bool screen)
{
	const struct timespec second = {.tv_sec = 1};
	int sig;

	while (!is_over(s)) {
		if (screen)
			tunnel_screen_draw(s);
		sig = screen ? sigtimedwait(set, NULL, &second) : sigwaitinfo(set, NULL);
		if (sig == SIGTERM || sig == SIGINT || sig == SIGHUP)
			return sig;
	}
	return 0;
}

/* Whoever has looked at a screen has no log to look at. */
static void say_left(struct tunnel_state *s, bool screen, enum tunnel_level level, const char *what)
{
	struct snisplit_status st;
	char n[16];

	snisplit_status(s->session, &st);
	snprintf(n, sizeof(n), "%u", st.conns_open);
	tunnel_log(level, what, "connections", n, NULL);
	if (screen)
		fprintf(stderr, "snisplit: %s: connections=%s\n", what, n);
}

/* Until the last connection has ended, the time is up, or a second signal comes. */
static void drain(struct tunnel_state *s, const sigset_t *set, bool screen)
{
	const struct timespec none = {0};
	struct snisplit_status st;
	int sig;

	for (int left = DRAIN_MS; left > 0; left -= STEP_MS) {
		snisplit_drain(s->session, STEP_MS);
		snisplit_status(s->session, &st);
		sig = sigtimedwait(set, NULL, &none);
		if (!st.conns_open && !st.channels_idle)
			return;
		if (sig == SIGTERM || sig == SIGINT)
			break;
	}
	say_left(s, screen, TUNNEL_WARN, "ending what is left");
}

/* Who moves bytes is told once.  That nobody without root has the kernel do it surprises nobody. */
static void say_datapath(struct snisplit *session)
{
	struct snisplit_status st;
	bool fine;

	snisplit_status(session, &st);
	fine = !strcmp(st.datapath, "kernel") || !strncmp(st.datapath_why, "datapath:", 9);
	tunnel_log(fine || geteuid() ? TUNNEL_INFO : TUNNEL_WARN, "datapath", "datapath",
		   st.datapath, "why", st.datapath_why, NULL);
}

static struct snisplit *open_session(struct tunnel_state *s, int *ret_code)
{
	const struct tunnel_conf *t = s->conf;
	const struct snisplit_conf conf = {
		.server = t->server,
		.authtoken = t->authtoken,
		.server_ca = t->server_ca,
		.metadata = t->metadata,
		.heartbeat_interval_ms = t->interval_ms,
		.heartbeat_tolerance_ms = t->tolerance_ms,
		.on_event = on_event,
		.arg = s,
		.datapath = t->datapath ? t->datapath : "auto",
	};
	struct snisplit_error err;
	struct snisplit *session = snisplit_open(&conf, &err);

	if (session) {
		say_datapath(session);
	} else {
		say_error(t, NULL, &err);
		*ret_code = err.status == 501 ? EXIT_KERNEL : EXIT_USAGE;
	}
	return session;
}

/* At the end.  Who was told to go while the edge had never been there has done nothing. */
static int exit_code(struct tunnel_state *s)
{
	int code;

	pthread_mutex_lock(&s->lock);
	if (s->failed)
		code = s->failed;
	else if (s->denied)
		code = s->stopped ? EXIT_OK : EXIT_REFUSED;
	else
		code = s->was_online ? EXIT_OK : EXIT_UNREACHABLE;
	pthread_mutex_unlock(&s->lock);
	return code;
}

static int serve(struct tunnel_state *s, const sigset_t *set, bool screen)
{
	struct tunnel_web *web = NULL;
	pthread_t thread;
	int code = EXIT_USAGE, sig;

	s->session = open_session(s, &code);
	if (!s->session)
		return code;
	if (!tunnel_web_open(s, s->conf->web_addr, &web) ||
	    pthread_create(&thread, NULL, listen_all, s)) {
		tunnel_web_close(web);
		snisplit_close(s->session);
		return EXIT_USAGE;
	}
	if (screen)
		tunnel_screen_open();
	sig = wait_for_signal(s, set, screen);
	if (screen)
		tunnel_screen_close();
	if (sig)
		say_left(s, screen, TUNNEL_INFO,
			 "draining: no new connections, those there may finish");
	code = exit_code(s);
	if (s->denied)
		say_error(s->conf, NULL, &s->error);
	if (s->n_removed == s->conf->n_tunnels)
		fprintf(stderr, "snisplit: removed at the edge: nothing is left to serve\n");
	/* (who is sent away keeps the connections he has) */
	if (s->failed && s->n_removed != s->conf->n_tunnels)
		snisplit_drain(s->session, 0);
	else
		drain(s, set, screen);
	pthread_join(thread, NULL);
	tunnel_web_close(web);
	snisplit_close(s->session);
	return code;
}

/* A screen for who looks at one, log lines for all others. */
static bool wants_screen(const struct tunnel_conf *t)
{
	if (t->console && strcmp(t->console, "iftty") != 0)
		return !strcmp(t->console, "true");
	return isatty(STDOUT_FILENO) &&
	       (!t->log || (strcmp(t->log, "stdout") && strcmp(t->log, "stderr")));
}

int tunnel_run(const struct tunnel_conf *t)
{
	struct tunnel_state s = {.conf = t};
	bool screen = wants_screen(t);
	sigset_t set;
	int code = EXIT_USAGE;

	log_set_level(LOG_LEVEL_ERR);
	if (!tunnel_log_open(t->log   ? t->log
			     : screen ? "false"
				      : "stdout",
			     t->log_format, t->log_level))
		return EXIT_USAGE;
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	pthread_mutex_init(&s.lock, NULL);
	s.listeners = calloc(t->n_tunnels + 1, sizeof(struct snisplit_listener *));
	snprintf(s.status, sizeof(s.status), "connecting");
	if (s.listeners)
		code = serve(&s, &set, screen);
	free(s.listeners);
	pthread_mutex_destroy(&s.lock);
	tunnel_log_close();
	return code;
}
