// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_confine - what a thread can still do behind the filter and the fence; each in a child.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "callfilter.h"
#include "caps.h"
#include "fence.h"

static int failed;

#define EXPECT(what, got, want)                                                                  \
	do {                                                                                     \
		long got_ = (got), want_ = (want);                                               \
		if (got_ != want_) {                                                             \
			printf("%s:%d: %s: got %ld, want %ld\n", __FILE__, __LINE__, what, got_, \
			       want_);                                                           \
			failed = 1;                                                              \
		}                                                                                \
	} while (0)

/* The error of a call that must fail, 0 of one that does not. */
static long error_of(long ret)
{
	return ret < 0 ? errno : 0;
}

static long map(int prot)
{
	return mmap(NULL, 4096, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
}

static void load(unsigned groups)
{
	struct callfilter *c;
	struct fault f;

	EXPECT("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	EXPECT("filter", callfilter_new(groups, EPERM, false, false, &c, &f), 0);
	EXPECT("load", callfilter_load(c), 0);
	callfilter_free(c);
}

static void network_only(void)
{
	union bpf_attr attr;
	char *argv[] = {"true", NULL};

	memset(&attr, 0, sizeof(attr));
	load(CALLS_NETWORK | CALLS_MAPS);
	EXPECT("read", error_of(read(-1, NULL, 0)), EBADF);
	EXPECT("a TCP socket", error_of(socket(AF_INET, SOCK_STREAM, 0)), 0);
	EXPECT("a packet socket", error_of(socket(AF_PACKET, SOCK_RAW, 0)), EPERM);
	EXPECT("open", error_of(open("/etc/passwd", O_RDONLY)), EPERM);
	EXPECT("execve", error_of(execve("/bin/true", argv, argv + 1)), EPERM);
	EXPECT("fork", error_of(fork()), EPERM);
	EXPECT("kill", error_of(kill(1, 0)), EPERM);
	EXPECT("ptrace", error_of(syscall(SYS_ptrace, 0, 0, 0, 0)), EPERM);
	EXPECT("memory", map(PROT_READ | PROT_WRITE), 0);
	EXPECT("code", map(PROT_READ | PROT_EXEC), EPERM);
	attr.map_fd = (__u32)-1;
	EXPECT("a map's entry",
	       error_of(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, &attr, sizeof(attr))), EBADF);
	EXPECT("a program", error_of(syscall(SYS_bpf, BPF_PROG_LOAD, &attr, sizeof(attr))), EPERM);
}

static void readers(void)
{
	load(CALLS_NETWORK | CALLS_READ);
	EXPECT("code", map(PROT_READ | PROT_EXEC), EPERM);
	EXPECT("open", error_of(open("/etc/passwd", O_RDONLY | O_CLOEXEC)), 0);
	EXPECT("open to write", error_of(open("/dev/null", O_WRONLY)), EPERM);
	EXPECT("create", error_of(open("/tmp/x", O_RDONLY | O_CREAT, 0600)), EPERM);
	EXPECT("unlink", error_of(unlink("/nonexistent")), EPERM);
	EXPECT("bpf", error_of(syscall(SYS_bpf, BPF_MAP_LOOKUP_ELEM, NULL, 0)), EPERM);
}

static char dir[] = "/tmp/test_confine.XXXXXX";

static void fenced(void)
{
	char path[64];
	char *argv[] = {"true", NULL};
	int fence;

	if (!fence_abi()) {
		printf("no Landlock here\n");
		return;
	}
	snprintf(path, sizeof(path), "%s/file", dir);
	EXPECT("no_new_privs", prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
	fence = fence_new(false);
	EXPECT("fence", fence < 0, 0);
	EXPECT("one that is not there", fence_read(fence, "/nonexistent"), 0);
	EXPECT("the directory", fence_write(fence, dir), 0);
	EXPECT("a file", fence_read(fence, "/dev/null"), 0);
	EXPECT("enter", fence_enter(fence), 0);
	EXPECT("its file", error_of(open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600)), 0);
	EXPECT("gone", error_of(unlink(path)), 0);
	EXPECT("/dev/null", error_of(open("/dev/null", O_RDONLY | O_CLOEXEC)), 0);
	EXPECT("/dev/null to write", error_of(open("/dev/null", O_WRONLY | O_CLOEXEC)), EACCES);
	EXPECT("/etc/passwd", error_of(open("/etc/passwd", O_RDONLY | O_CLOEXEC)), EACCES);
	EXPECT("execve", error_of(execve("/bin/true", argv, argv + 1)), EACCES);
}

static void caps(void)
{
	char text[64];

	EXPECT("text",
	       strcmp(caps_text(CAP_BIT(12) | CAP_BIT(39), text, sizeof(text)), "net_admin bpf"),
	       0);
	EXPECT("none", strcmp(caps_text(0, text, sizeof(text)), "none"), 0);
	EXPECT("keep", caps_keep(0, 0), 0);
	EXPECT("permitted", (long)caps_permitted(), 0);
	EXPECT("effective", (long)caps_effective(), 0);
}

static void in_child(void (*fn)(void))
{
	int status = -1;
	pid_t pid = fork();

	if (!pid) {
		fn();
		fflush(stdout);
		_exit(failed);
	}
	waitpid(pid, &status, 0);
	EXPECT("child", status, 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	in_child(network_only);
	in_child(readers);
	EXPECT("a directory", mkdtemp(dir) == NULL, 0);
	in_child(fenced); /* who may not remove it */
	EXPECT("nothing is left behind", error_of(rmdir(dir)), 0);
	in_child(caps);
	return failed;
}
