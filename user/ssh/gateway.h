/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * gateway - ssh -R: the listener, and what the sessions have in common.
 *
 * A session is a thread (session.h).  All of this may be called from any of them; the gateway's
 * lock covers the list of sessions and who may connect.
 */
#ifndef GATEWAY_H
#define GATEWAY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

struct gateway;
struct session;

struct gateway_conf {
	const char *listen;		/* IP:PORT */
	const char *state_dir;		/* of the host keys */
	const char *server, *server_ca; /* the edge's tunnel port; as in snisplit.h */
	const char *secret;		/* what the edge knows this gateway by */
	unsigned sessions_max, sessions_per_key, channels_max;
	unsigned waiting_begin, waiting_full; /* admission.h */
};

/* Makes host keys if there are none, binds and listens.  0, or -1 with <f>. */
int gateway_open(const struct gateway_conf *conf, struct gateway **ret_g, struct fault *f);
/*
 * Until <stop_fd> is readable, or the other end of <life_fd> (-1: none) is closed.  Then the
 * sessions are told, and ended.
 */
void gateway_run(struct gateway *g, int stop_fd, int life_fd);
void gateway_close(struct gateway *g);

/* ---- for sessions ---- */

const struct gateway_conf *gateway_conf(const struct gateway *g);
/* It has logged in with this key.  False: the key has enough sessions. */
bool gateway_logged_in(struct gateway *g, struct session *s);
/* Its source has offended: cost in ms. */
void gateway_punish(struct gateway *g, struct session *s, unsigned cost_ms);
/* The session's last call: <s> is freed by the gateway. */
void gateway_ended(struct gateway *g, struct session *s);
/*
 * Another session of the key of <s> that has <url> is asked whether its client is still there, and
 * ended if it does not answer.  True: it is gone.  Waits up to 3 s.
 */
bool gateway_take_over(struct gateway *g, struct session *s, const char *url);
/* The session has <url> now, for those who ask the above: copied to <to> under the lock. */
void gateway_set_url(struct gateway *g, char *to, size_t size, const char *url);
/* Milliseconds of a clock that only goes forward. */
uint64_t gateway_now_ms(void);
#endif
