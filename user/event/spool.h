/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * spool - a bounded queue of events between threads: many put, one takes all that is there.
 *
 * Putting never waits for the taker: what does not fit is refused.  The two halves are touched as
 * far as they are used, so an idle spool costs address space only.
 */
#ifndef SPOOL_H
#define SPOOL_H
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "filter.h"

#define SPOOL_LINES 16384
#define SPOOL_BYTES (SPOOL_LINES * (size_t)1024)

/* One event: followed by its server name (terminated) and its line, padded to eight bytes. */
struct record {
	uint32_t size; /* with all that follows */
	uint32_t line_len;
	struct cidr client_ip, server_ip;
	uint16_t server_port;
	uint16_t name_len; /* without the NUL */
	uint32_t type;	   /* see facts */
	char bytes[];
};

struct batch {
	const char *data;
	size_t len;
	unsigned n;
};

/* The next record of a batch, from *at on; NULL after the last. */
const struct record *batch_next(const struct batch *b, size_t *at);
const char *record_line(const struct record *r);
void record_facts(const struct record *r, struct facts *ret_f);

struct spool {
	pthread_mutex_t lock;
	pthread_cond_t more;
	unsigned wake_at; /* so many wake the taker; 0: it does not wait */
	bool kicked, closed;
	bool busy; /* the last batch had many */
	char *filling, *taken;
	size_t len;
	unsigned n;
};

int spool_init(struct spool *s); /* 0 or -ENOMEM */
void spool_done(struct spool *s);

/* One event.  false: no room. */
bool spool_put(struct spool *s, const struct facts *facts, const char *line, size_t len);
/* As many of a batch as fit.  Returns how many did not. */
unsigned spool_put_batch(struct spool *s, const struct batch *b);

/*
 * Waits until something was put, or for spool_kick(); *ret_b stays valid until the next call and
 * may be empty.  false: closed, and nothing was left.
 */
bool spool_take(struct spool *s, struct batch *ret_b);
void spool_kick(struct spool *s);
void spool_close(struct spool *s);
/* What waits now, in events. */
unsigned spool_waiting(struct spool *s);
#endif
