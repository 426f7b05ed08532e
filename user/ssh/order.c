// SPDX-License-Identifier: GPL-2.0-only
/*
 * order - what a client wants: the command on its session channel and its -R, in any order.
 *
 * A -R is always granted, with some port if it wants any: nearly all clients send it before the
 * command, some wait for the answer before they send that one, and libssh wants the answer at once.
 * What turns out to be wrong, or is refused by the edge, ends the session.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "session.h"

#define PATIENCE_MS 5000 /* for a command */
#define FORWARD_MS 3000	 /* for a -R, after the command */
#define FREED_MS 3000	 /* until the edge has noticed that a session is gone */
#define TAKEN 334
#define CTRL_C 3
#define CTRL_D 4

/* ---- what the client is told ---- */

static void put(struct session *s, bool is_error, const char *text, size_t len)
{
	if (!s->channel || s->over || ssh_channel_window_size(s->channel) < len)
		return;
	if (is_error)
		ssh_channel_write_stderr(s->channel, text, (uint32_t)len);
	else
		ssh_channel_write(s->channel, text, (uint32_t)len);
}

void order_say(struct session *s, bool is_error, const char *fmt, ...)
{
	char text[1024];
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(text, sizeof(text) - 2, fmt, ap);
	va_end(ap);
	if (n < 0)
		return;
	if ((size_t)n > sizeof(text) - 3)
		n = (int)sizeof(text) - 3;
	strcpy(text + n, s->pty ? "\r\n" : "\n");
	put(s, is_error, text, strlen(text));
}

void order_finish(struct session *s, int status)
{
	if (s->over)
		return;
	streams_close(s);
	if (s->channel) {
		ssh_channel_request_send_exit_status(s->channel, status);
		ssh_channel_send_eof(s->channel);
		ssh_channel_close(s->channel);
	}
	s->over = true;
	s->over_ms = gateway_now_ms();
}

void order_disconnect(struct session *s, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ssh_session_set_disconnect_message(s->ssh, text);
	s->quit = true;
	ssh_disconnect(s->ssh);
}

void order_refuse(struct session *s, const struct fault *f)
{
	char text[1024];

	log_info("ssh: refused: %s key=%s ERR_SNISPLIT_%d %s", s->from, s->key, f->code,
		 log_escape(f->msg, strlen(f->msg), text, sizeof(text)));
	if (s->channel && s->asked) {
		if (f->code)
			order_say(s, true, "ERR_SNISPLIT_%d: %s", f->code, f->msg);
		else
			order_say(s, true, "%s", f->msg);
		order_finish(s, 1);
	} else {
		order_disconnect(s, "ERR_SNISPLIT_%d: %.400s", f->code, f->msg);
	}
}

static void say_usage(struct session *s)
{
	char *text = NULL, *line, *rest;
	size_t size;
	FILE *to = open_memstream(&text, &size);

	if (!to)
		return;
	cmdline_usage(to);
	if (!fclose(to))
		for (rest = text; (line = strsep(&rest, "\n")) && (*line || rest);)
			order_say(s, false, "%s", line);
	free(text);
}

/* ---- the session channel: callbacks, which only note ---- */

static int take_line(struct session *s, const char *line)
{
	if (s->asked)
		return 1;
	snprintf(s->line, sizeof(s->line), "%s", line);
	s->asked = true;
	s->asked_ms = gateway_now_ms();
	return 0;
}

static int on_exec(ssh_session ssh, ssh_channel ch, const char *line, void *arg)
{
	(void)ssh, (void)ch;
	/* cut off, it would be another command */
	return strlen(line) > CMDLINE_MAX ? 1 : take_line(arg, line);
}

/* There is no shell: what comes is the answer to no command. */
static int on_shell(ssh_session ssh, ssh_channel ch, void *arg)
{
	(void)ssh, (void)ch;
	return take_line(arg, "");
}

static int on_pty(ssh_session ssh, ssh_channel ch, const char *term, int w, int h, int pw, int ph,
		  void *arg)
{
	struct session *s = arg;

	(void)ssh, (void)ch, (void)term, (void)w, (void)h, (void)pw, (void)ph;
	s->pty = true;
	return 0;
}

static int on_no_env(ssh_session ssh, ssh_channel ch, const char *name, const char *value,
		     void *arg)
{
	(void)ssh, (void)ch, (void)name, (void)value, (void)arg;
	return 1;
}

