// SPDX-License-Identifier: GPL-2.0-only
#include "tunnel_conf.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "field.h"
#include "labels.h"
#include "quantity.h"

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

static bool from_env(char **where, const char *name)
{
	const char *text = getenv(name);

	return !text || !*text || tunnel_set(where, text);
}

bool tunnel_conf_load(struct tunnel_conf *t, const struct call *c, FILE *err)
{
	bool ok = load_files(t, c, err);

	return from_env(&t->authtoken, "SNISPLIT_AUTHTOKEN") &&
	       from_env(&t->server, "SNISPLIT_SERVER") &&
	       from_env(&t->server_ca, "SNISPLIT_SERVER_CA") && ok;
}

bool tunnel_conf_options(struct tunnel_conf *t, const struct call *c)
{
	const struct {
		const char *name;
		char **where;
	} rows[] = {
		{"authtoken", &t->authtoken},	{"server", &t->server},
		{"server-ca", &t->server_ca},	{"log", &t->log},
		{"log-format", &t->log_format}, {"log-level", &t->log_level},
		{"datapath", &t->datapath},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = call_value(c, rows[i].name);

		if (text && !tunnel_set(rows[i].where, text))
			return false;
	}
	return true;
}

/* ---- does it make sense? ---- */

bool tunnel_say(FILE *err, const struct tunnel_one *o, const char *what)
{
	if (o && o->file)
		fprintf(err, "%s:%u: tunnels.%s: %s\n", o->file, o->line, o->label, what);
	else
		fprintf(err, "snisplit: %s\n", what);
	return false;
}

static bool check_pair(const struct tunnel_one *o, FILE *err)
{
	const char *at = o->terminate_at ? o->terminate_at : o->crt ? "agent" : "upstream";

	if (!o->crt != !o->key)
		return tunnel_say(err, o, "crt and key come together");
	if (strcmp(at, "upstream") && strcmp(at, "edge") && strcmp(at, "agent"))
		return tunnel_say(err, o, "terminate_at: must be edge, agent or upstream");
	if (!strcmp(at, "agent") && !o->crt)
		return tunnel_say(err, o, "terminate_at agent needs crt and key");
	if (o->mutual_tls_cas && !strcmp(at, "upstream"))
		return tunnel_say(err, o, "mutual_tls_cas needs terminate_at edge or agent");
	if (o->cas.n && strcmp(at, "edge") && (!o->proto || strcmp(o->proto, "http")))
		return tunnel_say(err, o, "certificate_authorities needs terminate_at edge");
	if (o->crt && !strcmp(at, "upstream"))
		return tunnel_say(err, o, "crt needs terminate_at edge or agent");
	return true;
}

static bool check_files(const struct tunnel_one *o, FILE *err)
{
	const char *const files[] = {o->crt, o->key, o->mutual_tls_cas, o->upstream_tls_verify_cas};
	char what[4300];

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++) {
		if (!files[i] || !access(files[i], R_OK))
			continue;
		snprintf(what, sizeof(what), "%.4000s cannot be read", files[i]);
		return tunnel_say(err, o, what);
	}
	return true;
}

/* Bytes of a TCP endpoint go as they are; and its address is none of a name. */
static bool check_tcp(const struct tunnel_one *o, FILE *err)
{
	const struct {
		const char *name;
		bool given;
	} of_tls[] = {
		{"terminate_at", o->terminate_at && strcmp(o->terminate_at, "upstream")},
		{"crt", o->crt},
		{"key", o->key},
		{"mutual_tls_cas", o->mutual_tls_cas},
		{"certificate_authorities", o->cas.n},
		{"upstream_tls_verify", o->upstream_tls_verify},
		{"upstream_tls_verify_cas", o->upstream_tls_verify_cas},
	};
	bool tcp = o->proto && !strcmp(o->proto, "tcp");
	char what[100];

	if (!tcp && o->url && !strncasecmp(o->url, "tcp://", 6))
		return tunnel_say(err, o, "tcp:// addresses are for `snisplit tcp`, proto: tcp");
	for (size_t i = 0; tcp && i < sizeof(of_tls) / sizeof(of_tls[0]); i++) {
		if (!of_tls[i].given)
			continue;
		snprintf(what, sizeof(what), "%s is for proto: tls, TCP is passed on as it is",
			 of_tls[i].name);
		return tunnel_say(err, o, what);
	}
	return true;
}

