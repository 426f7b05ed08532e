// SPDX-License-Identifier: GPL-2.0-only
#include "notify.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "log.h"

void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len;
	int fd;

	if (!path || strlen(path) >= sizeof(un.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	strcpy(un.sun_path, path);
	len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&un,
		   (socklen_t)len) == -1)
		log_warn("sd_notify: %s", strerror(errno));
	close(fd);
}

unsigned notify_watchdog_ms(void)
{
	const char *usec = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
	unsigned long long us = usec ? strtoull(usec, NULL, 10) : 0;

	/* it is for one process; a program started by that one inherits the variables */
	if (pid && strtoull(pid, NULL, 10) != (unsigned long long)getpid())
		return 0;
	return us >= 2000 ? (unsigned)(us / 2000 < 3600000 ? us / 2000 : 3600000) : 0;
}
