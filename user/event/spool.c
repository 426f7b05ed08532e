// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "spool.h"
#include "clock.h"
#include "thread.h"

#define ALIGN 8U
#define GATHER_NS 5000000L /* how long one event may wait for company */
#define GATHER_LINES (SPOOL_LINES / 4)
#define BUSY_NS 25000000L /* ... where there is much of it */
#define BUSY_LINES 8

const struct record *batch_next(const struct batch *b, size_t *at)
{
	const struct record *r = (const void *)(b->data + *at);

	if (*at >= b->len)
		return NULL;
	*at += r->size;
	return r;
}

const char *record_line(const struct record *r)
{
	return r->bytes + r->name_len + 1;
}

void record_facts(const struct record *r, struct facts *ret_f)
{
	*ret_f = (struct facts){r->client_ip, r->server_ip, r->server_port, r->bytes, r->type};
}

int spool_init(struct spool *s)
{

	memset(s, 0, sizeof(*s));
	s->filling = malloc(SPOOL_BYTES);
	s->taken = malloc(SPOOL_BYTES);
	pthread_mutex_init(&s->lock, NULL);
	thread_cond_init(&s->more);
	if (s->filling && s->taken)
		return 0;
	spool_done(s);
	return -ENOMEM;
}

void spool_done(struct spool *s)
{
	free(s->filling);
	free(s->taken);
	s->filling = s->taken = NULL;
	pthread_mutex_destroy(&s->lock);
	pthread_cond_destroy(&s->more);
}

/*
 * Under the lock: lets more come before the batch is taken.  A wake-up for each of thousands of
 * events a second would cost the workers a system call each and this thread's turn on their CPU.
 */
static void gather(struct spool *s, long ns)
{
	const struct timespec until = clock_after((uint64_t)ns);
	int err = 0;

	while (!err && s->n < GATHER_LINES && !s->kicked && !s->closed) {
		s->wake_at = GATHER_LINES;
		err = pthread_cond_timedwait(&s->more, &s->lock, &until);
	}
}

/* Under the lock.  One wake-up is enough. */
static void wake(struct spool *s)
{
	if (s->wake_at) {
		s->wake_at = 0;
		pthread_cond_signal(&s->more);
	}
}

bool spool_put(struct spool *s, const struct facts *facts, const char *line, size_t len)
{
	size_t name_len = strlen(facts->server_name);
	size_t size = (sizeof(struct record) + name_len + 1 + len + ALIGN - 1) & ~(ALIGN - 1UL);
	struct record *r;
	bool room;

	pthread_mutex_lock(&s->lock);
	room = s->n < SPOOL_LINES && s->len + size <= SPOOL_BYTES;
	if (room) {
		r = (void *)(s->filling + s->len);
		*r = (struct record){
			.size = (uint32_t)size,
			.line_len = (uint32_t)len,
			.client_ip = facts->client_ip,
			.server_ip = facts->server_ip,
			.server_port = facts->server_port,
			.type = facts->type,
			.name_len = (uint16_t)name_len,
		};
		memcpy(r->bytes, facts->server_name, name_len + 1);
		memcpy(r->bytes + name_len + 1, line, len);
		s->len += size;
		s->n++;
		if (s->n >= s->wake_at)
			wake(s);
	}
	pthread_mutex_unlock(&s->lock);
	return room;
}

unsigned spool_put_batch(struct spool *s, const struct batch *b)
{
	const struct record *r;
	unsigned put = 0;
	size_t at = 0;

	pthread_mutex_lock(&s->lock);
	while ((r = batch_next(b, &at)) && s->n < SPOOL_LINES && s->len + r->size <= SPOOL_BYTES) {
		memcpy(s->filling + s->len, r, r->size);
		s->len += r->size;
		s->n++;
		put++;
	}
	if (put && s->n >= s->wake_at)
		wake(s);
	pthread_mutex_unlock(&s->lock);
	return b->n - put;
}

bool spool_take(struct spool *s, struct batch *ret_b)
{
	char *full;
	bool more;

	pthread_mutex_lock(&s->lock);
	if (s->busy)
		gather(s, BUSY_NS);
	while (!s->n && !s->kicked && !s->closed) {
		s->busy = false;
		s->wake_at = 1;
		pthread_cond_wait(&s->more, &s->lock);
	}
	if (s->n && !s->busy)
		gather(s, GATHER_NS);
	s->busy = s->n >= BUSY_LINES;
	s->wake_at = 0;
	s->kicked = false;
	full = s->filling;
	s->filling = s->taken;
	s->taken = full;
	*ret_b = (struct batch){full, s->len, s->n};
	more = s->n || !s->closed;
	s->len = 0;
	s->n = 0;
	pthread_mutex_unlock(&s->lock);
	return more;
}

void spool_kick(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	s->kicked = true;
	wake(s);
	pthread_mutex_unlock(&s->lock);
}

void spool_close(struct spool *s)
{
	pthread_mutex_lock(&s->lock);
	s->closed = true;
	wake(s);
	pthread_mutex_unlock(&s->lock);
}

unsigned spool_waiting(struct spool *s)
{
	unsigned n;

	pthread_mutex_lock(&s->lock);
	n = s->n;
	pthread_mutex_unlock(&s->lock);
	return n;
}
