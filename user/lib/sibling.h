/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sibling - another program, started as a child of who has started this one.
 *
 * A service manager waits for its own children only, and hears of their end: a process that takes
 * the place of this one must be one of them when it does.
 */
#ifndef SIBLING_H
#define SIBLING_H
#include <sys/types.h>

struct sibling {
	pid_t pid; /* 0: none */
	int fd;	   /* pidfd; -1: none */
};

/*
 * Runs <path> with <fd> as its descriptor <as>, and no signal blocked.  Who has no parent (the
 * first process of a container) gets a child of its own.  0, or -errno: also when it cannot be
 * executed.
 */
int sibling_start(struct sibling *ret_s, const char *path, char *const argv[], char *const env[],
		  int fd, int as);
/* 0: it has ended within <ms>; -ETIMEDOUT. */
int sibling_wait(struct sibling *s, int ms);
void sibling_kill(struct sibling *s);
void sibling_forget(struct sibling *s); /* whatever becomes of it; none is fine */
#endif
