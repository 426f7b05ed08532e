// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_session - a control connection: from its HELLO to its end.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

#include "addr.h"
#include "chan.h"
#include "credentials.h"
#include "edge_private.h"
#include "endpoint.h"
#include "fault.h"
#include "log.h"
#include "stamp.h"
#include "tunnel_private.h"
#include "ulid.h"

#define READS_A_TURN 16 /* of one session: the others, and the ticks, have their turn */
#define LEAVE_NS (10 * SECOND_NS)
#define READ_BYTES 16384
#define INTERVAL_MS 10000
#define TOLERANCE_MS 15000
#define OUT_MAX (16U << 20) /* an agent that does not read this much is not one */
#define BAD_VERSION 219
#define BAD_HEARTBEAT 111
#define DRAINING 742

int session_begin(struct caller *c)
{
	list_init(&c->bounds);
	list_init(&c->claims);
	list_init(&c->proofs);
	c->state = CALLER_CONTROL;
	c->number = ++c->tunnel->session_number;
	c->heard_ns = c->tunnel->now_ns;
	ulid_new("ts_", c->id, sizeof(c->id));
	return 0;
}

void session_end(struct caller *c)
{
	struct tunnel *t = c->tunnel;

	if (c->welcomed) {
		log_info("session ended: session=%s credential=%s", c->id, c->credential);
		pthread_mutex_lock(&t->lock);
		t->n_sessions--;
		pthread_mutex_unlock(&t->lock);
	}
	proofs_drop(c);
	session_offline(c);
}

void session_flush(struct caller *c)
{
	ssize_t n;

	if (c->dead)
		return;
	if (c->out.failed || c->out.len > OUT_MAX) {
		caller_close(c, true);
		return;
	}
	while (c->out.len) {
		n = end_write(&c->end, c->out.at, c->out.len);
		if (n == -EAGAIN)
			break;
		if (n < 0) {
			caller_close(c, true);
			return;
		}
		chan_out_drop(&c->out, (size_t)n);
	}
	if (!c->out.len && end_is_flushed(&c->end) && c->leaving) {
		end_shut(&c->end);
		caller_close(c, false);
		return;
	}
	caller_watch(c);
}

void session_refuse(struct caller *c, const struct fault *f)
{
	chan_begin(&c->out, CHAN_REFUSED);
	chan_put_number(&c->out, CHAN_TAG_CODE, (uint64_t)f->code);
	chan_put_number(&c->out, CHAN_TAG_STATUS, (uint64_t)f->status);
	chan_put_text(&c->out, CHAN_TAG_FIELD, f->field);
	chan_put_text(&c->out, CHAN_TAG_MESSAGE, f->msg);
	chan_end(&c->out);
	c->leaving = true;
	/* nothing it says counts any more: one that does not read this goes by its silence */
	if (c->tolerance_ns > LEAVE_NS)
		c->tolerance_ns = LEAVE_NS;
	session_flush(c);
}

void session_send_drain(struct caller *c)
{
	chan_begin(&c->out, CHAN_DRAIN);
	chan_put_number(&c->out, CHAN_TAG_CODE, DRAINING);
	chan_put_text(&c->out, CHAN_TAG_MESSAGE, "the edge is being stopped; connect again");
	chan_end(&c->out);
	session_flush(c);
}

/* ---- HELLO ---- */

static void keep(char *to, size_t size, const char *from)
{
	log_escape(from ? from : "", from ? strlen(from) : 0, to, size);
}

static int take_heartbeat(struct caller *c, const struct chan_frame *fr, struct fault *f)
{
	uint64_t interval = chan_number(fr, CHAN_TAG_INTERVAL_MS, INTERVAL_MS);
	uint64_t tolerance = chan_number(fr, CHAN_TAG_TOLERANCE_MS, TOLERANCE_MS);

	if (interval < 100 || interval > 3600000 || tolerance < interval || tolerance > 86400000)
		return fault_set(f, 400, BAD_HEARTBEAT, "heartbeat_interval",
				 "must be 100ms to 1h, and heartbeat_tolerance no less and at most "
				 "24h");
	c->interval_ns = interval * 1000000;
	c->tolerance_ns = tolerance * 1000000;
	return 0;
}

