// SPDX-License-Identifier: GPL-2.0-only
/*
 * check - can this machine run the kernel path?  Looks, changes nothing; the
 * daemon's own self-test, which it runs too, decides.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/bpf.h>
#include <linux/capability.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "client.h"
#include "out.h"

#define WANT_FILES (65536 * 2 + 4096) /* limits.connections, both ends, and the pools */

enum result { RESULT_OK, RESULT_MISSING, RESULT_HINT };

struct report {
	json_t *rows; /* with --json */
	bool missing;
};

static const char *const result_names[] = {"ok", "missing", "hint"};

/* One requirement's line: what was seen; with anything but ok, the fix. */
static void say(struct report *r, enum result result, const char *what, const char *fix,
		const char *fmt, ...) __attribute__((format(printf, 5, 6)));

static void say(struct report *r, enum result result, const char *what, const char *fix,
		const char *fmt, ...)
{
	static const enum out_style styles[] = {OUT_GOOD, OUT_BAD, OUT_WARN};
	char seen[256];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(seen, sizeof(seen), fmt, ap);
	va_end(ap);
	r->missing |= result == RESULT_MISSING;
	if (result == RESULT_OK)
		fix = "";
	if (r->rows) {
		json_array_append_new(r->rows, json_pack("{s:s, s:s, s:s, s:s}", "requirement",
							 what, "result", result_names[result],
							 "seen", seen, "fix", fix));
		return;
	}
	out_styled(styles[result], result_names[result]);
	printf("%*s%-14s", 9 - (int)strlen(result_names[result]), "", what);
	out_text(stdout, seen);
	if (*fix)
		printf("; %s", fix);
	printf("\n");
}

/* The first line of <path> that starts with <prefix>, after it; false: none. */
static bool read_line(const char *path, const char *prefix, char *out, int size)
{
	size_t n = strlen(prefix);
	char line[512];
	bool found = false;
	FILE *f = fopen(path, "re");

	while (f && !found && fgets(line, sizeof(line), f)) {
		found = !strncmp(line, prefix, n);
		line[strcspn(line, "\n")] = '\0';
		if (found)
			snprintf(out, (size_t)size, "%.*s", size - 1, line + n);
	}
	if (f)
		fclose(f);
	return found;
}

static void check_privileges(struct report *r)
{
	const unsigned long long need =
		1ULL << CAP_BPF | 1ULL << CAP_NET_ADMIN | 1ULL << CAP_PERFMON;
	const unsigned long long admin = 1ULL << CAP_SYS_ADMIN;
	char text[64] = "0";
	unsigned long long caps;

	read_line("/proc/self/status", "CapEff:\t", text, sizeof(text));
	caps = strtoull(text, NULL, 16);
	if ((caps & need) == need || ((caps & admin) && caps & 1ULL << CAP_NET_ADMIN))
		say(r, RESULT_OK, "privileges", "", "may load BPF and administer the network");
	else
		say(r, RESULT_MISSING, "privileges",
		    "run as root: sudo snisplit check (in a container: --cap-add BPF,NET_ADMIN,"
		    "PERFMON,SYS_ADMIN)",
		    "uid %u lacks CAP_BPF, CAP_PERFMON or CAP_NET_ADMIN", geteuid());
}

/* Releases with known bugs in what we use are told; the self-test decides. */
static void check_kernel(struct report *r)
{
	static const struct {
		unsigned major, minor, floor;
	} stable[] = {{6, 1, 142}, {6, 6, 95}, {6, 12, 35}};
	unsigned major = 0, minor = 0, patch = 0;
	struct utsname u;
	bool good;

	uname(&u);
	sscanf(u.release, "%u.%u.%u", &major, &minor, &patch);
	good = major > 6 || (major == 6 && minor >= 16);
	for (size_t i = 0; i < sizeof(stable) / sizeof(stable[0]); i++)
		if (major == stable[i].major && minor == stable[i].minor)
			good = patch >= stable[i].floor;
	say(r, good ? RESULT_OK : RESULT_HINT, "kernel",
	    "known to be fixed: 6.1.142, 6.6.95, 6.12.35, 6.16 and later of each", "%s", u.release);
}

