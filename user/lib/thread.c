// SPDX-License-Identifier: GPL-2.0-only
#include "thread.h"

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <unistd.h>

static void (*on_start)(void *arg, enum thread_need need);
static void *on_start_arg;

struct birth {
	bool inherits; /* by a thread that has been through <on_start>, or by one of a library's */
	enum thread_need need;
	char name[16];
	void *(*fn)(void *arg);
	void *arg;
};

void thread_on_start(void (*fn)(void *arg, enum thread_need need), void *arg)
{
	on_start = fn;
	on_start_arg = arg;
}

static void *begin(void *arg)
{
	struct birth b = *(struct birth *)arg;

	free(arg);
	pthread_setname_np(pthread_self(), b.name);
	if (on_start && !b.inherits)
		on_start(on_start_arg, b.need);
	return b.fn(b.arg);
}

int thread_start(pthread_t *ret_t, enum thread_need need, const char *name, void *(*fn)(void *arg),
		 void *arg)
{
	struct birth *b = calloc(1, sizeof(*b));
	sigset_t all, before;
	int err;

	if (!b)
		return ENOMEM;
	b->inherits = gettid() != getpid();
	b->need = need;
	for (size_t i = 0; name[i] && i < sizeof(b->name) - 1; i++)
		b->name[i] = name[i];
	b->fn = fn;
	b->arg = arg;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(ret_t, NULL, begin, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (err)
		free(b);
	return err;
}

void thread_cond_init(pthread_cond_t *c)
{
	pthread_condattr_t attr;

	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(c, &attr);
	pthread_condattr_destroy(&attr);
}
