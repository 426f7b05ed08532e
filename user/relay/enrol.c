// SPDX-License-Identifier: GPL-2.0-only
/*
 * enrol - an end's place in the kernel's maps: all of end.h that needs a struct kern.  Who relays
 * in user space only (the agent) links without it, and without libbpf.
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
	}
	err = kern_slot_set(k, e->cookie, slot);
	if (err) {
		f->cookie = 0;
		f->role = FLOW_FREE;
		return err;
	}
	e->slot = slot;
	e->flow = f;
	return 0;
}

int end_enrol(struct end *e, struct kern *k)
{
	int err = kern_sock_add(k, e->cookie, e->fd);

	e->enrolled = !err;
	return err;
}

uint32_t end_close(struct end *e, struct kern *k, bool reset)
{
	uint32_t slot = e->slot;
	struct flow *f = e->flow;

	if (slot && e->fd != -1)
		kern_slot_del(k, e->cookie);
	end_drop(e, reset);
	if (slot) {
		f->peer_cookie = 0;
		f->role = FLOW_FREE;
		f->cookie = 0;
	}
	return slot;
}
