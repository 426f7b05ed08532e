// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <grp.h>
#include <limits.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "socket.h"
#include "dir.h"
#include "log.h"

#define BACKLOG 64

static int make_parents(const char *path, char *why, size_t why_size)
{
	char at[PATH_MAX];
	int err = dir_make_above(path, 0755, at);

	if (err)
		snprintf(why, why_size, "control: cannot make %s: %s", at, strerror(-err));
	return err ? -1 : 0;
}

/* Removes what a daemon that was killed left behind.  -1: somebody answers there. */
static int clear_path(const struct sockaddr_un *sun, char *why, size_t why_size)
{
	struct stat st;
	int fd, res;

	if (lstat(sun->sun_path, &st) == -1)
		return 0;
	if (!S_ISSOCK(st.st_mode)) {
		snprintf(why, why_size, "control: %s exists and is not a socket", sun->sun_path);
		return -1;
	}
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd == -1) {
		snprintf(why, why_size, "control: %s", strerror(errno));
		return -1;
	}
	res = connect(fd, (const struct sockaddr *)sun, sizeof(*sun));
	if (res == -1 && errno == ECONNREFUSED)
		res = unlink(sun->sun_path) ? -2 : 0;
	else if (res == 0 || errno == EAGAIN)
		res = -1;
	else
		res = -2;
	if (res == -1)
		snprintf(why, why_size, "control: another snisplitd answers on %s", sun->sun_path);
	else if (res)
		snprintf(why, why_size, "control: cannot replace %s: %s", sun->sun_path,
			 strerror(errno));
	close(fd);
	return res;
}

/* Group and mode; the file was made for its owner only. */
static void open_to_group(const char *path, unsigned mode, const char *group)
{
	struct group *g = group ? getgrnam(group) : NULL;

	if (!g) {
		log_warn("control: there is no group '%s', so only the owner may use %s; create it "
			 "with `groupadd --system %s` or set control.group",
			 group, path, group);
		return;
	}
	if (chown(path, (uid_t)-1, g->gr_gid) == -1)
		log_warn("control: cannot give %s to group %s: %s", path, group, strerror(errno));
	else if (chmod(path, mode) == -1)
		log_warn("control: cannot set the mode of %s: %s", path, strerror(errno));
}

int socket_unix(const char *path, unsigned mode, const char *group, unsigned long long *ret_dev,
		unsigned long long *ret_ino, char *why, size_t why_size)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	struct stat st;
	int fd;

	if (strlen(path) >= sizeof(sun.sun_path)) {
		snprintf(why, why_size, "control: %s is too long for a socket", path);
		return -1;
	}
	strcpy(sun.sun_path, path);
	if (make_parents(path, why, why_size) || clear_path(&sun, why, why_size))
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	/* on Linux the file gets the socket's mode: nobody else gets in before chown() */
	if (fd == -1 || fchmod(fd, 0600) == -1 ||
	    bind(fd, (struct sockaddr *)&sun, sizeof(sun)) == -1 || stat(path, &st) == -1) {
		snprintf(why, why_size, "control: cannot bind %s: %s", path, strerror(errno));
		goto failed;
	}
	open_to_group(path, mode, group);
	if (listen(fd, BACKLOG) == -1) {
		snprintf(why, why_size, "control: cannot listen on %s: %s", path, strerror(errno));
		unlink(path);
		goto failed;
	}
	*ret_dev = st.st_dev;
	*ret_ino = st.st_ino;
	return fd;
failed:
	if (fd != -1)
		close(fd);
	return -1;
}

int socket_tcp(const struct sockaddr_storage *sa, socklen_t len, const char *text, char *why,
	       size_t why_size)
{
	int fd, one = 1;

	fd = socket(sa->ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd != -1)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd != -1 && !bind(fd, (const struct sockaddr *)sa, len) && !listen(fd, BACKLOG))
		return fd;
	snprintf(why, why_size, "http: cannot listen on %s: %s%s", text, strerror(errno),
		 errno == EADDRINUSE ? "; choose another address, or `http: none`" : "");
	if (fd != -1)
		close(fd);
	return -1;
}
