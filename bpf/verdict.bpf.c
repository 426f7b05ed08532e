// SPDX-License-Identifier: GPL-2.0-only
/*
 * verdict - where every segment of an enrolled socket goes.
 *
 * Runs once per skb, under the socket's lock, before the controller could read
 * it.  SK_PASS gives the bytes to the controller (fail to the slow path: never
 * lost, never reordered); SK_DROP is used for empty skbs, and for streams that end
 * in a reset whatever comes: denied or broken ones.
 */
#include "maps.bpf.h"
#include <bpf/bpf_endian.h>

#include "turn.h"

/*
 * Most bytes on the way to a peer (redirected or relayed, not acknowledged).
 * Above it the program passes: passed bytes are charged to the source's receive
 * buffer, so its window closes by itself, until the peer has taken most of what
 * is on the way and the controller relays the rest.
 */
const volatile __u32 cfg_hard = 32U << 20;
const volatile __u32 cfg_mutant = MUTANT_NONE;

#define POOL_TRIES 4 /* dead warm upstreams looked at before giving up */

/* What the gate needs to know of the peer's TCP. */
struct peer_tcp {
	__u32 state, write_seq, snd_una, copied_seq, rcv_nxt;
};

/* Fails to <false>: not in the map, or not TCP. */
static __always_inline bool peer_read(__u64 cookie, struct peer_tcp *p)
{
	struct tcp_sock *tp;
	struct bpf_sock *sk;

	sk = bpf_map_lookup_elem(&sockets, &cookie);
	if (!sk)
		return false;
	tp = bpf_skc_to_tcp_sock(sk);
	if (!tp) {
		bpf_sk_release(sk);
		return false;
	}
	p->state = tp->inet_conn.icsk_inet.sk.__sk_common.skc_state;
	p->write_seq = tp->write_seq;
	p->snd_una = tp->snd_una;
	p->copied_seq = tp->copied_seq;
	p->rcv_nxt = tp->rcv_nxt;
	bpf_sk_release(sk);
	return true;
}

/*
 * Fail to the slow path.  The first of an episode tells the controller; it
 * acknowledges (told_ack) when it has caught up.  The atomic add orders our
 * <passed> before our look at told_ack, as the controller does the reverse.
 */
static __always_inline int pass(struct flow *f, __u32 slot, __u32 len)
{
	__sync_fetch_and_add(&f->passed, len);
	if (f->told == f->told_ack) {
		f->told++;
		tell(f, EVENT_PASS, slot, 0, 0, true);
	}
	return SK_PASS;
}

/* The last step of every redirect: never lets the helper's failure drop bytes
 * that TCP has acknowledged already. */
static __always_inline int redirect(struct __sk_buff *skb, struct flow *f, __u32 slot, __u64 peer)
{
	__u32 len = skb->len;
	int verdict;

	f->redir += len;
	verdict = bpf_sk_redirect_hash(skb, &sockets, &peer, 0);
	if (verdict != SK_PASS) {
		if (cfg_mutant == MUTANT_HELPER_RETURN)
			return verdict;
		f->redir -= len;
		count(pass_redirect_failed);
		return pass(f, slot, len);
	}
	count(redirect_skbs);
	count_add(redirect_bytes, len);
	return SK_PASS;
}

/* A paired connection: gate, then redirect. */
static __always_inline int forward(struct __sk_buff *skb, struct flow *f, __u32 slot, __u64 peer)
{
	__u32 len = skb->len, back;
	struct peer_tcp p = {};

	if (f->passed != f->relayed) {
		count(pass_behind);
		return pass(f, slot, len);
	}
	if (cfg_mutant == MUTANT_HELPER_RETURN)
		return redirect(skb, f, slot, peer);
	if (!peer_read(peer, &p)) {
		count(pass_no_peer);
		return pass(f, slot, len);
	}
	/* Only these still send.  The controller finds the socket dead and resets. */
	if (p.state != BPF_TCP_ESTABLISHED && p.state != BPF_TCP_CLOSE_WAIT) {
		count(pass_peer_closed);
		return pass(f, slot, len);
	}
	if (!f->based) {
		/* everything relayed so far is in the peer's queue already */
		f->base = p.write_seq - (__u32)f->relayed;
		f->based = 1;
	}
	/* An unlocked read of the peer can only be old, and then <back> too large. */
	back = (__u32)(f->redir + f->relayed) - (p.snd_una - f->base);
	if (back > f->back_max && back < (1U << 31))
		f->back_max = back;
	if (back + len > cfg_hard) {
		count(pass_hard_limit);
		return pass(f, slot, len);
	}
	return redirect(skb, f, slot, peer);
}

