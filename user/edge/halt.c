// SPDX-License-Identifier: GPL-2.0-only
#include "halt.h"

#include "edge_private.h"

static void stand(struct worker *w, void *arg)
{
	struct halt *h = arg;

	(void)w;
	pthread_mutex_lock(&h->lock);
	h->n++;
	pthread_cond_broadcast(&h->changed);
	while (!h->over)
		pthread_cond_wait(&h->changed, &h->lock);
	h->n--;
	pthread_cond_broadcast(&h->changed);
	pthread_mutex_unlock(&h->lock);
}

int halt_begin(struct halt *h, struct edge *g)
{
	unsigned asked = 0;
	int err = 0;

	*h = (struct halt){.n = 0};
	pthread_mutex_init(&h->lock, NULL);
	pthread_cond_init(&h->changed, NULL);
	while (asked < g->n_workers && !err) {
		err = worker_post(&g->workers[asked], stand, h);
		asked += !err;
	}
	pthread_mutex_lock(&h->lock);
	while (h->n < asked)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
	return err;
}

void halt_end(struct halt *h)
{
	pthread_mutex_lock(&h->lock);
	h->over = true;
	pthread_cond_broadcast(&h->changed);
	while (h->n)
		pthread_cond_wait(&h->changed, &h->lock);
	pthread_mutex_unlock(&h->lock);
	pthread_mutex_destroy(&h->lock);
	pthread_cond_destroy(&h->changed);
}
