/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sandbox - what a process that parses hostile bytes may still do.
 *
 * After it: no root, no capability, no way to get one (no_new_privs, an empty bounding set), no
 * core dump, and of the system calls only those that sockets, threads and reading files need.
 * Others answer ENOSYS.
 */
#ifndef SANDBOX_H
#define SANDBOX_H
#include "fault.h"

/*
 * <user>: whom to become, when this is root.  Before the first thread.  0, or -1 with <f>: then the
 * process must not go on.
 */
int sandbox_enter(const char *user, struct fault *f);
#endif
