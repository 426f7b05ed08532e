// SPDX-License-Identifier: GPL-2.0-only
/*
 * control_frame - what the edge says on the control connection (wire/PROTOCOL.md).
 */
#include <stdio.h>
#include <time.h>

#include "agent.h"

#define SKEW_S 300 /* a clock this far off makes certificates invalid sooner or later */

static void tell_skew(struct snisplit *a, uint64_t now)
{
	struct snisplit_event e = {.type = SNISPLIT_WARNING};
	int64_t skew = now ? (int64_t)time(NULL) - (int64_t)now : 0;

	if (skew > SKEW_S || skew < -SKEW_S)
		agent_tell(a, &e, "this machine's clock is %lld s %s the edge's",
			   (long long)(skew < 0 ? -skew : skew), skew < 0 ? "behind" : "ahead of");
}

static void on_welcome(struct snisplit *a, const struct chan_frame *f)
{
	struct snisplit_event e = {.type = SNISPLIT_ONLINE};
	struct control *c = &a->control;
	struct list *it;

	snprintf(c->session, sizeof(c->session), "%s", chan_text(f, CHAN_TAG_SESSION) ?: "");
	snprintf(c->edge, sizeof(c->edge), "%s", chan_text(f, CHAN_TAG_AGENT) ?: "");
	snprintf(c->domain, sizeof(c->domain), "%s", chan_text(f, CHAN_TAG_DOMAIN) ?: "");
	c->knows = chan_number(f, CHAN_TAG_KNOWS, 0);
	c->state = CONTROL_ONLINE;
	c->tries = 0;
	c->since_ns = c->pinged_ns = a->now_ns;
	agent_tell(a, &e, "session %s at %s (%s)", c->session, a->server, c->edge);
	tell_skew(a, chan_number(f, CHAN_TAG_NOW, 0));
	list_for_each(it, &a->listeners)
		listener_ask(list_of(it, struct snisplit_listener, link));
}

/* What no new try can mend. */
static bool is_final(int code)
{
	return code == 105 || code == 107 || code == 1102 || code == 111 || code == 112 ||
	       code == 219 || code == 300 || code == 9003;
}

static void on_refused(struct snisplit *a, const struct chan_frame *f)
{
	struct fault why;

	if (chan_number(f, CHAN_TAG_REQUEST, 0)) {
		listener_on_refused(a, f);
		return;
	}
	fault_set(&why, (int)chan_number(f, CHAN_TAG_STATUS, 400),
		  (int)chan_number(f, CHAN_TAG_CODE, 0), chan_text(f, CHAN_TAG_FIELD) ?: "", "%s",
		  chan_text(f, CHAN_TAG_MESSAGE) ?: "refused");
	if (a->control.state == CONTROL_ONLINE) {
		listener_lost(a);
		stream_leave_idle(a, NULL);
	}
	/* too many sessions at the first try: somebody is to be told */
	if (is_final(why.code) || (why.code == 108 && !*a->control.session))
		control_denied(a, &why);
	else
		control_lost(a, "%s", why.msg);
}

static void on_dial(struct snisplit *a, const struct chan_frame *f)
{
	const char *id = chan_text(f, CHAN_TAG_ENDPOINT);
	struct snisplit_listener *l = id ? listener_find(a, id) : NULL;
	bool sealed = l && (l->labelled ? chan_number(f, CHAN_TAG_SEALED, 0) : l->sealed);
	struct chan_field field;
	size_t pos = 0;

	while (l && !a->draining && chan_next(f, &pos, &field))
		if (field.tag == CHAN_TAG_PROOF && field.len == 8 + CHAN_TOKEN_LEN)
			stream_new(a, l, chan_get64(field.at), field.at + 8, sealed);
}

static void on_ping(struct snisplit *a, const struct chan_frame *f)
{
	struct chan_out *o = &a->control.out;

	chan_begin(o, CHAN_PONG);
	chan_put_number(o, CHAN_TAG_STAMP, chan_number(f, CHAN_TAG_STAMP, 0));
	chan_end(o);
}

static void on_drain(struct snisplit *a, const struct chan_frame *f)
{
	struct snisplit_event e = {.type = SNISPLIT_WARNING};

	a->control.draining = true;
	agent_tell(a, &e, "ERR_SNISPLIT_742 %s", chan_text(f, CHAN_TAG_MESSAGE) ?: "");
}

void control_on_frame(struct snisplit *a, const struct chan_frame *f)
{
	switch (f->type) {
	case CHAN_WELCOME:
		if (a->control.state == CONTROL_HELLO)
			on_welcome(a, f);
		return;
	case CHAN_REFUSED:
		on_refused(a, f);
		return;
	case CHAN_LISTENING:
		listener_on_listening(a, f);
		return;
	case CHAN_OFFLINE:
		listener_on_offline(a, f);
		return;
	case CHAN_DIAL:
		on_dial(a, f);
		return;
	case CHAN_STARTED:
		stream_on_started(a, f);
		return;
	case CHAN_PING:
		on_ping(a, f);
		return;
	case CHAN_PONG:
		a->control.rtt_us =
			(unsigned)((a->now_ns - chan_number(f, CHAN_TAG_STAMP, a->now_ns)) / 1000);
		return;
	case CHAN_DRAIN:
		on_drain(a, f);
		return;
	case CHAN_FAILED:
		stream_on_failed(a, f);
		return;
	default:
		return; /* of a later version */
	}
}
