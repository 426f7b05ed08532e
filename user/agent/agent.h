/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent - the inside of a session, for this room only.
 *
 * One thread runs the loop and holds <lock> but while it waits; other threads take the lock, change
 * things and wake it.  What is closed in a turn is freed at its end.
 */
#ifndef AGENT_H
#define AGENT_H
#include <pthread.h>
#include <stdbool.h>
#include <sys/epoll.h>

#include "addr.h"
#include "chan.h"
#include "fault.h"
#include "join.h"
#include "list.h"
#include "retry.h"
#include "slots.h"
#include "snisplit.h"

#define SECOND_NS 1000000000ULL
#define MS_NS 1000000ULL
#define AGENT_ADDRS_MAX 8
#define STREAM_BUCKETS 1024

struct agent_addrs {
	struct sockaddr_storage sa[AGENT_ADDRS_MAX];
	socklen_t len[AGENT_ADDRS_MAX];
	int n; /* -errno: it does not resolve */
};

/* What an epoll event points at. */
struct source {
	void (*on_ready)(struct source *s, uint32_t events);
};

enum control_state {
	CONTROL_WAIT,	 /* until <again_ns> */
	CONTROL_RESOLVE, /* a thread does */
	CONTROL_CONNECT,
	CONTROL_ROOT, /* reading the CA's certificate */
	CONTROL_SHAKE,
	CONTROL_HELLO, /* waiting for WELCOME */
	CONTROL_ONLINE,
	CONTROL_DENIED, /* for good */
};

/* The control connection (control.c). */
struct control {
	struct source source;
	enum control_state state;
	struct end end; /* fd -1: none */
	uint32_t watched;
	struct agent_addrs addrs;
	int addr;	/* tried now */
	unsigned tries; /* since it was online */
	uint64_t again_ns, until_ns, since_ns;
	uint64_t heard_ns, pinged_ns;
	uint64_t asked_ns; /* the first ping since we heard anything */
	struct source probe_source;
	struct end probe;	      /* fd -1: none under way */
	uint64_t probe_ns, probed_ns; /* begun; answered, 0: not */
	uint8_t *in;
	size_t in_len, in_size;
	struct chan_out out;
	char session[40], edge[64], domain[256];
	unsigned rtt_us;
	uint64_t knows;	  /* the last type of frame that the edge knows; 0: it did not say */
	bool draining;	  /* the edge: go elsewhere */
	struct fault why; /* the last failure */
};

struct snisplit_listener {
	struct snisplit *agent;
	struct list link;
	uint64_t request;
	char endpoint[48]; /* the edge's id; "" offline */
	char url[300];
	bool sealed;   /* its channels are TLS */
	bool labelled; /* it has no name, and channels differ in that */
	bool answered, failed, removed;
	bool stopped;	   /* by somebody at the edge: it does not come back */
	uint64_t retry_ns; /* refused after it had been online: not before */
	struct fault why;
	/* what the edge is told */
	struct {
		const char *name;
		char *value;
	} fields[20];
	unsigned n_fields;
	/* TLS that ends here */
	struct tls_server *server;	      /* NULL: not here */
	char *crt_path, *key_path, *cas_path; /* also of what the edge is given; NULL: no crt */
	uint64_t files_stamp;
	/* where to */
	char *upstream; /* HOST:PORT; NULL: accepted by the program */
	char host[256];
	struct agent_addrs addrs;
	bool resolving;
	struct tls_client *client; /* NULL: plaintext */
	unsigned proxy_proto;
	/* accepted */
	struct list ready; /* struct accepted */
	unsigned n_ready;
	uint64_t conns_total;
	unsigned conns_open;
	int refs; /* of streams */
};

struct accepted {
	struct list link;
	int fd;
	struct snisplit_conn conn;
};

enum stream_state {
	STREAM_CONNECT, /* to the edge */
	STREAM_SEAL,	/* TLS with it */
	STREAM_IDLE,	/* proved; a client's first bytes come next */
	STREAM_HELLO,	/* TLS ends here: its hello, then the handshake */
	STREAM_SHAKE,
	STREAM_DIAL,
	STREAM_SHAKE_UPSTREAM,
	STREAM_FAILED, /* the upstream cannot be had; the edge has been told, and is to answer */
	STREAM_OPEN,
	STREAM_FLUSH,  /* one end is broken; what it sent before is the other one's still */
	STREAM_LINGER, /* an alert is on its way */
	STREAM_LATE,   /* over, before it was told whose it is */
	STREAM_DEAD
};

