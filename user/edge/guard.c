// SPDX-License-Identifier: GPL-2.0-only
#include "guard.h"

#include <errno.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "callfilter.h"
#include "caps.h"
#include "dir.h"
#include "fence.h"
#include "log.h"
#include "thread.h"

/* Loading, pinning, attaching; ports below 1024; limits; the control socket's group; bpffs. */
#define CAPS_START                                                                            \
	(CAP_BIT(CAP_BPF) | CAP_BIT(CAP_PERFMON) | CAP_BIT(CAP_NET_ADMIN) |                   \
	 CAP_BIT(CAP_SYS_ADMIN) | CAP_BIT(CAP_NET_BIND_SERVICE) | CAP_BIT(CAP_SYS_RESOURCE) | \
	 CAP_BIT(CAP_CHOWN) | CAP_BIT(CAP_DAC_READ_SEARCH) | CAPS_SSHD)
/* snisplit-sshd becomes nobody, and empties its bounding set. */
#define CAPS_SSHD                                                                               \
	(CAP_BIT(CAP_SETUID) | CAP_BIT(CAP_SETGID) | CAP_BIT(CAP_SETPCAP) | CAP_BIT(CAP_KILL) | \
	 CAP_BIT(CAP_NET_BIND_SERVICE))

/* Buffers above the limit, ports below 1024, SOCK_DESTROY. */
#define CAPS_SOCKETS (CAP_BIT(CAP_NET_ADMIN) | CAP_BIT(CAP_NET_BIND_SERVICE))
/* Main, while it serves: a reload, and the end of snisplit-sshd. */
#define CAPS_MAIN (CAP_BIT(CAP_DAC_READ_SEARCH) | CAP_BIT(CAP_KILL))

static const struct role {
	uint64_t permitted, effective;
	unsigned calls;
	bool fenced;
} roles[THREAD_NEED_MAX] = {
	[THREAD_NETWORK] = {0, 0, CALLS_NETWORK | CALLS_WRITE | CALLS_MAPS, true},
	/* (names of hosts are looked up by libraries that are loaded for it) */
	[THREAD_FILES] = {0, 0,
			  CALLS_NETWORK | CALLS_WRITE | CALLS_MAPS | CALLS_THREADS | CALLS_CODE,
			  true},
	[THREAD_WATCH] = {CAP_BIT(CAP_DAC_READ_SEARCH), CAP_BIT(CAP_DAC_READ_SEARCH),
			  CALLS_NETWORK | CALLS_WRITE, true},
	[THREAD_PROGRAMS] = {CAPS_SSHD, CAPS_SSHD, CALLS_PROGRAMS | CALLS_NETWORK, false},
	[THREAD_KERNEL] = {CAPS_SOCKETS, CAPS_SOCKETS, CALLS_NETWORK, true},
};

struct guard {
	enum sandbox mode;
	struct callfilter *filters[THREAD_NEED_MAX]; /* NULL: the kernel has no seccomp */
	pthread_mutex_t lock;			     /* of <fences> */
	int fences[THREAD_NEED_MAX];		     /* -1: none */
	int old[THREAD_NEED_MAX];		     /* of the configuration before */
	bool taken; /* a new one's are in, and may have to go again: <old> is what there was */
	int abi;
	bool no_new_privs, heir;
	uint64_t main_caps; /* in effect */
};

/* ---- files ---- */

/* What libraries read: names of hosts and users, trusted certificates, time zones. */
static const char *const of_system[] = {"/etc",	     "/usr",
					"/lib",	     "/lib64",
					"/run",	     "/var/lib/ca-certificates",
					"/proc",     "/sys/devices/system",
					"/dev/null", "/dev/urandom"};

/* A set of rules that is being made, and what could not be added to it. */
struct making {
	int fence, err;
	char path[PATH_MAX];
};

static void let(struct making *m, int (*add)(int fence, const char *path), const char *path)
{
	if (m->err)
		return;
	m->err = add(m->fence, path);
	if (m->err)
		snprintf(m->path, sizeof(m->path), "%s", path);
}

static void let_events(struct making *m, const struct config *c)
{
	char dir[PATH_MAX];

	for (unsigned i = 0; i < c->n_events; i++) {
		const struct target *t = &c->events[i].target;
		const char *slash = strrchr(t->address, '/');

		if (t->kind != TARGET_FILE || *t->address != '/')
			continue;
		snprintf(dir, sizeof(dir), "%.*s", (int)(slash - t->address), t->address);
		/* made now, so that it can be named */
		if (dir_make_above(t->address, 0750, NULL))
			continue; /* opening the file says what is wrong */
		if (*dir)
			let(m, fence_write, dir);
		let(m, fence_write, t->address); /* a device, or what is a link to elsewhere */
	}
}

