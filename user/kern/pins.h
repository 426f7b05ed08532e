/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pins - the directory under bpffs that bpftool reads, and the lock that keeps
 * two daemons apart.
 */
#ifndef PINS_H
#define PINS_H
#include <stddef.h>

struct pins {
	char root[128]; /* .../snisplit */
	int lock_fd;
};

/*
 * Finds bpffs in /proc/mounts, else mounts it on /sys/fs/bpf in our own mount
 * namespace; makes and locks <bpffs>/snisplit and removes what a killed daemon
 * left there.  0; -EBUSY with the holder's pid in <why>; other -errno.
 */
int pins_open(struct pins *p, char *why, size_t why_size);
/* Pins an object's fd under <name>. */
int pins_add(struct pins *p, const char *name, int fd);
void pins_close(struct pins *p);

/* A directory fd of this process's cgroup v2, without leaving a mount behind. */
int pins_cgroup_open(char *why, size_t why_size);
#endif