struct route_walk {
	struct replay *s;
	struct endpoint_value *ep;
};

/* One byte of the name; a dot makes the next shorter wildcard. */
static long route_on_byte(__u32 i, void *walk)
{
	struct route_walk *w = walk;
	struct replay *s = w->s;

	i = (i & (ENDPOINT_KEY_MAX - 1)) + 1;
	if (!s->name[i])
		return 1;
	if (s->name[i] != '.')
		return 0;
	s->name[i - 1] = '*';
	w->ep = bpf_map_lookup_elem(&wildcards, &s->name[i - 1]);
	return w->ep ? 1 : 0;
}

/*
 * The endpoint of the normalised name in s->name: exact, else the longest
 * wildcard.  Destroys the name: "*" overwrites the byte before each dot, which
 * makes the key of the wildcard in place.  The zeroes behind the name pad it.
 */
static __always_inline struct endpoint_value *route(struct replay *s)
{
	struct route_walk w = {.s = s};
	struct endpoint_value *ep;

	ep = bpf_map_lookup_elem(&endpoints, s->name);
	if (ep)
		return ep;
	bpf_loop(HELLO_NAME_MAX, route_on_byte, &w, 0);
	return w.ep;
}

struct trim_walk {
	struct __sk_buff *skb;
	__u32 bytes; /* never changed: the verifier would follow every value of it */
	__u32 failed;
};

#define TRIM_STEP 4095 /* what bpf_skb_adjust_room() takes at once */
#define TRIM_STEPS 1024

static long trim_step(__u32 i, void *walk)
{
	struct trim_walk *w = walk;
	__u32 done = i * TRIM_STEP, n;

	if (done >= w->bytes)
		return 1;
	n = w->bytes - done;
	if (n > TRIM_STEP)
		n = TRIM_STEP;
	if (!bpf_skb_adjust_room(w->skb, -(__s32)n, 0, 0))
		return 0;
	w->failed = 1;
	return 1;
}

/*
 * Cuts off what this stream has seen already.  After loss or reordering a queued
 * skb may overlap the one before it; tcp_recvmsg() would skip the old bytes by
 * their sequence number, but the sockmap path (tcp_read_skb(), at least up to
 * 6.18) hands over every skb whole: the peer would get them twice, and
 * copied_seq would run ahead and stall as many bytes at the end.  skb->cb[0] is
 * TCP_SKB_CB(skb)->seq.  False: cannot be mended.
 */
static __always_inline bool trim(struct __sk_buff *skb, struct flow *f)
{
	struct trim_walk w = {.skb = skb};
	__u32 seq = skb->cb[0], len = skb->len;
	__s32 old = (__s32)(f->next_seq - seq);

	if (!f->first_ns || old == 0) {
		if (!f->first_ns)
			f->first_seq = seq;
		f->next_seq = seq + len;
		return true;
	}
	if (old < 0 || (__u32)old > len)
		return false;
	w.bytes = (__u32)old;
	bpf_loop(TRIM_STEPS, trim_step, &w, 0);
	if (w.failed || w.bytes > TRIM_STEP * TRIM_STEPS)
		return false;
	count(trim_skbs);
	count_add(trim_bytes, (__u32)old);
	f->next_seq = seq + len;
	return true;
}

struct pool_walk {
	struct pool_value *pool;
	struct peer_tcp p;
	__u32 slot, tries, first;
	__u32 pad;
};

/*
 * Takes a live warm upstream out of the pool.  One that has died or spoken is
 * left out of it; the controller, which is told by its own means, discards it.
 */
static long pool_on_slot(__u32 i, void *walk)
{
	struct pool_walk *w = walk;
	struct pool_value *pool = w->pool;
	struct flow *b;
	__u32 slot;

	i = (w->first + i) & (POOL_SLOTS - 1);
	if (!pool->slot[i])
		return 0;
	slot = __sync_lock_test_and_set(&pool->slot[i], 0);
	if (!slot)
		return 0;
	b = bpf_map_lookup_elem(&flows, &slot);
	if (b && b->role == FLOW_UPSTREAM && !b->peer_cookie && !b->passed &&
	    peer_read(b->cookie, &w->p) && w->p.state == BPF_TCP_ESTABLISHED &&
	    w->p.copied_seq == w->p.rcv_nxt) {
		w->slot = slot;
		pool->next = i + 1; /* a hint: the oldest one stands there */
		return 1;
	}
	return ++w->tries == POOL_TRIES;
}