static void let_files(struct making *m, const struct config *c)
{
	let(m, fence_write, c->state_dir);
	for (size_t i = 0; i < sizeof(of_system) / sizeof(of_system[0]); i++)
		let(m, fence_read, of_system[i]);
	if (c->tls.certificates)
		let(m, fence_read, c->tls.certificates);
	let_events(m, c);
}

static void make_fence(struct making *m, enum thread_need need, const struct config *c)
{
	char path[PATH_MAX];

	m->fence = fence_new(need == THREAD_KERNEL);
	m->err = m->fence < 0 ? m->fence : 0;
	switch (need) {
	case THREAD_FILES:
		let_files(m, c);
		break;
	case THREAD_WATCH:
		let(m, fence_read, "/");
		let(m, fence_write, c->state_dir);
		break;
	case THREAD_NETWORK:
		/* a handshake may be the first for a name of the local CA */
		snprintf(path, sizeof(path), "%.4000s/ca", c->state_dir);
		dir_make_private(path, NULL);
		let(m, fence_write, path);
		let(m, fence_read, "/dev/null");
		break;
	default:
		break;
	}
	if (!m->err || m->fence < 0)
		return;
	close(m->fence);
	m->fence = -1;
}

/* All, or none: false, with <why>.  (close_fences() is the caller's.) */
static bool make_fences(int fences[THREAD_NEED_MAX], const struct config *c, char *why,
			size_t why_size)
{
	struct making m = {.err = 0};

	for (int i = 0; i < THREAD_NEED_MAX; i++)
		fences[i] = -1;
	for (int i = 0; i < THREAD_NEED_MAX && !m.err; i++) {
		if (!roles[i].fenced)
			continue;
		make_fence(&m, (enum thread_need)i, c);
		fences[i] = m.fence;
	}
	if (m.err)
		snprintf(why, why_size, "sandbox: Landlock: %.200s%s%s", m.path,
			 *m.path ? ": " : "", strerror(-m.err));
	return !m.err;
}

static void close_fences(int fences[THREAD_NEED_MAX])
{
	for (int i = 0; i < THREAD_NEED_MAX; i++) {
		if (fences[i] >= 0)
			close(fences[i]);
		fences[i] = -1;
	}
}

/* ---- threads ---- */

/* In the thread itself.  It must not go on with more than its role has. */
static void enter(void *arg, enum thread_need need)
{
	struct guard *g = arg;
	const struct role *r = &roles[need];
	const char *what = "capabilities";
	int err = caps_keep(r->permitted, r->effective);

	pthread_mutex_lock(&g->lock);
	if (!err && g->fences[need] >= 0) {
		what = "Landlock";
		err = fence_enter(g->fences[need]);
	}
	pthread_mutex_unlock(&g->lock);
	if (!err && g->filters[need]) {
		what = "seccomp";
		err = callfilter_load(g->filters[need]);
	}
	if (!err)
		return;
	log_err("sandbox: a thread cannot give up its privileges (%s: %s); `sandbox: off` does "
		"without",
		what, strerror(-err));
	abort();
}

int guard_main(struct guard *g, char *why, size_t why_size)
{
	int err;

	if (g->mode == SANDBOX_OFF)
		return 0;
	err = caps_keep(CAPS_START, CAPS_MAIN);
	if (!err && g->filters[THREAD_PROGRAMS] && !g->heir)
		err = callfilter_load(g->filters[THREAD_PROGRAMS]);
	g->main_caps = caps_effective();
	if (err)
		snprintf(why, why_size, "sandbox: cannot give up privileges: %s", strerror(-err));
	return err;
}

void guard_raise(struct guard *g, bool up)
{
	int err = g->mode == SANDBOX_OFF ? 0 : caps_keep(CAPS_START, up ? CAPS_START : CAPS_MAIN);

	if (err)
		log_err("sandbox: capabilities: %s", strerror(-err));
}

/* ---- life ---- */

