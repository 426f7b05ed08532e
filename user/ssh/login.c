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
#define NO_KEY 1100
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

/* Is <key> one that may log in, as far as is known? */
static bool is_known(struct session *s, ssh_key key)
{
	char fingerprint[HOST_KEY_FINGERPRINT_MAX];
	struct fault f;

	host_key_fingerprint(key, fingerprint);
	if (too_many(s, fingerprint))
		return false;
	if (s->edge && !strcmp(s->key, fingerprint))
		return true;
	if (mail_open_edge(s, fingerprint, &f)) {
		banner(s, &f);
		return false;
	}
	strcpy(s->key, fingerprint);
	return true;
}

/* libssh would have these in callbacks only, but then it has all requests so (session.h). */
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
static ssh_key key_of(ssh_message m, int *ret_state)
{
	*ret_state = ssh_message_auth_publickey_state(m);
	return ssh_message_auth_pubkey(m);
}
#pragma GCC diagnostic pop

static void on_key(struct session *s, ssh_message m)
{
	const char *user = ssh_message_auth_user(m);
	int state;
	ssh_key key = key_of(m, &state);

	if (state != SSH_PUBLICKEY_STATE_NONE && state != SSH_PUBLICKEY_STATE_VALID) {
		gateway_punish(s->gateway, s, COST_KEY_MS);
		ssh_message_reply_default(m);
	} else if (!key || !is_known(s, key)) {
		if (!s->quit)
			ssh_message_reply_default(m);
	} else if (state == SSH_PUBLICKEY_STATE_NONE) {
		ssh_message_auth_reply_pk_ok_simple(m);
	} else {
		snprintf(s->user, sizeof(s->user), "%s", user ? user : "");
		s->logged_in = true;
		ssh_message_auth_reply_success(m, 0);
	}
}

static void no_key(struct session *s)
{
	struct fault f;

	fault_set(&f, 401, NO_KEY, "",
		  "no key was sent: there is no password, only the keys of `snisplit ssh-key add`; "
		  "ssh -i FILE says which");
	banner(s, &f);
}

static void take(struct session *s, ssh_message m)
{
	bool login = ssh_message_type(m) == SSH_REQUEST_AUTH;

	if (login && ssh_message_subtype(m) == SSH_AUTH_METHOD_PUBLICKEY) {
		on_key(s, m);
		return;
	}
	/* (all begin with "none", to learn the methods) */
	if (login && ssh_message_subtype(m) != SSH_AUTH_METHOD_NONE)
		no_key(s);
	ssh_message_reply_default(m);
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
	ssh_message m;

	while (!s->logged_in) {
		now_ms = gateway_now_ms();
		if (now_ms >= until_ms || !ssh_is_connected(s->ssh) || atomic_load(&s->stop) ||
		    s->quit || ssh_get_status(s->ssh) & (SSH_CLOSED | SSH_CLOSED_ERROR))
			return -1;
		p.events = POLLIN | (ssh_get_poll_flags(s->ssh) & SSH_WRITE_PENDING ? POLLOUT : 0);
		poll(&p, 1, (int)(until_ms - now_ms));
		if (ssh_event_dopoll(s->event, 0) == SSH_ERROR)
			return -1;
		/* what comes behind the login is for later */
		while (!s->logged_in && !s->quit && (m = ssh_message_get(s->ssh))) {
			take(s, m);
			ssh_message_free(m);
		}
	}
	return 0;
}

int session_login(struct session *s)
{
	uint64_t until_ms = gateway_now_ms() + GRACE_MS;
	int err;

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
