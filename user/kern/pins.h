/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pins - the directory under bpffs that bpftool reads, and the lock that keeps
 * two daemons apart.
 */
#ifndef PINS_H
#define PINS_H
#include <stddef.h>

struct pins {
	char root[128];	 /* .../snisplit */
	char shown[128]; /* the same, as it is known outside our mount namespace */
	int lock_fd;
};

/*
 * Finds a bpffs in /proc/mounts that can be written to, else mounts it on /sys/fs/bpf in our own
 * mount namespace; makes and locks <bpffs>/snisplit and removes what a killed daemon left there. 0;
 * -EBUSY with the holder's pid in <why>; other -errno.
 */
int pins_open(struct pins *p, char *why, size_t why_size);
/*
 * The directory and the lock of a daemon that gives them to this one.  <lock_fd> is its open
 * descriptor of the directory, of which a copy is kept: 0 or -errno.
 */
int pins_inherit(struct pins *p, int lock_fd, char *why, size_t why_size);
/* From now on the lock is ours by name too: who is refused learns our pid. */
void pins_own(struct pins *p);
/* Pins an object's fd under <name>, in place of what is there. */
int pins_add(struct pins *p, const char *name, int fd);
/* Another daemon has them: they stay. */
void pins_leave(struct pins *p);
void pins_close(struct pins *p); /* removes them */

/* A directory fd of this process's cgroup v2, without leaving a mount behind. */
int pins_cgroup_open(char *why, size_t why_size);
#endif
