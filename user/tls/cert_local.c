// SPDX-License-Identifier: GPL-2.0-only
#include "cert_local.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "ca.h"
#include "certs.h"
#include "list.h"
#include "pair.h"
#include "secret.h"

#define BUCKETS 4096
#define FILE_NAME_MAX 240

struct issued {
	struct issued *next; /* in its bucket */
	struct list age;     /* volatile ones, oldest first */
	struct pair *p;
	char name[];
};

struct cert_local {
	pthread_mutex_t lock;
	struct ca *ca;
	char *dir;
	struct issued *buckets[BUCKETS];
	struct list volatiles;
	unsigned n_volatiles;
};

struct cert_local *cert_local_new(struct ca *ca, const char *ca_dir)
{
	struct cert_local *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	l->ca = ca;
	l->dir = strdup(ca_dir);
	if (!l->dir) {
		free(l);
		return NULL;
	}
	list_init(&l->volatiles);
	pthread_mutex_init(&l->lock, NULL);
	return l;
}

static void issued_free(struct issued *i)
{
	list_del(&i->age);
	pair_put(i->p);
	free(i);
}

void cert_local_free(struct cert_local *l)
{
	struct issued *i, *next;

	if (!l)
		return;
	for (unsigned b = 0; b < BUCKETS; b++) {
		for (i = l->buckets[b]; i; i = next) {
			next = i->next;
			issued_free(i);
		}
	}
	pthread_mutex_destroy(&l->lock);
	free(l->dir);
	free(l);
}

static struct issued **bucket(struct cert_local *l, const char *name)
{
	uint32_t h = 2166136261U; /* FNV-1a; nobody gains from collisions that a limit bounds */

	for (; *name; name++)
		h = (h ^ (unsigned char)*name) * 16777619U;
	return &l->buckets[h % BUCKETS];
}

static struct issued **find(struct cert_local *l, const char *name)
{
	struct issued **i = bucket(l, name);

	while (*i && strcmp((*i)->name, name))
		i = &(*i)->next;
	return i;
}

/* "*.a.test" is "+.a.test.pem": no name has a '+'.  False: too long for a file's name. */
static bool path_of(const struct cert_local *l, const char *name, char path[4400])
{
	bool wild = name[0] == '*';

	if (strlen(name) > FILE_NAME_MAX)
		return false;
	snprintf(path, 4400, "%s/issued/%s%s.pem", l->dir, wild ? "+" : "", name + wild);
	return true;
}

/* Any fault of the file is a reason to issue another one. */
static struct pair *load(struct cert_local *l, const char *name, time_t now)
{
	struct pair *p;
	char path[4400], *text;
	struct fault f;

	if (!path_of(l, name, path) || secret_read(path, &text))
		return NULL;
	p = pair_read(text, text, "", "", &f);
	secret_free(text);
	if (!p || ca_is_good(l->ca, p, name, now))
		return p;
	pair_put(p);
	return NULL;
}

/* On a worker, with the lock held: nothing waits for the disk, a damaged file is issued anew. */
static int save(struct cert_local *l, const char *name, const struct pair *p)
{
	char *crt = pair_crt_pem(p), *key = pair_key_pem(p), *both = NULL, path[4400];
	int err = -ENOMEM;

	if (!path_of(l, name, path)) {
		err = 0; /* then it lives in memory */
		goto out;
	}
	if (!crt || !key || asprintf(&both, "%s%s", crt, key) == -1) {
		both = NULL;
		goto out;
	}
	err = secret_write(path, both, false);
	if (err == -ENOENT) {
		char dir[4300];

		snprintf(dir, sizeof(dir), "%s/issued", l->dir);
		err = mkdir(dir, 0700) == -1 && errno != EEXIST ? -errno : 0;
		if (!err)
			err = secret_write(path, both, false);
	}
out:
	free(crt);
	secret_free(key);
	secret_free(both);
	return err;
}

/* Makes room for one that is volatile. */
static void forget_oldest(struct cert_local *l)
{
	struct issued *i, **at;

	if (l->n_volatiles < CERT_LOCAL_VOLATILE)
		return;
	i = list_of(l->volatiles.next, struct issued, age);
	at = find(l, i->name);
	*at = i->next;
	issued_free(i);
	l->n_volatiles--;
}

/* The reference to <p> is taken over. */
static void keep(struct cert_local *l, const char *name, bool persist, struct pair *p)
{
	struct issued **at = find(l, name), *i = *at;

	if (i) {
		pair_put(i->p);
		i->p = p;
		return;
	}
	i = calloc(1, sizeof(*i) + strlen(name) + 1);
	if (!i) {
		pair_put(p); /* it is used once, then */
		return;
	}
	strcpy(i->name, name);
	i->p = p;
	list_init(&i->age);
	if (!persist) {
		forget_oldest(l);
		list_add_tail(&l->volatiles, &i->age);
		l->n_volatiles++;
	}
	at = bucket(l, name);
	i->next = *at;
	*at = i;
}

struct pair *cert_local_get(struct cert_local *l, const char *name, bool persist, time_t now,
			    int *ret_err, struct fault *f)
{
	struct pair *p = NULL;
	struct issued *i;

	*ret_err = 0;
	pthread_mutex_lock(&l->lock);
	i = *find(l, name);
	if (i && now - i->p->not_before < (i->p->not_after - i->p->not_before) / 3 * 2) {
		p = pair_get(i->p);
		goto unlock;
	}
	if (persist)
		p = load(l, name, now);
	if (!p) {
		p = ca_issue(l->ca, name, now, f);
		if (p && persist)
			*ret_err = save(l, name, p);
	}
	if (p)
		keep(l, name, persist, pair_get(p));
unlock:
	pthread_mutex_unlock(&l->lock);
	return p;
}

int cert_local_each(struct cert_local *l, int (*fn)(void *arg, const struct certs_item *i),
		    void *arg)
{
	struct issued *i;
	int ret = 0;

	pthread_mutex_lock(&l->lock);
	for (unsigned b = 0; !ret && b < BUCKETS; b++) {
		for (i = l->buckets[b]; i && !ret; i = i->next) {
			const struct certs_item item = {CERTS_LOCAL, i->name, i->name,
							i->p->not_before, i->p->not_after};

			ret = fn(arg, &item);
		}
	}
	pthread_mutex_unlock(&l->lock);
	return ret;
}
