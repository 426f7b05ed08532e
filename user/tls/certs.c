// SPDX-License-Identifier: GPL-2.0-only
#include "certs.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <openssl/err.h>

#include "cert_dir.h"
#include "cert_index.h"
#include "cert_local.h"
#include "cert_watch.h"
#include "list.h"
#include "name.h"
#include "pair.h"

enum { RANK_UPLOADED, RANK_DIRECTORY };

struct upload {
	struct list list;
	char id[48];
	struct pair *p;
};

struct certs {
	void (*say)(void *arg, bool warning, const char *text);
	void *arg;
	/* <scan> is taken before <lock>: by who changes uploads or directory, and makes an index */
	pthread_mutex_t scan;
	pthread_rwlock_t lock; /* of <index> */
	struct cert_index *index;
	struct list uploads;
	struct cert_dir *dir; /* NULL: none */
	bool expected, told_missing, told_unwatched;
	struct cert_watch *watch;
	struct ca *ca;
	struct cert_local *local;
	bool told_unsaved; /* under <scan> */
};

/* ---- the index ---- */

static int add_pair(void *arg, const char *name, struct pair *p)
{
	(void)name;
	return cert_index_add(arg, p, RANK_DIRECTORY);
}

/* With <scan> held. */
static int reindex(struct certs *c)
{
	struct cert_index *ix = cert_index_new(), *old;
	struct list *it;
	int err = ix ? 0 : -ENOMEM;

	list_for_each(it, &c->uploads) {
		if (!err)
			err = cert_index_add(ix, list_of(it, struct upload, list)->p,
					     RANK_UPLOADED);
	}
	if (!err && c->dir)
		err = cert_dir_each(c->dir, add_pair, ix);
	if (err) {
		cert_index_free(ix);
		return err;
	}
	cert_index_seal(ix, time(NULL));
	pthread_rwlock_wrlock(&c->lock);
	old = c->index;
	c->index = ix;
	pthread_rwlock_unlock(&c->lock);
	cert_index_free(old);
	return 0;
}

/* ---- the directory ---- */

static void on_say(void *arg, bool warning, const char *text)
{
	struct certs *c = arg;

	c->say(c->arg, warning, text);
}

static void on_watch(void *arg, const char *path)
{
	struct certs *c = arg;
	char text[4400];
	int err = c->watch ? cert_watch_add(c->watch, path) : 0;

	if (!err || c->told_unwatched)
		return;
	c->told_unwatched = true;
	snprintf(text, sizeof(text), "%.4000s cannot be watched, it is read every minute: %s", path,
		 strerror(-err));
	c->say(c->arg, true, text);
}

static void tell_missing(struct certs *c, int err)
{
	char text[400];

	if (!err)
		c->told_missing = false;
	if (!err || c->told_missing || (err == -ENOENT && !c->expected))
		return;
	c->told_missing = true;
	snprintf(text, sizeof(text), "the certificates' directory (tls.certificates): %s",
		 strerror(-err));
	c->say(c->arg, true, text);
}

/* With <scan> held. */
static void scan(struct certs *c)
{
	const struct cert_dir_ops ops = {on_say, on_watch, c};
	int ret;

	if (!c->dir)
		return;
	ret = cert_dir_scan(c->dir, &ops);
	cert_watch_set_eager(c->watch, ret == -ENOENT);
	tell_missing(c, ret < 0 ? ret : 0);
	if (ret > 0 && reindex(c))
		c->say(c->arg, true, "out of memory: the certificates read before stay in use");
}

static void on_changed(void *arg)
{
	struct certs *c = arg;

	pthread_mutex_lock(&c->scan);
	scan(c);
	pthread_mutex_unlock(&c->scan);
}

int certs_reload(struct certs *c, const char *dir, bool dir_expected)
{
	struct cert_dir *d = dir ? cert_dir_new(dir) : NULL;
	const char *now;
	int err = 0;

	if (dir && !d)
		return -ENOMEM;
	pthread_mutex_lock(&c->scan);
	now = c->dir ? cert_dir_path(c->dir) : "";
	c->expected = dir_expected;
	if (strcmp(now, dir ? dir : "")) {
		cert_dir_free(c->dir);
		c->dir = d;
		d = NULL;
		c->told_missing = false;
		err = reindex(c);
	}
	scan(c);
	pthread_mutex_unlock(&c->scan);
	cert_dir_free(d);
	return err;
}

