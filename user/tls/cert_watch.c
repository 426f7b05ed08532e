// SPDX-License-Identifier: GPL-2.0-only
#include "cert_watch.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <time.h>
#include <unistd.h>

#include "thread.h"

#define QUIET_MS 200
#define LATEST_MS 2000
#define POLL_MS 60000
#define EAGER_MS 5000

#define CHANGES                                                                             \
	(IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB | \
	 IN_DELETE_SELF | IN_MOVE_SELF | IN_ONLYDIR)

struct cert_watch {
	pthread_t thread;
	int inotify, stop;
	atomic_bool eager;
	void (*changed)(void *arg);
	void *arg;
};

static int64_t now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

/* What changed is not asked: a scan finds out. */
static void swallow(int fd)
{
	char buf[4096];

	while (read(fd, buf, sizeof(buf)) > 0)
		;
}

static void *run(void *arg)
{
	struct cert_watch *w = arg;
	struct pollfd fds[] = {{.fd = w->inotify, .events = POLLIN},
			       {.fd = w->stop, .events = POLLIN}};
	int64_t since = 0; /* the first change not told; 0: none */
	int wait, n;

	for (;;) {
		wait = since ? QUIET_MS : atomic_load(&w->eager) ? EAGER_MS : POLL_MS;
		n = poll(fds, 2, wait);
		if (fds[1].revents)
			return NULL;
		if (n > 0) {
			swallow(w->inotify);
			since = since ? since : now_ms();
			if (now_ms() - since < LATEST_MS)
				continue;
		}
		since = 0;
		w->changed(w->arg);
	}
}

int cert_watch_open(void (*changed)(void *arg), void *arg, struct cert_watch **ret_w)
{
	struct cert_watch *w = calloc(1, sizeof(*w));
	int err = -ENOMEM;

	if (!w)
		return err;
	w->changed = changed;
	w->arg = arg;
	w->stop = -1;
	w->inotify = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (w->inotify == -1) {
		err = -errno;
		goto fail;
	}
	w->stop = eventfd(0, EFD_CLOEXEC);
	err = w->stop == -1 ? -errno
			    : -thread_start(&w->thread, THREAD_WATCH, "certificates", run, w);
	if (err)
		goto fail;
	*ret_w = w;
	return 0;
fail:
	if (w->inotify != -1)
		close(w->inotify);
	if (w->stop != -1)
		close(w->stop);
	free(w);
	return err;
}

void cert_watch_close(struct cert_watch *w)
{
	if (!w)
		return;
	while (eventfd_write(w->stop, 1) == -1 && errno == EINTR)
		;
	pthread_join(w->thread, NULL);
	close(w->inotify);
	close(w->stop);
	free(w);
}

int cert_watch_add(struct cert_watch *w, const char *dir)
{
	if (inotify_add_watch(w->inotify, dir, CHANGES) != -1 || errno == ENOENT ||
	    errno == ENOTDIR)
		return 0;
	return -errno;
}

void cert_watch_set_eager(struct cert_watch *w, bool eager)
{
	atomic_store(&w->eager, eager);
}
