// SPDX-License-Identifier: GPL-2.0-only
#include "tunnel_conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

bool tunnel_set(char **where, const char *text)
{
	char *copy = strdup(text);

	if (!copy)
		return false;
	free(*where);
	*where = copy;
	return true;
}

bool tunnel_list_add(struct tunnel_list *l, const char *text)
{
	if (l->n == TUNNEL_LIST_MAX)
		return false;
	l->at[l->n] = strdup(text);
	return l->at[l->n++] != NULL;
}

char *tunnel_conf_path(void)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	char *path = NULL;

	if (config && *config == '/') {
		if (asprintf(&path, "%s/snisplit/snisplit.yml", config) < 0)
			return NULL;
	} else if (home && *home) {
		if (asprintf(&path, "%s/.config/snisplit/snisplit.yml", home) < 0)
			return NULL;
	}
	return path;
}

struct tunnel_one *tunnel_conf_add(struct tunnel_conf *t)
{
	struct tunnel_one *more = realloc(t->tunnels, (t->n_tunnels + 1) * sizeof(*more));

	if (!more)
		return NULL;
	t->tunnels = more;
	memset(&more[t->n_tunnels], 0, sizeof(*more));
	return &more[t->n_tunnels++];
}

static bool load_files(struct tunnel_conf *t, const struct call *c, FILE *err)
{
	bool ok = true, given = false;
	char *path;

	for (int i = 0; i < c->n_values; i++) {
		if (strcmp(c->values[i].opt->name, "config") != 0)
			continue;
		given = true;
		ok = tunnel_conf_read(t, c->values[i].value, err) && ok;
	}
	if (given)
		return ok;
	path = tunnel_conf_path();
	if (path && !access(path, F_OK))
		ok = tunnel_conf_read(t, path, err);
	free(path);
	return ok;
}

static bool from_env(struct tunnel_conf *t, char **where, enum tunnel_source what, const char *name)
{
	const char *text = getenv(name);

	if (!text || !*text)
		return true;
	tunnel_note_from(t, what, "snisplit: %s", name);
	return tunnel_set(where, text);
}

bool tunnel_conf_load(struct tunnel_conf *t, const struct call *c, FILE *err)
{
	bool ok = load_files(t, c, err);

	return from_env(t, &t->authtoken, TUNNEL_FROM_AUTHTOKEN, "SNISPLIT_AUTHTOKEN") &&
	       from_env(t, &t->server, TUNNEL_FROM_SERVER, "SNISPLIT_SERVER") &&
	       from_env(t, &t->server_ca, TUNNEL_FROM_SERVER_CA, "SNISPLIT_SERVER_CA") && ok;
}

bool tunnel_conf_options(struct tunnel_conf *t, const struct call *c)
{
	const struct {
		const char *name;
		char **where;
		enum tunnel_source what; /* TUNNEL_FROM_MAX: looked at when it is used */
	} rows[] = {
		{"authtoken", &t->authtoken, TUNNEL_FROM_AUTHTOKEN},
		{"server", &t->server, TUNNEL_FROM_SERVER},
		{"server-ca", &t->server_ca, TUNNEL_FROM_SERVER_CA},
		{"datapath", &t->datapath, TUNNEL_FROM_DATAPATH},
		{"log", &t->log, TUNNEL_FROM_LOG},
		{"log-format", &t->log_format, TUNNEL_FROM_MAX},
		{"log-level", &t->log_level, TUNNEL_FROM_MAX},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = call_value(c, rows[i].name);

		if (text && !tunnel_set(rows[i].where, text))
			return false;
		if (text && rows[i].what != TUNNEL_FROM_MAX)
			tunnel_note_from(t, rows[i].what, "snisplit: --%s", rows[i].name);
	}
	return true;
}

const char *tunnel_terminate_at(const struct tunnel_one *o)
{
	if (o->terminate_at)
		return o->terminate_at;
	if (o->proto && !strcmp(o->proto, "http"))
		return "edge";
	return o->crt ? "agent" : "upstream";
}

/* ---- the end ---- */

static void list_done(struct tunnel_list *l)
{
	while (l->n)
		free(l->at[--l->n]);
}

void tunnel_one_done(struct tunnel_one *o)
{
	free(o->file);
	free(o->label);
	free(o->proto);
	free(o->addr);
	free(o->url);
	free(o->terminate_at);
	free(o->crt);
	free(o->key);
	free(o->mutual_tls_cas);
	free(o->proxy_proto);
	free(o->upstream_tls_verify_cas);
	free(o->name);
	free(o->description);
	free(o->metadata);
	list_done(&o->allow);
	list_done(&o->deny);
	list_done(&o->cas);
	list_done(&o->labels);
}

void tunnel_conf_done(struct tunnel_conf *t)
{
	while (t->n_tunnels)
		tunnel_one_done(&t->tunnels[--t->n_tunnels]);
	free(t->tunnels);
	if (t->authtoken)
		explicit_bzero(t->authtoken, strlen(t->authtoken));
	free(t->authtoken);
	free(t->server);
	free(t->server_ca);
	free(t->metadata);
	free(t->log);
	free(t->log_format);
	free(t->log_level);
	free(t->web_addr);
	free(t->console);
	free(t->datapath);
	for (int i = 0; i < TUNNEL_FROM_MAX; i++)
		free(t->from[i]);
	memset(t, 0, sizeof(*t));
}
