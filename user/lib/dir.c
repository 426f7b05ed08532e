// SPDX-License-Identifier: GPL-2.0-only
#include "dir.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

int dir_make_above(const char *path, mode_t mode, char *at)
{
	char buf[PATH_MAX], *dir = at ? at : buf;
	size_t len = strlen(path);

	if (len >= PATH_MAX) {
		snprintf(dir, PATH_MAX, "%.100s...", path);
		return -ENAMETOOLONG;
	}
	memcpy(dir, path, len + 1);
	for (char *slash = strchr(dir + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(dir, mode) == -1 && errno != EEXIST)
			return -errno;
		*slash = '/';
	}
	return 0;
}

int dir_make_private(const char *path, char *at)
{
	int err = dir_make_above(path, 0755, at);

	if (err)
		return err;
	if (mkdir(path, 0700) == -1 && errno != EEXIST) {
		err = -errno;
		if (at)
			snprintf(at, PATH_MAX, "%s", path);
	}
	return err;
}
