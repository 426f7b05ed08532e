// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_failed - channels whose agents have said that they cannot connect to where these lead.
 *
 * Said, and answered, before the channel is reset: so the worker that sees the reset finds it here.
 * A later one may have taken its place, in a table of fixed size; the event then says what was
 * seen, a reset.
 */
#include "tunnel_private.h"

void session_on_failed(struct caller *c, const struct chan_frame *f)
{
	uint64_t channel = chan_number(f, CHAN_TAG_CHANNEL, 0);
	struct failed *at = &c->tunnel->failed[channel % FAILED_CHANNELS];

	if (channel) {
		/* (an agent speaks for its own channels only) */
		atomic_store(&at->agent, c->number);
		atomic_store(&at->status, (unsigned)chan_number(f, CHAN_TAG_STATUS, 0));
		atomic_store(&at->channel, channel);
	}
	chan_begin(&c->out, CHAN_FAILED);
	chan_put_number(&c->out, CHAN_TAG_CHANNEL, channel);
	chan_end(&c->out); /* session_on_ready() sends it */
}

enum tunnel_failure tunnel_failure(struct tunnel *t, uint64_t agent, uint64_t channel)
{
	const struct failed *at = t ? &t->failed[channel % FAILED_CHANNELS] : NULL;

	if (!at || !agent || !channel || atomic_load(&at->channel) != channel ||
	    atomic_load(&at->agent) != agent)
		return TUNNEL_FAILURE_NONE;
	return atomic_load(&at->status) == CHAN_STATUS_TIMEOUT ? TUNNEL_FAILURE_TIMEOUT
							       : TUNNEL_FAILURE_REFUSED;
}
