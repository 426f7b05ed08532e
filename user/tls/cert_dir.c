// SPDX-License-Identifier: GPL-2.0-only
#include "cert_dir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "list.h"
#include "log.h"
#include "pair.h"
#include "pem.h"
#include "secret.h"
#include "staple.h"

#define NAME_LEN (2 * NAME_MAX + 32)

/* What tells one content of a file from another; all zero: not there. */
struct stamp {
	dev_t dev;
	ino_t ino;
	off_t size;
	struct timespec mtime, ctime;
};

/* Files below the directory that belong together. */
struct files {
	char crt[NAME_LEN], key[NAME_LEN], ocsp[NAME_LEN]; /* ocsp "": none */
};

struct source {
	struct list list;
	char *name; /* files.crt */
	struct stamp crt, key, ocsp;
	struct pair *p; /* what was good last; NULL: never */
	bool seen;
};

struct cert_dir {
	char *path;
	int fd; /* while scanning */
	const struct cert_dir_ops *ops;
	struct list sources;
	struct list *last; /* found: a directory is mostly read in the same order again */
	bool changed;
};

struct cert_dir *cert_dir_new(const char *path)
{
	struct cert_dir *d = calloc(1, sizeof(*d));

	if (!d)
		return NULL;
	d->path = strdup(path);
	if (!d->path) {
		free(d);
		return NULL;
	}
	d->fd = -1;
	list_init(&d->sources);
	d->last = &d->sources;
	return d;
}

static void source_free(struct source *s)
{
	list_del(&s->list);
	pair_put(s->p);
	free(s->name);
	free(s);
}

void cert_dir_free(struct cert_dir *d)
{
	if (!d)
		return;
	while (!list_empty(&d->sources))
		source_free(list_of(d->sources.next, struct source, list));
	free(d->path);
	free(d);
}

const char *cert_dir_path(const struct cert_dir *d)
{
	return d->path;
}

/* ---- one pair ---- */

static bool stamp_of(struct cert_dir *d, const char *name, struct stamp *ret_s)
{
	struct stat st;

	memset(ret_s, 0, sizeof(*ret_s));
	if (!*name || fstatat(d->fd, name, &st, 0) == -1 || !S_ISREG(st.st_mode))
		return false;
	ret_s->dev = st.st_dev;
	ret_s->ino = st.st_ino;
	ret_s->size = st.st_size;
	ret_s->mtime = st.st_mtim;
	ret_s->ctime = st.st_ctim;
	return true;
}

static void warn(struct cert_dir *d, const char *name, const char *what)
{
	char shown[2 * NAME_LEN], text[2 * NAME_LEN + 700];

	snprintf(text, sizeof(text), "%s/%s: %s", d->path,
		 log_escape(name, strlen(name), shown, sizeof(shown)), what);
	d->ops->say(d->ops->arg, true, text);
}

/* The directory that a symbolic link leads to: its files may be replaced there. */
static void watch_target(struct cert_dir *d, const char *name)
{
	char path[PATH_MAX], real[PATH_MAX], *slash;

	if ((size_t)snprintf(path, sizeof(path), "%s/%s", d->path, name) >= sizeof(path) ||
	    !realpath(path, real))
		return;
	slash = strrchr(real, '/');
	if (!slash || slash == real)
		return;
	*slash = '\0';
	d->ops->watch(d->ops->arg, real);
}

static struct pair *read_pair(struct cert_dir *d, const struct files *fs, struct fault *f)
{
	char *crt = NULL, *key = NULL;
	struct pair *p = NULL;
	int err;

	err = secret_read_at(d->fd, fs->crt, &crt);
	if (err) {
		fault_set(f, 400, 0, "", "cannot be read: %s", strerror(-err));
		return NULL;
	}
	err = secret_read_at(d->fd, fs->key, &key);
	if (err)
		fault_set(f, 400, 0, "", "its key %s cannot be read: %s", fs->key, strerror(-err));
	else
		p = pair_read(crt, key, "certificate", "key", f);
	if (!err && !p && f->code == PEM_CERTIFICATE_AS_KEY && !strcmp(fs->crt, fs->key))
		fault_set(f, 400, 0, "", "no private key is in it, nor in a .key file beside it");
	free(crt);
	secret_free(key);
	return p;
}

static void read_staple(struct cert_dir *d, const struct files *fs, struct pair *p)
{
	struct fault f;
	int fd;

	if (!*fs->ocsp)
		return;
	fd = openat(d->fd, fs->ocsp, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd == -1)
		return;
	if (staple_read(p, fd, &f))
		warn(d, fs->ocsp, f.msg);
	close(fd);
}

static void load(struct cert_dir *d, struct source *s, const struct files *fs)
{
	char what[700];
	struct fault f;
	struct pair *p;

	watch_target(d, fs->crt);
	watch_target(d, fs->key);
	p = read_pair(d, fs, &f);
	if (!p) {
		snprintf(what, sizeof(what), "%s%s%s%s", f.field, *f.field ? " " : "", f.msg,
			 s->p ? "; the pair read before stays in use" : "");
		warn(d, fs->crt, what);
		return;
	}
	read_staple(d, fs, p);
	if (p->not_after <= time(NULL))
		warn(d, fs->crt, "the certificate has expired");
	pair_put(s->p);
	s->p = p;
	d->changed = true;
}

static struct source *source_of(struct cert_dir *d, const char *name)
{
	struct source *s;
	struct list *it;

