// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "patience.h"

static uint64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

int patience_init(struct patience *p)
{
	atomic_init(&p->deadline_ms, 0);
	p->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	return p->fd == -1 ? -errno : 0;
}

void patience_done(struct patience *p)
{
	if (p->fd != -1)
		close(p->fd);
	p->fd = -1;
}

void patience_end(struct patience *p, unsigned ms)
{
	atomic_store(&p->deadline_ms, now_ms() + ms);
	eventfd_write(p->fd, 1);
}

bool patience_is_ending(const struct patience *p)
{
	return atomic_load(&p->deadline_ms) != 0;
}

bool patience_is_over(const struct patience *p)
{
	uint64_t deadline = atomic_load(&p->deadline_ms);

	return deadline && now_ms() >= deadline;
}

/* The shorter of <ms> (-1: none) and what is left. */
static int left(const struct patience *p, uint64_t until)
{
	uint64_t deadline = atomic_load(&p->deadline_ms), now = now_ms();

	if (deadline && (!until || deadline < until))
		until = deadline;
	if (!until)
		return -1;
	return until > now ? (int)(until - now) : 0;
}

int patience_poll(const struct patience *p, int fd, short events, int max_ms)
{
	uint64_t until = max_ms < 0 ? 0 : now_ms() + (uint64_t)max_ms;
	struct pollfd pfds[2] = {{.fd = fd, .events = events}, {.fd = p->fd, .events = POLLIN}};
	int ms, n;

	for (;;) {
		ms = left(p, until);
		/* once the end was told, its descriptor stays readable */
		n = poll(pfds, patience_is_ending(p) ? 1 : 2, ms);
		if (n > 0 && pfds[0].revents)
			return 0;
		if (n == 0 || (n == -1 && errno != EINTR))
			return -ETIMEDOUT;
		pfds[0].revents = 0;
	}
}

void patience_pause(const struct patience *p, int ms)
{
	struct pollfd pfd = {.fd = p->fd, .events = POLLIN};

	if (!patience_is_ending(p))
		poll(&pfd, 1, ms);
}