/* ---- life ---- */

static void no_say(void *arg, bool warning, const char *text)
{
	(void)arg;
	(void)warning;
	(void)text;
}

static int open_local(struct certs *c, const char *state)
{
	char dir[4096];

	if ((size_t)snprintf(dir, sizeof(dir), "%s/ca", state) >= sizeof(dir))
		return -ENAMETOOLONG;
	c->ca = ca_new(dir);
	c->local = c->ca ? cert_local_new(c->ca, dir) : NULL;
	return c->local ? 0 : -ENOMEM;
}

int certs_open(const struct certs_conf *conf, struct certs **ret_c)
{
	struct certs *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return -ENOMEM;
	c->say = conf->say ? conf->say : no_say;
	c->arg = conf->arg;
	list_init(&c->uploads);
	pthread_mutex_init(&c->scan, NULL);
	pthread_rwlock_init(&c->lock, NULL);
	err = open_local(c, conf->state);
	if (!err)
		err = cert_watch_open(on_changed, c, &c->watch);
	if (!err)
		err = certs_reload(c, conf->dir, conf->dir_expected);
	if (!err && !c->index)
		err = reindex(c);
	if (!err)
		*ret_c = c;
	else
		certs_close(c);
	return err;
}

static void upload_free(struct upload *u)
{
	list_del(&u->list);
	pair_put(u->p);
	free(u);
}

void certs_close(struct certs *c)
{
	if (!c)
		return;
	cert_watch_close(c->watch);
	while (!list_empty(&c->uploads))
		upload_free(list_of(c->uploads.next, struct upload, list));
	cert_dir_free(c->dir);
	cert_index_free(c->index);
	cert_local_free(c->local);
	ca_free(c->ca);
	pthread_mutex_destroy(&c->scan);
	pthread_rwlock_destroy(&c->lock);
	free(c);
}

/* ---- uploads ---- */

static struct upload *find_upload(struct certs *c, const char *id)
{
	struct list *it;

	list_for_each(it, &c->uploads)
		if (!strcmp(list_of(it, struct upload, list)->id, id))
			return list_of(it, struct upload, list);
	return NULL;
}

int certs_add(struct certs *c, const char *id, const char *crt, const char *key, struct fault *f)
{
	struct upload *u = calloc(1, sizeof(*u));
	int err;

	if (!u)
		return fault_set(f, 500, 0, "", "out of memory");
	list_init(&u->list);
	snprintf(u->id, sizeof(u->id), "%s", id);
	u->p = pair_read(crt, key, "certificate_pem", "private_key_pem", f);
	if (!u->p) {
		free(u);
		return -1;
	}
	pthread_mutex_lock(&c->scan);
	list_add_tail(&c->uploads, &u->list);
	err = reindex(c);
	if (err)
		upload_free(u);
	pthread_mutex_unlock(&c->scan);
	return err ? fault_set(f, 500, 0, "", "out of memory") : 0;
}

int certs_remove(struct certs *c, const char *id)
{
	struct upload *u;
	int err = -ENOENT;

	pthread_mutex_lock(&c->scan);
	u = find_upload(c, id);
	if (u) {
		upload_free(u);
		err = reindex(c);
	}
	pthread_mutex_unlock(&c->scan);
	return err;
}

/* ---- which one ---- */

/* Is <name> one that <endpoint> serves? */
static bool covers(const char *endpoint, const char *name)
{
	size_t len = strlen(name), tail = strlen(endpoint) - 1;

	if (endpoint[0] != '*')
		return !strcmp(endpoint, name);
	return len > tail && !strcmp(name + len - tail, endpoint + 1);
}

