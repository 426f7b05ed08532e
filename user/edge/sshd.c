// SPDX-License-Identifier: GPL-2.0-only
#include "sshd.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/capability.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "addr.h"
#include "caps.h"
#include "certs.h"
#include "edge_private.h"
#include "log.h"
#include "thread.h"

#define PROGRAM "snisplit-sshd"
#define READY_MS 60000 /* the first start makes an RSA key */
#define END_MS 8000    /* its sessions are told before it ends */
#define PAUSE_FIRST_MS 1000
#define PAUSE_LONGEST_MS 30000
#define READY_FD 3
#define CAPS_WANTED (CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP))

/* For snisplit-sshd.service: where it shall listen, and find us.  Without it, it is not to run. */
#define LEFT "gateway.env"

struct sshd {
	char why[300];	    /* it is not ours to start, or cannot be; "": it is */
	bool left;	    /* ... but the unit's */
	bool after_another; /* daemon, whose gateway still has the port: the thread starts ours */
	pthread_t thread;
	int stop_fd;
	pid_t pid;
	atomic_bool up;
	int pid_fd;
	int life_fd; /* the program ends when this is closed, as happens when we die */
	char path[PATH_MAX], listen[ADDR_TEXT_MAX], server[ADDR_TEXT_MAX];
	char ca[CA_FINGERPRINT_MAX + 8], dir[PATH_MAX], token[PATH_MAX + 8];
};

/* Beside this program, where the Makefile and the packages put both. */
static int find_program(struct sshd *s, char *why, size_t why_size)
{
	ssize_t n = readlink("/proc/self/exe", s->path, sizeof(s->path) - sizeof(PROGRAM) - 1);
	char *slash;

	s->path[n > 0 ? n : 0] = '\0';
	slash = strrchr(s->path, '/');
	if (slash)
		strcpy(slash + 1, PROGRAM);
	if (slash && !access(s->path, X_OK))
		return 0;
	snprintf(why, why_size, "ssh: %s is not there: was this built without libssh?", s->path);
	return -1;
}

/* How somebody on this machine reaches the tunnel port. */
static void server_text(const struct config_addr *at, char text[ADDR_TEXT_MAX])
{
	struct sockaddr_storage sa = at->sa;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&sa;
	struct sockaddr_in *v4 = (struct sockaddr_in *)&sa;

	if (sa.ss_family == AF_INET && v4->sin_addr.s_addr == INADDR_ANY)
		v4->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (sa.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
		v6->sin6_addr = in6addr_loopback;
	addr_text(&sa, text);
}

static bool is_ours_to_start(void)
{
	return geteuid() || (caps_permitted() & CAPS_WANTED) == CAPS_WANTED;
}

static void forget_left(const struct edge *g)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/" LEFT, g->ssh_secret.dir);
	if (unlink(path) && errno != ENOENT)
		log_warn("ssh: %s cannot be removed: %s", path, strerror(errno));
}

static int leave_to_unit(const struct edge *g, char *why, size_t why_size)
{
	char path[PATH_MAX + 16], tmp[PATH_MAX + 24], server[ADDR_TEXT_MAX];
	bool bad = true;
	FILE *out;

	snprintf(path, sizeof(path), "%s/" LEFT, g->ssh_secret.dir);
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	server_text(&g->config->tunnel, server);
	out = fopen(tmp, "we");
	if (out) {
		fprintf(out, "SNISPLIT_SSH_LISTEN=%s\nSNISPLIT_SSH_SERVER=%s\n",
			g->config->ssh.text, server);
		bad = ferror(out);
		bad |= fclose(out) || rename(tmp, path);
	}
	if (bad)
		snprintf(why, why_size, "ssh: %s cannot be written: %s", path, strerror(errno));
	return bad ? -1 : 0;
}

