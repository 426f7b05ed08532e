// SPDX-License-Identifier: GPL-2.0-only
/*
 * endpoint_upstreams - what a spec says of its upstreams: each by itself, and together.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint_spec.h"
#include "quantity.h"

static int check_weights(const char *balance, unsigned n, unsigned n_weights, uint64_t sum,
			 struct fault *f)
{
	bool weighted = balance && !strcmp(balance, "weighted");

	if (n_weights && !weighted)
		return fault_set(f, 400, 0, "upstream", "has weights, which need balance weighted");
	if (weighted && !sum)
		return fault_set(f, 400, 0, "upstream", "no upstream has a weight above 0");
	if (balance && strcmp(balance, "even") && n < 2)
		return fault_set(f, 400, 0, "balance", "needs more than one upstream");
	return 0;
}

/* Each, and all together. */
static int check_each(const struct endpoint_spec *s, struct fault *f)
{
	unsigned n, n_tls = 0, n_weights = 0, n_tunnels = 0;
	struct endpoint_target t;
	uint64_t sum = 0;
	int err;

	for (n = 0; (err = endpoint_spec_target(s, n, &t)) != -ENOENT; n++) {
		if (err)
			return fault_set(f, 400, 0, "upstream",
					 "number %u must be HOST:PORT, or HOST:PORT=WEIGHT (0 to "
					 "%d), got '%.200s'",
					 n + 1, ENDPOINT_WEIGHT_MAX,
					 endpoint_spec_value(s, FIELD_ID_UPSTREAM));
		if (n == ENDPOINT_TARGETS_MAX)
			return fault_set(f, 400, 0, "upstream", "are more than %d",
					 ENDPOINT_TARGETS_MAX);
		if (t.tunnel) {
			n_tunnels++;
			continue;
		}
		if (endpoint_spec_check_hostport(t.text, "upstream", f))
			return -1;
		n_tls += t.tls;
		n_weights += t.has_weight;
		sum += t.weight;
	}
	if (n_tls && n_tls != n - n_tunnels)
		return fault_set(f, 400, 0, "upstream", "has tls:// for some only");
	if (s->origin == ENDPOINT_EDGE) /* its backends were checked, each by itself */
		return 0;
	return check_weights(endpoint_spec_value(s, FIELD_ID_BALANCE), n, n_weights, sum, f);
}

static int check_number(const struct endpoint_spec *s, enum field_id id, long max, struct fault *f)
{
	const char *text = endpoint_spec_value(s, id);

	if (text && (strspn(text, "0123456789") != strlen(text) || !atol(text) || atol(text) > max))
		return fault_set(f, 400, 0, field_table[id].name, "must be 1 to %ld, got %s", max,
				 text);
	return 0;
}

static int check_health(const struct endpoint_spec *s, struct fault *f)
{
	static const enum field_id ids[] = {FIELD_ID_HEALTH_INTERVAL, FIELD_ID_HEALTH_RISE,
					    FIELD_ID_HEALTH_FALL};
	const char *kind = endpoint_spec_value(s, FIELD_ID_HEALTH_CHECK);
	const char *every = endpoint_spec_value(s, FIELD_ID_HEALTH_INTERVAL);
	bool on = kind && strcmp(kind, "off");
	uint64_t ms;

	for (size_t i = 0; !on && i < sizeof(ids) / sizeof(ids[0]); i++)
		if (endpoint_spec_value(s, ids[i]))
			return fault_set(f, 400, 0, field_table[ids[i]].name,
					 "needs health_check tcp or tls");
	if (every && (quantity_duration(every, &ms) || ms < 100 || ms > 3600000))
		return fault_set(f, 400, 0, "health_interval", "must be 100ms to 1h, got '%s'",
				 every);
	if (on && !strcmp(kind, "tls") && endpoint_spec_value(s, FIELD_ID_PROXY_PROTO))
		return fault_set(f, 400, 0, "health_check",
				 "cannot be tls where a PROXY header must come first; use tcp");
	if (check_number(s, FIELD_ID_HEALTH_RISE, 100, f))
		return -1;
	return check_number(s, FIELD_ID_HEALTH_FALL, 100, f);
}

/* Its upstream is its own business, and only shown. */
static int check_agents(const struct endpoint_spec *s, struct fault *f)
{
	static const enum field_id ids[] = {FIELD_ID_BALANCE, FIELD_ID_HEALTH_CHECK,
					    FIELD_ID_HEALTH_INTERVAL, FIELD_ID_HEALTH_RISE,
					    FIELD_ID_HEALTH_FALL};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		if (endpoint_spec_value(s, ids[i]))
			return fault_set(f, 400, 0, field_table[ids[i]].name,
					 "is not for an agent's endpoint");
	return 0;
}

int endpoint_spec_check_upstreams(const struct endpoint_spec *s, struct fault *f)
{
	if (s->origin == ENDPOINT_AGENT)
		return check_agents(s, f);
	return check_each(s, f) || check_health(s, f) ? -1 : 0;
}