struct member_walk {
	struct group_value *g;
	__u32 n, place, at;
	__u32 pad;
};

static long member_on_part(__u32 i, void *walk)
{
	struct member_walk *w = walk;

	i &= GROUP_MEMBERS - 1;
	if (i >= w->n)
		return 1;
	w->at = i;
	return w->place < w->g->members[i].upto;
}

/*
 * The pools of the member whose turn it is, 0: none.  Its num is left for the
 * controller, which starts the connection there when the pool is empty: the turn
 * is taken, whoever starts it.
 */
static __always_inline __u32 take_turn(struct flow *f, const struct endpoint_value *ep,
				       __u32 *ret_num)
{
	struct member_walk w = {};
	__u32 idx = ep->group, pool;

	w.g = bpf_map_lookup_elem(&groups, &idx);
	if (!w.g)
		return 0;
	w.n = w.g->n;
	w.place = turn_place(__sync_fetch_and_add(&w.g->turn, 1), w.g->total);
	bpf_loop(GROUP_MEMBERS, member_on_part, &w, 0);
	pool = w.g->members[w.at & (GROUP_MEMBERS - 1)].pool;
	*ret_num = w.g->members[w.at & (GROUP_MEMBERS - 1)].num;
	if (!w.n || w.g->made != ep->made)
		return 0;
	f->endpoint = *ret_num;
	return pool;
}

#define AF_INET 2
#define AF_INET6 10

/* What the endpoint's policy says of this client; NULL: it has just been replaced. */
static __always_inline struct policy_value *policy_of(struct __sk_buff *skb, __u32 policy)
{
	struct policy_key k = {.prefixlen = 32 + 128, .policy = policy};
	__u32 *words = (__u32 *)k.addr, last;

	if (skb->family == AF_INET6) {
		words[0] = skb->remote_ip6[0];
		words[1] = skb->remote_ip6[1];
		words[2] = skb->remote_ip6[2];
		last = skb->remote_ip6[3];
		/* or clang makes one load of both branches, from a computed place in the
		 * context, which the verifier refuses */
		barrier_var(last);
	} else {
		words[2] = bpf_htonl(0xffff);
		last = skb->remote_ip4;
		barrier_var(last);
	}
	words[3] = last;
	return bpf_map_lookup_elem(&policies, &k);
}

/* Fail closed: the controller resets the client, which nothing was answered. */
static __always_inline int deny(struct flow *f, __u32 slot)
{
	f->hello = FLOW_HELLO_DENIED;
	count(deny_policy);
	count(drop_denied);
	tell(f, EVENT_DENIED, slot, 0, 0, true);
	return SK_DROP;
}

/* The first skb of a client: route and pair it here, or leave it to the
 * controller.  Every refusal fails to the slow path, which decides again with
 * the same parser; none falls to a weaker endpoint. */