static int prepare(struct edge *g, struct sshd *s, char *why, size_t why_size)
{
	char fingerprint[CA_FINGERPRINT_MAX];
	struct fault f = {.msg = ""};
	char *pem;

	if (!g->config->tunnel.len) {
		snprintf(why, why_size, "ssh: needs the tunnel port, which is `tunnel: none`");
		return -1;
	}
	if (!is_ours_to_start() && leave_to_unit(g, why, why_size))
		return -1;
	if (find_program(s, why, why_size))
		return -1;
	if (!is_ours_to_start()) {
		s->left = true;
		snprintf(why, why_size,
			 "ssh: left to snisplit-sshd.service (is it active? `systemctl "
			 "start " PROGRAM "`), as this daemon has not got what starting it takes: "
			 "CAP_SETUID, CAP_SETGID and CAP_SETPCAP");
		return -1;
	}
	pem = certs_root(g->terminate.certs, fingerprint, &f);
	if (!pem) {
		snprintf(why, why_size, "ssh: %s", f.msg);
		return -1;
	}
	free(pem);
	snprintf(s->ca, sizeof(s->ca), "sha256:%s", fingerprint);
	snprintf(s->listen, sizeof(s->listen), "%s", g->config->ssh.text);
	server_text(&g->config->tunnel, s->server);
	snprintf(s->dir, sizeof(s->dir), "%s", g->ssh_secret.dir);
	snprintf(s->token, sizeof(s->token), "%s/token", s->dir);
	return 0;
}

/* 0 or -errno.  <ready_fd>: becomes its READY_FD. */
static int spawn(struct sshd *s, int ready_fd)
{
	char *argv[] = {s->path,       "--listen",	s->listen,     "--server", s->server,
			"--server-ca", s->ca,		"--state-dir", s->dir,	   "--token-file",
			s->token,      "--with-parent", "--ready-fd",  "3",	   NULL,
			NULL};
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attr;
	sigset_t none;
	int err;

	if (log_level() == LOG_LEVEL_DEBUG)
		argv[14] = "-v";
	sigemptyset(&none);
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, ready_fd, READY_FD);
	posix_spawnattr_init(&attr);
	posix_spawnattr_setsigmask(&attr, &none);
	posix_spawnattr_setflags(&attr, POSIX_SPAWN_SETSIGMASK);
	err = posix_spawn(&s->pid, s->path, &files, &attr, argv, environ);
	posix_spawnattr_destroy(&attr);
	posix_spawn_file_actions_destroy(&files);
	if (err)
		return -err;
	s->pid_fd = (int)syscall(SYS_pidfd_open, s->pid, 0);
	return 0;
}

/*
 * The program is somebody else (nobody), whom we may not be allowed to signal (CAP_KILL), and who
 * must not outlive us either: so it holds one end of a socket, and ends when ours is closed.
 */
static void end_program(struct sshd *s)
{
	struct pollfd p = {.fd = s->pid_fd, .events = POLLIN};

	close(s->life_fd);
	if (poll(&p, 1, END_MS) != 1 && (kill(s->pid, SIGKILL) || poll(&p, 1, END_MS) != 1))
		log_err("ssh: " PROGRAM " does not end: pid=%d", s->pid);
	else
		waitpid(s->pid, NULL, 0);
	close(s->pid_fd);
	s->pid = 0;
}

/* 0: it listens; or -errno: it does not, and is gone. */
static int start_once(struct sshd *s)
{
	int fds[2], err;
	struct pollfd p[2];
	char byte;

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds))
		return -errno;
	err = spawn(s, fds[1]);
	close(fds[1]);
	s->life_fd = fds[0];
	p[0] = (struct pollfd){.fd = fds[0], .events = POLLIN};
	p[1] = (struct pollfd){.fd = s->stop_fd, .events = POLLIN};
	if (err) {
		close(s->life_fd);
	} else if (poll(p, 2, READY_MS) < 1 || p[1].revents || read(fds[0], &byte, 1) != 1) {
		end_program(s);
		err = -ECHILD;
	}
	atomic_store(&s->up, !err);
	return err;
}

