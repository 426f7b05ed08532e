/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tunnel_state - what tunnel_run.c knows and the screen and the local API show.
 */
#ifndef TUNNEL_STATE_H
#define TUNNEL_STATE_H
#include <pthread.h>
#include <time.h>

#include "snisplit.h"
#include "tunnel_conf.h"

#define TUNNEL_RECENT 10

struct tunnel_recent {
	char client[64], name[256], reason[32];
	struct timespec when;
	uint64_t number, in, out;
	bool closed;
};

struct tunnel_state {
	const struct tunnel_conf *conf;
	struct snisplit *session;
	pthread_mutex_t lock;		      /* all below */
	struct snisplit_listener **listeners; /* of each tunnel; NULL: not online yet */
	char status[400];		      /* of the session, one line */
	char notice[400];		      /* the last warning */
	struct tunnel_recent recent[TUNNEL_RECENT];
	unsigned n_recent;  /* ever */
	unsigned n_removed; /* endpoints that somebody at the edge took offline */
	bool was_online;    /* there has been a session */
	bool denied;
	struct snisplit_error error; /* why */
	bool stopped;		     /* denied, because the edge said stop */
	int failed;		     /* exit code; 0: none */
	char web[80];		     /* where the local API is; "" nowhere */
};

/* "host:port" of the upstream as it was given, in full. */
const char *tunnel_addr_shown(const struct tunnel_one *o, char out[300]);
#endif
