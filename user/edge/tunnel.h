/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tunnel - where agents connect: one thread with its listener, the sessions of agents, and their
 * channels until a worker has them.  The protocol is user/wire/PROTOCOL.md.
 *
 * A channel is asked for by a worker, whose pool gets it once it is proved.  Everything here may be
 * called from any thread and waits for nobody; after tunnel_stop() it does nothing.
 */
#ifndef TUNNEL_H
#define TUNNEL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>

struct credentials;
struct edge;
struct endpoint;
struct fault;
struct tls;
struct tunnel;

/* A connection of an agent's, proved to be for <endpoint>. */
struct channel {
	struct endpoint *endpoint; /* a reference */
	int fd;
	struct tls *tls; /* NULL: the bare socket */
	uint64_t number, asked_ns;
	struct sockaddr_storage sa; /* the agent's */
};
void channel_free(struct channel *ch);

/* Listens where the configuration says (NULL in *ret_t: nowhere).  0, or -errno with <why>. */
int tunnel_open(struct edge *g, struct tunnel **ret_t, char *why, size_t why_size);
int tunnel_start(struct tunnel *t); /* 0 or -errno; NULL is fine everywhere below */
/* Tells the agents (742) and takes nothing new; channels that are wanted still come. */
void tunnel_drain(struct tunnel *t);
/* When its last turn began, as clock_ns() in ms; now, where there is none. */
uint64_t tunnel_turned_ms(const struct tunnel *t);
/*
 * The listening socket (-1: none), which another daemon gets.  tunnel_listen(): off while that is
 * decided, on again if it does not.
 */
int tunnel_listen_fd(const struct tunnel *t);
void tunnel_listen(struct tunnel *t, bool on);
void tunnel_stop(struct tunnel *t); /* ends the thread and all sessions */
void tunnel_close(struct tunnel *t);

/* <n> channels for <e>, for this worker's pool. */
void tunnel_ask(struct tunnel *t, struct endpoint *e, unsigned worker, unsigned n);
/* <e> has gone offline, whoever wanted it. */
void tunnel_gone(struct tunnel *t, const struct endpoint *e);
/* The credential is gone: so are its sessions. */
void tunnel_revoke(struct tunnel *t, const char *credential_id);
/* Its rules have changed: they hold for what its sessions ask for from now on. */
void tunnel_renew_rules(struct tunnel *t, const char *credential_id);
/* Ends a session, whose agent gives up, or (<restart>) makes it anew.  0, -ENOENT or -ENOMEM. */
int tunnel_session_end(struct tunnel *t, const char *id, bool restart);

struct tunnel_started {
	uint64_t agent, channel;
	char connection[40], name[256];
	struct sockaddr_storage client, server;
};
/* The kernel has given the channel this connection by itself. */
void tunnel_started(struct tunnel *t, const struct tunnel_started *s);

/* What has the agent said of this channel?  Any thread. */
enum tunnel_failure { TUNNEL_FAILURE_NONE, TUNNEL_FAILURE_REFUSED, TUNNEL_FAILURE_TIMEOUT };
enum tunnel_failure tunnel_failure(struct tunnel *t, uint64_t agent, uint64_t channel);

struct tunnel_session {
	char id[40], credential[40], agent[64], os[64], metadata[256];
	struct sockaddr_storage sa;
	struct timespec started;
	unsigned endpoints;
	uint32_t rtt_us;
	uint64_t number; /* what its endpoints know it by: endpoint->agent */
};
/* Copies the sessions to a malloc'd array.  How many, or -ENOMEM. */
int tunnel_sessions(struct tunnel *t, struct tunnel_session **ret_list);
unsigned tunnel_count(struct tunnel *t);

/* Of the running daemon; NULL: it has no tunnel.  The credentials are there all the same. */
struct tunnel *edge_tunnel(struct edge *g);
struct credentials *edge_credentials(struct edge *g);
struct credentials *edge_ssh_credentials(struct edge *g); /* of `ssh -R` */
const char *edge_ssh_dir(struct edge *g);		  /* where the gateway's keys are */
#endif
