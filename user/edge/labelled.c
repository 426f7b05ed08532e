// SPDX-License-Identifier: GPL-2.0-only
#include "labelled.h"

#include <errno.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "edge_private.h"
#include "list.h"

struct entry {
	struct labelled_tunnel t; /* its texts are ours */
	struct list link;
};

struct labelled {
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct list all;
	uint64_t state;
	bool stop;
};

struct labelled *labelled_new(void)
{
	struct labelled *l = calloc(1, sizeof(*l));

	if (!l)
		return NULL;
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	list_init(&l->all);
	l->state = 1;
	return l;
}

static void entry_free(struct entry *e)
{
	free((char *)e->t.labels);
	free((char *)e->t.forwards_to);
	free((char *)e->t.name);
	free((char *)e->t.description);
	free((char *)e->t.metadata);
	free(e);
}

void labelled_free(struct labelled *l)
{
	if (!l)
		return;
	while (!list_empty(&l->all)) {
		struct entry *e = list_of(l->all.next, struct entry, link);

		list_del(&e->link);
		entry_free(e);
	}
	pthread_cond_destroy(&l->changed);
	pthread_mutex_destroy(&l->lock);
	free(l);
}

static bool copy(const char **text)
{
	if (*text)
		*text = strdup(*text);
	else
		return true;
	return *text;
}

int labelled_add(struct labelled *l, const struct labelled_tunnel *t)
{
	struct entry *e = calloc(1, sizeof(*e));
	bool ok;

	if (!e)
		return -ENOMEM;
	e->t = *t;
	/* (all of them, so that none is left another's) */
	ok = copy(&e->t.labels);
	ok = copy(&e->t.forwards_to) && ok;
	ok = copy(&e->t.name) && ok;
	ok = copy(&e->t.description) && ok;
	ok = copy(&e->t.metadata) && ok;
	if (!ok) {
		entry_free(e);
		return -ENOMEM;
	}
	list_init(&e->link);
	pthread_mutex_lock(&l->lock);
	list_add_tail(&l->all, &e->link);
	l->state++;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	return 0;
}

static struct entry *find(struct labelled *l, const char *id)
{
	struct list *it;

	list_for_each(it, &l->all)
		if (!strcmp(list_of(it, struct entry, link)->t.id, id))
			return list_of(it, struct entry, link);
	return NULL;
}

void labelled_remove(struct labelled *l, const char *id)
{
	struct entry *e;

	pthread_mutex_lock(&l->lock);
	e = find(l, id);
	if (e) {
		list_del(&e->link);
		l->state++;
		pthread_cond_broadcast(&l->changed);
	}
	pthread_mutex_unlock(&l->lock);
	if (e)
		entry_free(e);
}

int labelled_each(struct labelled *l, int (*fn)(void *arg, const struct labelled_tunnel *t),
		  void *arg)
{
	struct list *it;
	int res = 0;

	pthread_mutex_lock(&l->lock);
	for (it = l->all.next; it != &l->all && !res; it = it->next)
		res = fn(arg, &list_of(it, struct entry, link)->t);
	pthread_mutex_unlock(&l->lock);
	return res;
}

uint64_t labelled_wait(struct labelled *l, uint64_t state)
{
	pthread_mutex_lock(&l->lock);
	while (l->state == state && !l->stop)
		pthread_cond_wait(&l->changed, &l->lock);
	state = l->stop ? 0 : l->state;
	pthread_mutex_unlock(&l->lock);
	return state;
}

void labelled_stop(struct labelled *l)
{
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
}

struct labelled *edge_labelled(struct edge *g)
{
	return g->labelled;
}
