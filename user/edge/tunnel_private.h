/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tunnel_private - the tunnel's inside, for tunnel*.c only.  All of it is the tunnel's thread's but
 * for what <lock> covers.
 */
#ifndef TUNNEL_PRIVATE_H
#define TUNNEL_PRIVATE_H
#include <pthread.h>
#include <stdatomic.h>

#include "chan.h"
#include "end.h"
#include "list.h"
#include "tunnel.h"

#define SECOND_NS 1000000000ULL

/* A proof that has been given out and not come back. */
struct proof {
	struct list link;	   /* in tunnel->proofs, oldest first */
	struct list own;	   /* in its session's */
	struct caller *session;	   /* whose endpoint it is for */
	struct proof *next;	   /* of its bucket */
	struct endpoint *endpoint; /* a reference */
	uint64_t number, asked_ns, until_ns;
	unsigned worker;
	uint8_t token[CHAN_TOKEN_LEN];
};

#define PROOF_BUCKETS 4096

/* A LISTEN for a name that another session of the same credential holds: does that one answer? */
struct claim {
	struct list link;
	uint64_t holder; /* the session asked */
	uint64_t asked_ns;
	size_t len;
	uint8_t frame[];
};

/* What a session has online: an endpoint, or a tunnel with labels. */
struct bound {
	struct list link;
	struct endpoint *endpoint; /* a reference; NULL: <tunnel> */
	char tunnel[40];	   /* tn_... */
};

/* What the first bytes of a connection have shown it to be. */
enum caller_state { CALLER_NEW, CALLER_HANDSHAKE, CALLER_MAGIC, CALLER_PROOF, CALLER_CONTROL };

#define FAILED_CHANNELS 4096U

/* A channel that leads nowhere, see tunnel_failed.c; read by workers. */
struct failed {
	atomic_uint_fast64_t channel, agent; /* 0: none */
	atomic_uint status;
};

/* One connection to the tunnel port. */
struct caller {
	struct end end; /* kind: END_CALLER */
	struct tunnel *tunnel;
	struct list link; /* in tunnel->callers, oldest first, or in tunnel->sessions */
	struct list more; /* in tunnel->more: has more to be read than one turn took */
	enum caller_state state;
	uint64_t until_ns;
	struct sockaddr_storage sa;
	uint32_t watched; /* epoll's mask */
	uint8_t head[CHAN_PROOF_LEN];
	size_t head_len;
	bool dead;
	/* CALLER_CONTROL */
	bool welcomed, leaving; /* leaving: what is to be sent goes out, then it ends */
	uint8_t *in;
	size_t in_len, in_size;
	struct chan_out out;
	uint64_t number;
	char id[40], credential[40], instance[64], agent[64], os[64], metadata[256];
	char *acl;
	bool rules_changed; /* <acl> is not what it is to be */
	struct list bounds, claims, proofs;
	unsigned n_bounds, n_proofs;
	uint64_t heard_ns, pinged_ns, interval_ns, tolerance_ns;
	uint32_t rtt_us;
	struct timespec started;
};

struct tunnel {
	struct edge *edge;
	pthread_t thread;
	bool started;
	int epoll_fd, mail_fd, listen_fd, spare_fd;
	char *base_domain;
	struct tls_server *server; /* our certificate */
	uint64_t now_ns;
	atomic_uint_fast64_t turned_ms; /* now_ns of the last turn that began, in ms */
	struct list callers, graves, more;
	unsigned n_callers;
	uint64_t session_number, channel_number;
	struct list proofs;
	struct proof *buckets[PROOF_BUCKETS];
	unsigned n_proofs;
	bool draining;
	atomic_bool stop;
	struct failed failed[FAILED_CHANNELS];

	pthread_mutex_t lock;
	struct list sessions; /* struct caller, welcomed; read by others */
	unsigned n_sessions;
	struct list mail;
	/* what there was no memory to mail */
	atomic_bool credentials_changed, drain_asked;
};

/* tunnel_mail.c */
void tunnel_read_mail(struct tunnel *t);
void tunnel_wake(struct tunnel *t);
void tunnel_drop_mail(struct tunnel *t);

/* tunnel_caller.c */
void tunnel_on_listener(struct tunnel *t);
void caller_on_ready(struct caller *c);
void caller_free(struct caller *c);
/* Ends it now; what it holds goes at the end of the turn. */
void caller_close(struct caller *c, bool reset);
/* epoll follows what is to be sent. */
void caller_watch(struct caller *c);
/* tunnel.c */
struct caller *tunnel_session_find(struct tunnel *t, uint64_t number);

/* tunnel_session.c: the control connection */
int session_begin(struct caller *c); /* its magic has been read.  0 or -errno */
void session_on_ready(struct caller *c);
void session_tick(struct caller *c); /* a few times a second */
void session_end(struct caller *c);  /* its endpoints go offline */
void session_flush(struct caller *c);
void session_send_drain(struct caller *c);
/* ... and the reason for it, which is the last it hears. */
void session_refuse(struct caller *c, const struct fault *f);
void session_lost(struct caller *c, const char *endpoint_id);

/* tunnel_listen.c: its endpoints */
/* Answers a CHAN_LISTEN, now or when the holder of the name has had time to answer. */
void session_listen(struct caller *c, const uint8_t *bytes, const struct chan_frame *f);
void session_unlisten(struct caller *c, const char *endpoint_id);
void session_check_claims(struct caller *c);
void session_on_failed(struct caller *c, const struct chan_frame *f); /* tunnel_failed.c */
void session_offline(struct caller *c);				      /* all of them */
/* An empty one of <c>'s.  NULL with <f>: 324, there are enough. */
struct bound *bound_new(struct caller *c, struct fault *f);
void bound_drop(struct caller *c, struct bound *b); /* what is in it stays as it is */

/* tunnel_limit.c.  May <c> be one more session of its credential, have one more endpoint? */
int session_check_count(struct caller *c, struct fault *f);
int session_check_endpoints(struct caller *c, struct fault *f);
/* <acl> is what holds now; to be asked before it is.  -1 with <f>: no memory, so nothing is. */
int session_check_rules(struct caller *c, struct fault *f);
bool session_is_revoked(struct caller *c); /* its credential is gone */
/* The rules of the credential have changed. */
void sessions_renew_rules(struct tunnel *t, const char *credential);

/* tunnel_labelled.c: those without a name */
/* The labels that a CHAN_LISTEN has; NULL: it is for an endpoint. */
const char *labelled_of(const struct chan_frame *fr);
/* Puts one online: its id, and the labels for people.  0, or -1 with <f>. */
int labelled_listen(struct caller *c, const struct chan_frame *fr, char ret_id[40], char *ret_text,
		    size_t text_size, struct fault *f);
void labelled_offline(struct caller *c, const char *id);

/* tunnel_proof.c: they go with their session, and are not for others' endpoints */
/* Puts <n> fresh proofs for <e> into a CHAN_DIAL to <c>. */
void proofs_give(struct caller *c, struct endpoint *e, unsigned worker, unsigned n);
/* The proof is right: out of the table, for proof_free().  Else NULL. */
struct proof *proof_take(struct tunnel *t, uint64_t number, const uint8_t token[CHAN_TOKEN_LEN]);
void proof_free(struct proof *p);
void proofs_expire(struct tunnel *t, uint64_t now_ns); /* UINT64_MAX: all */
void proofs_drop(struct caller *session);
#endif
