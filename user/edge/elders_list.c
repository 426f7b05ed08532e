// SPDX-License-Identifier: GPL-2.0-only
/*
 * elders_list - a list of connections on its way from one daemon to another: in memory that is
 * passed as a descriptor, so that its length does not matter to the socket, nor to who waits.
 */
#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "elders.h"

#define LIST_MAX (1LL << 30)

static int write_all(int fd, const uint8_t *at, size_t len)
{
	ssize_t n;

	while (len) {
		n = write(fd, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		len -= (size_t)n;
	}
	return 0;
}

int elders_list_fd(struct chan_out *o)
{
	int fd = o->failed ? -1 : memfd_create("connections", MFD_CLOEXEC);
	int err = o->failed ? -ENOMEM : fd == -1 ? -errno : write_all(fd, o->at, o->len);

	chan_out_done(o);
	if (err && fd != -1)
		close(fd);
	return err ? err : fd;
}

static int read_all(int fd, uint8_t *at, size_t len)
{
	size_t got = 0;
	ssize_t n;

	while (got < len) {
		n = pread(fd, at + got, len - got, (off_t)got);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return n ? -errno : -EBADMSG;
		got += (size_t)n;
	}
	return 0;
}

int elders_list_each(int fd, int (*fn)(void *arg, const struct handover_info *i), void *arg)
{
	off_t size = lseek(fd, 0, SEEK_END);
	struct handover_info i;
	size_t used = 0, at = 0;
	uint8_t *bytes;
	int err;

	if (size < 0 || size > LIST_MAX)
		return -EBADMSG;
	bytes = malloc(size ? (size_t)size : 1);
	if (!bytes)
		return -ENOMEM;
	err = read_all(fd, bytes, (size_t)size);
	while (!err && at < (size_t)size) {
		err = handover_info_read(bytes + at, (size_t)size - at, &i, &used);
		if (!err)
			err = fn(arg, &i);
		at += used;
	}
	free(bytes);
	return err;
}
