// SPDX-License-Identifier: GPL-2.0-only
/*
 * upgrade_ask - who wants an upgrade: `snisplitd --upgrade`, one request to the daemon that runs;
 * and in that daemon the request, which the main thread answers.
 */
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "upgrade.h"
#include "edge_private.h"
#include "json_text.h"

#define DELETED " (deleted)"

static char program[PATH_MAX];

void upgrade_remember_program(void)
{
	ssize_t n = readlink("/proc/self/exe", program, sizeof(program) - 1);
	size_t len;

	program[n > 0 ? n : 0] = '\0';
	len = strlen(program);
	/* the package manager was faster: its successor has the name */
	if (len > strlen(DELETED) && !strcmp(program + len - strlen(DELETED), DELETED))
		program[len - strlen(DELETED)] = '\0';
}

const char *upgrade_program(void)
{
	return program;
}

static int ask(int fd, char *reply, size_t size)
{
	static const char request[] = "POST /upgrade HTTP/1.0\r\nContent-Length: 0\r\n\r\n";
	size_t len = 0;
	ssize_t n = 1;

	if (send(fd, request, strlen(request), MSG_NOSIGNAL) < 0)
		return -errno;
	while (n > 0 && len < size - 1) {
		n = recv(fd, reply + len, size - 1 - len, 0);
		if (n < 0)
			return -errno;
		len += (size_t)n;
	}
	reply[len] = '\0';
	return len ? 0 : -EPIPE;
}

/* The answer's object, or NULL. */
static json_t *body_of(const char *reply)
{
	const char *body = strstr(reply, "\r\n\r\n");

	return body ? json_text_read(body + 4, strlen(body + 4), 0, NULL) : NULL;
}

int upgrade_ask(const char *path, unsigned *ret_pid, char *why, size_t why_size)
{
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	char reply[8192];
	json_t *body;
	int fd, err = 0;

	snprintf(un.sun_path, sizeof(un.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1 || connect(fd, (struct sockaddr *)&un, sizeof(un))) {
		snprintf(why, why_size, "no daemon answers on %s: %s", path, strerror(errno));
		if (fd != -1)
			close(fd);
		return -ECONNREFUSED;
	}
	err = ask(fd, reply, sizeof(reply));
	close(fd);
	if (err) {
		snprintf(why, why_size, "%s: no answer: %s", path, strerror(-err));
		return err;
	}
	body = body_of(reply);
	*ret_pid = (unsigned)json_integer_value(json_object_get(body, "pid"));
	if (!*ret_pid) {
		const char *msg = json_string_value(json_object_get(body, "msg"));

		snprintf(why, why_size, "%s",
			 msg ? msg : "the daemon does not understand the request");
		err = -ECANCELED;
	}
	json_decref(body);
	return err;
}

/* ---- in the daemon ---- */

struct upgrade_asked {
	bool done;
	struct upgrade_result result;
};

int edge_upgrade(struct edge *g, unsigned *ret_pid, struct fault *f)
{
	struct upgrade_asked a = {.done = false};

	pthread_mutex_lock(&g->asked_lock);
	if (g->asked || g->draining) {
		pthread_mutex_unlock(&g->asked_lock);
		return fault_set(f, 409, 0, "", "this daemon is already being replaced or stopped");
	}
	g->asked = &a;
	pthread_kill(g->main_thread, SIGUSR2);
	while (!a.done)
		pthread_cond_wait(&g->asked_done, &g->asked_lock);
	g->asked = NULL;
	pthread_mutex_unlock(&g->asked_lock);
	if (!a.result.pid)
		return fault_set(f, 500, 0, "", "%s; pid %d goes on", a.result.why, getpid());
	*ret_pid = a.result.pid;
	return 0;
}

void upgrade_tell(struct edge *g, const struct upgrade_result *r)
{
	pthread_mutex_lock(&g->asked_lock);
	if (g->asked) {
		g->asked->result = *r;
		g->asked->done = true;
		pthread_cond_broadcast(&g->asked_done);
	}
	pthread_mutex_unlock(&g->asked_lock);
}
