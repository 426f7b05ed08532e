// SPDX-License-Identifier: GPL-2.0-only
#include "callfilter.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/bpf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "callgroups.h"

struct callfilter {
	struct sock_fprog prog;
	bool log;
};

static int allow_all(scmp_filter_ctx ctx, const int *calls)
{
	int err = 0;

	for (; *calls != CALLS_END && !err; calls++) {
		err = seccomp_rule_add(ctx, SCMP_ACT_ALLOW, *calls, 0);
		if (err == -EDOM) /* not on this architecture */
			err = 0;
	}
	return err;
}

/* <call>, when bits <mask> of argument <n> are <value>. */
static int allow_if(scmp_filter_ctx ctx, int call, unsigned n, scmp_datum_t mask,
		    scmp_datum_t value)
{
	return seccomp_rule_add(ctx, SCMP_ACT_ALLOW, call, 1,
				SCMP_CMP(n, SCMP_CMP_MASKED_EQ, mask, value));
}

#define EVERY_BIT (~(scmp_datum_t)0)

static int allow_sockets(scmp_filter_ctx ctx)
{
	static const int families[] = {AF_INET, AF_INET6, AF_UNIX, AF_NETLINK};
	int err = allow_if(ctx, SCMP_SYS(socketpair), 0, EVERY_BIT, AF_UNIX);

	for (size_t i = 0; i < sizeof(families) / sizeof(families[0]) && !err; i++)
		err = allow_if(ctx, SCMP_SYS(socket), 0, EVERY_BIT, (scmp_datum_t)families[i]);
	return err;
}

/*
 * Threads, not processes.  The flags of clone3 are behind a pointer: its ENOSYS has a fallback, but
 * where refusals are logged each new thread would be one, and then it is allowed.
 */
static int allow_threads(scmp_filter_ctx ctx, bool log)
{
	int err = allow_if(ctx, SCMP_SYS(clone), 0, CLONE_THREAD, CLONE_THREAD);

	if (!err)
		err = seccomp_rule_add(ctx, log ? SCMP_ACT_ALLOW : SCMP_ACT_ERRNO(ENOSYS),
				       SCMP_SYS(clone3), 0);
	return err == -EACCES ? 0 : err; /* that is what all answer */
}

/* Memory that becomes code is for those that load libraries. */
static int allow_memory(scmp_filter_ctx ctx, bool code)
{
	static const int calls[] = {SCMP_SYS(mmap), SCMP_SYS(mprotect)};
	int err = 0;

	for (size_t i = 0; i < 2 && !err; i++)
		err = code ? seccomp_rule_add(ctx, SCMP_ACT_ALLOW, calls[i], 0)
			   : allow_if(ctx, calls[i], 2, PROT_EXEC, 0);
	return err;
}

static int allow_maps(scmp_filter_ctx ctx)
{
	static const int commands[] = {BPF_MAP_LOOKUP_ELEM,  BPF_MAP_UPDATE_ELEM,
				       BPF_MAP_DELETE_ELEM,  BPF_MAP_GET_NEXT_KEY,
				       BPF_MAP_LOOKUP_BATCH, BPF_MAP_DELETE_BATCH};
	int err = 0;

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]) && !err; i++)
		err = allow_if(ctx, SCMP_SYS(bpf), 0, EVERY_BIT, (scmp_datum_t)commands[i]);
	return err;
}

static int fill(scmp_filter_ctx ctx, unsigned groups, bool log)
{
	bool programs = groups & CALLS_PROGRAMS, write = programs || groups & CALLS_WRITE;
	bool read = write || groups & CALLS_READ;
	int err = allow_all(ctx, calls_network);

	if (!err && read)
		err = allow_all(ctx, calls_read);
	if (!err && write)
		err = allow_all(ctx, calls_write);
	if (!err && programs)
		err = allow_all(ctx, calls_programs);
	if (!err && !write && read)
		err = allow_if(ctx, SCMP_SYS(openat), 2, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	if (!err)
		err = allow_sockets(ctx);
	if (!err)
		err = allow_memory(ctx, programs || groups & CALLS_CODE);
	if (!err && groups & CALLS_THREADS && !programs)
		err = allow_threads(ctx, log);
	if (!err && groups & CALLS_MAPS && !programs)
		err = allow_maps(ctx);
	return err;
}

/* libseccomp 2.5 exports to a descriptor only. */
static int export(scmp_filter_ctx ctx, struct sock_fprog *ret_p)
{
	int fd = memfd_create("filter", MFD_CLOEXEC), err = 0;
	struct sock_filter *code = NULL;
	off_t size = 0;

	if (fd == -1)
		return -errno;
	err = seccomp_export_bpf(ctx, fd);
	if (!err) {
		size = lseek(fd, 0, SEEK_END);
		code = size > 0 ? malloc((size_t)size) : NULL;
		if (!code || pread(fd, code, (size_t)size, 0) != size)
			err = -ENOMEM;
	}
	close(fd);
	if (err) {
		free(code);
		return err;
	}
	ret_p->filter = code;
	ret_p->len = (unsigned short)((size_t)size / sizeof(*code));
	return 0;
}

int callfilter_new(unsigned groups, int answer, bool log, bool warn_only, struct callfilter **ret_c,
		   struct fault *f)
{
	scmp_filter_ctx ctx =
		seccomp_init(warn_only ? SCMP_ACT_LOG : SCMP_ACT_ERRNO((uint32_t)answer));
	struct callfilter *c = calloc(1, sizeof(*c));
	int err = ctx && c ? 0 : -ENOMEM;

	if (!err) /* a tree instead of a list; older libraries have the list */
		seccomp_attr_set(ctx, SCMP_FLTATR_CTL_OPTIMIZE, 2);
	if (!err)
		err = fill(ctx, groups, log);
	if (!err)
		err = export(ctx, &c->prog);
	if (ctx)
		seccomp_release(ctx);
	if (err) {
		free(c);
		return fault_set(f, 500, 0, "", "cannot make the seccomp filter: %s",
				 strerror(-err));
	}
	c->log = log;
	*ret_c = c;
	return 0;
}

void callfilter_free(struct callfilter *c)
{
	if (!c)
		return;
	free(c->prog.filter);
	free(c);
}

int callfilter_load(const struct callfilter *c)
{
	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, c->log ? SECCOMP_FILTER_FLAG_LOG : 0,
		       &c->prog)
		       ? -errno
		       : 0;
}

const char *callfilter_library_version(void)
{
	const struct scmp_version *v = seccomp_version();
	static char text[40];

	snprintf(text, sizeof(text), "libseccomp %u.%u.%u", v ? v->major : 0, v ? v->minor : 0,
		 v ? v->micro : 0);
	return text;
}