/* What the edge says of it cannot be said here. */
static bool check_labels(const struct tunnel_one *o, FILE *err)
{
	struct fault f;
	bool ok = true;

	for (unsigned i = 0; i < o->labels.n; i++)
		if (label_check(o->labels.at[i], "labels", &f))
			ok = tunnel_say(err, o, f.msg);
	if (o->url || o->terminate_at || o->crt || o->key || o->mutual_tls_cas || o->cas.n ||
	    o->allow.n || o->deny.n || o->upstream_tls_verify || o->upstream_tls_verify_cas ||
	    o->pooling_enabled)
		return tunnel_say(
			err, o,
			"labels go with addr, proxy_proto, name, description and metadata only: "
			"all else is for the edge to say");
	if (o->addr && !strncasecmp(o->addr, "tls://", 6))
		return tunnel_say(err, o, "addr: must be [HOST:]PORT with labels");
	return ok;
}

static bool check_one(const struct tunnel_one *o, FILE *err)
{
	char what[400];
	bool https;

	if (o->file && !o->proto)
		return false; /* told when it was read */
	if (!o->addr)
		return tunnel_say(err, o, "addr is missing: [HOST:]PORT");
	if (o->proxy_proto && strcmp(o->proxy_proto, "1") && strcmp(o->proxy_proto, "2")) {
		snprintf(what, sizeof(what), "proxy_proto: must be 1 or 2, got '%.40s'",
			 o->proxy_proto);
		return tunnel_say(err, o, what);
	}
	https = !strncmp(o->addr, "https://", 8);
	if (https || !strncmp(o->addr, "http://", 7)) {
		snprintf(what, sizeof(what),
			 "addr: must be [tls://][HOST:]PORT, got '%.150s': give %s%.150s", o->addr,
			 https ? "tls://" : "", o->addr + (https ? 8 : 7));
		return tunnel_say(err, o, what);
	}
	if (o->proto && !strcmp(o->proto, TUNNEL_LABELLED))
		return check_labels(o, err);
	return check_tcp(o, err) && check_pair(o, err) && check_files(o, err);
}

bool tunnel_conf_check(const struct tunnel_conf *t, FILE *err)
{
	char what[100];
	bool ok = true;

	for (unsigned i = 0; i < t->n_tunnels; i++)
		ok = check_one(&t->tunnels[i], err) && ok;
	if (t->datapath && strcmp(t->datapath, "auto") && strcmp(t->datapath, "kernel") &&
	    strcmp(t->datapath, "userspace")) {
		snprintf(what, sizeof(what),
			 "datapath: must be auto, kernel or userspace, got '%.40s'", t->datapath);
		ok = tunnel_say(err, NULL, what);
	}
	if (!t->server)
		ok = tunnel_say(err, NULL,
				"no edge: give --server HOST:PORT, SNISPLIT_SERVER or server_addr");
	if (!t->authtoken)
		ok = tunnel_say(
			err, NULL,
			"no credential: give --authtoken, SNISPLIT_AUTHTOKEN, or `snisplit config "
			"add-authtoken`");
	if (!t->server_ca)
		ok = tunnel_say(
			err, NULL,
			"no CA to know the edge by: give --server-ca FILE or sha256:FINGERPRINT, "
			"or root_cas; `snisplit ca show` on the edge tells both");
	return ok;
}

static void list_done(struct tunnel_list *l)
{
	while (l->n)
		free(l->at[--l->n]);
}

static void one_done(struct tunnel_one *o)
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
		one_done(&t->tunnels[--t->n_tunnels]);
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
	memset(t, 0, sizeof(*t));
}
