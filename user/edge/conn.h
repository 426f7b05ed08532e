/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * conn - one client's connection from accept to its event.
 *
 *   HELLO ──kernel paired it──────────────► OPEN ──both ends shut──► closed
 *     │                                      ▲ │
 *     └─hello read─► CONNECT ──established───┘ └─one end reset─► FLUSH ─► closed
 *     └─hello read─► HANDSHAKE and CONNECT, see terminate.h ─► OPEN
 *     └─refused: alert ─► LINGER ─► closed
 *
 * A conn belongs to one worker.  Every path ends in conn_close(), which emits
 * the event; the memory goes at the end of the worker's turn.
 */
#ifndef CONN_H
#define CONN_H
#include "retry.h"
#include "worker.h"

enum end_kind { END_LISTENER = 1, END_CLIENT, END_UPSTREAM, END_WARM };
enum conn_phase {
	CONN_HELLO,
	CONN_HANDSHAKE,
	CONN_CONNECT,
	CONN_OPEN,
	CONN_FLUSH,
	CONN_LINGER,
	CONN_DEAD
};

/* What the hello said, for the event; one allocation, NULL until it is known. */
struct conn_note {
	char ja4[40];
	char alpn[96];
	uint16_t name_len;
	char name[];
};

/* A client whose PROXY header said who it is; NULL for all others. */
struct conn_proxied {
	union addr_ip peer;   /* who sent the header: the socket's own */
	union addr_ip server; /* where the client had connected to */
};

struct hello;
struct sni;

/* The protocols a hello offers, in wire form. */
struct conn_offer {
	uint16_t len;
	uint8_t bytes[];
};

/* Bytes from and to the client, by whether they ever entered user space. */
struct conn_tally {
	uint64_t in_user, in_kernel, out_user, out_kernel;
};

struct conn {
	struct end client, upstream;
	struct half up, down; /* client -> upstream, upstream -> client */
	struct worker *worker;
	struct endpoint *endpoint; /* a reference, or NULL; of a TCP endpoint's from the start */
	struct crowd_place *place; /* among its source's there; NULL: not counted */
	struct conn_note *note;
	struct conn_proxied *proxied;
	struct sni *sni;	  /* while user space reads the hello */
	struct conn_offer *offer; /* while an upstream is to choose of it */
	struct end *shaking;	  /* CONN_HANDSHAKE: whose */
	struct list all, timer, ready, answer, silent;
	struct retry retry;	    /* in worker->retry */
	struct list queue;	    /* waits for an agent's channel */
	uint64_t channel;	    /* its number, once there is one */
	uint64_t id_prefix, number; /* of its id, which stays when another daemon gets it */
	uint64_t order;		    /* its worker's list is in this order */
	uint64_t start_ns, deadline_ns, user_ns; /* user_ns: user space last moved bytes */
	uint64_t hello_ns, shake_ns, dial_ns, connected_ns, first_byte_ns;
	uint64_t acked, acked_ns; /* what both peers have acknowledged, and when that grew */
	struct timespec start;
	uint32_t replay; /* replay buffer, 0: none */
	union addr_ip client_addr, upstream_addr;
	uint8_t id_worker; /* the first one that had it */
	uint8_t phase;	   /* enum conn_phase */
	uint8_t reason;	   /* enum close_reason; CLOSE_REASON_MAX: not known yet */
	uint8_t timer_kind;
	uint8_t reads;	   /* of user space, peeks too, of a hello that was not complete then */
	uint8_t tries;	   /* addresses of the endpoint dialled */
	uint8_t moves;	   /* from one target of the name to another, because a dial failed */
	uint8_t ip_policy; /* of the event: IP_POLICY_ */
	bool undecided;	   /* not enrolled yet: see conn_peek() */
	bool wants_header; /* a PROXY header has to come before the hello */
	uint8_t replayed;  /* how often */
	bool replay_pending;
	bool early;	    /* its hello has early data, which is not for repeating (RFC 8446 8) */
	bool described;	    /* another daemon has been told of it, see upgrade.h */
	bool fallback_path; /* kernel path refused, by the endpoint or the kernel */
	bool awaits;	    /* HELLO: an agent that is on its way here, see takeover_expects() */
	bool trickles;	    /* waits for the rest of its hello in trickle.h's set */
	bool acme;	    /* goes to the endpoint's acme_upstream, as it is */
	bool watch_all;	    /* a PASS episode: both sockets are in epoll */
	uint8_t told_as;    /* in the endpoint's active_by: datapath + 1; 0: not yet */
	uint16_t alert_bytes;
	uint32_t dropped;	/* by the program, of a denied client */
	struct conn_tally told; /* what of it is in the endpoint's counters */
	uint32_t peeked;	/* of the hello, while it is still in the socket */
	uint32_t preface;	/* bytes the upstream was sent before the client's own */
	uint64_t discarded;	/* read after a refusal */
};

/* accept.c */
/* For the worker: takes <fd> unless it returns NULL, out of memory. */
struct conn *conn_new(struct worker *w, int fd, const struct sockaddr *sa, socklen_t len);
/* Accepted from a listener, <tcp>: of that TCP endpoint.  Always takes <fd>. */
void conn_accept(struct worker *w, const char *tcp, int fd, const struct sockaddr *sa,
		 socklen_t len);
