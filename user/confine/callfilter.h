/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * callfilter - the system calls that a thread may make: a seccomp allow-list, compiled once and
 * loaded by any number of threads.
 */
#ifndef CALLFILTER_H
#define CALLFILTER_H
#include <stdbool.h>

#include "fault.h"

/* Groups, to be combined. */
enum {
	CALLS_NETWORK = 1U << 0,  /* descriptors that are open, sockets, memory, time */
	CALLS_READ = 1U << 1,	  /* files and directories, for reading */
	CALLS_WRITE = 1U << 2,	  /* making, writing, renaming and removing files */
	CALLS_MAPS = 1U << 3,	  /* bpf(2) on maps that are open */
	CALLS_PROGRAMS = 1U << 4, /* starting programs, and all that ours do at their start */
	CALLS_THREADS = 1U << 5,  /* starting threads */
	CALLS_CODE = 1U << 6,	  /* memory that is executed: libraries that are loaded later */
};

struct callfilter;

/*
 * What is not allowed answers <answer> (an errno), and with <log> the kernel says so in its audit
 * log (type=1326).  <warn_only>: it is logged and happens.  0, or -1 with <f>.
 */
int callfilter_new(unsigned groups, int answer, bool log, bool warn_only, struct callfilter **ret_c,
		   struct fault *f);
void callfilter_free(struct callfilter *c); /* NULL is fine; loaded ones stay loaded */

/*
 * For the calling thread and all it starts from now on, for good.  Needs no_new_privs or
 * CAP_SYS_ADMIN.  0, or -errno.
 */
int callfilter_load(const struct callfilter *c);

const char *callfilter_library_version(void);
#endif
