/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * snisplit - put a service online at a snisplit edge, from a program (libsnisplit).
 *
 *	struct snisplit *s = snisplit_open(&conf, &err);
 *	struct snisplit_listener *l = snisplit_listen(s, &endpoint, &err);
 *	while ((fd = snisplit_accept(l, &conn, -1)) >= 0)
 *		...;
 *	snisplit_close(s);
 *
 * A session has a thread of its own, which connects, answers the edge, reconnects for as long as it
 * takes, and relays.  Functions may be called from any thread.  Configurations are copied.  The
 * process should ignore SIGPIPE.  It may let go of the shared library, which stays in memory; a
 * plugin with the static one in it must stay too (ld's -z nodelete): OpenSSL keeps functions of it.
 */
#ifndef SNISPLIT_H
#define SNISPLIT_H
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SNISPLIT_API __attribute__((visibility("default")))

struct snisplit;
struct snisplit_listener;

/* Why something was refused. */
struct snisplit_error {
	int status;	/* as of HTTP: 400 a mistake of yours, 401, 403, 409, 503 ... */
	int code;	/* ERR_SNISPLIT_<code>; 0: none */
	char field[48]; /* at fault; "" if none */
	char msg[512];	/* for a person */
};

/* A connection that came in. */
struct snisplit_conn {
	char id[48];	    /* the edge's; "" while it is not known */
	char client[64];    /* IP:PORT; "" the same */
	char server[64];    /* where the client connected to */
	char name[256];	    /* that it asked for */
	uint64_t number;    /* among those of this session */
	uint64_t in, out;   /* bytes from and to the client, on SNISPLIT_CONN_CLOSED */
	uint64_t kernel;    /* ... how many of all these the kernel datapath has moved */
	const char *reason; /* ... and why */
	unsigned duration_ms;
};

enum snisplit_event_type {
	SNISPLIT_CONNECTING = 1, /* to the edge */
	SNISPLIT_ONLINE,	 /* the session is there */
	SNISPLIT_OFFLINE,	 /* it is lost, or could not be made; tried again in <wait_ms> */
	SNISPLIT_DENIED,	 /* the credential is bad: it is not tried again */
	SNISPLIT_LISTENING,	 /* an endpoint is online, again perhaps */
	SNISPLIT_REFUSED,	 /* it is not: <error> */
	SNISPLIT_REMOVED,	 /* somebody at the edge took it offline: it does not come back */
	SNISPLIT_CONN_OPENED,
	SNISPLIT_CONN_STARTED, /* it is known whose it is */
	SNISPLIT_CONN_CLOSED,
	SNISPLIT_WARNING, /* something to be told */
};

struct snisplit_event {
	enum snisplit_event_type type;
	struct snisplit_listener *listener; /* NULL: of the session */
	const struct snisplit_error *error; /* NULL: none */
	const struct snisplit_conn *conn;   /* of SNISPLIT_CONN_... */
	const char *text;		    /* one line, never NULL */
	unsigned wait_ms;
};

struct snisplit_conf {
	const char *server;    /* HOST:PORT of the edge's tunnel port */
	const char *authtoken; /* of `snisplit authtoken add` */
	/* the edge's CA: a PEM file, or "sha256:" and the fingerprint of `snisplit ca show` */
	const char *server_ca;
	const char *metadata;					/* NULL: none */
	unsigned heartbeat_interval_ms, heartbeat_tolerance_ms; /* 0: 10 s, 15 s */
	/* NULL, or called on the session's thread; it must not call back and should not block */
	void (*on_event)(void *arg, const struct snisplit_event *e);
	void *arg;
	/*
	 * Who moves the bytes of connections that the session relays and that are no TLS of its
	 * own: "userspace" (NULL) splice(2); "kernel" BPF programs, which takes root and a kernel
	 * that passes a self-test at the start, else snisplit_open() fails with status 501; "auto"
	 * these where they can be, else splice(2).
	 */
	const char *datapath;
};

/*
 * Starts to connect.  NULL with <err>: a mistake in <conf>, or status 501, see <datapath>; with any
 * but "userspace" as root it may take seconds, and libbpf's messages are ours from then on.
 */
SNISPLIT_API struct snisplit *snisplit_open(const struct snisplit_conf *conf,
					    struct snisplit_error *err);
/*
 * No new connections, and no more waiting in snisplit_listen(); waits until the live connections
 * have ended, and the edge has let go of the channels that none came over, at most <timeout_ms>.
 */
SNISPLIT_API void snisplit_drain(struct snisplit *s, unsigned timeout_ms);
/* Ends everything: listeners, and connections that the session relays.  NULL is fine. */
SNISPLIT_API void snisplit_close(struct snisplit *s);

struct snisplit_endpoint {
	/*
	 * "tls://NAME" (NULL: the edge makes one up), or "tcp://[HOST][:PORT]", a port of the edge:
	 * what is not given it chooses.
	 */
	const char *url;
	const char *terminate_at; /* "upstream" (NULL), "agent" or "edge"; none of tcp:// */
	const char *crt, *key;	  /* PEM files, read again when they change */
	const char *mutual_tls_cas;
	/* of "edge": those that the edge has under these names or ids; as cidr_allow */
	const char *const *certificate_authorities;
	const char *const *cidr_allow, *const *cidr_deny; /* end with NULL; NULL: none */
	const char *const *alpn;			  /* offered by "edge"; as above */
	const char *name, *description, *metadata;
	/*
	 * NULL: connections are for snisplit_accept().  Else the session relays them to
	 * [tls://][HOST:]PORT by itself.
	 */
	const char *upstream;
	unsigned proxy_proto; /* 0, or 1|2: the PROXY header the upstream gets first */
	int upstream_tls_verify;
	const char *upstream_tls_verify_cas; /* PEM file; NULL: the system's */
	int pooling_enabled;		     /* shares its name with others that have this too */
	/*
	 * "KEY=VALUE", as cidr_allow; NULL: an endpoint.  Else a tunnel without a name: edges whose
	 * backend has labels that are among these send it connections, in plaintext where TLS ends
	 * at the edge, else as they come.  url, terminate_at and whom to let in are theirs to say.
	 */
	const char *const *labels;
};

/*
 * Puts an endpoint online, now and after every reconnection, and waits for the first time: NULL
 * with <err> when the edge refuses, or the session cannot be (then its error).  The listener lives
 * until snisplit_unlisten() or snisplit_close().
 */
SNISPLIT_API struct snisplit_listener *
snisplit_listen(struct snisplit *s, const struct snisplit_endpoint *e, struct snisplit_error *err);
SNISPLIT_API void snisplit_unlisten(struct snisplit_listener *l);
/* "tls://NAME" or "tcp://HOST:PORT", whole, or the labels for people; as long as the listener. */
SNISPLIT_API const char *snisplit_url(const struct snisplit_listener *l);

/*
 * A connection as a blocking socket with the client's bytes (plaintext if TLS ends at the agent or
 * the edge), the caller's to close.  Waits <timeout_ms> (-1: for ever).  -EAGAIN: none came;
 * -ESHUTDOWN: none will.  <ret_c> NULL is fine.
 */
SNISPLIT_API int snisplit_accept(struct snisplit_listener *l, struct snisplit_conn *ret_c,
				 int timeout_ms);

/* What `snisplit tls` shows. */
struct snisplit_status {
	int online;
	char session[40], edge[64];
	char domain[256]; /* of the edge, where it makes names up */
	unsigned rtt_us;
	uint64_t conns_total;
	unsigned conns_open;
	unsigned channels_idle;
	char datapath[16]; /* "kernel" or "splice" ... */
	char datapath_why[400];
	/* of connections that have ended, by who has moved them */
	uint64_t bytes_kernel, bytes_user;
};
SNISPLIT_API void snisplit_status(struct snisplit *s, struct snisplit_status *ret_s);

struct snisplit_listener_status {
	char url[300];
	int online;
	uint64_t conns_total;
	unsigned conns_open;
};
SNISPLIT_API void snisplit_listener_status(struct snisplit_listener *l,
					   struct snisplit_listener_status *ret_s);

SNISPLIT_API const char *snisplit_version(void);

#ifdef __cplusplus
}
#endif
#endif