/* The protocols (ALPN) that an upstream is offered, in wire form. */
struct stream_offer {
	char name[256]; /* that the client asked for, if TLS ends here */
	uint16_t len;
	uint8_t bytes[];
};

/* One channel, later one connection (stream.c). */
struct stream {
	struct source client_source, upstream_source;
	struct snisplit *agent;
	struct snisplit_listener *listener;
	struct list link; /* in agent->streams */
	struct list same; /* in agent->numbers: of the same remainder */
	struct list ready;
	struct retry retry; /* in agent->retry */
	enum stream_state state;
	struct end client, upstream; /* client: the channel */
	struct half up, down;
	unsigned up_wants, down_wants; /* HALF_WANT_, what each waits for */
	uint64_t number;	       /* the channel's, of the edge */
	uint64_t until_ns, began_ns;
	int addr; /* of the upstream, tried now */
	uint8_t proof[CHAN_PROOF_LEN];
	struct stream_offer *offer; /* NULL: none */
	struct snisplit_conn conn;
	struct sockaddr_storage src, dst; /* the client's connection; family 0: not known */
	bool opened;			  /* told of */
	bool headed;			  /* no PROXY header comes any more */
	bool sealed;			  /* the channel is TLS */
	bool hushed;			  /* the kernel's: epoll tells of ends only */
};

struct snisplit {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	pthread_t thread;
	int epoll_fd, wake_fd;
	struct source wake;
	bool stop, draining, started;
	uint64_t now_ns;
	/* as configured */
	char *server, *authtoken, *server_ca, *metadata;
	char instance[40];
	uint64_t interval_ns, tolerance_ns;
	void (*on_event)(void *arg, const struct snisplit_event *e);
	void *arg;
	struct tls_base *tls;
	struct tls_client *edge; /* how the edge is verified; NULL: its CA is not known yet */
	struct control control;
	struct list listeners, streams, graves, ready, retry;
	struct list numbers[STREAM_BUCKETS]; /* streams by their channel's number */
	unsigned n_streams;
	uint64_t request, conn_number, conns_total;
	unsigned conns_open, resolving;
	uint64_t bytes_kernel, bytes_user; /* of connections that have ended */
	struct pump pump;
	/* the kernel datapath (datapath.c) */
	struct kern *kern; /* NULL: user space moves all bytes */
	struct kern_ring *ring;
	struct source ring_source;
	struct slots slots;
	uint64_t sweep_ns, events_lost;
	char datapath_why[400];
};

