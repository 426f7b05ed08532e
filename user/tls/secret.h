/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * secret - small files with keys in them, and texts that are cleansed before they are freed.
 */
#ifndef SECRET_H
#define SECRET_H

#include <stdbool.h>
#include <stddef.h>

#define SECRET_FILE_MAX (1 << 20)

/* The file as text, malloc'd.  0, -EFBIG, -EISDIR, -EINVAL (has a NUL), or open(2)'s. */
int secret_read(const char *path, char **ret_text);
/* Of the directory at <dirfd>. */
int secret_read_at(int dirfd, const char *path, char **ret_text);

/*
 * Replaces <path> whole, mode 0600.  <durable>: it is on the disk on return, which may take a
 * while; else a crash of the machine may leave it damaged.  0 or -errno.
 */
int secret_write(const char *path, const char *text, bool durable);

void secret_free(char *text); /* NULL is fine */

#endif
