/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * abi - what the programs and the controller both see: map keys and values,
 * events, counters and limits.  No code.
 *
 * Byte order is the machine's.  Layouts have no implicit hole (checked with
 * -Wpadded by `make check`), so that a key never holds uninitialised bytes.
 */
#ifndef ABI_H
#define ABI_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif

#define WORKERS_MAX 64
#define ENDPOINT_KEY_MAX 256 /* a normalised name, zero padded */
#define POOL_SLOTS 64	     /* warm upstreams per endpoint and worker */
#define REPLAY_BYTES 4096    /* longest hello the program starts by itself; power of two */
#define SLOT_NONE 0
#define GROUP_MEMBERS 64 /* that share a name */

/* What a socket is to us; set by the controller when it enrols one. */
enum flow_role {
	FLOW_FREE,
	FLOW_CLIENT,
	FLOW_UPSTREAM,
	FLOW_CLIENT_USER, /* user space starts it: a PROXY header comes first, there is no hello,
			   * or for the 2nd time */
};

/*
 * One socket.  `flows` is an mmapped array: the controller reads it without a
 * syscall.  Each cache line has one kind of writer.
 *
 * A byte that arrives on this socket is either redirected in the kernel to the
 * peer (redir), or passed to the controller (passed), which writes it to the
 * peer itself (relayed).  While passed != relayed the program passes, so that
 * order is kept; see verdict.bpf.c.
 */
enum flow_hello {
	FLOW_HELLO_NONE,
	FLOW_HELLO_SEEN,   /* the first skb was looked at, or is not for the program to look at */
	FLOW_HELLO_DENIED, /* an IP policy denies this client: all that it sends is dropped */
};

enum flow_enrol {
	FLOW_ENROL_LATER, /* the controller does, or nobody */
	FLOW_ENROL_EARLY, /* the sockops program is to, once the socket is established */
	FLOW_ENROLLED,	  /* it has */
};

#define FLOW_BROKEN 0x100U /* closed by a reset, a timeout, an error: not by FINs */

struct flow {
	/* the controller's */
	__u64 cookie;	/* of this socket; 0: the slot is free */
	__u64 relayed;	/* bytes of <passed> that are in the peer's TCP queue */
	__u32 role;	/* enum flow_role */
	__u32 worker;	/* who has it: its pools, its ring in `events` */
	__u32 replay;	/* index in `replays`, 0: none; client only */
	__u32 told_ack; /* the controller has dealt with <told> PASS episodes */
	__u64 pad0[4];
	/* written once each.  By whoever pairs: the verdict program (fast start) or the controller
	 */
	__u64 peer_cookie; /* 0: not paired, pass everything */
	__u32 peer;	   /* slot of the peer, valid with peer_cookie */
	__u32 endpoint;	   /* its num; a client's without peer_cookie: the member of the group whose
			    * turn it is, but who had no warm upstream; 0: none */
	__u64 paired_ns;   /* CLOCK_MONOTONIC, fast start only */
	__u32 first_seq;   /* TCP sequence number of the stream's first byte, valid with first_ns */
	/* by sockops */
	__u32 enrol;   /* enum flow_enrol */
	__u32 ended;   /* the peer's FIN is in: fin_seq is set */
	__u32 fin_seq; /* TCP sequence number of the FIN: the stream's end */
	__u64 pad2[3];
	/* the verdict program's, under this socket's lock */
	__u64 redir;
	__u64 passed;
	__u64 last_ns;	/* when bytes last came, CLOCK_MONOTONIC coarse */
	__u64 first_ns; /* when the first did */
	__u32 base;	/* peer's write_seq where this stream's byte 0 belongs */
	__u32 based;	/* base is set */
	__u32 hello;	/* enum flow_hello */
	__u32 told;	/* PASS episodes begun */
	__u32 broken;	/* a segment could not be handled: the controller resets */
	__u32 back_max; /* most bytes ever on the way to the peer */
	/* sockops': what TCP knew when the peer last changed its state */
	__u32 tcp_state; /* and FLOW_BROKEN; 0: only we have */
	__u32 next_seq;	 /* TCP sequence number that the next segment starts with */
};
_Static_assert(sizeof(struct flow) == 192, "flow: three cache lines");

/*
 * A client's hello: parsed here by the program, kept until the upstream has
 * answered.  One connection's own, not a CPU's: the program runs in process
 * context too (end_kick()), where a softirq can run it again for another socket.
 */
struct replay {
	__u8 bytes[REPLAY_BYTES];
	char name[2 * ENDPOINT_KEY_MAX]; /* the second half stays zero: see route() */
	__u32 len;
	__u32 pad[3];
};
_Static_assert(sizeof(struct replay) == 4624, "replay");

struct name_key {
	char name[ENDPOINT_KEY_MAX];
};

#define ENDPOINT_KERNEL (1U << 0) /* passthrough, no header: the program may start it */

struct endpoint_value {
	__u32 num;
	__u32 flags;  /* ENDPOINT_ */
	__u32 pool;   /* first of this endpoint's pools (one a worker); 0: none */
	__u32 policy; /* who may connect: the id in `policies`; 0: everybody */
	__u32 group;  /* who shares the name: index in `groups`; 0: nobody, <pool> counts */
	__u32 made;   /* the group's */
};

/*
 * Those who share a name, each with a part of <total>, see turn.h.  Written by the
 * controller while programs read: <made> is changed before an entry becomes another
 * group's, so that who read <made> last knows whose members he saw.
 */
struct group_member {
	__u32 upto; /* its part ends here; the next begins */
	__u32 num;  /* of the endpoint */
	__u32 pool; /* first of its pools; 0: none */
};

