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

#include "event_sink.h"
#include "log.h"

#define COMPLAIN_S 10

struct event_sink {
	char *path;
	int fd;
	bool ours;    /* opened by us: may be cut back, and is closed */
	bool regular; /* never blocks for long */
	bool torn;    /* ends in half a line */
	time_t complained;
	size_t unreported;
};

static int make_parents(const char *path)
{
	char dir[PATH_MAX];

	if (snprintf(dir, sizeof(dir), "%s", path) >= (int)sizeof(dir))
		return -ENAMETOOLONG;
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(dir, 0750) == -1 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

/* A daemon that was killed may have left half a line behind. */
static bool ends_torn(int fd, off_t size)
{
	char last;

	return size > 0 && pread(fd, &last, 1, size - 1) == 1 && last != '\n';
}

static int open_file(struct event_sink *s, int *ret_fd)
{
	struct stat st;
	int fd, err;

	err = make_parents(s->path);
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

int event_sink_open(const char *path, struct event_sink **ret_s)
{
	struct event_sink *s = calloc(1, sizeof(*s));
	struct stat st;
	int err = 0;

	if (!s)
		return -ENOMEM;
	s->path = strdup(path);
	if (!s->path) {
		err = -ENOMEM;
	} else if (!strcmp(path, "-")) {
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
	*ret_s = s;
	return 0;
}

void event_sink_close(struct event_sink *s)
{
	if (!s)
		return;
	if (s->ours)
		close(s->fd);
	free(s->path);
	free(s);
}

void event_sink_reopen(struct event_sink *s)
{
	int fd, err;

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

static size_t count_lines(const char *lines, size_t len)
{
	const char *p = lines, *end = lines + len;
	size_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		n++;
		p++;
	}
	return n;
}

/* Up to PIPE_BUF bytes go into a pipe that polls writable without blocking. */
static ssize_t write_some(struct event_sink *s, const char *data, size_t len, int patience_ms)
{
	struct pollfd pfd = {.fd = s->fd, .events = POLLOUT};

	if (!s->regular) {
		if (poll(&pfd, 1, patience_ms) == 0) {
			errno = ETIMEDOUT;
			return -1;
		}
		if (len > PIPE_BUF)
			len = PIPE_BUF;
	}
	return write(s->fd, data, len);
}

/* Bytes written; less than <len> with errno set. */
static size_t write_all(struct event_sink *s, const char *data, size_t len, int patience_ms)
{
	size_t done = 0;

	while (done < len) {
		ssize_t n = write_some(s, data + done, len - done, patience_ms);

		if (n >= 0)
			done += (size_t)n;
		else if (errno != EINTR && errno != EAGAIN)
			break;
	}
	return done;
}

/* <half> bytes of a line made it. */
static void take_back(struct event_sink *s, size_t half)
{
	struct stat st;

	if (!half)
		return;
	s->torn = !(s->ours && s->regular && !fstat(s->fd, &st) && st.st_size >= (off_t)half &&
		    !ftruncate(s->fd, st.st_size - (off_t)half));
}

static void complain(struct event_sink *s, size_t lost, int err)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	s->unreported += lost;
	if (s->complained && now.tv_sec - s->complained < COMPLAIN_S)
		return;
	log_err("events: %zu lost, cannot write %s: %s", s->unreported,
		s->ours ? s->path : "stdout", strerror(err));
	s->complained = now.tv_sec ? now.tv_sec : 1;
	s->unreported = 0;
}

size_t event_sink_write(struct event_sink *s, const char *lines, size_t len, int patience_ms)
{
	const char *newline;
	size_t done = 0, whole, lost;
	int err;

	if (!s->torn || write_all(s, "\n", 1, patience_ms) == 1) {
		s->torn = false;
		done = write_all(s, lines, len, patience_ms);
		if (done == len)
			return 0;
	}
	err = errno;
	newline = memrchr(lines, '\n', done);
	whole = newline ? (size_t)(newline - lines) + 1 : 0;
	if (done)
		take_back(s, done - whole);
	lost = count_lines(lines + whole, len - whole);
	complain(s, lost, err);
	return lost;
}