static void check_btf(struct report *r)
{
	if (!access("/sys/kernel/btf/vmlinux", R_OK))
		say(r, RESULT_OK, "BTF", "", "/sys/kernel/btf/vmlinux");
	else
		say(r, RESULT_MISSING, "BTF", "boot a kernel with CONFIG_DEBUG_INFO_BTF=y",
		    "/sys/kernel/btf/vmlinux: %s", strerror(errno));
}

static int bpf(int command, union bpf_attr *attr, size_t size)
{
	return (int)syscall(SYS_bpf, command, attr, size);
}

static void check_bpf_map(struct report *r)
{
	union bpf_attr attr;
	int fd;

	memset(&attr, 0, sizeof(attr));
	attr.map_type = BPF_MAP_TYPE_SOCKHASH;
	attr.key_size = attr.value_size = 8;
	attr.max_entries = 1;
	fd = bpf(BPF_MAP_CREATE, &attr, sizeof(attr));
	if (fd >= 0) {
		close(fd);
		say(r, RESULT_OK, "bpf(2)", "", "socket maps can be made");
	} else {
		say(r, RESULT_MISSING, "bpf(2)",
		    errno == EPERM
			    ? "run as root, outside of a container that forbids bpf(2)"
			    : "boot a kernel with CONFIG_BPF_SYSCALL and CONFIG_BPF_STREAM_PARSER",
		    "no socket map: %s", strerror(errno));
	}
}

/* "return 1" as each kind of program we load. */
static void check_bpf_programs(struct report *r)
{
	static const struct bpf_insn code[] = {
		{.code = BPF_ALU64 | BPF_MOV | BPF_K, .dst_reg = BPF_REG_0, .imm = 1},
		{.code = BPF_JMP | BPF_EXIT},
	};
	static const struct {
		const char *name;
		unsigned type;
	} kinds[] = {
		{"sockops", BPF_PROG_TYPE_SOCK_OPS},
		{"sk_skb", BPF_PROG_TYPE_SK_SKB},
	};
	union bpf_attr attr;
	int fd;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		memset(&attr, 0, sizeof(attr));
		attr.prog_type = kinds[i].type;
		attr.insns = (__u64)(unsigned long)code;
		attr.insn_cnt = sizeof(code) / sizeof(code[0]);
		attr.license = (__u64)(unsigned long)"GPL";
		fd = bpf(BPF_PROG_LOAD, &attr, sizeof(attr));
		if (fd >= 0)
			close(fd);
		if (fd >= 0)
			say(r, RESULT_OK, kinds[i].name, "", "programs of this kind load");
		else
			say(r, RESULT_MISSING, kinds[i].name,
			    "run as root, on a kernel with CONFIG_BPF_STREAM_PARSER and "
			    "CONFIG_CGROUP_BPF",
			    "programs of this kind do not load: %s", strerror(errno));
	}
}

/* Mounted anywhere is fine; else the daemon mounts it for itself, if the kernel can. */
static void check_filesystem(struct report *r, const char *what, const char *type, const char *fix)
{
	char line[1024], where[512], kind[64], text[64];
	FILE *f = fopen("/proc/mounts", "re");
	bool found = false;

	while (f && !found && fgets(line, sizeof(line), f))
		found = sscanf(line, "%*s %511s %63s", where, kind) == 2 && !strcmp(kind, type);
	if (f)
		fclose(f);
	snprintf(text, sizeof(text), "nodev\t%s", type);
	if (found)
		say(r, RESULT_OK, what, "", "%s", where);
	else if (read_line("/proc/filesystems", text, kind, sizeof(kind)))
		say(r, RESULT_OK, what, "", "not mounted; snisplitd mounts its own");
	else
		say(r, RESULT_MISSING, what, fix, "this kernel has no %s", type);
}

static void check_files(struct report *r)
{
	struct rlimit l;

	getrlimit(RLIMIT_NOFILE, &l);
	say(r, l.rlim_max >= WANT_FILES ? RESULT_OK : RESULT_HINT, "open files",
	    "for limits.connections 65536 set LimitNOFILE=1048576 in the unit, or ulimit -Hn",
	    "at most %llu", (unsigned long long)l.rlim_max);
}

