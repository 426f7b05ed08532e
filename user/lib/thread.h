/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * thread - threads that say what they are for, so that the process can take the rest away.
 *
 * All signals are blocked in a thread made here: they are the main thread's.
 */
#ifndef THREAD_H
#define THREAD_H
#include <pthread.h>

enum thread_need {
	THREAD_NETWORK,	 /* reads what strangers send: descriptors, no files but its own */
	THREAD_FILES,	 /* files of this service, names of hosts */
	THREAD_WATCH,	 /* reads files that are not its own: certificates */
	THREAD_PROGRAMS, /* starts other programs */
	THREAD_KERNEL,	 /* asks the kernel what only an administrator may */
	THREAD_NEED_MAX
};

/*
 * <name> (up to 15 bytes) is what ps -T shows.  0, or a positive errno as pthread_create() has it.
 */
int thread_start(pthread_t *ret_t, enum thread_need need, const char *name, void *(*fn)(void *arg),
		 void *arg);

/* One whose pthread_cond_timedwait() goes by CLOCK_MONOTONIC, as clock_after(). */
void thread_cond_init(pthread_cond_t *c);

/*
 * <fn> runs in each thread that the main thread starts from now on, before what it is for; others
 * are born with what their maker has left.  A process without one (the agent) has threads that may
 * do what the process may.
 */
void thread_on_start(void (*fn)(void *arg, enum thread_need need), void *arg);
#endif
