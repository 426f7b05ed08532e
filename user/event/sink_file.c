// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "dir.h"
#include "log.h"
#include "sink.h"

/*
 * A reader never sees half a line that stays half: what a full disk cut is taken back, or closed
 * with a newline as soon as something can be written again.
 */
struct file {
	struct sink sink;
	char *path;
	int fd;
	bool ours;    /* opened by us: may be cut back, and is closed */
	bool regular; /* never blocks for long */
	bool torn;    /* ends in half a line */
};

/* A daemon that was killed may have left half a line behind. */
static bool ends_torn(int fd, off_t size)
{
	char last;

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int open_file(struct file *s, int *ret_fd)
{
	struct stat st;
	int fd, err;

	err = dir_make_above(s->path, 0750, NULL);
	if (err)
		return err;
	fd = open(s->path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0640);
	if (fd == -1)
		return -errno;
	if (fstat(fd, &st) == -1) {
		err = -errno;
		close(fd);
		return err;
	}
	s->regular = S_ISREG(st.st_mode);
	s->torn = s->regular && ends_torn(fd, st.st_size);
	*ret_fd = fd;
	return 0;
}

static int file_open(const struct target *t, struct sink **ret_s)
{
	struct file *s = calloc(1, sizeof(*s));
	struct stat st;
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->path = strdup(t->address);
	if (!s->path) {
		err = -ENOMEM;
	} else if (!strcmp(s->path, "-")) {
		s->fd = STDOUT_FILENO;
		s->regular = !fstat(s->fd, &st) && S_ISREG(st.st_mode);
	} else {
		s->ours = true;
		err = open_file(s, &s->fd);
	}
	if (err) {
		free(s->path);
		free(s);
		return err;
	}
	*ret_s = &s->sink;
	return 0;
}

static void file_close(struct sink *sink)
{
	struct file *s = (struct file *)sink;

	if (s->ours)
		close(s->fd);
	free(s->path);
	free(s);
}

/* On failure the old file goes on being written: better than nothing. */
static void file_reopen(struct sink *sink)
{
	struct file *s = (struct file *)sink;
	int fd = -1, err;

	if (!s->ours)
		return;
	err = open_file(s, &fd);
	if (err) {
		log_err("events: cannot open %s again: %s; the old file goes on being written",
			s->path, strerror(-err));
		return;
	}
	close(s->fd);
	s->fd = fd;
}

/* Up to PIPE_BUF bytes go into a pipe that polls writable without blocking. */
static ssize_t write_some(struct file *s, const char *data, size_t len)
{
	if (!s->regular) {
		if (patience_poll(s->sink.patience, s->fd, POLLOUT, -1)) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (len > PIPE_BUF)
			len = PIPE_BUF;
	}
	return write(s->fd, data, len);
}

/* Bytes written; less than <len> with errno set. */
static size_t write_all(struct file *s, const char *data, size_t len)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write_some(s, data + done, len - done);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			break;
	}
	return done;
}

/* <half> bytes of a line made it. */
static void take_back(struct file *s, size_t half)
{
	struct stat st;

	if (!half)
		return;
	s->torn = !(s->ours && s->regular && !fstat(s->fd, &st) && st.st_size >= (off_t)half &&
		    !ftruncate(s->fd, st.st_size - (off_t)half));
}

static size_t file_write(struct sink *sink, const char *lines, size_t len)
{
	struct file *s = (struct file *)sink;
	const char *newline;
	size_t done = 0, whole;
	int err;

	if (!s->torn || write_all(s, "\n", 1) == 1) {
		s->torn = false;
		done = write_all(s, lines, len);
		if (done == len) {
			sink_works(sink);
			return 0;
		}
	}
	err = errno;
	newline = memrchr(lines, '\n', done);
	whole = newline ? (size_t)(newline - lines) + 1 : 0;
	if (done)
		take_back(s, done - whole);
	sink_failed(sink, "cannot write %.120s: %s", s->ours ? s->path : "stdout", strerror(err));
	return sink_count_lines(lines + whole, len - whole);
}

const struct sink_ops sink_file = {file_open, file_write, file_reopen, file_close};
