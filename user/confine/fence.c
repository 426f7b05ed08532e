// SPDX-License-Identifier: GPL-2.0-only
#include "fence.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers of Debian 12. */
#ifndef LANDLOCK_ACCESS_FS_TRUNCATE
#define LANDLOCK_ACCESS_FS_TRUNCATE (1ULL << 14)
#endif
#define ACCESS_NET_BIND_TCP (1ULL << 0)

/* struct landlock_ruleset_attr as ABI 4 has it. */
struct ruleset {
	uint64_t fs, net;
};

#define READS (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define OF_FILES \
	(LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_TRUNCATE)
#define WRITES                                                                                   \
	(LANDLOCK_ACCESS_FS_WRITE_FILE | LANDLOCK_ACCESS_FS_REMOVE_FILE |                        \
	 LANDLOCK_ACCESS_FS_REMOVE_DIR | LANDLOCK_ACCESS_FS_MAKE_DIR |                           \
	 LANDLOCK_ACCESS_FS_MAKE_REG | LANDLOCK_ACCESS_FS_MAKE_SOCK | LANDLOCK_ACCESS_FS_REFER | \
	 LANDLOCK_ACCESS_FS_TRUNCATE)
/* nobody behind a fence makes these, or runs a program */
#define NEVER                                                           \
	(LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_MAKE_CHAR |    \
	 LANDLOCK_ACCESS_FS_MAKE_FIFO | LANDLOCK_ACCESS_FS_MAKE_BLOCK | \
	 LANDLOCK_ACCESS_FS_MAKE_SYM)

int fence_abi(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	return abi > 0 ? (int)abi : 0;
}

/* What this kernel can tell apart. */
static uint64_t known(int abi)
{
	uint64_t all = READS | WRITES | NEVER;

	if (abi < 2)
		all &= ~(uint64_t)LANDLOCK_ACCESS_FS_REFER;
	if (abi < 3)
		all &= ~(uint64_t)LANDLOCK_ACCESS_FS_TRUNCATE;
	return all;
}

int fence_new(bool may_listen)
{
	int abi = fence_abi();
	struct ruleset r = {.fs = known(abi)};
	size_t size = sizeof(r.fs);
	long fd;

	if (!abi)
		return -EOPNOTSUPP;
	if (abi >= 4 && !may_listen) {
		r.net = ACCESS_NET_BIND_TCP;
		size = sizeof(r);
	}
	fd = syscall(SYS_landlock_create_ruleset, &r, size, 0);
	return fd < 0 ? -errno : (int)fd;
}

static int allow(int fence, const char *path, uint64_t access)
{
	struct landlock_path_beneath_attr at = {.parent_fd = open(path, O_PATH | O_CLOEXEC)};
	struct stat st;
	int err = 0;

	if (at.parent_fd == -1)
		return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -errno;
	if (fstat(at.parent_fd, &st) || !S_ISDIR(st.st_mode))
		access &= OF_FILES;
	at.allowed_access = access & known(fence_abi());
	if (syscall(SYS_landlock_add_rule, fence, LANDLOCK_RULE_PATH_BENEATH, &at, 0))
		err = -errno;
	close(at.parent_fd);
	return err;
}

int fence_read(int fence, const char *path)
{
	return allow(fence, path, READS);
}

int fence_write(int fence, const char *path)
{
	return allow(fence, path, READS | WRITES);
}

int fence_enter(int fence)
{
	return syscall(SYS_landlock_restrict_self, fence, 0) ? -errno : 0;
}
