// SPDX-License-Identifier: GPL-2.0-only
/*
 * accept - follows our sockets from the moment they are connected to their end.
 *
 * The hook sees every TCP socket of the cgroup.  Ours are told apart by the
 * listening port (accepted ones) or by their cookie, which the controller has
 * put into `slots` before it connects (upstreams).  Others are left alone.
 */
#include "maps.bpf.h"

const volatile __u16 cfg_ports[16]; /* of our listeners, host order; 0 ends the list */
const volatile __u16 cfg_first_port, cfg_last_port; /* those of TCP endpoints; 0: none */

static __always_inline bool is_our_port(__u32 port)
{
	int i;

	if (cfg_first_port && port >= cfg_first_port && port <= cfg_last_port)
		return true;
	for (i = 0; i < 16; i++) {
		if (!cfg_ports[i])
			return false;
		if (cfg_ports[i] == port)
			return true;
	}
	return false;
}

/*
 * Did the socket end by anything but FINs?  Told here, where sk_err is intact: the
 * kernel's worker that sends for a redirect may be the first to be told of it, and
 * then SO_ERROR is 0 and CLOSE looks like a clean end.
 */
static __always_inline bool is_broken(struct bpf_sock_ops *ctx, __u32 old)
{
	struct bpf_sock *sk = ctx->sk;
	struct tcp_sock *tp;

	if (old != BPF_TCP_LAST_ACK && old != BPF_TCP_CLOSING && old != BPF_TCP_FIN_WAIT2 &&
	    old != BPF_TCP_TIME_WAIT)
		return true;
	tp = sk ? bpf_skc_to_tcp_sock(sk) : NULL;
	return tp && tp->inet_conn.icsk_inet.sk.sk_err;
}

/*
 * Is it the peer's FIN that this change comes of?  Then rcv_nxt is behind it already (tcp_fin()
 * runs after the segment is queued, tcp_time_wait() after that).
 */
static __always_inline bool is_fin(__u32 old, __u32 state)
{
	return state == BPF_TCP_CLOSE_WAIT || state == BPF_TCP_CLOSING ||
	       (state == BPF_TCP_CLOSE && old == BPF_TCP_FIN_WAIT2);
}

static __always_inline void on_state(struct bpf_sock_ops *ctx)
{
	__u32 state = ctx->args[1];
	struct flow *f;
	__u32 *slot, s;
	__u64 cookie;

	/* The peer's FIN, or the end: what the controller waits for.  Our own FINs
	 * (FIN_WAIT1, FIN_WAIT2, LAST_ACK) it knows. */
	if (state != BPF_TCP_CLOSE_WAIT && state != BPF_TCP_CLOSING && state != BPF_TCP_CLOSE &&
	    state != BPF_TCP_TIME_WAIT)
		return;
	cookie = bpf_get_socket_cookie(ctx);
	slot = bpf_map_lookup_elem(&slots, &cookie);
	if (!slot)
		return; /* not enrolled yet, or already closed by the controller */
	s = *slot;
	f = bpf_map_lookup_elem(&flows, &s);
	if (!f || f->cookie != cookie)
		return;
	if (state == BPF_TCP_CLOSE && is_broken(ctx, ctx->args[0])) {
		f->tcp_state = state | FLOW_BROKEN;
	} else {
		if (is_fin(ctx->args[0], state) && !f->ended) {
			f->fin_seq = ctx->rcv_nxt - 1; /* the FIN takes one */
			__sync_lock_test_and_set(&f->ended, 1);
		}
		f->tcp_state = state;
	}
	count(state_events);
	tell(f, EVENT_STATE, s, 0, state, true);
}

/* An upstream of ours is established: under the verdict program before it can say anything. */
static __always_inline void on_connected(struct bpf_sock_ops *ctx)
{
	__u64 cookie = bpf_get_socket_cookie(ctx);
	struct flow *f;
	__u32 *slot, s;

	slot = bpf_map_lookup_elem(&slots, &cookie);
	if (!slot)
		return;
	bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
	s = *slot;
	f = bpf_map_lookup_elem(&flows, &s);
	if (f && f->cookie == cookie && f->enrol == FLOW_ENROL_EARLY &&
	    !bpf_sock_hash_update(ctx, &sockets, &cookie, BPF_NOEXIST))
		f->enrol = FLOW_ENROLLED;
}

SEC("sockops")
int on_sockops(struct bpf_sock_ops *ctx)
{
	switch (ctx->op) {
	case BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB:
		if (is_our_port(ctx->local_port))
			bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
		break;
	case BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB:
		on_connected(ctx);
		break;
	case BPF_SOCK_OPS_STATE_CB:
		on_state(ctx);
		break;
	}
	return 1;
}

char LICENSE[] SEC("license") __weak = "GPL";
