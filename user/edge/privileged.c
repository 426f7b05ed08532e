// SPDX-License-Identifier: GPL-2.0-only
#include "privileged.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "diag.h"
#include "edge_private.h"
#include "join.h"
#include "listener.h"
#include "log.h"
#include "thread.h"

#define UNUSED_NS (1000ULL * 1000 * 1000)

struct job {
	struct list link;
	void (*fn)(struct privileged *p, struct job *j);
	int fd, err;
	struct socket_stock *stock;
	const struct config_addr *addr;
	bool kernel;
	char *why;
	size_t why_size;
	pthread_cond_t done_cond;
	bool done;
};

struct privileged {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list jobs;
	struct diag *diag; /* NULL: not asked yet, or not there */
	bool stop;
};

static void *work(void *arg)
{
	struct privileged *p = arg;
	struct job *j;

	pthread_mutex_lock(&p->lock);
	for (;;) {
		while (list_empty(&p->jobs) && !p->stop)
			pthread_cond_wait(&p->wake, &p->lock);
		if (list_empty(&p->jobs))
			break;
		j = list_of(p->jobs.next, struct job, link);
		list_del(&j->link);
		pthread_mutex_unlock(&p->lock);
		j->fn(p, j);
		pthread_mutex_lock(&p->lock);
		j->done = true;
		pthread_cond_signal(&j->done_cond);
	}
	pthread_mutex_unlock(&p->lock);
	return NULL;
}

static void ask(struct privileged *p, struct job *j)
{
	pthread_cond_init(&j->done_cond, NULL);
	pthread_mutex_lock(&p->lock);
	list_add_tail(&p->jobs, &j->link);
	pthread_cond_signal(&p->wake);
	while (!j->done)
		pthread_cond_wait(&j->done_cond, &p->lock);
	pthread_mutex_unlock(&p->lock);
	pthread_cond_destroy(&j->done_cond);
}

int privileged_start(struct privileged **ret_p)
{
	struct privileged *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return -ENOMEM;
	pthread_mutex_init(&p->lock, NULL);
	pthread_cond_init(&p->wake, NULL);
	list_init(&p->jobs);
	err = thread_start(&p->thread, THREAD_KERNEL, "kernel", work, p);
	if (err) {
		free(p);
		return -err;
	}
	*ret_p = p;
	return 0;
}

void privileged_stop(struct privileged *p)
{
	if (!p)
		return;
	pthread_mutex_lock(&p->lock);
	p->stop = true;
	pthread_cond_signal(&p->wake);
	pthread_mutex_unlock(&p->lock);
	pthread_join(p->thread, NULL);
	diag_close(p->diag);
	pthread_mutex_destroy(&p->lock);
	pthread_cond_destroy(&p->wake);
	free(p);
}

/* ---- ends of connections ---- */

static void destroy(struct privileged *p, struct job *j)
{
	/* opened here: the kernel asks for the capability then, too */
	j->err = p->diag ? 0 : diag_open(&p->diag);
	if (!j->err)
		j->err = diag_destroy(p->diag, j->fd);
}

int privileged_destroy(struct privileged *p, int fd)
{
	struct job j = {.fn = destroy, .fd = fd};

	ask(p, &j);
	return j.err;
}

/* ---- sockets ---- */

static void listen_on(struct privileged *p, struct job *j)
{
	(void)p;
	j->err = listener_socket(j->addr, j->kernel);
}

int privileged_listen(struct privileged *p, const struct config_addr *addr, bool kernel)
{
	struct job j = {.fn = listen_on, .addr = addr, .kernel = kernel};

	ask(p, &j);
	return j.err;
}

static void probe(struct privileged *p, struct job *j)
{
	(void)p;
	j->err = listener_probe(j->addr, j->why, j->why_size);
}

int privileged_probe(struct privileged *p, const struct config_addr *addr, char *why,
		     size_t why_size)
{
	struct job j = {.fn = probe, .addr = addr, .why = why, .why_size = why_size};

	ask(p, &j);
	return j.err;
}

static int make(int family)
{
	int fd;

	fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd == -1)
		return -errno;
	join_enlarge(fd);
	return fd;
}

/* The worker waits meanwhile: the stock is ours. */
static void fill(struct privileged *p, struct job *j)
{
	struct socket_stock *s = j->stock;

	(void)p;
	while (s->n < s->want) {
		int fd = make(s->family);

		if (fd < 0) {
			j->err = s->n ? 0 : fd;
			return;
		}
		s->fds[s->n++] = fd;
	}
}

int privileged_socket(struct worker *w, int family)
{
	struct socket_stock *s = &w->sockets[family == AF_INET6];
	struct job j = {.fn = fill, .stock = s};

	s->used_ns = w->now_ns;
	if (!s->n) {
		s->family = family;
		s->want = s->want ? s->want * 2 : 1;
		if (s->want > SOCKET_STOCK_MAX)
			s->want = SOCKET_STOCK_MAX;
		ask(w->edge->privileged, &j);
		if (j.err)
			return j.err;
	}
	return s->fds[--s->n];
}

static void drop(struct socket_stock *s)
{
	while (s->n)
		close(s->fds[--s->n]);
	s->want = 0;
}

void privileged_tick(struct worker *w)
{
	for (int i = 0; i < 2; i++)
		if (w->sockets[i].want && w->now_ns - w->sockets[i].used_ns > UNUSED_NS)
			drop(&w->sockets[i]);
}

void privileged_drop(struct worker *w)
{
	for (int i = 0; i < 2; i++)
		drop(&w->sockets[i]);
}