static void check_sysctl(struct report *r, const char *name, const char *path, long least,
			 const char *fix)
{
	char text[64];

	if (!read_line(path, "", text, sizeof(text)))
		return; /* not in this network namespace, or not in this kernel */
	say(r, atol(text) >= least ? RESULT_OK : RESULT_HINT, name, fix, "%s", text);
}

/* Beside this program, or where the packages put it. */
static bool find_daemon(char *out, size_t size)
{
	static const char *const dirs[] = {"", "../sbin/"};
	char self[PATH_MAX], *slash;
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	self[n > 0 ? n : 0] = '\0';
	slash = strrchr(self, '/');
	if (!slash)
		return false;
	slash[1] = '\0';
	for (size_t i = 0; i < sizeof(dirs) / sizeof(dirs[0]); i++)
		if (snprintf(out, size, "%s%ssnisplitd", self, dirs[i]) < (int)size &&
		    !access(out, X_OK))
			return true;
	return false;
}

/* What the daemon's own self-test says, which is more than that programs load. */
static void check_selftest(struct report *r)
{
	char *argv[] = {(char *)"snisplitd", (char *)"--version", NULL}, path[PATH_MAX + 16];
	char line[512], *said = NULL;
	posix_spawn_file_actions_t files;
	pid_t pid = -1;
	int fds[2];
	FILE *f;

	if (geteuid() || !find_daemon(path, sizeof(path)) || pipe2(fds, O_CLOEXEC))
		return; /* needs what privileges() has told of, or is not installed here */
	posix_spawn_file_actions_init(&files);
	posix_spawn_file_actions_adddup2(&files, fds[1], STDOUT_FILENO);
	if (posix_spawn(&pid, path, &files, NULL, argv, environ))
		pid = -1;
	posix_spawn_file_actions_destroy(&files);
	close(fds[1]);
	f = fdopen(fds[0], "re");
	while (f && !said && fgets(line, sizeof(line), f))
		if (!strncmp(line, "datapath: ", 10))
			said = line + 10;
	if (f)
		fclose(f);
	if (pid > 0)
		waitpid(pid, NULL, 0);
	if (!said)
		return;
	said[strcspn(said, "\n")] = '\0';
	if (!strncmp(said, "kernel", 6))
		say(r, RESULT_OK, "self-test", "", "%s", said);
	else
		say(r, RESULT_MISSING, "self-test", "snisplitd serves without the kernel path",
		    "%s", said);
}

static void check_daemon(struct report *r, const struct call *c)
{
	int fd = client_connect(c->socket);

	if (fd >= 0) {
		close(fd);
		say(r, RESULT_OK, "daemon", "", "answers on %s", c->socket);
	} else {
		say(r, RESULT_HINT, "daemon", "start it with: sudo systemctl start snisplitd",
		    "does not answer on %s: %s", c->socket, strerror(-fd));
	}
}

int check(struct call *c)
{
	struct report r = {.rows = c->json ? json_array() : NULL};

	check_privileges(&r);
	check_kernel(&r);
	check_btf(&r);
	check_bpf_map(&r);
	check_bpf_programs(&r);
	check_filesystem(&r, "bpffs", "bpf", "boot a kernel with CONFIG_BPF_SYSCALL");
	check_filesystem(&r, "cgroup v2", "cgroup2", "boot a kernel with CONFIG_CGROUPS");
	check_files(&r);
	check_sysctl(&r, "BPF JIT", "/proc/sys/net/core/bpf_jit_enable", 1,
		     "sysctl net.core.bpf_jit_enable=1");
	check_sysctl(&r, "somaxconn", "/proc/sys/net/core/somaxconn", 4096,
		     "sysctl net.core.somaxconn=4096");
	check_selftest(&r);
	check_daemon(&r, c);
	if (r.rows) {
		json_dumpf(r.rows, stdout, JSON_COMPACT);
		printf("\n");
		json_decref(r.rows);
	} else {
		printf("\n%s\n", r.missing ? "the kernel path is not possible here; snisplitd can "
					     "run with --datapath userspace"
					   : "the kernel path is possible");
	}
	return r.missing ? EXIT_KERNEL : EXIT_OK;
}
