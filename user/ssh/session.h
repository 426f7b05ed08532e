/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * session - one SSH client: its login, its orders, its connections.  For this room only.
 *
 * A thread of its own runs it: poll(2) over the client, the mailbox of the edge's side (libsnisplit
 * has a thread too) and the sockets of the streams.  Requests are libssh's messages, which it
 * queues and we may keep, and not its server callbacks, after which a request has been answered: a
 * -R waits for the command.  Callbacks of channels only note what came; all else happens between
 * two turns. What others may touch is said so.
 *
 * Nothing is read from a stream's socket unless the client's window has room for it and libssh has
 * sent what it was given; what the client sends waits in its channel, whose window then closes.
 */
#ifndef SESSION_H
#define SESSION_H
#include <libssh/callbacks.h>
#include <libssh/libssh.h>
#include <libssh/server.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/socket.h>

#include "cmdline.h"
#include "gateway.h"
#include "list.h"
#include "snisplit.h"

#define SESSION_KEY_MAX 64	/* "SHA256:..." */
#define SESSION_FORWARDS_MAX 16 /* -R of one session */
#define SESSION_BUFFER 65536
#define SESSION_LETTERS 16
#define SESSION_EXTRAS 4 /* session channels behind the first, until they have been refused */

/* One -R. */
struct forward {
	char host[256]; /* as the client said it, and has to hear it again */
	unsigned port;
	unsigned told;	     /* the port it was given for 0; else <port> */
	ssh_message request; /* NULL: answered */
	uint64_t came_ms;
	bool dead;			    /* cancelled, or too late */
	bool refused;			    /* before the command, which is told <why> */
	bool reserved;			    /* <listener> only holds the name for the command */
	struct snisplit_listener *listener; /* NULL: not online */
	struct fault why;
	char url[CMDLINE_URL_MAX]; /* "" until it was online; written under the gateway's lock */
};

/* One connection: a socket of the edge's side and a forwarded-tcpip channel. */
struct stream {
	struct list link;
	struct session *session;
	struct forward *forward;
	struct snisplit_conn conn;
	ssh_channel channel;
	struct ssh_channel_callbacks_struct callbacks;
	int fd, poll; /* poll: its place in the array of this turn, -1 none */
	bool open;    /* the client has accepted it */
	bool fin;     /* the socket's stream has ended, and the channel's with it */
	bool eof;     /* the channel's stream has ended ... */
	bool shut;    /* ... and the socket's with it */
	bool held;    /* bytes wait in the channel for the socket */
	bool gone;    /* the client has closed the channel */
	bool broken;
	uint64_t until_ms;
	uint8_t *up, *down; /* what was taken from the channel, the socket, and not passed on */
	size_t up_off, up_len, down_off, down_len;
};

struct session {
	struct gateway *gateway;
	struct list link; /* in the gateway's list */
	ssh_session ssh;
	ssh_event event;
	int fd, wake_fd;
	struct sockaddr_storage sa;
	char from[64];
	pthread_t thread;
	/* under the gateway's lock */
	bool waiting; /* has not logged in */
	/* any thread */
	atomic_bool stop, evict, probe; /* evict: stop without a word, nobody would hear it */
	_Atomic uint64_t heard_ms;

	/* login.c */
	char key[SESSION_KEY_MAX]; /* of <edge> */
	char offered[SESSION_KEY_MAX];
	unsigned n_offered;
	bool bannered, logged_in, full; /* full: the key has too many */
	char user[64];
	struct snisplit *edge;

	/* mail.c, under <mail_lock>: what libsnisplit's thread has to say */
	pthread_mutex_t mail_lock;
	pthread_cond_t mail_came;
	bool online, denied;
	int denied_code;
	char why[512];
	char letters[SESSION_LETTERS][512];
	unsigned n_letters;

	/* request.c */
	ssh_channel channel; /* where it says what it wants; NULL: none yet */
	struct ssh_channel_callbacks_struct channel_callbacks;
	ssh_channel extras[SESSION_EXTRAS];
	bool asked, pty;
	char line[CMDLINE_MAX + 2]; /* one more than may be, which shows */
	uint64_t asked_ms;

	/* forward.c */
	struct forward forwards[SESSION_FORWARDS_MAX];
	unsigned n_forwards;

	/* order.c */
	bool decided;
	struct cmdline cmd;
	uint64_t since_ms; /* logged in */
	bool over;	   /* the session has been ended ... */
	bool told;	   /* ... and <status> been sent */
	int status;
	uint64_t over_ms;
	bool quit; /* the client wants to go */

	/* stream.c */
	struct list streams;
	unsigned n_streams;
	uint64_t pinged_ms, received; /* received: bytes from the client, as TCP counts ... */
	uint64_t unread;	      /* ... when it had last read all that we sent */
	uint8_t *buffer;	      /* SESSION_BUFFER */
};

/* session.c.  Takes <fd> over; NULL: no memory. */
struct session *session_new(struct gateway *g, ssh_session ssh, int fd,
			    const struct sockaddr_storage *sa);
int session_start(struct session *s); /* 0 or -errno */
void session_free(struct session *s);
void session_wake(struct session *s); /* any thread */

/* login.c: 0 when it has logged in, -1: it is to be closed. */
int session_login(struct session *s);

/* mail.c */
void mail_init(struct session *s);
void mail_done(struct session *s);
void mail_on_event(void *arg, const struct snisplit_event *e);
/* Opens the edge's side for <key>.  0; or -1 with <f>: 1102 the key is not known there, 8000 no
 * edge. */
int mail_open_edge(struct session *s, const char *key, struct fault *f);
/* Tells the client what the edge said. */
void mail_deliver(struct session *s);

/* request.c */
void request_init(struct session *s);
/* What libssh has queued: notes the command and each -R, answers the rest. */
void request_take(struct session *s);

/* forward.c */
/* <m> asks for a -R, and is kept until it is answered. */
void forward_add(struct session *s, ssh_message m);
/* One that is not wanted any more.  False: there is none. */
bool forward_cancel(struct session *s, const char *host, int port);
/* Some have no answer yet. */
bool forward_is_waiting(const struct session *s);
/* The command has not come: the answer for those that will not wait longer. */
void forward_judge(struct session *s);
/* It has: puts them online and answers; the first that cannot be ends the session. */
void forward_begin(struct session *s);
/* No, for those that have no answer. */
void forward_refuse(struct session *s);

/* order.c */
/* What came since: commands, forwards, time. */
void order_run(struct session *s);
/* For when it wants to run again, though nothing comes. */
int order_timeout_ms(const struct session *s);
/* A line on the client's stdout, or stderr; dropped while it does not read. */
void order_say(struct session *s, bool is_error, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/*
 * "ERR_SNISPLIT_<code>: ..." on stderr, and the end of the session with status 1.  A -R that waits
 * is refused a moment after the text: with ExitOnForwardFailure ssh ends at once.
 */
void order_refuse(struct session *s, const struct fault *f);
void order_finish(struct session *s, int status);
/* The end without a channel to say so: in the disconnect message. */
void order_disconnect(struct session *s, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* stream.c */
void streams_accept(struct session *s);
/* Fills in what to wait for; returns how many. */
int streams_poll(struct session *s, struct pollfd *fds);
void streams_run(struct session *s, const struct pollfd *fds);
void streams_close(struct session *s);
#endif
