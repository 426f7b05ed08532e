// SPDX-License-Identifier: GPL-2.0-only
/*
 * enrol - an end's place in the kernel's maps: all of end.h that needs a struct kern.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "end.h"

int end_slot(struct end *e, struct kern *k, uint32_t slot, enum flow_role role, unsigned worker,
	     uint32_t replay, const struct flow *from)
{
	struct flow *f = kern_flow(k, slot);
	socklen_t len = sizeof(e->cookie);
	int err;

	if (getsockopt(e->fd, SOL_SOCKET, SO_COOKIE, &e->cookie, &len))
		return -errno;
	memset(f, 0, sizeof(*f));
	f->cookie = e->cookie;
	f->role = role;
	f->worker = worker;
	f->replay = replay;
	if (from) {
		f->hello = FLOW_HELLO_SEEN;
		f->tcp_state = from->tcp_state;
		f->next_seq = from->next_seq;
		f->first_ns = from->first_ns;
		f->first_seq = from->first_seq;
		f->fin_seq = from->fin_seq;
		f->ended = from->ended;
	}
	err = kern_slot_set(k, e->cookie, slot);
	if (err) {
		f->cookie = 0;
		f->role = FLOW_FREE;
		return err;
	}
	if (from && from->ended && !f->ended) { /* between the copy and the change of slots */
		f->tcp_state = from->tcp_state;
		f->fin_seq = from->fin_seq;
		f->ended = from->ended;
	}
	e->slot = slot;
	e->flow = f;
	return 0;
}

int end_enrol(struct end *e, struct kern *k)
{
	int err = end_is_early(e) ? 0 : kern_sock_add(k, e->cookie, e->fd);

	e->enrolled = !err;
	return err;
}

void end_enrol_early(struct end *e)
{
	__atomic_store_n(&e->flow->enrol, FLOW_ENROL_EARLY, __ATOMIC_RELEASE);
}

bool end_is_early(const struct end *e)
{
	return __atomic_load_n(&e->flow->enrol, __ATOMIC_ACQUIRE) == FLOW_ENROLLED;
}

uint32_t end_close(struct end *e, bool reset)
{
	uint32_t slot = e->slot;
	struct flow *f = e->flow;

	/* Not its any more, before close(): nobody wants to be told of the states that this goes
	 * through. */
	if (slot) {
		f->peer_cookie = 0;
		f->role = FLOW_FREE;
		__atomic_store_n(&f->cookie, 0, __ATOMIC_RELEASE);
	}
	end_drop(e, reset);
	return slot;
}