	it = d->last;
	do {
		it = it->next;
		if (it == &d->sources)
			continue;
		s = list_of(it, struct source, list);
		if (!strcmp(s->name, name)) {
			d->last = it;
			return s;
		}
	} while (it != d->last);
	s = calloc(1, sizeof(*s));
	if (!s)
		return NULL;
	s->name = strdup(name);
	if (!s->name) {
		free(s);
		return NULL;
	}
	list_add_tail(&d->sources, &s->list);
	d->last = &s->list;
	return s;
}

/* Looks whether there is a pair in <fs>, and reads it if it is new. */
static bool consider(struct cert_dir *d, const struct files *fs)
{
	struct stamp crt, key, ocsp;
	struct source *s;

	/* both are stamped before either is read: what changes meanwhile is seen next time */
	stamp_of(d, fs->ocsp, &ocsp);
	if (!stamp_of(d, fs->crt, &crt) || !stamp_of(d, fs->key, &key))
		return false;
	s = source_of(d, fs->crt);
	if (!s)
		return false;
	s->seen = true;
	if (!memcmp(&crt, &s->crt, sizeof(crt)) && !memcmp(&key, &s->key, sizeof(key)) &&
	    !memcmp(&ocsp, &s->ocsp, sizeof(ocsp)))
		return true;
	s->crt = crt;
	s->key = key;
	s->ocsp = ocsp;
	load(d, s, fs);
	return true;
}

/* ---- the directory ---- */

static bool exists(struct cert_dir *d, const char *name)
{
	struct stamp s;

	return stamp_of(d, name, &s);
}

static void visit_file(struct cert_dir *d, const char *name)
{
	size_t len = strlen(name);
	struct files fs = {.ocsp = ""};
	int base = (int)len - 4;

	if (base < 1 || (strcmp(name + base, ".pem") && strcmp(name + base, ".crt")))
		return;
	snprintf(fs.crt, sizeof(fs.crt), "%s", name);
	snprintf(fs.key, sizeof(fs.key), "%.*s.key", base, name);
	if (!exists(d, fs.key)) {
		if (base > 7 && !strncmp(name + base - 7, ".issuer", 7))
			return; /* lego's: the chain alone */
		/* both in one file, as HAProxy has them */
		snprintf(fs.key, sizeof(fs.key), "%s", name);
	}
	snprintf(fs.ocsp, sizeof(fs.ocsp), "%.*s.ocsp", base, name);
	consider(d, &fs);
}

static void find_staple(struct cert_dir *d, const char *name, struct files *fs)
{
	snprintf(fs->ocsp, sizeof(fs->ocsp), "%s/%s.ocsp", name, name);
	if (exists(d, fs->ocsp))
		return;
	snprintf(fs->ocsp, sizeof(fs->ocsp), "%s/ocsp.der", name);
	if (exists(d, fs->ocsp))
		return;
	snprintf(fs->ocsp, sizeof(fs->ocsp), "%s.ocsp", name);
}

static void watch_below(struct cert_dir *d, const char *parent, const char *name)
{
	char path[PATH_MAX];

	if ((size_t)snprintf(path, sizeof(path), "%s/%s%s", d->path, parent, name) < sizeof(path))
		d->ops->watch(d->ops->arg, path);
}

static void visit_directory(struct cert_dir *d, const char *name)
{
	struct files fs;

	watch_below(d, "", name);
	find_staple(d, name, &fs);
	snprintf(fs.crt, sizeof(fs.crt), "%s/fullchain.pem", name);
	snprintf(fs.key, sizeof(fs.key), "%s/privkey.pem", name);
	if (consider(d, &fs))
		return;
	snprintf(fs.crt, sizeof(fs.crt), "%s/cert.pem", name);
	snprintf(fs.key, sizeof(fs.key), "private/%s/key.pem", name);
	watch_below(d, "private/", name);
	consider(d, &fs);
}

/* A pair is gone with its certificate; only its key missing is somebody at work on it. */
static void drop_unseen(struct cert_dir *d)
{
	struct list *it, *tmp;

	d->last = &d->sources;
	list_for_each_safe(it, tmp, &d->sources) {
		struct source *s = list_of(it, struct source, list);

		if (s->seen || exists(d, s->name))
			continue;
		d->changed |= s->p != NULL;
		source_free(s);
	}
}

int cert_dir_scan(struct cert_dir *d, const struct cert_dir_ops *ops)
{
	struct dirent *e;
	struct stat st;
	struct list *it;
	DIR *dir;

	d->ops = ops;
	d->changed = false;
	dir = opendir(d->path);
	if (!dir && errno != ENOENT)
		return -errno;
	ops->watch(ops->arg, d->path);
	d->fd = dir ? dirfd(dir) : -1;
	list_for_each(it, &d->sources)
		list_of(it, struct source, list)->seen = false;
	while (dir && (e = readdir(dir))) {
		if (e->d_name[0] == '.' || fstatat(d->fd, e->d_name, &st, 0) == -1)
			continue;
		if (S_ISDIR(st.st_mode))
			visit_directory(d, e->d_name);
		else
			visit_file(d, e->d_name);
	}
	drop_unseen(d);
	if (dir)
		closedir(dir);
	d->fd = -1;
	return dir ? d->changed : d->changed ? 1 : -ENOENT;
}

int cert_dir_each(struct cert_dir *d, int (*fn)(void *arg, const char *name, struct pair *p),
		  void *arg)
{
	struct list *it;
	int ret = 0;

	list_for_each(it, &d->sources) {
		struct source *s = list_of(it, struct source, list);

		if (s->p)
			ret = fn(arg, s->name, s->p);
		if (ret)
			break;
	}
	return ret;
}
