// SPDX-License-Identifier: GPL-2.0-only
/*
 * order - what a client wants: the command on its session channel and its -R, in any order.  What
 * turns out to be wrong, or is refused by the edge, ends the session.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "session.h"
#include "text_file.h"

#define PATIENCE_MS 5000 /* for a command */
#define FORWARD_MS 3000	 /* for a -R, after the command */
#define FAREWELL_MS 100	 /* for the client to show why, before it is told that -R failed */
#define STEP_MS 50

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

static void tell_status(struct session *s)
{
	forward_refuse(s);
	if (s->channel) {
		ssh_channel_request_send_exit_status(s->channel, s->status);
		ssh_channel_send_eof(s->channel);
		ssh_channel_close(s->channel);
	}
	s->told = true;
}

void order_finish(struct session *s, int status)
{
	if (s->over)
		return;
	streams_close(s);
	s->over = true;
	s->status = status;
	s->over_ms = gateway_now_ms();
	if (!forward_is_waiting(s))
		tell_status(s);
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
		forward_refuse(s);
		order_disconnect(s, "ERR_SNISPLIT_%d: %.400s", f->code, f->msg);
	}
}

static void say_usage(struct session *s)
{
	char *text = NULL, *line, *rest;
	size_t size;
	FILE *to = text_file_open(&text, &size);

	if (!to)
		return;
	cmdline_usage(to);
	if (!text_file_close(to, &text))
		for (rest = text; (line = strsep(&rest, "\n")) && (*line || rest);)
			order_say(s, false, "%s", line);
	free(text);
}

/* ---- the session ---- */

/* How many are wanted. */
static unsigned count_forwards(const struct session *s)
{
	unsigned n = 0;

	for (unsigned i = 0; i < s->n_forwards; i++)
		n += !s->forwards[i].dead;
	return n;
}

/* 0: go on; 1: not yet; -1: refused. */
static int check_forwards(struct session *s, struct fault *f)
{
	unsigned n = count_forwards(s);

	if (!n && gateway_now_ms() - s->asked_ms < FORWARD_MS)
		return 1;
	if (!n)
		return fault_set(f, 400, 1112, "",
				 "no -R came: say what to forward, ssh -R "
				 "app.example.com:443:localhost:443 EDGE %s",
				 cmdline_type_name(s->cmd.type));
	if (n > 1 && !s->cmd.multi)
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

/* More -R, of who shares the connection: one too many does not end what is being served. */
static void check_later(struct session *s)
{
	struct fault f;

	if (!forward_is_waiting(s) || check_forwards(s, &f) >= 0)
		return;
	order_say(s, true, "ERR_SNISPLIT_%d: %s", f.code, f.msg);
	for (unsigned i = 0; i < s->n_forwards; i++)
		s->forwards[i].dead |= s->forwards[i].request != NULL;
	forward_refuse(s);
}

int order_timeout_ms(const struct session *s)
{
	return forward_is_waiting(s) || (s->over && !s->told) ? STEP_MS : -1;
}

void order_run(struct session *s)
{
	uint64_t now_ms = gateway_now_ms();
	struct fault f;

	mail_deliver(s);
	if (s->over && !s->told && now_ms - s->over_ms >= FAREWELL_MS)
		tell_status(s);
	if (s->over)
		return;
	if (!s->asked && now_ms - s->since_ms > PATIENCE_MS) {
		fault_set(&f, 400, 1111, "",
			  "no command came: leave -N out and say what to serve, ssh -R "
			  "app.example.com:443:localhost:443 EDGE tls");
		order_refuse(s, &f);
		return;
	}
	if (!s->asked)
		forward_judge(s);
	if (s->decided)
		check_later(s);
	else if (s->asked)
		decide(s);
	if (s->decided && !s->over)
		forward_begin(s);
}
