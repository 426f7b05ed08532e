/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * fence - the files that a thread may reach: a Landlock ruleset, made once and entered by any
 * number of threads.  Kernels before 5.13, and those started without it, have none.
 */
#ifndef FENCE_H
#define FENCE_H
#include <stdbool.h>

int fence_abi(void); /* what the kernel has; 0: nothing */

/* <may_listen>: on TCP ports (from Linux 6.7 on).  A descriptor, or -errno: -EOPNOTSUPP without
 * Landlock. */
int fence_new(bool may_listen);
/*
 * Below <path>, or <path> itself.  One that does not exist, or is behind a directory that is not
 * ours to search, is no error: there is nothing to reach, and who opens it says so.
 */
int fence_read(int fence, const char *path);
int fence_write(int fence, const char *path);

/*
 * For the calling thread and all it starts from now on, for good.  Needs no_new_privs or
 * CAP_SYS_ADMIN.  0, or -errno.
 */
int fence_enter(int fence);
#endif
