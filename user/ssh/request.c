// SPDX-License-Identifier: GPL-2.0-only
/*
 * request - what a client asks for: session channels, their commands, -R.
 */
#include <stdio.h>
#include <string.h>

#include "session.h"

#define REQUESTS 256 /* in a turn */
#define CTRL_C 3
#define CTRL_D 4

/* ---- the session channel's callbacks, which only note ---- */

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

void request_init(struct session *s)
{
	struct ssh_channel_callbacks_struct *cb = &s->channel_callbacks;

	cb->userdata = s;
	cb->channel_data_function = on_typed;
	cb->channel_signal_function = on_signal;
	cb->channel_close_function = on_close;
	ssh_callbacks_init(cb);
}

/* ---- channels ---- */

/* One is enough.  A further one, of who shares a connection, is told so when it says its command.
 */
static void accept_session(struct session *s, ssh_message m)
{
	ssh_channel *to = &s->channel;

	for (int i = 0; *to && i < SESSION_EXTRAS; i++)
		if (!s->extras[i])
			to = &s->extras[i];
	if (*to || s->over || !(*to = ssh_message_channel_request_open_reply_accept(m)))
		ssh_message_reply_default(m);
	else if (to == &s->channel)
		ssh_set_channel_callbacks(s->channel, &s->channel_callbacks);
}

static void refuse_extra(ssh_channel *extra)
{
	static const char text[] =
		"ERR_SNISPLIT_1104: this connection has its command already: one "
		"endpoint a connection, or several -R with --multi; connect anew, "
		"ssh -S none\n";

	ssh_channel_write_stderr(*extra, text, sizeof(text) - 1);
	ssh_channel_request_send_exit_status(*extra, 1);
	ssh_channel_send_eof(*extra);
	ssh_channel_close(*extra);
	ssh_channel_free(*extra);
	*extra = NULL;
}

/* ---- requests ---- */

static bool take_line(struct session *s, const char *line)
{
	if (s->asked)
		return false;
	/* cut off it would be another command: what is too long stays too long */
	snprintf(s->line, sizeof(s->line), "%s", line ? line : "");
	s->asked = true;
	s->asked_ms = gateway_now_ms();
	return true;
}

static bool take_command(struct session *s, ssh_message m)
{
	switch (ssh_message_subtype(m)) {
	case SSH_CHANNEL_REQUEST_EXEC:
		return take_line(s, ssh_message_channel_request_command(m));
	case SSH_CHANNEL_REQUEST_SHELL: /* there is none: it is the answer to no command */
		return take_line(s, "");
	case SSH_CHANNEL_REQUEST_PTY:
		s->pty = true;
		return true;
	case SSH_CHANNEL_REQUEST_WINDOW_CHANGE:
		return true;
	default: /* env, subsystem, x11, ... */
		return false;
	}
}

static void answer(ssh_message m, bool yes)
{
	if (yes)
		ssh_message_channel_request_reply_success(m);
	else
		ssh_message_reply_default(m);
}

/*
 * <m> may name a channel that libssh has freed since it was queued, so it is only looked at if it
 * is one that we have; others get no answer.
 */
static void on_channel(struct session *s, ssh_message m)
{
	ssh_channel ch = ssh_message_channel_request_channel(m);
	int what = ssh_message_subtype(m);
	bool runs = what == SSH_CHANNEL_REQUEST_EXEC || what == SSH_CHANNEL_REQUEST_SHELL ||
		    what == SSH_CHANNEL_REQUEST_SUBSYSTEM;

	if (ch && ch == s->channel) {
		answer(m, take_command(s, m));
		return;
	}
	for (int i = 0; i < SESSION_EXTRAS; i++)
		if (ch && ch == s->extras[i]) {
			answer(m, runs || what == SSH_CHANNEL_REQUEST_PTY);
			if (runs)
				refuse_extra(&s->extras[i]);
			return;
		}
}

static void on_global(struct session *s, ssh_message m)
{
	const char *host = ssh_message_global_request_address(m);

	/* answers keep the order of requests */
	forward_refuse(s);
	if (forward_cancel(s, host, ssh_message_global_request_port(m)))
		ssh_message_global_request_reply_success(m, 0);
	else
		ssh_message_reply_default(m);
}

/* False: <m> is kept. */
static bool take(struct session *s, ssh_message m)
{
	int type = ssh_message_type(m), subtype = ssh_message_subtype(m);

	if (type == SSH_REQUEST_GLOBAL && subtype == SSH_GLOBAL_REQUEST_TCPIP_FORWARD) {
		forward_add(s, m);
		return false;
	}
	if (type == SSH_REQUEST_GLOBAL && subtype == SSH_GLOBAL_REQUEST_CANCEL_TCPIP_FORWARD)
		on_global(s, m);
	else if (type == SSH_REQUEST_CHANNEL_OPEN && subtype == SSH_CHANNEL_SESSION)
		accept_session(s, m);
	else if (type == SSH_REQUEST_CHANNEL)
		on_channel(s, m);
	else
		ssh_message_reply_default(m); /* -L, another login, ...: no */
	return true;
}

void request_take(struct session *s)
{
	ssh_message m;

	for (int i = 0; i < REQUESTS && (m = ssh_message_get(s->ssh)); i++)
		if (take(s, m))
			ssh_message_free(m);
}
