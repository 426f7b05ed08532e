// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_proof - tokens of channels: good once, and for a short time.
 */
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "endpoint.h"
#include "log.h"
#include "tunnel_private.h"

#define PROOF_NS (30 * SECOND_NS)
#define PROOFS_MAX 65536
#define PROOFS_EACH 4096 /* of one session: who does not dial takes nobody else's */

static struct proof **bucket(struct tunnel *t, uint64_t number)
{
	return &t->buckets[number % PROOF_BUCKETS];
}

static struct proof *proof_new(struct caller *c, struct endpoint *e, unsigned worker)
{
	struct proof *p = calloc(1, sizeof(*p));
	struct tunnel *t = c->tunnel;

	if (!p)
		return NULL;
	if (getrandom(p->token, sizeof(p->token), 0) != sizeof(p->token)) {
		free(p);
		return NULL;
	}
	p->endpoint = endpoint_get(e);
	p->number = ++t->channel_number;
	p->worker = worker;
	p->asked_ns = t->now_ns;
	p->until_ns = t->now_ns + PROOF_NS;
	p->next = *bucket(t, p->number);
	*bucket(t, p->number) = p;
	list_add_tail(&t->proofs, &p->link);
	t->n_proofs++;
	p->session = c;
	list_add_tail(&c->proofs, &p->own);
	c->n_proofs++;
	return p;
}

static void unhang(struct tunnel *t, struct proof *p)
{
	struct proof **at;

	for (at = bucket(t, p->number); *at != p; at = &(*at)->next)
		;
	*at = p->next;
	list_del(&p->link);
	t->n_proofs--;
	list_del(&p->own);
	p->session->n_proofs--;
}

void proof_free(struct proof *p)
{
	endpoint_put(p->endpoint);
	free(p);
}

void proofs_expire(struct tunnel *t, uint64_t now_ns)
{
	struct proof *p;

	while (!list_empty(&t->proofs)) {
		p = list_of(t->proofs.next, struct proof, link);
		if (p->until_ns > now_ns)
			return;
		unhang(t, p);
		proof_free(p);
	}
}

void proofs_drop(struct caller *session)
{
	while (!list_empty(&session->proofs)) {
		struct proof *p = list_of(session->proofs.next, struct proof, own);

		unhang(session->tunnel, p);
		proof_free(p);
	}
}

static bool same_token(const uint8_t *a, const uint8_t *b)
{
	uint8_t differ = 0;

	for (int i = 0; i < CHAN_TOKEN_LEN; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

struct proof *proof_take(struct tunnel *t, uint64_t number, const uint8_t token[CHAN_TOKEN_LEN])
{
	struct proof *p;

	for (p = *bucket(t, number); p && p->number != number; p = p->next)
		;
	/* (one that has been taken offline meanwhile, or is another session's now, is nobody's) */
	if (!p || !same_token(p->token, token))
		return NULL;
	unhang(t, p);
	if (!atomic_load(&p->endpoint->gone))
		return p;
	proof_free(p);
	return NULL;
}

static void give(struct caller *c, struct endpoint *e, unsigned worker, unsigned n)
{
	uint8_t bytes[8 + CHAN_TOKEN_LEN];
	struct tunnel *t = c->tunnel;
	struct proof *p;

	chan_begin(&c->out, CHAN_DIAL);
	chan_put_text(&c->out, CHAN_TAG_ENDPOINT, *e->tunnel ? e->tunnel : e->id);
	if (*e->tunnel) /* its edges differ in that */
		chan_put_number(&c->out, CHAN_TAG_SEALED, e->tls_server != NULL);
	while (n--) {
		p = t->n_proofs < PROOFS_MAX && c->n_proofs < PROOFS_EACH ? proof_new(c, e, worker)
									  : NULL;
		if (!p) {
			log_debug("no more channels can be asked for: session=%s, %u are on the "
				  "way",
				  c->id, c->n_proofs);
			break;
		}
		chan_set64(bytes, p->number);
		memcpy(bytes + 8, p->token, CHAN_TOKEN_LEN);
		chan_put_bytes(&c->out, CHAN_TAG_PROOF, bytes, sizeof(bytes));
	}
	chan_end(&c->out);
}

void proofs_give(struct caller *c, struct endpoint *e, unsigned worker, unsigned n)
{
	unsigned part;

	for (; n; n -= part) {
		part = n < CHAN_DIAL_MAX ? n : CHAN_DIAL_MAX;
		give(c, e, worker, part);
	}
	session_flush(c);
}
