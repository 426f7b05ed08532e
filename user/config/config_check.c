// SPDX-License-Identifier: GPL-2.0-only
#include "config_check.h"

#include <string.h>

#include "addr.h"
#include "config.h"
#include "config_tcp.h"

/* The gateway is an agent to the edge. */
static unsigned check_ssh(const struct config *c, FILE *err)
{
	if (!c->ssh_line || !c->ssh.len || c->tunnel.len)
		return 0;
	fprintf(err, "%s:%u: ssh: needs the tunnel port, which is `tunnel: none`\n", c->file,
		c->ssh_line);
	return 1;
}

static unsigned check_own_name(const struct config *c, FILE *err)
{
	char host[ENDPOINT_NAME_MAX], own[ENDPOINT_NAME_MAX];
	unsigned errors = 0;

	snprintf(own, sizeof(own), "connect.%s", c->base_domain);
	for (unsigned i = 0; i < c->n_endpoints; i++) {
		const char *url = endpoint_spec_value(&c->endpoints[i], FIELD_ID_URL);

		if (!url || endpoint_url_host(url, host, NULL) || strcmp(host, own) != 0)
			continue;
		fprintf(err, "%s:%u: endpoints[%u].url: '%s' is the edge's own name\n", c->file,
			c->endpoints[i].line, i, own);
		errors++;
	}
	return errors;
}

/* ---- one address for two ---- */

unsigned config_places(const struct config *c, struct config_place out[CONFIG_PLACES_MAX])
{
	const struct config_place others[] = {
		{"tunnel.listen", &c->tunnel}, {"http", &c->http}, {"ssh.listen", &c->ssh}};
	unsigned n = 0;

	for (unsigned i = 0; i < c->n_listen && n < CONFIG_PLACES_MAX - 3; i++)
		out[n++] = (struct config_place){"listen", &c->listen[i]};
	for (int i = 0; i < 3; i++)
		if (others[i].at->len)
			out[n++] = others[i];
	return n;
}

/* (addresses of IPv6 listen for that only) */
static bool overlap(const struct config_addr *a, const struct config_addr *b)
{
	if (a->sa.ss_family != b->sa.ss_family || addr_port(&a->sa) != addr_port(&b->sa) ||
	    !addr_port(&a->sa))
		return false;
	return addr_is_any(&a->sa) || addr_is_any(&b->sa) || addr_same_ip(&a->sa, &b->sa);
}

static const char *is_default(const struct config_addr *a)
{
	return a->line ? "" : " (the default)";
}

/* <if_asked>: the gateway that nobody asked for is in nobody's way, it is only not there. */
static unsigned tell_overlaps(const struct config *c, bool if_asked, FILE *err)
{
	struct config_place p[CONFIG_PLACES_MAX];
	unsigned n = config_places(c, p), found = 0;

	for (unsigned i = 0; i < n; i++) {
		for (unsigned j = i + 1; j < n; j++) {
			bool asked = p[j].at != &c->ssh || c->ssh_line;
			bool later = asked && p[i].at->line > p[j].at->line;
			const struct config_place *a = later ? &p[i] : &p[j];
			const struct config_place *b = later ? &p[j] : &p[i];

			/* (those of `listen` may: they do the same) */
			if (!strcmp(a->key, b->key) || asked != if_asked || !overlap(a->at, b->at))
				continue;
			found++;
			fprintf(err, "%s:%u: %s%s: '%s'%s is taken by %s, %s%s%s\n", c->file,
				a->at->line ? a->at->line : b->at->line,
				asked ? "" : "warning: ", a->key, a->at->text, is_default(a->at),
				b->key, b->at->text, is_default(b->at),
				asked ? "" : ": there will be no ssh -R");
		}
	}
	return found;
}

unsigned config_check(const struct config *c, FILE *err)
{
	return config_tcp_check(c, err) + check_ssh(c, err) + check_own_name(c, err) +
	       tell_overlaps(c, true, err);
}

/* ---- what may be meant ---- */

/* Is it <host>, or a wildcard that has it? */
static bool serves(const char *url, const char *host)
{
	char own[ENDPOINT_NAME_MAX];
	size_t len;

	if (!url || endpoint_url_host(url, own, NULL))
		return false;
	if (own[0] != '*')
		return !strcmp(own, host);
	len = strlen(own + 1);
	return strlen(host) > len && !strcmp(host + strlen(host) - len, own + 1);
}

void config_warn(const struct config *c, FILE *err)
{
	bool found = !c->default_endpoint;

	if (!c->file)
		return;
	for (unsigned i = 0; i < c->n_endpoints && !found; i++)
		found = serves(endpoint_spec_value(&c->endpoints[i], FIELD_ID_URL),
			       c->default_endpoint);
	if (!found)
		fprintf(err,
			"%s:%u: warning: default_endpoint: no endpoint of this file is tls://%s: "
			"unknown names are refused until one of the API's or an agent's is\n",
			c->file, c->default_line, c->default_endpoint);
	tell_overlaps(c, false, err);
}
