// SPDX-License-Identifier: GPL-2.0-only
/*
 * admit - may this connection use its endpoint?  For those that user space starts; the
 * verdict program asks the same policies for those it starts, and tells of denied ones.
 */
#include "conn.h"
#include "crowd.h"
#include "edge_private.h"
#include "policies.h"

bool conn_is_allowed(struct conn *c)
{
	struct sockaddr_storage client;
	enum policy_verdict v;

	conn_client_addr(c, &client);
	v = policies_judge(c->worker->edge->policies, &c->endpoint->head->policy, &client);
	c->ip_policy = v == POLICY_DENY	   ? IP_POLICY_BLOCK
		       : v == POLICY_ALLOW ? IP_POLICY_ALLOW
					   : IP_POLICY_INVALID;
	return v != POLICY_DENY;
}

static bool over(struct conn *c, enum worker_counter counter)
{
	worker_count(c->worker, counter);
	conn_close(c, CLOSE_LIMIT, true);
	return false;
}

unsigned conn_count_source(struct conn *c)
{
	struct crowd *cr = c->worker->edge->crowd;
	struct sockaddr_storage client;
	unsigned n;

	crowd_leave(cr, c->place);
	conn_client_addr(c, &client);
	c->place = crowd_enter(cr, c->endpoint->stats, &client, &n);
	return n;
}

/* Who is refused by one limit has taken no place of the next. */
static bool is_within_limits(struct conn *c, uint64_t active)
{
	struct endpoint *e = c->endpoint->head;
	uint64_t now = c->worker->now_ns;
	struct sockaddr_storage client;
	unsigned n = conn_count_source(c);

	if (e->max_conns && active > e->max_conns)
		return over(c, WC_over_max_conns);
	if (e->max_conns_per_source && (!c->place || n > e->max_conns_per_source))
		return over(c, WC_over_source_conns);
	if (e->conn_rate_per_source) {
		conn_client_addr(c, &client);
		if (!limit_source_take(c->worker->edge->sources, e->num, &client,
				       e->conn_rate_per_source, now))
			return over(c, WC_over_source_rate);
	}
	if (e->conn_rate && !limit_rate_take(&e->rate, e->conn_rate, now))
		return over(c, WC_over_rate);
	return true;
}

bool conn_admit(struct conn *c, uint64_t active)
{
	if (conn_is_allowed(c))
		return is_within_limits(c, active);
	worker_count(c->worker, WC_denied);
	conn_close(c, CLOSE_IP_DENIED, true);
	return false;
}

/* The hello is still in the replay buffer: the event gets its name, and the endpoint. */
void conn_on_denied(struct conn *c)
{
	struct worker *w = c->worker;

	c->hello_ns = w->now_ns;
	c->dropped = kern_replay(w->kern, c->replay)->len;
	conn_note_replay(c);
	if (c->note && c->note->name_len)
		c->endpoint = registry_route(w->edge->registry, c->note->name, 0);
	if (c->endpoint) {
		atomic_fetch_add(&c->endpoint->stats->conns_total, 1);
		atomic_fetch_add(&c->endpoint->stats->conns_active, 1);
	}
	c->ip_policy = IP_POLICY_BLOCK;
	worker_count(w, WC_denied);
	conn_close(c, CLOSE_IP_DENIED, true);
}
