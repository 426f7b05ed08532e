// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/libbpf.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "ring.h"
#include "kern.h"

struct kern_ring {
	struct ring_buffer *rb;
	int fd; /* the map's own: libbpf's is an epoll set around it, and one more to wake through
		 */
	struct wake *wake;
	uint8_t *places; /* where its reader is, and a page behind that its writers */
	size_t page;
	void (*fn)(void *arg, const struct event *e);
	void *arg;
};

static int on_sample(void *ctx, void *data, size_t size)
{
	struct kern_ring *r = ctx;

	if (size >= sizeof(struct event))
		r->fn(r->arg, data);
	return 0;
}

int kern_ring_open(struct kern *k, unsigned worker, struct kern_ring **ret_r)
{
	struct kern_ring *r = calloc(1, sizeof(*r));
	void *places;
	int err;

	if (!r)
		return -ENOMEM;
	r->fd = kern_events_fd(k, worker);
	r->wake = kern_wake(k, worker);
	r->page = (size_t)sysconf(_SC_PAGESIZE);
	places = mmap(NULL, 2 * r->page, PROT_READ, MAP_SHARED, r->fd, 0);
	if (places == MAP_FAILED) {
		err = -errno;
		free(r);
		return err;
	}
	r->places = places;
	r->rb = ring_buffer__new(r->fd, on_sample, r, NULL);
	if (!r->rb) {
		err = -errno;
		kern_ring_close(r);
		return err;
	}
	*ret_r = r;
	return 0;
}

void kern_ring_close(struct kern_ring *r)
{
	if (!r)
		return;
	ring_buffer__free(r->rb);
	munmap(r->places, 2 * r->page);
	free(r);
}

int kern_ring_fd(const struct kern_ring *r)
{
	return r->fd;
}

/* Has every place that writers took been read? */
static bool is_read(const struct kern_ring *r)
{
	const unsigned long *reader = (const unsigned long *)(const void *)r->places;
	const unsigned long *writers = (const unsigned long *)(const void *)(r->places + r->page);

	return __atomic_load_n(reader, __ATOMIC_RELAXED) ==
	       __atomic_load_n(writers, __ATOMIC_ACQUIRE);
}

bool kern_ring_doze(struct kern_ring *r)
{
	/* pairs with must_wake(): said first, then looked */
	__atomic_store_n(&r->wake->state, WAKE_ONCE, __ATOMIC_SEQ_CST);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (is_read(r))
		return true;
	kern_ring_rouse(r);
	return false;
}

void kern_ring_rouse(struct kern_ring *r)
{
	__atomic_store_n(&r->wake->state, WAKE_NOT, __ATOMIC_RELAXED);
}

int kern_ring_drain(struct kern_ring *r, void (*fn)(void *arg, const struct event *e), void *arg)
{
	int n;

	r->fn = fn;
	r->arg = arg;
	n = ring_buffer__consume(r->rb);
	return n < 0 ? n : 0;
}