static void find(struct certs *c, const char *name, struct pairs *ret_ps)
{
	const char *dot = strchr(name, '.');
	char wild[NAME_KEY_LEN + 2];

	pthread_rwlock_rdlock(&c->lock);
	cert_index_find(c->index, name, ret_ps);
	if (!ret_ps->n && dot && name[0] != '*') {
		snprintf(wild, sizeof(wild), "*%s", dot);
		cert_index_find(c->index, wild, ret_ps);
	}
	pthread_rwlock_unlock(&c->lock);
}

/*
 * What the local CA is asked for.  A wildcard endpoint has one certificate for all names right
 * below it; one for names further down, of which clients may invent any number, is not kept in a
 * file.
 */
static bool local_name(const char *endpoint, const char *name, char ret_name[NAME_KEY_LEN + 2])
{
	const char *dot = strchr(name, '.');

	if (endpoint[0] != '*' || !dot || !strcmp(dot, endpoint + 1)) {
		strcpy(ret_name, endpoint);
		return true;
	}
	snprintf(ret_name, NAME_KEY_LEN + 2, "*%s", dot);
	return false;
}

static void tell_unsaved(struct certs *c, const char *name, int err)
{
	char text[500];
	bool tell;

	pthread_mutex_lock(&c->scan);
	tell = !c->told_unsaved;
	c->told_unsaved = true;
	pthread_mutex_unlock(&c->scan);
	if (!tell)
		return;
	snprintf(text, sizeof(text),
		 "the local CA's certificate for %s cannot be saved, a restart will issue another "
		 "one: %s",
		 name, strerror(-err));
	c->say(c->arg, true, text);
}

int certs_choose(struct certs *c, const char *sni, const char *endpoint, time_t now,
		 struct pairs *ret_ps, struct fault *f)
{
	const char *name = *sni && covers(endpoint, sni) ? sni : endpoint;
	char local[NAME_KEY_LEN + 2];
	struct pair *p;
	bool persist;
	int err;

	ret_ps->n = 0;
	find(c, name, ret_ps);
	if (ret_ps->n)
		return 0;
	persist = local_name(endpoint, name, local);
	p = cert_local_get(c->local, local, persist, now, &err, f);
	if (!p)
		return -1;
	if (err)
		tell_unsaved(c, local, err);
	ret_ps->p[ret_ps->n++] = p;
	return 0;
}

char *certs_root(struct certs *c, char ret_fingerprint[CA_FINGERPRINT_MAX], struct fault *f)
{
	return ca_root(c->ca, ret_fingerprint, f);
}

/* ---- telling about them ---- */

struct telling {
	int (*fn)(void *arg, const struct certs_item *i);
	void *arg;
};

static int first_name(void *arg, const char *name)
{
	snprintf(arg, NAME_KEY_LEN, "%s", name);
	return 1;
}

static int tell(const struct telling *t, enum certs_origin origin, const char *where,
		struct pair *p)
{
	char name[NAME_KEY_LEN] = "";
	const struct certs_item item = {origin, where, name, p->not_before, p->not_after};

	pair_each_name(p, first_name, name);
	return t->fn(t->arg, &item);
}

static int tell_file(void *arg, const char *where, struct pair *p)
{
	return tell(arg, CERTS_DIRECTORY, where, p);
}

int certs_each(struct certs *c, int (*fn)(void *arg, const struct certs_item *i), void *arg)
{
	struct telling t = {fn, arg};
	struct list *it;
	int ret = 0;

	pthread_mutex_lock(&c->scan);
	list_for_each(it, &c->uploads) {
		struct upload *u = list_of(it, struct upload, list);

		if (!ret)
			ret = tell(&t, CERTS_UPLOADED, u->id, u->p);
	}
	if (!ret && c->dir)
		ret = cert_dir_each(c->dir, tell_file, &t);
	pthread_mutex_unlock(&c->scan);
	return ret ? ret : cert_local_each(c->local, fn, arg);
}

int certs_check(const char *crt, const char *key, const char *crt_field, const char *key_field,
		const char **ret_warning, struct fault *f)
{
	struct pair *p = pair_read(crt, key, crt_field, key_field, f);
	time_t now = time(NULL);

	if (!p)
		return -1;
	*ret_warning = now >= p->not_after   ? "has expired"
		       : now < p->not_before ? "is not valid yet"
					     : NULL;
	pair_put(p);
	return 0;
}
