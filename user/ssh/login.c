// SPDX-License-Identifier: GPL-2.0-only
/*
 * login - from the first byte to a key that the edge knows.
 *
 * Only public keys.  For a key that is offered, the edge's side is opened with it at once: whether
 * it is known says the edge, and nobody else.  It serves only after the signature was right.
 */
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "host_key.h"
#include "log.h"
#include "session.h"

#define GRACE_MS 10000
#define KEYS_MAX 6 /* offered by one client */
#define COST_KEY_MS 5000
#define COST_GRACE_MS 10000

static void banner(struct session *s, const struct fault *f)
{
	char text[700];
	ssh_string str;

	if (s->bannered)
		return; /* once: it may have the right key still */
	s->bannered = true;
	snprintf(text, sizeof(text), "ERR_SNISPLIT_%d: %s\r\n", f->code, f->msg);
	str = ssh_string_from_char(text);
	if (str)
		ssh_send_issue_banner(s->ssh, str);
	ssh_string_free(str);
}

/* Has the client now offered more keys than anybody has? */
static bool too_many(struct session *s, const char *key)
{
	if (!strcmp(key, s->offered))
		return false;
	strcpy(s->offered, key);
	if (++s->n_offered <= KEYS_MAX)
		return false;
	gateway_punish(s->gateway, s, COST_KEY_MS);
	order_disconnect(s,
			 "ERR_SNISPLIT_1101: more than %d keys were offered: name the right one, "
			 "ssh -o IdentitiesOnly=yes -i FILE",
			 KEYS_MAX);
	return true;
}

static int on_key(ssh_session ssh, const char *user, struct ssh_key_struct *key, char state,
		  void *arg)
{
	char fingerprint[HOST_KEY_FINGERPRINT_MAX];
	struct session *s = arg;
	struct fault f;

	(void)ssh;
	if (s->logged_in)
		return SSH_AUTH_DENIED;
	if (state != SSH_PUBLICKEY_STATE_NONE && state != SSH_PUBLICKEY_STATE_VALID) {
		gateway_punish(s->gateway, s, COST_KEY_MS);
		return SSH_AUTH_DENIED;
	}
	host_key_fingerprint(key, fingerprint);
	if (too_many(s, fingerprint))
		return SSH_AUTH_DENIED;
	if (!s->edge || strcmp(s->key, fingerprint) != 0) {
		if (mail_open_edge(s, fingerprint, &f)) {
			banner(s, &f);
			return SSH_AUTH_DENIED;
		}
		strcpy(s->key, fingerprint);
	}
	if (state == SSH_PUBLICKEY_STATE_VALID) {
		snprintf(s->user, sizeof(s->user), "%s", user ? user : "");
		s->logged_in = true;
	}
	return SSH_AUTH_SUCCESS;
}

static int on_none(ssh_session ssh, const char *user, void *arg)
{
	(void)ssh, (void)user, (void)arg;
	return SSH_AUTH_DENIED;
}

static int shake(struct session *s, uint64_t until_ms)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};
	uint64_t now_ms;
	int r;

	for (;;) {
		r = ssh_handle_key_exchange(s->ssh);
		now_ms = gateway_now_ms();
		if (r != SSH_AGAIN || now_ms >= until_ms || atomic_load(&s->stop))
			return r == SSH_OK ? 0 : -1;
		p.events = POLLIN | (ssh_get_poll_flags(s->ssh) & SSH_WRITE_PENDING ? POLLOUT : 0);
		poll(&p, 1, (int)(until_ms - now_ms));
	}
}

static int authenticate(struct session *s, uint64_t until_ms)
{
	struct pollfd p = {.fd = s->fd};
	uint64_t now_ms;

	while (!s->logged_in) {
		now_ms = gateway_now_ms();
		if (now_ms >= until_ms || !ssh_is_connected(s->ssh) || atomic_load(&s->stop) ||
		    ssh_get_status(s->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR))
			return -1;
		p.events = POLLIN | (ssh_get_poll_flags(s->ssh) & SSH_WRITE_PENDING ? POLLOUT : 0);
		poll(&p, 1, (int)(until_ms - now_ms));
		/* one at a time: what comes behind the login is for later */
		if (ssh_event_dopoll(s->event, 0) == SSH_ERROR)
			return -1;
	}
	return 0;
}

int session_login(struct session *s)
{
	uint64_t until_ms = gateway_now_ms() + GRACE_MS;
	int err;

	s->server_callbacks.userdata = s;
	s->server_callbacks.auth_pubkey_function = on_key;
	s->server_callbacks.auth_none_function = on_none;
	s->server_callbacks.channel_open_request_session_function = order_on_channel;
	ssh_callbacks_init(&s->server_callbacks);
	ssh_set_server_callbacks(s->ssh, &s->server_callbacks);
	ssh_set_message_callback(s->ssh, order_on_message, s);
	ssh_set_auth_methods(s->ssh, SSH_AUTH_METHOD_PUBLICKEY);
	ssh_set_blocking(s->ssh, 0);
	err = shake(s, until_ms);
	/* libssh has no poll handle to give away before it has used it */
	if (!err)
		err = ssh_event_add_session(s->event, s->ssh) != SSH_OK;
	if (!err)
		err = authenticate(s, until_ms);
	if (err) {
		log_debug("ssh: no login from %s: %s", s->from, ssh_get_error(s->ssh));
		gateway_punish(s->gateway, s,
			       gateway_now_ms() >= until_ms ? COST_GRACE_MS
			       : s->n_offered		    ? COST_KEY_MS
							    : 1000);
		return -1;
	}
	s->full = !gateway_logged_in(s->gateway, s);
	s->since_ms = gateway_now_ms();
	return 0;
}
