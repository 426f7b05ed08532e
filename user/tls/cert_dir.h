/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cert_dir - the pairs in a directory, as certs.h describes it.
 *
 * Not locked: one thread at a time.  A file is read again only when its inode, size or times
 * differ.
 */
#ifndef CERT_DIR_H
#define CERT_DIR_H

#include <stdbool.h>

struct cert_dir;
struct pair;

struct cert_dir_ops {
	/* see struct certs_conf */
	void (*say)(void *arg, bool warning, const char *text);
	/* Before anything in the directory <path> is read. */
	void (*watch)(void *arg, const char *path);
	void *arg;
};

struct cert_dir *cert_dir_new(const char *path); /* NULL: out of memory */
void cert_dir_free(struct cert_dir *d);		 /* NULL is fine */

const char *cert_dir_path(const struct cert_dir *d);

/* 1: what cert_dir_each() shows has changed; 0: it has not; -errno: it cannot be opened. */
int cert_dir_scan(struct cert_dir *d, const struct cert_dir_ops *ops);

/* <name>: the certificate's file, below the directory.  Stops at non-zero and returns it. */
int cert_dir_each(struct cert_dir *d, int (*fn)(void *arg, const char *name, struct pair *p),
		  void *arg);

#endif
