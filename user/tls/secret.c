// SPDX-License-Identifier: GPL-2.0-only
#include "secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/crypto.h>

static int read_all(int fd, char *text, size_t len)
{
	size_t done = 0;
	ssize_t n;

	while (done < len) {
		n = read(fd, text + done, len - done);
		if (n == -1 && errno != EINTR)
			return -errno;
		if (!n)
			break; /* shorter by now: what is there counts */
		if (n > 0)
			done += (size_t)n;
	}
	text[done] = '\0';
	return strlen(text) == done ? 0 : -EINVAL;
}

int secret_read_at(int dirfd, const char *path, char **ret_text)
{
	/* not blocking: a fifo must not hold us up */
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text;
	int err;

	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == -1) {
		err = -errno;
		goto close;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > SECRET_FILE_MAX) {
		err = S_ISREG(st.st_mode) ? -EFBIG : -EISDIR;
		goto close;
	}
	text = calloc(1, (size_t)st.st_size + 1);
	err = text ? read_all(fd, text, (size_t)st.st_size) : -ENOMEM;
	if (!err)
		*ret_text = text;
	else
		secret_free(text);
close:
	close(fd);
	return err;
}

int secret_read(const char *path, char **ret_text)
{
	return secret_read_at(AT_FDCWD, path, ret_text);
}

int secret_write(const char *path, const char *text, bool durable)
{
	size_t len = strlen(text), done = 0;
	char temp[4300];
	ssize_t n = 0;
	int fd, err = 0;

	if ((size_t)snprintf(temp, sizeof(temp), "%s.XXXXXX", path) >= sizeof(temp))
		return -ENAMETOOLONG;
	fd = mkostemp(temp, O_CLOEXEC); /* 0600 */
	if (fd == -1)
		return -errno;
	while (done < len && n >= 0) {
		n = write(fd, text + done, len - done);
		done += n > 0 ? (size_t)n : 0;
	}
	if (n == -1 || (durable && fsync(fd) == -1))
		err = -errno;
	if (close(fd) == -1 && !err)
		err = -errno;
	if (!err && rename(temp, path) == -1)
		err = -errno;
	if (err)
		unlink(temp);
	return err;
}

void secret_free(char *text)
{
	if (text)
		OPENSSL_cleanse(text, strlen(text));
	free(text);
}