static bool wait_stop(struct sshd *s, int timeout_ms)
{
	struct pollfd p = {.fd = s->stop_fd, .events = POLLIN};

	return poll(&p, 1, timeout_ms) > 0;
}

/* True: this stops. */
static bool restart(struct sshd *s)
{
	int pause_ms = PAUSE_FIRST_MS;

	for (;;) {
		if (wait_stop(s, pause_ms))
			return true;
		if (!start_once(s)) {
			log_info("ssh: " PROGRAM " is there: pid=%d", s->pid);
			return false;
		}
		pause_ms = pause_ms * 2 < PAUSE_LONGEST_MS ? pause_ms * 2 : PAUSE_LONGEST_MS;
		log_err("ssh: " PROGRAM " does not start; again in %d s", pause_ms / 1000);
	}
}

static void *watch(void *arg)
{
	struct sshd *s = arg;

	if (!s->after_another && start_once(s) && !wait_stop(s, 0))
		log_warn("ssh: " PROGRAM " does not start, see above: there is no ssh -R on %s "
			 "until it does, which is tried again and again (`ssh: none` switches it "
			 "off)",
			 s->listen);
	if (!s->pid && restart(s))
		return NULL;
	for (;;) {
		struct pollfd p[2] = {{.fd = s->stop_fd, .events = POLLIN},
				      {.fd = s->pid_fd, .events = POLLIN}};
		int status = 0;

		if (poll(p, 2, -1) < 0)
			continue;
		if (p[0].revents)
			return NULL;
		waitpid(s->pid, &status, 0);
		close(s->pid_fd);
		close(s->life_fd);
		s->pid = 0;
		atomic_store(&s->up, false);
		log_err("ssh: " PROGRAM " ended by itself (%s %d); starting it again",
			WIFSIGNALED(status) ? "signal" : "status",
			WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
		if (restart(s))
			return NULL;
	}
}

int sshd_start(struct edge *g, struct sshd **ret_s, char *why, size_t why_size)
{
	struct sshd *s;
	int err;

	*ret_s = NULL;
	forget_left(g);
	if (!g->config->ssh.len || (!g->config->tunnel.len && !g->config->ssh_line))
		return 0;
	s = calloc(1, sizeof(*s));
	if (!s || (s->stop_fd = eventfd(0, EFD_CLOEXEC)) == -1) {
		snprintf(why, why_size, "ssh: out of memory or descriptors");
		free(s);
		return -1;
	}
	s->after_another = g->takeover;
	err = prepare(g, s, why, why_size);
	if (err && (s->left || !g->config->ssh_line)) {
		log_warn(s->left ? "%s (`ssh: none` switches it off)"
				 : "%s: there is no ssh -R (`ssh: none` says so without a warning)",
			 why);
		snprintf(s->why, sizeof(s->why), "%s", why + strlen("ssh: "));
		*ret_s = s;
		return 0;
	}
	if (!err && thread_start(&s->thread, THREAD_PROGRAMS, "ssh", watch, s)) {
		snprintf(why, why_size, "ssh: no thread");
		err = -1;
	}
	if (err) {
		s->thread = 0;
		sshd_stop(s);
		return -1;
	}
	*ret_s = s;
	return 0;
}

const char *sshd_why(const struct sshd *s)
{
	return s ? s->why : "";
}

bool sshd_is_up(const struct sshd *s)
{
	return s && atomic_load(&s->up);
}

void sshd_stop(struct sshd *s)
{
	uint64_t one = 1;

	if (!s)
		return;
	if (write(s->stop_fd, &one, sizeof(one)) != sizeof(one))
		log_warn("ssh: %s", strerror(errno));
	if (s->thread)
		pthread_join(s->thread, NULL);
	if (s->pid)
		end_program(s);
	close(s->stop_fd);
	free(s);
}
