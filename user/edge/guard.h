/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * guard - what each thread of the daemon may still do once it serves.
 *
 * | thread                 | capabilities                       | files                          |
 * |------------------------|------------------------------------|--------------------------------|
 * | workers, tunnel, health| none                               | /dev/null, certificates issued |
 * | api, events, resolver  | none                               | ours to write, /etc ... to read|
 * | certificates           | dac_read_search                    | all to read, ours to write     |
 * | kernel                 | net_admin, net_bind_service        | none                           |
 * | ssh (starts the sshd)  | kill, and those sshd gives up      | no limit                       |
 * | main                   | those of the start, not in effect  | no limit                       |
 *
 * All have no_new_privs, a seccomp filter of their own, and the bounding set of the start.  Memory
 * that is executed can be had only by those that look names up, by main, and by ssh.  main keeps
 * what a new binary needs to take over; in effect are dac_read_search (reload) and kill (sshd).
 */
#ifndef GUARD_H
#define GUARD_H
#include <stdbool.h>
#include <stddef.h>

#include "config.h"

struct guard;

/*
 * Before the first thread, and before the files of <c> are opened: what can be read later is what
 * can be read now.  <heir>: started by a daemon whose main thread was confined already: its filter
 * is in force, and another one for each generation would make all calls slower.  0, or -1 with
 * <why>.
 */
int guard_open(const struct config *c, bool heir, struct guard **ret_g, char *why, size_t why_size);
void guard_close(struct guard *g); /* NULL is fine; what is given up stays so */
/* The calling thread is main from here on: everything has started. */
int guard_main(struct guard *g, char *why, size_t why_size);
/* In main: all that it has kept is in effect (to start a new binary), or what serving needs. */
void guard_raise(struct guard *g, bool up);
/* Threads started from now on reach the files of <c>, or again (NULL) those from before. */
void guard_take_config(struct guard *g, const struct config *c);
/* ... which are not wanted any more: <c> stays. */
void guard_keep_config(struct guard *g);
/* One line for `status`.  Returns <out>. */
const char *guard_text(const struct guard *g, char *out, size_t size);
#endif
