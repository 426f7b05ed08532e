// SPDX-License-Identifier: GPL-2.0-only
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "pins.h"
#include "log.h"

#define BPFFS_MAGIC 0xcafe4a11 /* linux/magic.h */
#define PINS_DIR "snisplit"
#define USUAL "/sys/fs/bpf"

/* glibc's <sys/mount.h> clashes with <linux/mount.h> before 2.37. */
int mount(const char *source, const char *target, const char *type, unsigned long flags,
	  const void *data);

/*
 * Where a file system of <type> is mounted, or -ENOENT.  One that can be written to wins over one
 * that cannot, and among these the usual place, then the last one.
 */
static int find_mount(const char *type, char *out, size_t size)
{
	char dev[256], dir[256], fs[64], how[256];
	int best = 0, good;
	FILE *f;

	f = fopen("/proc/mounts", "re");
	if (!f)
		return -errno;
	while (fscanf(f, "%255s %255s %63s %255s %*[^\n]", dev, dir, fs, how) == 4) {
		if (strcmp(fs, type) || strlen(dir) >= size)
			continue;
		good = 1 + (strncmp(how, "ro", 2) ? 2 : 0) + !strcmp(dir, USUAL);
		if (good < best)
			continue;
		strcpy(out, dir);
		best = good;
	}
	fclose(f);
	return best ? 0 : -ENOENT;
}

/* Of another mount of the same bpffs, which is what the unit gives us, others know the usual one.
 */
static void set_shown(struct pins *p)
{
	struct stat ours, usual;

	snprintf(p->shown, sizeof(p->shown), "%s", p->root);
	if (!stat(p->root, &ours) && !stat(USUAL "/" PINS_DIR, &usual) &&
	    ours.st_dev == usual.st_dev && ours.st_ino == usual.st_ino)
		snprintf(p->shown, sizeof(p->shown), USUAL "/" PINS_DIR);
}

static int bpffs_find(char *out, size_t size, char *why, size_t why_size)
{
	struct statfs st;

	if (!find_mount("bpf", out, size))
		return 0;
	snprintf(out, size, "/sys/fs/bpf");
	if (mount("bpf", out, "bpf", 0, "mode=0755") == 0 ||
	    (!statfs(out, &st) && (unsigned)st.f_type == BPFFS_MAGIC))
		return 0;
	/* read-only /sys, as in many containers */
	snprintf(out, size, "/run/snisplit-bpf");
	if (mkdir(out, 0755) == -1 && errno != EEXIST)
		goto fail;
	if (mount("bpf", out, "bpf", 0, "mode=0755") == 0)
		return 0;
fail:
	snprintf(why, why_size,
		 "cannot mount bpffs on /sys/fs/bpf or %s: %s; mount it: "
		 "mount -t bpf bpf /sys/fs/bpf",
		 out, strerror(errno));
	return -ENOTSUP;
}

/* The pid of the daemon that holds the lock, from /proc/locks; 0 if not found. */
static long holder(int fd)
{
	unsigned long inode;
	struct stat st;
	char line[256];
	long pid = 0, p;
	FILE *f;

	if (fstat(fd, &st))
		return 0;
	f = fopen("/proc/locks", "re");
	if (!f)
		return 0;
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "%*d: FLOCK ADVISORY WRITE %ld %*x:%*x:%lu", &p, &inode) == 2 &&
		    inode == st.st_ino)
			pid = p;
	}
	fclose(f);
	return pid;
}

static void empty(const char *root)
{
	struct dirent *de;
	DIR *d = opendir(root);

	if (!d)
		return;
	while ((de = readdir(d)))
		if (de->d_name[0] != '.')
			unlinkat(dirfd(d), de->d_name, 0);
	closedir(d);
}