static int make_filters(struct guard *g, char *why, size_t why_size)
{
	struct fault f = {.msg = ""};

	if (prctl(PR_GET_SECCOMP, 0, 0, 0, 0) < 0)
		return 0; /* said in `status` */
	for (int i = 0; i < THREAD_NEED_MAX; i++) {
		if (callfilter_new(roles[i].calls, EPERM, true, g->mode == SANDBOX_LOG,
				   &g->filters[i], &f)) {
			snprintf(why, why_size, "sandbox: %s", f.msg);
			return -1;
		}
	}
	return 0;
}

/* dac_override is given up at once: what root's mode bits refuse is refused now, not some day. */
static int begin(struct guard *g, char *why, size_t why_size)
{
	int err = caps_permitted() & CAP_BIT(CAP_SETPCAP) ? caps_bound(CAPS_START) : 0;

	if (!err)
		err = caps_keep(CAPS_START, CAPS_START);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (err)
		snprintf(why, why_size, "sandbox: cannot give up privileges: %s", strerror(-err));
	g->no_new_privs = !err;
	return err ? -1 : 0;
}

int guard_open(const struct config *c, bool heir, struct guard **ret_g, char *why, size_t why_size)
{
	struct guard *g = calloc(1, sizeof(*g));

	if (!g) {
		snprintf(why, why_size, "out of memory");
		return -1;
	}
#ifdef __SANITIZE_ADDRESS__
	g->mode = SANDBOX_OFF; /* it traces this process at its end */
#else
	g->mode = c->sandbox;
#endif
	/* (not of one whose sandbox was off) */
	g->heir = heir && prctl(PR_GET_SECCOMP) == SECCOMP_MODE_FILTER;
	pthread_mutex_init(&g->lock, NULL);
	for (int i = 0; i < THREAD_NEED_MAX; i++)
		g->fences[i] = g->old[i] = -1;
	*ret_g = g;
	if (g->mode == SANDBOX_OFF)
		return 0;
	if (begin(g, why, why_size) || make_filters(g, why, why_size))
		goto failed;
	g->abi = g->mode == SANDBOX_ON ? fence_abi() : 0; /* it has no mode that only warns */
	if (g->abi && !make_fences(g->fences, c, why, why_size))
		goto failed;
	thread_on_start(enter, g);
	return 0;
failed:
	guard_close(g);
	*ret_g = NULL;
	return -1;
}

void guard_take_config(struct guard *g, const struct config *c)
{
	int fences[THREAD_NEED_MAX];
	char why[300];

	if (!g->abi || (!c && !g->taken))
		return;
	if (!c)
		memcpy(fences, g->old, sizeof(fences));
	else if (!make_fences(fences, c, why, sizeof(why))) {
		log_warn("%s; new threads reach the files they did before", why);
		close_fences(fences);
		return;
	}
	pthread_mutex_lock(&g->lock);
	if (c) {
		close_fences(g->old);
		memcpy(g->old, g->fences, sizeof(g->old));
	} else {
		close_fences(g->fences);
		for (int i = 0; i < THREAD_NEED_MAX; i++)
			g->old[i] = -1;
	}
	memcpy(g->fences, fences, sizeof(g->fences));
	g->taken = c != NULL;
	pthread_mutex_unlock(&g->lock);
}

void guard_keep_config(struct guard *g)
{
	pthread_mutex_lock(&g->lock);
	close_fences(g->old);
	g->taken = false;
	pthread_mutex_unlock(&g->lock);
}

void guard_close(struct guard *g)
{
	if (!g)
		return;
	thread_on_start(NULL, NULL);
	close_fences(g->fences);
	close_fences(g->old);
	for (int i = 0; i < THREAD_NEED_MAX; i++)
		callfilter_free(g->filters[i]);
	pthread_mutex_destroy(&g->lock);
	free(g);
}

const char *guard_text(const struct guard *g, char *out, size_t size)
{
	char landlock[32] = "no Landlock", caps[100];

	if (g->mode == SANDBOX_OFF) {
		snprintf(out, size, "off, by the configuration");
		return out;
	}
	if (g->abi)
		snprintf(landlock, sizeof(landlock), "Landlock ABI %d", g->abi);
	snprintf(out, size, "%s%s, %s, %s; capabilities: main %s, workers none",
		 g->mode == SANDBOX_LOG ? "only logs: " : "",
		 g->no_new_privs ? "no_new_privs" : "no no_new_privs",
		 g->filters[0] ? "seccomp" : "no seccomp", landlock,
		 caps_text(g->main_caps, caps, sizeof(caps)));
	return out;
}
