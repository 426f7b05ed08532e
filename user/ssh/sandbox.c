// SPDX-License-Identifier: GPL-2.0-only
#include "sandbox.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "callfilter.h"
#include "caps.h"

static int filter(struct fault *f)
{
	struct callfilter *c;
	int err;

	if (callfilter_new(CALLS_NETWORK | CALLS_READ | CALLS_THREADS | CALLS_CODE, ENOSYS, false,
			   false, &c, f))
		return -1;
	err = callfilter_load(c);
	callfilter_free(c);
	return err ? fault_set(f, 500, 0, "", "cannot load the seccomp filter: %s", strerror(-err))
		   : 0;
}

static int become(const char *user, struct fault *f)
{
	const struct passwd *pw = getpwnam(user);
	gid_t gid;
	uid_t uid;
	int err;

	if (!pw)
		return fault_set(f, 500, 0, "user", "no such user: %.64s", user);
	uid = pw->pw_uid;
	gid = pw->pw_gid;
	if (!uid)
		return fault_set(f, 400, 0, "user", "%.64s is root", user);
	err = caps_bound(0);
	if (err)
		return fault_set(f, 500, 0, "", "cannot empty the bounding set: %s",
				 strerror(-err));
	if (setgroups(0, NULL) || setresgid(gid, gid, gid) || setresuid(uid, uid, uid))
		return fault_set(f, 500, 0, "user", "cannot become %.64s: %s", user,
				 strerror(errno));
	if (!setuid(0))
		return fault_set(f, 500, 0, "user", "can become root again");
	return 0;
}

int sandbox_enter(const char *user, struct fault *f)
{
	int err;

	if (!geteuid() && become(user, f))
		return -1;
	/* those of a process that was started with some, without root */
	err = caps_keep(0, 0);
	if (err)
		return fault_set(f, 500, 0, "", "cannot drop capabilities: %s", strerror(-err));
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0))
		return fault_set(f, 500, 0, "", "cannot give up privileges: %s", strerror(errno));
	return filter(f);
}