static int on_no_subsystem(ssh_session ssh, ssh_channel ch, const char *name, void *arg)
{
	(void)ssh, (void)ch, (void)name, (void)arg;
	return 1;
}

/* A terminal sends the keys themselves. */
static int on_typed(ssh_session ssh, ssh_channel ch, void *data, uint32_t len, int is_stderr,
		    void *arg)
{
	struct session *s = arg;

	(void)ssh, (void)ch, (void)is_stderr;
	if (s->pty && (memchr(data, CTRL_C, len) || memchr(data, CTRL_D, len)))
		s->quit = true;
	return (int)len;
}

static void on_signal(ssh_session ssh, ssh_channel ch, const char *name, void *arg)
{
	struct session *s = arg;

	(void)ssh, (void)ch, (void)name;
	s->quit = true;
}

static void on_close(ssh_session ssh, ssh_channel ch, void *arg)
{
	struct session *s = arg;

	(void)ssh, (void)ch;
	s->quit = true;
}

void order_init(struct session *s)
{
	struct ssh_channel_callbacks_struct *cb = &s->channel_callbacks;

	cb->userdata = s;
	cb->channel_exec_request_function = on_exec;
	cb->channel_shell_request_function = on_shell;
	cb->channel_pty_request_function = on_pty;
	cb->channel_env_request_function = on_no_env;
	cb->channel_subsystem_request_function = on_no_subsystem;
	cb->channel_data_function = on_typed;
	cb->channel_signal_function = on_signal;
	cb->channel_close_function = on_close;
	ssh_callbacks_init(cb);
}

ssh_channel order_on_channel(ssh_session ssh, void *arg)
{
	struct session *s = arg;

	if (s->channel)
		return NULL; /* one is enough, and all we have room for */
	s->channel = ssh_channel_new(ssh);
	if (s->channel)
		ssh_set_channel_callbacks(s->channel, &s->channel_callbacks);
	return s->channel;
}

/* ---- -R ---- */

/* A port that this session has not heard of: the client tells its -R apart by them. */
static unsigned label(const struct session *s, unsigned port)
{
	for (unsigned i = 0; i < s->n_forwards; i++)
		if (s->forwards[i].told == port)
			return label(s, port == 65535 ? 1024 : port + 1);
	return port;
}

static bool add_forward(struct session *s, const char *host, int port)
{
	struct forward *f;

	if (s->n_forwards == SESSION_FORWARDS_MAX || s->over || !s->logged_in || !host)
		return false;
	f = &s->forwards[s->n_forwards];
	/* one that is too long is none; the rest is cmdline_bind()'s to judge */
	snprintf(f->host, sizeof(f->host), "%s", strlen(host) < sizeof(f->host) ? host : "?");
	f->port = port < 0 ? 65536 : (unsigned)port;
	f->told = f->port ? f->port : label(s, 443);
	s->n_forwards++;
	return true;
}

static bool cancel_forward(struct session *s, const char *host, int port)
{
	for (unsigned i = 0; i < s->n_forwards; i++) {
		struct forward *f = &s->forwards[i];

		if (!f->listener || (int)f->told != port || strcmp(f->host, host ? host : "") != 0)
			continue;
		snisplit_unlisten(f->listener);
		f->listener = NULL;
		order_say(s, false, "offline     %s", f->url);
		return true;
	}
	return false;
}

int order_on_message(ssh_session ssh, ssh_message m, void *arg)
{
	struct session *s = arg;
	bool yes;

	(void)ssh;
	if (ssh_message_type(m) != SSH_REQUEST_GLOBAL)
		return 1; /* -L, X11, another login: no */
	if (ssh_message_subtype(m) == SSH_GLOBAL_REQUEST_TCPIP_FORWARD)
		yes = add_forward(s, ssh_message_global_request_address(m),
				  ssh_message_global_request_port(m));
	else if (ssh_message_subtype(m) == SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD)
		yes = cancel_forward(s, ssh_message_global_request_address(m),
				     ssh_message_global_request_port(m));
	else
		return 1;
	if (!yes)
		return 1;
	ssh_message_global_request_reply_success(
		m, s->n_forwards ? (uint16_t)s->forwards[s->n_forwards - 1].told : 0);
	return 0;
}

/* ---- an endpoint ---- */

