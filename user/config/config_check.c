// SPDX-License-Identifier: GPL-2.0-only
#include "config_check.h"

#include <string.h>

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

unsigned config_check(const struct config *c, FILE *err)
{
	return config_tcp_check(c, err) + check_ssh(c, err) + check_own_name(c, err);
}