static void send_welcome(struct caller *c)
{
	chan_begin(&c->out, CHAN_WELCOME);
	chan_put_number(&c->out, CHAN_TAG_VERSION, CHAN_VERSION);
	chan_put_text(&c->out, CHAN_TAG_SESSION, c->id);
	chan_put_text(&c->out, CHAN_TAG_AGENT, "snisplitd " VERSION);
	chan_put_text(&c->out, CHAN_TAG_DOMAIN, c->tunnel->base_domain);
	chan_put_number(&c->out, CHAN_TAG_INTERVAL_MS, c->interval_ns / 1000000);
	chan_put_number(&c->out, CHAN_TAG_TOLERANCE_MS, c->tolerance_ns / 1000000);
	chan_put_number(&c->out, CHAN_TAG_NOW, (uint64_t)time(NULL));
	chan_put_number(&c->out, CHAN_TAG_KNOWS, CHAN_TYPE_MAX - 1);
	chan_end(&c->out);
}

/* An agent's own, or what the gateway says of a key that an SSH client has. */
static int check_token(struct caller *c, const char *token, struct fault *f)
{
	struct edge *g = c->tunnel->edge;

	const char *key;

	if (!ssh_secret_is_token(token))
		return credentials_check(g->credentials, token, c->credential, &c->acl, f);
	key = ssh_secret_check(&g->ssh_secret, token, f);
	return key ? credentials_check_key(g->ssh_credentials, key, c->credential, &c->acl, f) : -1;
}

static void on_hello(struct caller *c, const struct chan_frame *fr)
{
	struct tunnel *t = c->tunnel;
	struct fault f = {.msg = ""};
	char addr[ADDR_TEXT_MAX];
	int err = 0;

	if (chan_number(fr, CHAN_TAG_VERSION, 0) < CHAN_VERSION)
		err = fault_set(&f, 400, BAD_VERSION, "",
				"this edge speaks version %d of the protocol", CHAN_VERSION);
	if (!err)
		err = take_heartbeat(c, fr, &f);
	if (!err)
		err = check_token(c, chan_text(fr, CHAN_TAG_AUTHTOKEN), &f);
	keep(c->instance, sizeof(c->instance), chan_text(fr, CHAN_TAG_INSTANCE));
	if (!err)
		err = session_check_count(c, &f);
	if (!err && t->draining)
		err = fault_set(&f, 503, DRAINING, "", "the edge is being stopped; connect again");
	if (err) {
		log_info("agent refused: from=%s: %s %s", addr_text(&c->sa, addr), f.field, f.msg);
		session_refuse(c, &f);
		return;
	}
	keep(c->agent, sizeof(c->agent), chan_text(fr, CHAN_TAG_AGENT));
	keep(c->os, sizeof(c->os), chan_text(fr, CHAN_TAG_OS));
	keep(c->metadata, sizeof(c->metadata), chan_text(fr, CHAN_TAG_METADATA));
	c->started = stamp_now();
	c->welcomed = true;
	t->n_callers--;
	pthread_mutex_lock(&t->lock);
	list_del(&c->link);
	list_add_tail(&t->sessions, &c->link);
	t->n_sessions++;
	pthread_mutex_unlock(&t->lock);
	log_info("session: session=%s credential=%s from=%s agent=%s", c->id, c->credential,
		 addr_text(&c->sa, addr), c->agent);
	send_welcome(c);
	session_flush(c);
}

/* ---- frames ---- */

static void on_ping(struct caller *c, const struct chan_frame *f)
{
	chan_begin(&c->out, CHAN_PONG);
	chan_put_number(&c->out, CHAN_TAG_STAMP, chan_number(f, CHAN_TAG_STAMP, 0));
	chan_end(&c->out); /* session_on_ready() sends it */
}