static struct snisplit_listener *listen_once(struct session *s, const char *url,
					     struct snisplit_error *err)
{
	static const char *const http_alpn[] = {"http/1.1", NULL};
	const struct cmdline *c = &s->cmd;
	struct snisplit_endpoint e = {
		.url = *url ? url : NULL,
		.terminate_at = c->type == CMDLINE_HTTP ? "edge" : c->values[CMDLINE_TERMINATE_AT],
		.alpn = c->type == CMDLINE_HTTP ? http_alpn : NULL,
		.cidr_allow = c->cidr_allow[0] ? c->cidr_allow : NULL,
		.cidr_deny = c->cidr_deny[0] ? c->cidr_deny : NULL,
		.name = c->values[CMDLINE_NAME],
		.description = c->values[CMDLINE_DESCRIPTION],
		.metadata = c->values[CMDLINE_METADATA],
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

static void begin_forward(struct session *s, struct forward *f)
{
	struct snisplit_error err = {.msg = ""};
	struct cmdline_bind b;
	char url[CMDLINE_URL_MAX];
	struct fault fault;

	if (cmdline_bind(f->host, f->port, &b, &fault) || cmdline_url(&s->cmd, &b, url, &fault)) {
		order_refuse(s, &fault);
		return;
	}
	f->listener = listen_for(s, url, &err);
	if (!f->listener) {
		fault_set(&fault, err.status, err.code, "", "%s%s%.400s", *url ? url : "",
			  *url ? ": " : "", err.msg);
		order_refuse(s, &fault);
		return;
	}
	gateway_set_url(s->gateway, f->url, sizeof(f->url), snisplit_url(f->listener));
	order_say(s, false, "endpoint    %s", f->url);
	order_say(s, false, "forwarding  %s -> ssh client, -R %s%s%u", f->url, b.host,
		  *b.host ? ":" : "", f->port);
}

/* ---- the session ---- */

/* 0: go on; 1: not yet; -1: refused. */
static int check_forwards(struct session *s, struct fault *f)
{
	if (!s->n_forwards && gateway_now_ms() - s->asked_ms < FORWARD_MS)
		return 1;
	if (!s->n_forwards)
		return fault_set(f, 400, 1112, "",
				 "no -R came: say what to forward, ssh -R "
				 "app.example.com:443:localhost:443 EDGE %s",
				 cmdline_type_name(s->cmd.type));
	if (s->n_forwards > 1 && !s->cmd.multi)
		return fault_set(f, 400, 1105, "",
				 "one -R a session; add --multi to the command to serve all of "
				 "them");
	return 0;
}

/* The command has come: is it right? */
static void decide(struct session *s)
{
	struct fault f;
	int res = cmdline_version(s->user, &f);

	if (!res)
		res = cmdline_parse(s->line, &s->cmd, &f);
	if (!res && s->cmd.help) {
		say_usage(s);
		order_finish(s, 0);
		return;
	}
	if (!res && s->full)
		res = fault_set(&f, 429, 108, "", "this key has %u sessions already",
				gateway_conf(s->gateway)->sessions_per_key);
	if (!res)
		res = check_forwards(s, &f);
	if (res < 0)
		order_refuse(s, &f);
	if (res)
		return;
	s->decided = true;
	order_say(s, false, "snisplit over SSH (Ctrl+C to quit)");
	order_say(s, false, "account     key %s", s->key);
}

static void begin_forwards(struct session *s)
{
	struct fault f;

	if (check_forwards(s, &f)) { /* a second one, later */
		order_refuse(s, &f);
		return;
	}
	for (unsigned i = 0; i < s->n_forwards && !s->over; i++)
		if (!*s->forwards[i].url)
			begin_forward(s, &s->forwards[i]);
}

void order_run(struct session *s)
{
	uint64_t now_ms = gateway_now_ms();
	struct fault f;

	mail_deliver(s);
	if (s->over)
		return;
	if (!s->asked && now_ms - s->since_ms > PATIENCE_MS) {
		fault_set(&f, 400, 1111, "",
			  "no command came: leave -N out and say what to serve, ssh -R "
			  "app.example.com:443:localhost:443 EDGE tls");
		order_refuse(s, &f);
		return;
	}
	if (s->asked && !s->decided)
		decide(s);
	if (s->decided && !s->over)
		begin_forwards(s);
}