int pins_open(struct pins *p, char *why, size_t why_size)
{
	char base[96];
	long pid;
	int err;

	p->lock_fd = -1;
	p->root[0] = '\0';
	err = bpffs_find(base, sizeof(base), why, why_size);
	if (err)
		return err;
	snprintf(p->root, sizeof(p->root), "%s/" PINS_DIR, base);
	if (mkdir(p->root, 0750) == -1 && errno != EEXIST) {
		err = -errno;
		snprintf(why, why_size, "cannot make %s: %s", p->root, strerror(-err));
		return err;
	}
	p->lock_fd = open(p->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (p->lock_fd == -1) {
		err = -errno;
		snprintf(why, why_size, "cannot open %s: %s", p->root, strerror(-err));
		return err;
	}
	if (flock(p->lock_fd, LOCK_EX | LOCK_NB) == -1) {
		err = errno == EWOULDBLOCK ? -EBUSY : -errno;
		pid = holder(p->lock_fd);
		if (pid > 0)
			snprintf(why, why_size,
				 "another snisplitd (pid %ld) holds %s; stop it first: "
				 "kill %ld",
				 pid, p->root, pid);
		else
			snprintf(why, why_size, "another snisplitd holds %s; stop it first",
				 p->root);
		close(p->lock_fd);
		p->lock_fd = -1;
		return err;
	}
	empty(p->root);
	set_shown(p);
	return 0;
}

int pins_inherit(struct pins *p, int lock_fd, char *why, size_t why_size)
{
	char link[64];
	ssize_t n;

	snprintf(link, sizeof(link), "/proc/self/fd/%d", lock_fd);
	n = readlink(link, p->root, sizeof(p->root));
	if (n <= 0 || n == sizeof(p->root)) {
		snprintf(why, why_size, "the other daemon's pins cannot be found");
		return -ENOENT;
	}
	p->root[n] = '\0';
	set_shown(p);
	p->lock_fd = fcntl(lock_fd, F_DUPFD_CLOEXEC, 0);
	return p->lock_fd == -1 ? -errno : 0;
}

void pins_own(struct pins *p)
{
	/* (the same kind again changes nothing, the holder's pid included) */
	if (p->lock_fd != -1 && (flock(p->lock_fd, LOCK_SH) || flock(p->lock_fd, LOCK_EX)))
		log_warn("cannot lock %s: %s", p->root, strerror(errno));
}

int pins_add(struct pins *p, const char *name, int fd)
{
	char path[192], fresh[192];
	int err;

	snprintf(path, sizeof(path), "%s/%s", p->root, name);
	snprintf(fresh, sizeof(fresh), "%s/new_%s", p->root, name);
	unlink(fresh);
	if (bpf_obj_pin(fd, fresh))
		return -errno;
	chmod(fresh, 0640);
	if (!rename(fresh, path))
		return 0;
	err = -errno;
	unlink(fresh);
	return err;
}

void pins_leave(struct pins *p)
{
	if (p->lock_fd != -1)
		close(p->lock_fd);
	p->lock_fd = -1;
}

void pins_close(struct pins *p)
{
	if (p->lock_fd == -1)
		return;
	empty(p->root);
	rmdir(p->root);
	close(p->lock_fd);
	p->lock_fd = -1;
}

/* Our path in the unified hierarchy: the "0::" line of /proc/self/cgroup. */
static int own_cgroup(char *out, size_t size)
{
	char line[512];
	int err = -ENOENT;
	FILE *f;

	f = fopen("/proc/self/cgroup", "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		line[strcspn(line, "\n")] = '\0';
		if (strncmp(line, "0::/", 4) || strlen(line + 4) + 2 >= size)
			continue;
		snprintf(out, size, "./%s", line + 4);
		err = 0;
	}
	fclose(f);
	return err;
}

int pins_cgroup_open(char *why, size_t why_size)
{
	char dir[256], path[512];
	int root, fs, fd, err;

	err = own_cgroup(path, sizeof(path));
	if (err) {
		snprintf(why, why_size, "no cgroup v2 in /proc/self/cgroup");
		return err;
	}
	if (!find_mount("cgroup2", dir, sizeof(dir))) {
		root = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	} else {
		/* a detached mount: nobody else sees it, and it ends with us */
		fs = (int)syscall(SYS_fsopen, "cgroup2", FSOPEN_CLOEXEC);
		root = -1;
		if (fs != -1 && !syscall(SYS_fsconfig, fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0))
			root = (int)syscall(SYS_fsmount, fs, FSMOUNT_CLOEXEC, 0);
		if (fs != -1)
			close(fs);
	}
	if (root == -1) {
		err = -errno;
		snprintf(why, why_size, "cannot reach cgroup v2: %s", strerror(-err));
		return err;
	}
	fd = openat(root, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd == -1) /* a cgroup namespace or mount shows another root: all of it is ours then */
		fd = openat(root, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	err = fd == -1 ? -errno : fd;
	close(root);
	if (err < 0)
		snprintf(why, why_size, "cannot open cgroup %s: %s", path, strerror(-err));
	return err;
}