/* agent.c */
void agent_wake(struct snisplit *a);
/* <mask> 0: out of the set. */
int agent_watch(struct snisplit *a, int fd, struct source *s, uint32_t mask, bool known);
void agent_tell(struct snisplit *a, struct snisplit_event *e, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
void agent_error(const struct fault *f, struct snisplit_error *ret_e);
/* Resolves on a thread of its own, then calls <done> with the lock held.  0 or -errno. */
int agent_resolve(struct snisplit *a, const char *text,
		  void (*done)(struct snisplit *a, void *arg, const struct agent_addrs *addrs),
		  void *arg);
/* The file, malloc'd; NULL with <f>. */
char *agent_read_pem(const char *path, const char *field, struct fault *f);
/* What the edge is known by: a fingerprint, or a file that becomes <edge>.  0, or -1 with <f>. */
int agent_set_server_ca(struct snisplit *a, const char *server_ca, struct fault *f);

/* control.c */
void control_init(struct snisplit *a);
void control_tick(struct snisplit *a);
uint64_t control_wake_ns(const struct snisplit *a);
void control_close(struct snisplit *a);
void control_flush(struct snisplit *a);
/* The session is of no use: once more from the start. */
void control_lost(struct snisplit *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Refused for good. */
void control_denied(struct snisplit *a, const struct fault *f);
void control_on_frame(struct snisplit *a, const struct chan_frame *f); /* control_frame.c */

/* backoff.c */
#define BACKOFF_QUICK_TRIES 40 /* so many come soon after each other, */
#define BACKOFF_QUICK_MS 500   /* at most this far apart, and with little patience */
uint64_t backoff_ms(unsigned tries);

/* pin.c: is <pem>'s first certificate the one with this SHA-256, in hexadecimal, colons or not? */
bool pin_matches(const char *pem, const char *pin);

/* control_probe.c */
void probe_tick(struct snisplit *a); /* while the session is online */
void probe_close(struct snisplit *a);

/* listener_make.c */
int listener_fill(struct snisplit_listener *l, const struct snisplit_endpoint *e, struct fault *f);
void listener_renew(struct snisplit_listener *l); /* when its files have changed */

/* agent_listener.c */
void listener_ask(struct snisplit_listener *l); /* LISTEN */
void listener_on_listening(struct snisplit *a, const struct chan_frame *f);
void listener_on_refused(struct snisplit *a, const struct chan_frame *f);
void listener_on_offline(struct snisplit *a, const struct chan_frame *f);
void listener_lost(struct snisplit *a); /* the session: all are offline */
void listener_tick(struct snisplit *a);
struct snisplit_listener *listener_find(struct snisplit *a, const char *endpoint);
void listener_free(struct snisplit_listener *l);
void listener_put(struct snisplit_listener *l);

/* datapath.c */
/* By <want>, "auto", "kernel" or "userspace" (NULL). */
int datapath_open(struct snisplit *a, const char *want, struct fault *f);
void datapath_close(struct snisplit *a);
/* Before connect(2): a place in the kernel's maps, if the bytes are to be moved there. */
void datapath_prepare(struct stream *s, struct end *e, enum flow_role role);
/* It is established: from now on the verdict program sees its bytes, if it has a place. */
void datapath_enrol(struct stream *s, struct end *e);
void datapath_tick(struct snisplit *a);
/* False: the kernel has something to tell already. */
bool datapath_may_sleep(struct snisplit *a);
/* In every turn, first: what it has told. */
void datapath_awake(struct snisplit *a);

/* stream_relay.c */
void relay_open(struct stream *s);
void relay_run(struct stream *s); /* a relay that is open, or not yet, or no more */
/* epoll has told of <e>. */
void relay_on_event(struct stream *s, struct end *e, uint32_t events);
/* Has <e> ended? */
void relay_on_state(struct stream *s, struct end *e);

/* stream.c */
int stream_new(struct snisplit *a, struct snisplit_listener *l, uint64_t number,
	       const uint8_t token[CHAN_TOKEN_LEN], bool sealed);
void stream_on_started(struct snisplit *a, const struct chan_frame *f);
void stream_on_failed(struct snisplit *a, const struct chan_frame *f);
void stream_close(struct stream *s, const char *reason, bool reset);
/* Its upstream cannot be had, CHAN_STATUS_: closes it, once the edge knows. */
void stream_fail(struct stream *s, const char *reason, unsigned status);
void stream_tick(struct snisplit *a);
void stream_close_all(struct snisplit *a);
/*
 * The edge is told, or gone: no connection comes any more over the idle channels of <l> (NULL: of
 * all).  One may have come already that nobody has read yet, so it is the edge that closes them.
 */
void stream_leave_idle(struct snisplit *a, struct snisplit_listener *l);
unsigned stream_count_idle(const struct snisplit *a);
void stream_bury(struct snisplit *a);
/* What epoll says of a socket that was connecting: 1 it is, 0 not yet, -1 it cannot. */
int stream_is_connected(struct end *e, uint32_t events);
/* Its first bytes are there: it is a connection. */
void stream_opened(struct stream *s);
/* It is its receiver's now: forgotten without closing it. */
void stream_release(struct stream *s);
void stream_linger(struct stream *s);

/* stream_open.c: from the client's first bytes to the relay */
void stream_on_client(struct stream *s);
void stream_dial(struct stream *s);
void stream_on_upstream(struct stream *s, uint32_t events);
#endif
