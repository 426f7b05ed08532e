/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * elders - earlier daemons that still have connections, and what this one asks them of these.
 *
 * Each has a life line, the socket pair of its upgrade, which goes from one daemon to the next: the
 * last one has all of them.  What comes there (connections that follow, answers) is read by whoever
 * holds the lock: the main thread now and then, or who waits for an answer.
 *
 * An ask is answered within ELDERS_ANSWER_MS or not waited for any longer; who has not answered one
 * is asked on, but not waited for until it has been heard of.  Any thread but the workers'.
 */
#ifndef ELDERS_H
#define ELDERS_H
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "edge.h"
#include "handover.h"

/* Each has a program on the cgroup, which takes 64 (the kernel's BPF_CGROUP_MAX_PROGS). */
#define ELDERS_MAX EDGE_EARLIER_MAX
#define ELDERS_ANSWER_MS 1000

struct edge;

struct elder {
	int fd;
	unsigned pid;
	uint64_t abilities; /* HANDOVER_ABLE_ */
	uint64_t awaited;   /* serial of the ask it has not answered yet; 0: none */
	bool silent;	    /* it has let one pass */
	uint64_t again_ns;  /* when to ask for its events, if they do not come; CLOCK_MONOTONIC */
};

struct elders {
	pthread_mutex_t lock;
	struct elder at[ELDERS_MAX];
	unsigned n;
	bool away; /* they are being handed to the next daemon, which reads what they say */
	uint64_t serial;
	struct elders_ask *asking;
	struct elders_events *events; /* NULL: not started, or stopped */
};

void elders_init(struct elders *es);
void elders_done(struct elders *es);
/* Closes them all: another daemon has them. */
void elders_forget(struct elders *es);
/* Takes <fd>.  Under the lock; all others without it. */
void elders_add(struct elders *es, int fd, uint64_t abilities);
/* Nobody here listens to them until it is taken back. */
void elders_leave(struct edge *g, bool away);

/* The same question to all. */
struct elders_ask {
	struct handover h; /* <use>, <id> */
	int fd;		   /* a list that goes with it, or -1 */
	/* may set <fd> for this one; false: it is not asked; NULL: all are; under the lock */
	bool (*prepare)(struct elders_ask *a, struct elder *e);
	unsigned wait_ms; /* 0: ELDERS_ANSWER_MS */
	/* one has answered: with a list, or -1; or (<h> NULL) does not; under the lock */
	void (*on_answer)(struct elders_ask *a, const struct elder *e, const struct handover *h,
			  int fd);
	/* results */
	uint64_t count;	   /* of all answers */
	unsigned n_mute;   /* that have connections, and did not answer in time, or never do */
	unsigned mute_pid; /* one of them */
};
void elders_ask(struct edge *g, struct elders_ask *a);

/* What the connections of all of them are; a malloc'd array.  Their number, or -ENOMEM. */
struct elders_conn {
	unsigned pid;
	struct handover_info info;
};
int elders_conns(struct edge *g, struct elders_conn **ret_list);

/*
 * Ends connections there: one of HANDOVER_ASK_KILL_, <id> says which.  How many; *ret_mute_pid
 * (NULL is fine): one that did not answer, which is logged, or 0.
 */
unsigned elders_kill(struct edge *g, enum handover_ask what, const char *id,
		     unsigned *ret_mute_pid);
/* ... those that <is_denied> says. */
unsigned elders_kill_denied(struct edge *g,
			    bool (*is_denied)(void *arg, const struct handover_info *i), void *arg);

/*
 * elders_events.c: their events come to ours, and their connections count here until these come.
 * The thread that reads; edge_start() and edge_stop(), which reads what is there.
 */
int elders_events_start(struct edge *g); /* 0 or -errno */
void elders_events_stop(struct edge *g);
/* The main thread, now and then: asks those whose events do not come. */
void elders_events_ask(struct edge *g);
/* A worker: this one is ours now. */
void elders_conn_moved(struct edge *g, const char *conn_id);

/* elders_list.c: a list as it travels, in a file without a name. */
/* Of HANDOVER_INFOs in <o>, which it empties.  The descriptor, or -errno. */
int elders_list_fd(struct chan_out *o);
/* Calls <fn> for each; stops at non-zero and returns it; -EBADMSG: it is none. */
int elders_list_each(int fd, int (*fn)(void *arg, const struct handover_info *i), void *arg);
#endif
