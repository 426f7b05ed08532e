// SPDX-License-Identifier: GPL-2.0-only
/*
 * control_probe - a link that was away and is back before heartbeat_tolerance is over.
 *
 * TCP retransmits later and later: after ten seconds it may need another six to see that the link
 * is back.  While a ping stays unanswered a fresh connect is tried every second; once that is
 * answered and the session still is not, it is made again.  (It may be lost for good too: a NAT has
 * forgotten it.)  An edge that is merely slow answers within the grace, or gets its agent back at
 * once; and its TCP acknowledges, so where even that does not come there is no reason to wait.
 */
#include <errno.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "agent.h"

#define SUSPECT_NS (3 * SECOND_NS) /* a ping unanswered for so long */
#define EVERY_NS SECOND_NS
#define UNHEARD 3
#define GRACE_NS (700 * MS_NS) /* for the session, from the probe's answer on */

/* Its TCP has sent the ping several times (1.4 s with the least timeout) and hears nothing. */
static bool is_unheard(const struct control *c)
{
	struct tcp_info ti;

	return c->asked_ns > c->heard_ns && !end_info(&c->end, &ti) && ti.tcpi_unacked &&
	       ti.tcpi_retransmits >= UNHEARD;
}

void probe_close(struct snisplit *a)
{
	struct control *c = &a->control;

	end_drop(&c->probe, true);
	c->probed_ns = 0;
}

static void on_ready(struct source *s, uint32_t events)
{
	struct snisplit *a = list_of(s, struct snisplit, control.probe_source);
	struct control *c = &a->control;
	struct tcp_info ti;

	(void)events;
	if (c->probe.fd == -1)
		return;
	if (end_error(&c->probe)) {
		end_drop(&c->probe, false); /* the next second's */
		return;
	}
	if (end_info(&c->probe, &ti) || ti.tcpi_state == TCP_STATE_SYN_SENT)
		return;
	end_drop(&c->probe, true);
	c->probed_ns = a->now_ns;
}

static void probe(struct snisplit *a)
{
	struct control *c = &a->control;
	const struct sockaddr *sa = (const struct sockaddr *)&c->addrs.sa[c->addr];
	int fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);

	c->probe_ns = a->now_ns;
	c->probe_source.on_ready = on_ready;
	end_init(&c->probe, fd);
	if (fd == -1)
		return;
	if ((connect(fd, sa, c->addrs.len[c->addr]) && errno != EINPROGRESS) ||
	    agent_watch(a, fd, &c->probe_source, EPOLLOUT, false))
		end_drop(&c->probe, false);
}

void probe_tick(struct snisplit *a)
{
	struct control *c = &a->control;

	if (c->asked_ns <= c->heard_ns ||
	    (a->now_ns - c->asked_ns < SUSPECT_NS && !is_unheard(c))) {
		if (c->probed_ns || c->probe.fd != -1)
			probe_close(a);
		return;
	}
	if (c->probed_ns) {
		if (a->now_ns - c->probed_ns > GRACE_NS || is_unheard(c))
			control_lost(a, "the link to the edge is back, the session is not");
		return;
	}
	if (a->now_ns - c->probe_ns < EVERY_NS)
		return;
	end_drop(&c->probe, true);
	probe(a);
}
