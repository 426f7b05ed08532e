/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * kern - the BPF side: programs, maps, pins.  What the programs tell is read by ring.h.
 *
 * One object for the life of the daemon, opened by main before the workers
 * start and closed after they have ended.  Map verbs may be called from any
 * thread.  Errors are negative errno; kern_open() also says why in words.
 */
#ifndef KERN_H
#define KERN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "abi.h"
#include "cidr.h"

struct kern;

/* The maps that a put can find full: X(name, what then).  See kern_full(). */
#define KERN_FULL(X)                                                                              \
	X(sockets, "sockets that found `sockets` full: user space moves their bytes")             \
	X(slots, "sockets that found `slots` full: user space moves their bytes")                 \
	X(endpoints, "names that found `endpoints` full: refused, or user space routes them")     \
	X(wildcards, "wildcards that found `wildcards` full: refused, or user space routes them") \
	X(policies, "ranges that found `policies` full: the change is refused")

enum kern_map {
#define X(name, help) KERN_MAP_##name,
	KERN_FULL(X)
#undef X
		KERN_MAP_MAX
};

struct kern_opts {
	unsigned n_workers;
	uint32_t slots;			/* entries of `flows`, slot 0 unused */
	uint32_t replays;		/* entries of `replays`, 0 unused */
	uint32_t pools;			/* endpoints that can have warm upstreams at once */
	uint32_t groups;		/* names that are shared */
	uint32_t endpoints;		/* names, exact and wild each */
	uint32_t policies;		/* entries of all IP policies together */
	uint32_t hard;			/* bytes on the way to one peer, see verdict.bpf.c */
	uint16_t ports[16];		/* listening ports, host order, 0 ends */
	uint16_t first_port, last_port; /* and these; 0: none */
	uint32_t mutant;		/* enum mutant; test builds only */
	uint32_t selftest_mutant;	/* of the self-test: else none would ever get past it */
	uint32_t ring_bytes; /* one worker's ring; a power of two, at least a page; 0: default */
	int lock_fd; /* of the pins of the daemon whose place this one takes; -1: it is the first */
	bool unpinned; /* nothing is to be seen in bpffs, and others may do the same: an agent */
	bool proven;   /* not where the self-test cannot be tried */
};

/*
 * Can the programs be loaded here, and do they work?  For `snisplitd --version`.  True: <why> is
 * what the self-test says (selftest.h).
 */
bool kern_probe(char *why, size_t why_size);

const char *kern_libbpf_version(void);
const char *kern_release(void); /* uname -r */

/*
 * Loads, attaches, pins.  Returns 0, or with <why>: -EBUSY another daemon holds
 * the pins (why names its pid), -EPERM, -ENOTSUP ... the kernel lacks something.
 */
int kern_open(const struct kern_opts *opts, struct kern **ret_k, char *why, size_t why_size);
void kern_close(struct kern *k); /* removes the pins; NULL is fine */

/*
 * From one daemon to the next.  Each has maps and programs of its own, so that no number of one
 * means anything to another; only the lock on the pins goes over.  kern_open() with another one's
 * lock makes nothing known yet; then kern_take_over() puts our pins in the place of the other's
 * (who can undo that with the same call), and the other one's kern_leave() parts with them: its
 * programs and maps serve what it still has, unpinned.
 */
int kern_lock_fd(const struct kern *k); /* stays ours */
int kern_take_over(struct kern *k, char *why, size_t why_size);
void kern_leave(struct kern *k);

const char *kern_selftest(const struct kern *k); /* what it said at the start */
const char *kern_pin_root(const struct kern *k);
/* Ends of connections come as events; when false the caller must poll sockets. */
bool kern_has_sockops(const struct kern *k);

/* Mapped memory, shared with the programs; valid until kern_close(). */
struct flow *kern_flow(struct kern *k, uint32_t slot);
struct replay *kern_replay(struct kern *k, uint32_t idx);
struct pool_value *kern_pool(struct kern *k, uint32_t idx);
struct group_value *kern_group(struct kern *k, uint32_t idx); /* 0 unused */
struct wake *kern_wake(struct kern *k, unsigned worker);
int kern_events_fd(const struct kern *k, unsigned worker); /* of its ring buffer; stays ours */

/* Which slot a socket has: before it is added, and before an upstream connects.
 * Replaces an earlier one at once: no run of the program finds none. */
int kern_slot_set(struct kern *k, uint64_t cookie, uint32_t slot);
/* The map has room for so many of each worker that are dead and not deleted yet. */
#define KERN_SLOTS_DEAD 64
void kern_slots_del(struct kern *k, const uint64_t *cookies, unsigned n);

/*
 * Puts an ESTABLISHED TCP socket under the verdict program.  -EOPNOTSUPP: it is
 * not (or no longer) established; -E2BIG: the map is full.  close() takes it out;
 * there is no other way out, on purpose: taking a live one out loses its data.
 */
int kern_sock_add(struct kern *k, uint64_t cookie, int fd);
#ifdef MUTANT
void kern_sock_del(struct kern *k, uint64_t cookie);
#endif

int kern_endpoint_put(struct kern *k, const char *host, bool wild, const struct endpoint_value *v);
void kern_endpoint_del(struct kern *k, const char *host, bool wild);

/*
 * What policy <id> says of a range (user/policy/policy.h).  0, or -errno; -ENOSPC: the map is
 * full.  Shorter prefixes are taken out first, or a lookup meanwhile finds the wrong one.
 */
int kern_policy_put(struct kern *k, uint32_t id, const struct cidr *c, bool allow);
void kern_policy_del(struct kern *k, uint32_t id, const struct cidr *c);

/* How often a put has found this map full; any thread. */
uint64_t kern_full(const struct kern *k, enum kern_map map);

/* Sum over all CPUs. */
int kern_counters(struct kern *k, struct counters *ret_c);
#endif
