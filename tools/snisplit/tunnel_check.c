// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_check - what the edge or the start would say of values that stand in a file.
 */
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "cidr.h"
#include "name.h"
#include "tunnel_conf.h"
#include "ulid.h"

#define SECRET_HEX 48 /* what follows the ULID and '_' of a token */

bool tunnel_token_is_one(const char *token)
{
	return strlen(token) == ULID_LEN + 1 + SECRET_HEX && token[ULID_LEN] == '_' &&
	       strspn(token, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") ==
		       strlen(token);
}

static bool check_domain(const struct tunnel_one *o, FILE *err)
{
	const char *why, *host = o->url;
	char name[300], key[NAME_KEY_LEN], what[500];
	size_t len;

	if (!host || !o->proto || !strcmp(o->proto, "tcp"))
		return true;
	host += strncasecmp(host, "tls://", 6) && strncasecmp(host, "https://", 8)
			? 0
			: strcspn(host, "/") + 2;
	len = strlen(host);
	if (len > 4 && !strcmp(host + len - 4, ":443"))
		len -= 4;
	snprintf(name, sizeof(name), "%.*s", (int)(len < 299 ? len : 299), host);
	/* none: the edge makes one up */
	if (!*name || name_normalise(name, key, true, &why) >= 0)
		return true;
	snprintf(what, sizeof(what), "domain: the name '%.253s' %s", name, why);
	return tunnel_say(err, o, what);
}

static bool check_cidrs(const struct tunnel_one *o, const char *key, const struct tunnel_list *l,
			FILE *err)
{
	char why[CIDR_WHY_MAX], what[CIDR_WHY_MAX + 64];
	struct cidr c;
	bool ok = true;

	for (unsigned i = 0; i < l->n; i++) {
		if (!cidr_parse(l->at[i], &c, why))
			continue;
		snprintf(what, sizeof(what), "%s: %s", key, why);
		ok = tunnel_say(err, o, what);
	}
	return ok;
}

static bool check_one(const struct tunnel_one *o, FILE *err)
{
	bool ok = check_domain(o, err);

	ok = check_cidrs(o, "allow_cidrs", &o->allow, err) && ok;
	ok = check_cidrs(o, "deny_cidrs", &o->deny, err) && ok;
	if (o->deny.n && !o->allow.n)
		ok = tunnel_say(err, o,
				"deny_cidrs denies everybody without allow_cidrs "
				"(ERR_SNISPLIT_393)");
	return ok;
}

bool tunnel_check_values(const struct tunnel_conf *t, FILE *err)
{
	struct sockaddr_storage sa;
	char host[256];
	uint16_t port;
	socklen_t len;
	bool ok = true;

	for (unsigned i = 0; i < t->n_tunnels; i++)
		ok = check_one(&t->tunnels[i], err) && ok;
	if (t->server && addr_split(t->server, host, sizeof(host), &port))
		ok = tunnel_say(err, NULL, "server_addr: must be HOST:PORT");
	if (t->authtoken && !tunnel_token_is_one(t->authtoken))
		ok = tunnel_say(err, NULL,
				"authtoken: is none: `snisplit authtoken add` on the edge makes "
				"one (ERR_SNISPLIT_105)");
	if (t->web_addr && strcmp(t->web_addr, "false") && addr_parse(t->web_addr, &sa, &len))
		ok = tunnel_say(err, NULL, "web_addr: must be IP:PORT or false");
	return ok;
}
