/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sessions - what upstreams have given us to resume with.
 *
 * Belongs to one tls_client, so that a session is used only where it was made, with the same
 * certificate and after the same verification.  Newest first, at most SESSIONS_MAX, each for an
 * hour at most.  Locked inside; any thread.
 */
#ifndef SESSIONS_H
#define SESSIONS_H

#include <pthread.h>

#include <openssl/ssl.h>

#define SESSIONS_MAX 16
#define SESSIONS_AGE_S 3600

struct sessions {
	pthread_mutex_t lock;
	unsigned n;
	struct {
		SSL_SESSION *s;
		char *name;
	} kept[SESSIONS_MAX]; /* oldest first */
};

void sessions_init(struct sessions *ss);
void sessions_done(struct sessions *ss);

/* Takes the reference to <s>, which is for <name>. */
void sessions_put(struct sessions *ss, const char *name, SSL_SESSION *s);
/*
 * One for <name>, the reference is the caller's; NULL: none.  A session of TLS 1.3 is for one use,
 * RFC 8446 C.4; one of TLS 1.2 stays.
 */
SSL_SESSION *sessions_take(struct sessions *ss, const char *name, time_t now);
/* One of them seems to be the reason of a failure. */
void sessions_forget(struct sessions *ss);

#endif