struct group_value {
	__u32 turn; /* every connection takes one, whoever starts it */
	__u32 n, total;
	__u32 made; /* never the same twice; 0: free */
	struct group_member members[GROUP_MEMBERS];
};
_Static_assert(sizeof(struct group_value) == 784, "group_value");

/*
 * IP policies, solved for a longest-prefix lookup (user/policy/policy.h): one trie for all,
 * because the id, which is never used again for another policy, is the first 32 bits.
 * IPv4 lives in ::ffff:0:0/96.
 */
struct policy_key {
	__u32 prefixlen; /* 32 more than that of the address */
	__u32 policy;
	__u8 addr[16];
};
_Static_assert(sizeof(struct policy_key) == 24, "policy_key");

struct policy_value {
	__u32 allow;
};

/* Slots of warm upstreams.  Taken by exchange with 0, by either side. */
struct pool_value {
	__u32 slot[POOL_SLOTS];
	__u32 taken;  /* by the program */
	__u32 missed; /* the program found none */
	__u32 next;   /* where to look first: behind the one taken last */
	__u32 pad0;
	__u64 pad1[6];
};
_Static_assert(sizeof(struct pool_value) == 320, "pool_value");

enum event_type {
	EVENT_PAIRED = 1, /* the program started slot + peer; not urgent */
	EVENT_PASS,	  /* bytes wait for the controller */
	EVENT_STATE,	  /* TCP left ESTABLISHED: FIN, RST or closed */
	EVENT_DENIED,	  /* an IP policy denies this client: the controller resets it */
};

struct event {
	__u32 type; /* enum event_type */
	__u32 slot;
	__u64 cookie;
	__u32 peer;	 /* slot, EVENT_PAIRED */
	__u32 tcp_state; /* the new one, EVENT_STATE */
};
_Static_assert(sizeof(struct event) == 24, "event");

/*
 * Is the worker to be woken by an urgent event?  To wake it costs an interrupt of the CPU's own,
 * in a virtual machine an exit, several times what the rest of the event costs.
 */
enum wake_state {
	WAKE_ALWAYS, /* it does not say when it sleeps */
	WAKE_NOT,    /* it looks into its ring before it sleeps */
	WAKE_ONCE,   /* it sleeps; whoever finds this makes it WAKE_NOT, and wakes it */
};

struct wake {
	__u32 state; /* enum wake_state */
	__u32 pad[15];
};
_Static_assert(sizeof(struct wake) == 64, "wake: a cache line");

/*
 * Every pass, drop and loss has a counter: one struct of named numbers, so that
 * a dump of the map reads by itself.  X(name, what it says to an operator).
 */
#define COUNTERS(X)                                                                            \
	X(redirect_skbs, "segments moved to the peer in the kernel")                           \
	X(redirect_bytes, "bytes moved to the peer in the kernel")                             \
	X(start_kernel, "connections routed and paired by the verdict program")                \
	X(deny_policy, "connections that an IP policy denied in the kernel")                   \
	X(pass_not_ours, "segments of a socket that has no slot")                              \
	X(pass_unpaired, "segments before the controller has paired the connection")           \
	X(pass_behind, "segments that had to wait behind passed ones, to keep order")          \
	X(pass_hard_limit, "segments passed because the peer has too much unacknowledged")     \
	X(pass_no_peer, "segments whose peer is gone from the map")                            \
	X(pass_peer_closed, "segments whose peer is not connected any more")                   \
	X(pass_redirect_failed, "segments the redirect helper refused")                        \
	X(pass_hello_large, "first segments longer than the program starts by itself")         \
	X(pass_hello_unreadable, "first segments the program could not load")                  \
	X(pass_hello_more, "first segments with an unfinished hello")                          \
	X(pass_hello_split, "first segments with a hello over several records")                \
	X(pass_hello_no_sni, "hellos without a server name")                                   \
	X(pass_hello_not_tls, "first segments that are not TLS")                               \
	X(pass_hello_bad, "hellos that are malformed")                                         \
	X(pass_hello_too_big, "hellos above the size limit")                                   \
	X(pass_hello_name, "hellos whose server name is not a host name")                      \
	X(pass_unknown_name, "hellos for a name that has no endpoint")                         \
	X(pass_endpoint_user, "hellos for an endpoint that user space starts")                 \
	X(pass_policy_gone, "hellos whose endpoint's IP policy was just being replaced")       \
	X(pass_pool_empty, "hellos that found no warm upstream")                               \
	X(pass_pool_dead, "hellos that found only dead warm upstreams")                        \
	X(pass_no_replay, "hellos that found no replay buffer")                                \
	X(drop_denied, "segments of clients that an IP policy denied")                         \
	X(drop_empty, "bare FINs, dropped on purpose: redirecting one breaks the peer")        \
	X(trim_skbs, "segments that began with bytes seen before (a retransmission), trimmed") \
	X(trim_bytes, "bytes cut off these")                                                   \
	X(trim_failed, "segments that could not be trimmed: the connection is reset")          \
	X(event_lost, "events the ring had no room for; the controller's sweep finds them")    \
	X(state_events, "connection ends reported by the kernel")

struct counters {
#define X(name, help) __u64 name;
	COUNTERS(X)
#undef X
};

/* Test builds only (make MUTANT=1): the mistakes the suite must catch. */
enum mutant {
	MUTANT_NONE,
	MUTANT_NAIVE_CLOSE,
	MUTANT_NO_KICK,
	MUTANT_REDIRECT_EMPTY,
	MUTANT_HELPER_RETURN,
	MUTANT_DELETE_UNREAD,
};
#endif
