/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * maps - every map, shared by all programs (the linker merges the weak
 * definitions), and count().
 *
 * Sizes of 0 are set by kern_open() before the load.
 */
#ifndef MAPS_BPF_H
#define MAPS_BPF_H
#include "vmlinux.h"
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_helpers.h>

#include "abi.h"
#define HELLO_MAX REPLAY_BYTES
#include "hello.h"

/* Every enrolled socket, by its cookie: never reused, so a stale peer is a miss
 * and cannot become somebody else's connection. */
struct {
	__uint(type, BPF_MAP_TYPE_SOCKHASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u64);
} sockets SEC(".maps") __weak;

/* cookie -> slot in `flows`: sk_skb programs have no sk_storage. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1);
	__type(key, __u64);
	__type(value, __u32);
} slots SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct flow);
} flows SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct replay);
} replays SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct name_key);
	__type(value, struct endpoint_value);
} endpoints SEC(".maps") __weak;

/* The same for "*.example.com". */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct name_key);
	__type(value, struct endpoint_value);
} wildcards SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_LPM_TRIE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__uint(max_entries, 1);
	__type(key, struct policy_key);
	__type(value, struct policy_value);
} policies SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct pool_value);
} pools SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct group_value);
} groups SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct counters);
} counters SEC(".maps") __weak;

struct ring {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 256 * 1024);
};

/* One ring a worker: an event wakes the thread that owns the connection. */
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, WORKERS_MAX);
	__type(key, __u32);
	__array(values, struct ring);
} events SEC(".maps") __weak;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(map_flags, BPF_F_MMAPABLE);
	__uint(max_entries, WORKERS_MAX);
	__type(key, __u32);
	__type(value, struct wake);
} wakes SEC(".maps") __weak;

/* Atomic although per CPU: a softirq can run the program within itself. */
#define count_add(field, n)                                                   \
	do {                                                                  \
		__u32 _zero = 0;                                              \
		struct counters *_c = bpf_map_lookup_elem(&counters, &_zero); \
		if (_c)                                                       \
			__sync_fetch_and_add(&_c->field, (n));                \
	} while (0)
#define count(field) count_add(field, 1)

/*
 * Must the worker be woken for an event that has its place in the ring?  The exchange is a barrier
 * too: either we see that it sleeps, or it sees the place that is taken (kern_ring_doze()).
 */
static __always_inline bool must_wake(__u32 worker)
{
	struct wake *w = bpf_map_lookup_elem(&wakes, &worker);

	return !w || __sync_val_compare_and_swap(&w->state, WAKE_ONCE, WAKE_NOT) != WAKE_NOT;
}

/*
 * Events are hints: what they tell is in the flows as well, and a worker that
 * missed some (event_lost) finds it by a sweep.
 */
static __always_inline void tell(const struct flow *f, __u32 type, __u32 slot, __u32 peer,
				 __u32 tcp_state, bool urgent)
{
	__u32 idx = f->worker;
	struct event *e;
	void *ring;

	ring = bpf_map_lookup_elem(&events, &idx);
	if (!ring) {
		count(event_lost);
		return;
	}
	e = bpf_ringbuf_reserve(ring, sizeof(*e), 0);
	if (!e) {
		count(event_lost);
		return;
	}
	e->type = type;
	e->slot = slot;
	e->cookie = f->cookie;
	e->peer = peer;
	e->tcp_state = tcp_state;
	bpf_ringbuf_submit(e, urgent && must_wake(idx) ? BPF_RB_FORCE_WAKEUP : BPF_RB_NO_WAKEUP);
}
#endif