/* Closes a connection that cannot even be held, with its event. */
void conn_refuse(struct worker *w, int fd, const struct sockaddr *sa, socklen_t len,
		 enum close_reason reason);
/* Enrols a client that was not at accept, or starts it: by its hello. */
void conn_peek(struct conn *c);
/* Something may have changed at <e>: epoll, or an event of the ring. */
void conn_on_ready(struct conn *c, struct end *e);
/* FIN, reset or closed; <events>: epoll's, 0 if it was not epoll that told. */
void conn_on_state(struct conn *c, struct end *e, uint32_t events);
/* The verdict program has paired it (idempotent). */
void conn_on_paired(struct conn *c);
void conn_catch_up(struct conn *c);
void conn_on_retry(struct conn *c);
void conn_on_deadline(struct conn *c);
/* Moves what can be moved and draws the conclusions. */
void conn_run(struct conn *c);
void conn_close(struct conn *c, enum close_reason reason, bool reset);
/* Another daemon has it: no event, and its sockets live on. */
void conn_forget(struct conn *c);
/* Closes with the reason, after giving the other end what is on the way to it. */
void conn_fail(struct conn *c, struct end *broken);

/* start.c: the slow start */
void conn_read_hello(struct conn *c);
/* It has waited (<awaits>): is its endpoint there now? */
void conn_decide_again(struct conn *c);
/* The hello of a client whose TLS ends here is whole, and still in its socket; <buf> has a copy. */
void conn_start_peeked(struct conn *c, const uint8_t *buf, const struct hello *h, const char *name,
		       int name_len);
/* A TCP endpoint's, c->endpoint: nothing comes ahead of its bytes any more. */
void conn_start_tcp(struct conn *c);
void conn_connected(struct conn *c);
void conn_dial_failed(struct conn *c, int err);
/* An established upstream: enrolled when the client is, then paired. */
void conn_joined(struct conn *c);
/* Name, ALPN and JA4 of a hello, for the event. */
void conn_note(struct conn *c, const uint8_t *buf, const struct hello *h, const char *name,
	       size_t name_len);
/* After an alert: our FIN, then reads until the client is gone. */
void conn_linger_start(struct conn *c, enum close_reason reason);
void conn_linger(struct conn *c);
/* To the endpoint's upstream, a warm one or by connect(2). */
void conn_dial(struct conn *c);
/* The same, but to none that is warm already. */
void conn_dial_fresh(struct conn *c);
/* ... and to another upstream of the name, if there is one. */
void conn_dial_elsewhere(struct conn *c);
/* An end that was a warm one is the conn's now. */
void conn_took_upstream(struct conn *c);

/* The program started it on a channel: its agent hears whose it is. */
void conn_tell_agent(const struct conn *c);

/* replay.c: a warm upstream that was dead */
/* Its upstream is a warm one: what it is sent is kept until it answers. */
void conn_keep(struct conn *c);
/* ... which is found now. */
void conn_let_go(struct worker *w);
/* The upstream has died; true: what was kept is on its way to another. */
bool conn_replay(struct conn *c);
/* Of one that has had TIMER_ACCEPTED's time, and is alive if it has acknowledged a byte. */
bool conn_replay_elsewhere(struct conn *c);
bool conn_keeps_hello(const struct conn *c);
/* Writes the program's hello to the new upstream.  False: it is broken as well. */
bool conn_write_replay(struct conn *c);
/* How much of the client's stream its upstream's TCP has acknowledged, and so accepted.  <seen>:
 * what TCP says of that one, NULL: it is asked. */
uint64_t conn_accepted(const struct conn *c, const struct tcp_info *seen);
/* Lets go of what is kept of it if its upstream has seen some of that: it cannot be repeated. */
void conn_settle(struct conn *c);
/* Lets the hello's buffer go once the upstream has answered. */
void conn_release_hello(struct conn *c);
/* conn_note() of a hello that the program routed. */
void conn_note_replay(struct conn *c);

/* story.c: what is told of a connection */
#define CONN_ID_MAX 40
const char *conn_id(const struct conn *c, char out[CONN_ID_MAX]);
/* Whose connection it is, and where it went: by its PROXY header if it came with one. */
void conn_client_addr(const struct conn *c, struct sockaddr_storage *ret_sa);
void conn_server_addr(const struct conn *c, struct sockaddr_storage *ret_sa);
void conn_emit(struct conn *c);
struct conn_tally conn_tally(const struct conn *c);
enum close_datapath conn_datapath(const struct conn *c);
void conn_info(const struct conn *c, struct conn_info *ret_i);

/* admit.c: who may use an endpoint */
/* By the policy of c->endpoint, which the event will tell. */
bool conn_is_allowed(struct conn *c);
/* One more of its source at c->endpoint, instead of where it was counted before. */
unsigned conn_count_source(struct conn *c);
/* By the limits too; <active>: the endpoint's connections with this one.  False: it is closed. */
bool conn_admit(struct conn *c, uint64_t active);
/* The verdict program has denied it. */
void conn_on_denied(struct conn *c);

void conn_set_timer(struct conn *c, enum timer_kind kind);
void conn_stop_timer(struct conn *c);
uint64_t conn_timer_ms(const struct config *g, enum timer_kind kind);
void conn_pair(struct conn *c);
#endif
