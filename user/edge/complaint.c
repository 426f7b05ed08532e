// SPDX-License-Identifier: GPL-2.0-only
#include "complaint.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "edge_private.h"
#include "log.h"
#include "tls.h"

#define AGAIN_NS (3600ULL * 1000000000)

struct complaint {
	char what[320]; /* "": free */
	uint64_t said_ns;
	unsigned more; /* that were not said */
};

struct complaints {
	pthread_mutex_t lock;
	struct complaint list[COMPLAINTS_MAX];
};

struct complaints *complaints_new(void)
{
	struct complaints *c = calloc(1, sizeof(*c));

	if (c)
		pthread_mutex_init(&c->lock, NULL);
	return c;
}

void complaints_free(struct complaints *c)
{
	if (!c)
		return;
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* (another worker, whose turn began later, may have said it a moment after <now_ns>) */
static bool is_old(const struct complaint *p, uint64_t now_ns)
{
	return now_ns > p->said_ns && now_ns - p->said_ns >= AGAIN_NS;
}

/* The one of <what>, else the place of one that is old enough to be forgotten, or NULL. */
static struct complaint *find(struct complaints *c, const char *what, uint64_t now_ns)
{
	struct complaint *place = NULL;

	for (unsigned i = 0; i < COMPLAINTS_MAX; i++) {
		struct complaint *p = &c->list[i];

		if (!strcmp(p->what, what))
			return p;
		if (!place && (!*p->what || is_old(p, now_ns)))
			place = p;
	}
	if (place)
		*place = (struct complaint){.what = ""};
	return place;
}

bool complaint_is_due(struct complaints *c, const char *upstream, const char *why, uint64_t now_ns,
		      unsigned *ret_more)
{
	char what[sizeof(c->list->what)];
	struct complaint *p;
	bool due;

	snprintf(what, sizeof(what), "%s %s", upstream, why);
	pthread_mutex_lock(&c->lock);
	p = find(c, what, now_ns);
	due = p && (!*p->what || is_old(p, now_ns));
	if (due) {
		*ret_more = p->more;
		*p = (struct complaint){.said_ns = now_ns};
		memcpy(p->what, what, sizeof(what));
	} else if (p) {
		p->more++;
	}
	pthread_mutex_unlock(&c->lock);
	return due;
}

/* Its certificate, if that was it; else whatever it speaks. */
static void advise(const struct conn *c, const char *name, char *out, size_t size)
{
	const struct endpoint_spec *s = &c->endpoint->spec;
	bool cas = endpoint_spec_value(s, FIELD_ID_UPSTREAM_TLS_VERIFY_CAS);
	struct tls_info i;

	tls_info(c->upstream.tls, &i);
	if (!cas && !endpoint_spec_is(s, FIELD_ID_UPSTREAM_TLS_VERIFY))
		i.verify = 0; /* OpenSSL looks at it all the same */
	else if (!*name)
		i.verify = -1;
	if (i.verify > 0)
		snprintf(out, size, "it needs a certificate for '%s', issued by %s", name,
			 cas ? "a CA of upstream_tls_verify_cas" : "a CA that this system trusts");
	else if (i.verify)
		snprintf(out, size,
			 "its client named none: only an exact name says who it must be");
	else
		snprintf(out, size, "`openssl s_client -connect %s` shows what it says",
			 c->endpoint->upstream);
}

void complaint_of_tls(const struct conn *c, const char *name)
{
	const char *why = tls_why(c->upstream.tls), *upstream = c->endpoint->upstream;
	char advice[400], more[40] = "";
	unsigned n;

	if (!complaint_is_due(c->worker->edge->complaints, upstream, why, c->worker->now_ns, &n))
		return;
	advise(c, name, advice, sizeof(advice));
	if (n)
		snprintf(more, sizeof(more), " (and %u times before)", n);
	log_warn("endpoint %s: no TLS with its upstream %s: %s; %s%s", c->endpoint->host, upstream,
		 why, advice, more);
}
