// SPDX-License-Identifier: GPL-2.0-only
#include "sibling.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK (64 << 10)

struct birth {
	const char *path;
	char *const *argv, *const *env;
	int fd, as, err;
};

/* In the new process, which has our memory while we stand still. */
static int begin(void *arg)
{
	struct birth *b = arg;
	sigset_t none;

	/* (dup2() of a descriptor to itself would leave it close-on-exec) */
	if (b->fd == b->as ? fcntl(b->fd, F_SETFD, 0) : dup2(b->fd, b->as) == -1) {
		b->err = -errno;
		_exit(127);
	}
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	execve(b->path, b->argv, b->env);
	b->err = -errno;
	_exit(127);
}

int sibling_start(struct sibling *ret_s, const char *path, char *const argv[], char *const env[],
		  int fd, int as)
{
	const int flags = CLONE_VM | CLONE_VFORK | CLONE_PIDFD | SIGCHLD;
	struct birth b = {path, argv, env, fd, as, 0};
	char *stack = mmap(NULL, STACK, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK, -1, 0);
	struct sibling s = {.fd = -1};
	sigset_t all, before;

	if (stack == MAP_FAILED)
		return -errno;
	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, &before);
	s.pid = clone(begin, stack + STACK, flags | CLONE_PARENT, &b, &s.fd);
	if (s.pid == -1 && errno == EINVAL)
		s.pid = clone(begin, stack + STACK, flags, &b, &s.fd);
	if (s.pid == -1)
		b.err = -errno;
	sigprocmask(SIG_SETMASK, &before, NULL);
	munmap(stack, STACK);
	if (!b.err) {
		*ret_s = s;
		return 0;
	}
	if (s.pid > 0) {
		sibling_wait(&s, -1);
		sibling_forget(&s);
	}
	return b.err;
}

int sibling_wait(struct sibling *s, int ms)
{
	struct pollfd p = {.fd = s->fd, .events = POLLIN};

	if (s->pid > 0 && poll(&p, 1, ms) == 0)
		return -ETIMEDOUT;
	return 0;
}

void sibling_kill(struct sibling *s)
{
	/* (by the descriptor: somebody else may have its number by now) */
	if (s->pid > 0)
		syscall(SYS_pidfd_send_signal, s->fd, SIGKILL, NULL, 0);
}

void sibling_forget(struct sibling *s)
{
	if (s->pid > 0)
		waitpid(s->pid, NULL, WNOHANG); /* if it was a child after all */
	if (s->fd != -1)
		close(s->fd);
	*s = (struct sibling){.fd = -1};
}