static __always_inline int start(struct __sk_buff *skb, struct flow *f, __u32 slot)
{
	__u32 len = skb->len, before, upstream, pool_idx, replay_idx, num;
	struct endpoint_value *ep;
	struct pool_walk w = {};
	struct hello h = {};
	struct replay *r;
	struct flow *b;

	replay_idx = f->replay;
	r = bpf_map_lookup_elem(&replays, &replay_idx);
	if (!replay_idx || !r) {
		count(pass_no_replay);
		return pass(f, slot, len);
	}
	/* 6.1's verifier learns nothing from len != 0 ("invalid access to map value,
	 * size=0"): bound len - 1 instead, out of the optimiser's sight. */
	before = len - 1;
	barrier_var(before);
	if (before >= REPLAY_BYTES) {
		count(pass_hello_large);
		return pass(f, slot, len);
	}
	if (bpf_skb_load_bytes(skb, 0, r->bytes, before + 1)) {
		count(pass_hello_unreadable);
		return pass(f, slot, len);
	}
	switch (hello_parse(r->bytes, len, &h)) {
	case HELLO_OK:
		break;
	case HELLO_MORE:
		count(pass_hello_more);
		return pass(f, slot, len);
	case HELLO_SPLIT:
		count(pass_hello_split);
		return pass(f, slot, len);
	case HELLO_NO_SNI:
		count(pass_hello_no_sni);
		return pass(f, slot, len);
	case HELLO_NOT_TLS:
		count(pass_hello_not_tls);
		return pass(f, slot, len);
	case HELLO_TOO_BIG:
		count(pass_hello_too_big);
		return pass(f, slot, len);
	default:
		count(pass_hello_bad);
		return pass(f, slot, len);
	}
	if (hello_name(r->bytes, &h, r->name) <= 0) {
		count(pass_hello_name);
		return pass(f, slot, len);
	}
	ep = route(r);
	if (!ep) {
		count(pass_unknown_name);
		return pass(f, slot, len);
	}
	if (ep->policy) {
		struct policy_value *v = policy_of(skb, ep->policy);

		if (!v) {
			count(pass_policy_gone);
			return pass(f, slot, len);
		}
		if (!v->allow) {
			r->len = len; /* for the event */
			return deny(f, slot);
		}
	}
	num = ep->num;
	pool_idx = ep->flags & ENDPOINT_KERNEL ? ep->pool : 0;
	if ((ep->flags & ENDPOINT_KERNEL) && ep->group)
		pool_idx = take_turn(f, ep, &num);
	if (!pool_idx) {
		count(pass_endpoint_user);
		return pass(f, slot, len);
	}
	pool_idx += f->worker;
	w.pool = bpf_map_lookup_elem(&pools, &pool_idx);
	if (!w.pool) {
		count(pass_endpoint_user);
		return pass(f, slot, len);
	}
	w.first = w.pool->next;
	bpf_loop(POOL_SLOTS, pool_on_slot, &w, 0);
	upstream = w.slot;
	b = upstream ? bpf_map_lookup_elem(&flows, &upstream) : NULL;
	if (!b) {
		w.pool->missed++;
		if (w.tries)
			count(pass_pool_dead);
		else
			count(pass_pool_empty);
		return pass(f, slot, len);
	}
	w.pool->taken++;
	r->len = len;
	b->peer = slot;
	b->endpoint = num;
	f->peer = upstream;
	f->endpoint = num;
	f->base = w.p.write_seq;
	f->based = 1;
	f->paired_ns = bpf_ktime_get_ns();
	/* Published last, the upstream's side first: once it is visible the other
	 * direction flows. */
	__sync_lock_test_and_set(&b->peer_cookie, f->cookie);
	__sync_lock_test_and_set(&f->peer_cookie, b->cookie);
	count(start_kernel);
	tell(f, EVENT_PAIRED, slot, upstream, 0, false);
	return redirect(skb, f, slot, b->cookie);
}

SEC("sk_skb/stream_verdict")
int on_verdict(struct __sk_buff *skb)
{
	__u64 cookie, peer;
	struct flow *f;
	__u32 *found, slot;

	cookie = bpf_get_socket_cookie(skb);
	found = bpf_map_lookup_elem(&slots, &cookie);
	if (!found) {
		count(pass_not_ours);
		return SK_PASS;
	}
	slot = *found;
	f = bpf_map_lookup_elem(&flows, &slot);
	if (!f || f->cookie != cookie) {
		count(pass_not_ours);
		return SK_PASS;
	}
	peer = f->peer_cookie;
	/* A bare FIN.  EOF reaches the controller all the same; redirected or passed
	 * it would put EPIPE on a socket and lose what is queued behind it. */
	if (!skb->len) {
		if (cfg_mutant == MUTANT_REDIRECT_EMPTY && peer)
			return bpf_sk_redirect_hash(skb, &sockets, &peer, 0);
		count(drop_empty);
		return SK_DROP;
	}
	/* Fail closed: better a reset than a stream with a hole or a repetition. */
	if (f->broken || !trim(skb, f)) {
		count(trim_failed);
		f->broken = 1;
		tell(f, EVENT_PASS, slot, 0, 0, true);
		return SK_DROP;
	}
	if (!skb->len)
		return SK_DROP; /* all of it was old: counted in trim() */
	if (f->hello == FLOW_HELLO_DENIED) {
		count(drop_denied);
		return SK_DROP;
	}
	f->last_ns = bpf_ktime_get_coarse_ns();
	if (!f->first_ns)
		f->first_ns = bpf_ktime_get_ns();
	if (peer)
		return forward(skb, f, slot, peer);
	if (f->role == FLOW_CLIENT && f->hello == FLOW_HELLO_NONE) {
		f->hello = FLOW_HELLO_SEEN;
		return start(skb, f, slot);
	}
	count(pass_unpaired);
	return pass(f, slot, skb->len);
}

char LICENSE[] SEC("license") __weak = "GPL";