static void on_pong(struct caller *c, const struct chan_frame *f)
{
	uint64_t sent = chan_number(f, CHAN_TAG_STAMP, 0);

	if (sent && sent <= c->tunnel->now_ns)
		c->rtt_us = (uint32_t)((c->tunnel->now_ns - sent) / 1000);
}

static void on_frame(struct caller *c, const uint8_t *bytes, const struct chan_frame *f)
{
	switch (f->type) {
	case CHAN_LISTEN:
		session_listen(c, bytes, f);
		return;
	case CHAN_UNLISTEN:
		session_unlisten(c, chan_text(f, CHAN_TAG_ENDPOINT));
		return;
	case CHAN_PING:
		on_ping(c, f);
		return;
	case CHAN_PONG:
		on_pong(c, f);
		return;
	case CHAN_FAILED:
		session_on_failed(c, f);
		return;
	default:
		return; /* of a later version */
	}
}

/* All whole frames there are. */
static void read_frames(struct caller *c)
{
	size_t off = 0;
	struct chan_frame f;
	enum chan_verdict v = CHAN_MORE;

	while (!c->dead && !c->leaving) {
		v = chan_frame_read(c->in + off, c->in_len - off,
				    c->welcomed ? CHAN_FRAME_MAX : CHAN_FRAME_FIRST_MAX, &f);
		if (v != CHAN_OK)
			break;
		if (c->welcomed)
			on_frame(c, c->in + off, &f);
		else if (f.type == CHAN_HELLO)
			on_hello(c, &f);
		else
			v = CHAN_BAD;
		if (v == CHAN_BAD)
			break;
		off += f.end;
	}
	if (c->dead)
		return;
	if (v == CHAN_BAD) {
		log_info("agent breaks the protocol: session=%s", c->id);
		caller_close(c, true);
		return;
	}
	memmove(c->in, c->in + off, c->in_len - off);
	explicit_bzero(c->in + c->in_len - off, off); /* tokens and keys were in there */
	c->in_len -= off;
}

static bool make_room(struct caller *c)
{
	uint8_t *p;

	if (c->in_size - c->in_len >= READ_BYTES)
		return true;
	p = malloc(c->in_size * 2 + READ_BYTES);
	if (!p)
		return false;
	if (c->in_len)
		memcpy(p, c->in, c->in_len);
	if (c->in)
		explicit_bzero(c->in, c->in_size);
	free(c->in);
	c->in = p;
	c->in_size = c->in_size * 2 + READ_BYTES;
	return true;
}

void session_on_ready(struct caller *c)
{
	unsigned reads = 0;
	ssize_t n;

	list_del(&c->more);
	while (!c->dead) {
		if (++reads > READS_A_TURN) {
			/* (its session may hold read-ahead bytes that epoll knows nothing of) */
			list_add_tail(&c->tunnel->more, &c->more);
			break;
		}
		if (!make_room(c)) {
			caller_close(c, true);
			return;
		}
		n = end_read(&c->end, c->in + c->in_len, READ_BYTES);
		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			caller_close(c, n < 0);
			return;
		}
		if (c->leaving)
			continue;
		c->heard_ns = c->tunnel->now_ns;
		c->in_len += (size_t)n;
		read_frames(c);
	}
	if (!c->dead)
		session_flush(c);
}

void session_tick(struct caller *c)
{
	uint64_t now = c->tunnel->now_ns;

	if (now - c->heard_ns > c->tolerance_ns) {
		log_info("session %s is silent for %u s", c->id,
			 (unsigned)((now - c->heard_ns) / SECOND_NS));
		caller_close(c, true);
		return;
	}
	session_check_claims(c);
	if (c->dead || now - c->pinged_ns < c->interval_ns)
		return;
	c->pinged_ns = now;
	chan_begin(&c->out, CHAN_PING);
	chan_put_number(&c->out, CHAN_TAG_STAMP, now);
	chan_end(&c->out);
	session_flush(c);
}
