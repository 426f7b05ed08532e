/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * upgrade - this daemon starts the program anew and hands over what it has; takeover.h is the other
 * side.
 *
 *   old: starts new ──────────────► new: reads its configuration
 *        ◄─────────────── HELLO          what it is
 *   KERNEL, LISTENERs, NAMEs, READY ──► opens all it needs; nothing of ours has changed yet
 *        ◄─────────────── READY
 *   NAMEs of agents that came meanwhile
 *   workers stand still, kernel's flows move on
 *   CONNs, COMMIT ──────────────────► makes connections of them, its pins stand for the other's,
 *                                     all threads are made, and stand still
 *        ◄─────────────── SERVING        they run
 *   forgets what it has described, finishes the rest, ends
 *
 * Whatever fails before SERVING: the new one ends at once, or is killed, having touched no
 * connection; this one goes on as before.
 *
 * What cannot move (conn_move.h) follows when it can, by further CONNs.  The rest this daemon
 * finishes, for as long as it takes: its connections are its own until their event.  That is so for
 * all that the kernel carries.  Its flows stay in the maps, and under the programs, that they came
 * to, and go on at full speed; they do not become user space's, and nothing is copied.  Maps are
 * not shared by two daemons: each would have to know of every place in them whose it is, and of
 * every socket, and a mistake there sends bytes to a stranger.  The price is one more process for
 * as long as its longest connection lasts.
 */
#ifndef UPGRADE_H
#define UPGRADE_H
#include <stdbool.h>
#include <stddef.h>

#include "handover.h"

struct edge;
struct parcel;

/* Which file to start: of this program, as long as it is still there.  First thing in main(). */
void upgrade_remember_program(void);
const char *upgrade_program(void);

/*
 * Asks the daemon behind a control socket.  0 with the new one's pid; -ECONNREFUSED: nobody is
 * there; or another -errno: the old one goes on.  <why> says it in words.
 */
int upgrade_ask(const char *control_socket, unsigned *ret_pid, char *why, size_t why_size);

/* What the main program brings: how it was called, and the sockets of the API. */
struct upgrade_how {
	const char *path; /* the program, perhaps another one by now */
	char *const *argv;
	const char *control, *http; /* where the API listens; NULL: not */
	int control_fd, http_fd;
	void *arg;
	void (*pause)(void *arg); /* no new requests from now on: the other one will answer them */
};

struct upgrade_result {
	unsigned pid;		/* of the new one; 0: it has failed */
	unsigned moved, stayed; /* connections */
	char why[512];
};

/*
 * Main thread only.  After a success: no new connections come, the state database and the pins are
 * the other one's; what is left to do is to wait until edge_conns_active() is 0.
 */
void upgrade_run(struct edge *g, const struct upgrade_how *how, struct upgrade_result *ret_r);
/* What came of it, for whoever asked by edge_upgrade(); the main thread's. */
void upgrade_tell(struct edge *g, const struct upgrade_result *r);
/* After a success, now and then: what could not move then, and can now. */
void upgrade_follow(struct edge *g);
/*
 * ... and: what does the daemon that has our place want of us, who are in its way?  HANDOVER_DRAIN:
 * it was told to stop; HANDOVER_END: it is about to, and waits a moment for us; 0: nothing new.
 * Answers what it asks of our connections, too: so within ELDERS_ANSWER_MS.
 */
enum handover_type upgrade_heir_wants(struct edge *g);
/* upgrade_answer.c: one HANDOVER_ASK. */
void upgrade_answer(struct edge *g, struct parcel *p);
/* Our events wait for the other one to ask for them, for a moment, and then go there. */
void upgrade_pass_events_on(struct edge *g);
/* Connections that have no upstream yet: agents' sessions must stay until there are none. */
unsigned upgrade_conns_starting(struct edge *g);
#endif
