// SPDX-License-Identifier: GPL-2.0-only
/*
 * datapath - the agent's own copy of the BPF programs: how it comes to be, and what it tells.
 *
 * Nothing of it is pinned, so that edges and other agents of the machine are not met; it ends with
 * the process, however that ends.  Ends of connections are told by epoll too, so that a process
 * that is moved to another cgroup, where its program on sockets' states is not, misses none.
 */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "agent.h"
#include "ring.h"

#define SLOTS 16384 /* two a connection, one an idle channel; the others go by splice(2) */
#define SWEEP_NS SECOND_NS
#define HARD_MIN (1U << 20)

static void on_kernel_event(void *arg, const struct event *ev)
{
	struct snisplit *a = arg;
	struct end *e = slots_end(&a->slots, ev->slot);

	if (!e || e->cookie != ev->cookie)
		return; /* closed meanwhile */
	if (ev->type == EVENT_STATE)
		relay_on_state(e->owner, e);
	else
		relay_run(e->owner);
}

/* datapath_awake() has read it. */
static void on_ring(struct source *s, uint32_t events)
{
	(void)s;
	(void)events;
}

bool datapath_may_sleep(struct snisplit *a)
{
	return !a->ring || kern_ring_doze(a->ring);
}

void datapath_awake(struct snisplit *a)
{
	if (!a->ring)
		return;
	kern_ring_rouse(a->ring);
	kern_ring_drain(a->ring, on_kernel_event, a);
}

/*
 * What a reader that does not read costs of TCP's memory.  That is a sixteenth of all there is, and
 * an agent may live on a small machine: 64 of them may take it.
 */
static uint32_t hard_limit(void)
{
	uint64_t all = (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
	uint64_t hard = all / 16 / 64;

	return hard < HARD_MIN ? HARD_MIN : hard < JOIN_HARD ? (uint32_t)hard : JOIN_HARD;
}

static int load(struct snisplit *a, char *why, size_t why_size)
{
	const struct kern_opts opts = {
		.n_workers = 1,
		.slots = 1 + SLOTS,
		.endpoints = 1,
		.hard = hard_limit(),
		.lock_fd = -1,
		.unpinned = true,
		.proven = true,
	};
	int err = kern_open(&opts, &a->kern, why, why_size);

	if (err)
		return err;
	err = slots_open(&a->slots, a->kern, 1, SLOTS);
	if (!err)
		err = kern_ring_open(a->kern, 0, &a->ring);
	if (err) {
		snprintf(why, why_size, "%s", strerror(-err));
		datapath_close(a);
	}
	a->ring_source.on_ready = on_ring;
	a->pump.soft = opts.hard / (JOIN_HARD / JOIN_SOFT);
	return err;
}

int datapath_open(struct snisplit *a, const char *want, struct fault *f)
{
	char why[300] = "out of memory";
	bool must;

	if (!want || !strcmp(want, "userspace")) {
		snprintf(a->datapath_why, sizeof(a->datapath_why), "datapath: userspace");
		return 0;
	}
	must = !strcmp(want, "kernel");
	if (!must && strcmp(want, "auto"))
		return fault_set(f, 400, 0, "datapath",
				 "must be auto, kernel or userspace, got '%.40s'", want);
	if (!load(a, why, sizeof(why))) {
		snprintf(a->datapath_why, sizeof(a->datapath_why), "self-test %s",
			 kern_selftest(a->kern));
		return 0;
	}
	snprintf(a->datapath_why, sizeof(a->datapath_why), "no kernel datapath: %s", why);
	return must ? fault_set(f, 501, 0, "datapath", "kernel: %s", why) : 0;
}

void datapath_close(struct snisplit *a)
{
	kern_ring_close(a->ring);
	a->ring = NULL;
	slots_close(&a->slots);
	kern_close(a->kern);
	a->kern = NULL;
}

void datapath_prepare(struct stream *s, struct end *e, enum flow_role role)
{
	struct snisplit *a = s->agent;
	uint32_t slot = SLOT_NONE;

	/* channels use up half of them: whose channel has one, his upstream finds one */
	if (role == FLOW_UPSTREAM || a->slots.n_stock > SLOTS / 2)
		slot = slots_take(&a->slots, e);
	if (slot == SLOT_NONE)
		return;
	if (end_slot(e, a->kern, slot, role, 0, 0, NULL)) {
		slots_give(&a->slots, slot);
		return;
	}
	join_enlarge(e->fd);
	e->owner = s;
	end_enrol_early(e);
}

void datapath_enrol(struct stream *s, struct end *e)
{
	if (e->slot && !end_enrol(e, s->agent->kern))
		end_kick(e); /* what it may have said already */
}

/* Events were lost, or are none: what they would have told stands in the flows. */
static void sweep(struct snisplit *a)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &a->streams) {
		struct stream *s = list_of(it, struct stream, link);

		relay_on_state(s, &s->client);
		relay_on_state(s, &s->upstream);
	}
}

void datapath_tick(struct snisplit *a)
{
	struct counters k;

	if (!a->kern || a->now_ns < a->sweep_ns)
		return;
	a->sweep_ns = a->now_ns + SWEEP_NS;
	if (!kern_has_sockops(a->kern)) {
		sweep(a);
	} else if (!kern_counters(a->kern, &k) && k.event_lost != a->events_lost) {
		a->events_lost = k.event_lost;
		sweep(a);
	}
}
