// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel - the agent's verbs: tls, http, tcp, start, config.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "command.h"
#include "tunnel_conf.h"

#define SESSION_OPTS                                                                          \
	{.name = "authtoken", .arg = "TOKEN", .help = "the credential (SNISPLIT_AUTHTOKEN)"}, \
		{.name = "server",                                                            \
		 .arg = "HOST:PORT",                                                          \
		 .help = "the edge's tunnel port (SNISPLIT_SERVER)"},                         \
		{.name = "server-ca",                                                         \
		 .arg = "FILE|sha256:HEX",                                                    \
		 .help = "the edge's CA, or its fingerprint (SNISPLIT_SERVER_CA)"},           \
		{.name = "config",                                                            \
		 .arg = "FILE",                                                               \
		 .help = "YAML, instead of ~/.config/snisplit/snisplit.yml; several merge",   \
		 .many = true},                                                               \
		{.name = "datapath",                                                          \
		 .arg = "auto|kernel|userspace",                                              \
		 .help = "who moves bytes that are no TLS of the agent's (kernel: root)"},    \
		{.name = "log", .arg = "FILE|stdout|stderr|false", .help = "where to log"},   \
		{.name = "log-format", .arg = "term|logfmt|json", .help = "how to log"},      \
	{                                                                                     \
		.name = "log-level", .arg = "crit|error|warn|info|debug", .help = "how much"  \
	}

#define NAME_OPTS                                                                                 \
	{.name = "url", .arg = "NAME", .help = "the name to serve (default: one is made up)"},    \
		{.name = "domain", .arg = "NAME", .help = "the same"},                            \
		{.name = "mutual-tls-cas",                                                        \
		 .arg = "FILE",                                                                   \
		 .help = "clients must show a certificate of these CAs"},                         \
		{.name = "certificate-authorities",                                               \
		 .arg = "ID-or-NAME",                                                             \
		 .help = "the same, of `ca add` at the edge",                                     \
		 .many = true},                                                                   \
		{.name = "upstream-tls-verify", .help = "check a tls:// upstream's certificate"}, \
	{                                                                                         \
		.name = "upstream-tls-verify-cas", .arg = "FILE", .help = "against these CAs"     \
	}

#define ENDPOINT_OPTS                                                                              \
	{.name = "proxy-proto", .arg = "1|2", .help = "tell the upstream the client's address"},   \
		{.name = "cidr-allow", .arg = "CIDR", .help = "only these clients", .many = true}, \
		{.name = "cidr-deny", .arg = "CIDR", .help = "not these", .many = true},           \
		{.name = "pooling-enabled",                                                        \
		 .help = "share the name with endpoints that have it too"},                        \
		{.name = "name", .arg = "TEXT", .help = "what to call it"},                        \
		{.name = "description", .arg = "TEXT", .help = "for people"},                      \
	{                                                                                          \
		.name = "metadata", .arg = "TEXT", .help = "for programs"                          \
	}

#define PAIR_OPTS(what)                                                          \
	{.name = "crt", .arg = "FILE", .help = "certificate chain, PEM, " what}, \
	{                                                                        \
		.name = "key", .arg = "FILE", .help = "its private key, PEM"     \
	}

const struct opt tunnel_tls_opts[] = {
	{.name = "terminate-at",
	 .arg = "edge|agent|upstream",
	 .help = "who holds the certificate (default: upstream; with --crt: agent)"},
	PAIR_OPTS("of the agent or the edge"),
	NAME_OPTS,
	ENDPOINT_OPTS,
	SESSION_OPTS,
	{.name = NULL},
};

#define AS_BYTES "HTTP is passed on as bytes"

const struct opt tunnel_http_opts[] = {
	PAIR_OPTS("instead of the edge's own"),
	NAME_OPTS,
	ENDPOINT_OPTS,
	{.name = "basic-auth",
	 .arg = "USER:PASS",
	 .help = "ask for these",
	 .needs = AS_BYTES,
	 .many = true},
	{.name = "host-header", .arg = "HOST", .help = "rewrite Host", .needs = AS_BYTES},
	{.name = "compression", .help = "compress answers", .needs = AS_BYTES},
	{.name = "oauth", .arg = "PROVIDER", .help = "ask who it is", .needs = AS_BYTES},
	{.name = "oidc", .arg = "URL", .help = "the same", .needs = AS_BYTES},
	{.name = "inspect", .help = "record requests", .needs = AS_BYTES},
	{.name = "request-header-add",
	 .arg = "H",
	 .help = "add one",
	 .needs = AS_BYTES,
	 .many = true},
	{.name = "response-header-add",
	 .arg = "H",
	 .help = "add one",
	 .needs = AS_BYTES,
	 .many = true},
	{.name = "traffic-policy-file",
	 .arg = "FILE",
	 .help = "rules",
	 .needs = "no traffic policy"},
	SESSION_OPTS,
	{.name = NULL},
};

const struct opt tunnel_tcp_opts[] = {
	{.name = "url",
	 .arg = "[tcp://][HOST:]PORT",
	 .help = "the edge's address to serve (default: a port that is free)"},
	{.name = "remote-addr", .arg = "HOST:PORT", .help = "the same"},
	ENDPOINT_OPTS,
	SESSION_OPTS,
	{.name = NULL},
};

const struct opt tunnel_labelled_opts[] = {
	{.name = "label",
	 .arg = "KEY=VALUE",
	 .help = "what edges pick it by; those that ask for some of them get it",
	 .many = true},
	{.name = "proxy-proto", .arg = "1|2", .help = "tell the upstream the client's address"},
	{.name = "name", .arg = "TEXT", .help = "what to call it"},
	{.name = "description", .arg = "TEXT", .help = "for people"},
	{.name = "metadata", .arg = "TEXT", .help = "for programs"},
	SESSION_OPTS,
	{.name = NULL},
};

const struct opt tunnel_start_opts[] = {
	{.name = "all", .help = "all tunnels of the file"},
	SESSION_OPTS,
	{.name = NULL},
};

const struct opt tunnel_config_opts[] = {
	{.name = "config",
	 .arg = "FILE",
	 .help = "this file, instead of the usual one",
	 .many = true},
	{.name = NULL},
};

/* ---- one endpoint of the command line ---- */

static bool set_endpoint(struct tunnel_one *o, const struct call *c)
{
	const struct {
		const char *name;
		char **where;
	} rows[] = {
		{"url", &o->url},
		{"domain", &o->url},
		{"remote-addr", &o->url},
		{"terminate-at", &o->terminate_at},
		{"crt", &o->crt},
		{"key", &o->key},
		{"mutual-tls-cas", &o->mutual_tls_cas},
		{"proxy-proto", &o->proxy_proto},
		{"upstream-tls-verify-cas", &o->upstream_tls_verify_cas},
		{"name", &o->name},
		{"description", &o->description},
		{"metadata", &o->metadata},
	};
	bool ok = tunnel_set(&o->label, "command_line") && tunnel_set(&o->addr, c->args[0]);

	for (size_t i = 0; ok && i < sizeof(rows) / sizeof(rows[0]); i++) {
		const char *text = call_value(c, rows[i].name);

		ok = !text || tunnel_set(rows[i].where, text);
	}
	for (int i = 0; ok && i < c->n_values; i++) {
		tunnel_note(o, c->values[i].opt->name, 0);
		if (!strcmp(c->values[i].opt->name, "cidr-allow"))
			ok = tunnel_list_add(&o->allow, c->values[i].value);
		else if (!strcmp(c->values[i].opt->name, "cidr-deny"))
			ok = tunnel_list_add(&o->deny, c->values[i].value);
		else if (!strcmp(c->values[i].opt->name, "label"))
			ok = tunnel_list_add(&o->labels, c->values[i].value);
		else if (!strcmp(c->values[i].opt->name, "certificate-authorities"))
			ok = tunnel_list_add(&o->cas, c->values[i].value);
	}
	o->upstream_tls_verify = call_value(c, "upstream-tls-verify") != NULL;
	o->pooling_enabled = call_value(c, "pooling-enabled") != NULL;
	return ok;
}

static int out_of_memory(void)
{
	fprintf(stderr, "snisplit: out of memory, or more than %d of one list\n", TUNNEL_LIST_MAX);
	return EXIT_USAGE;
}

static void drop_tunnels(struct tunnel_conf *t,
			 bool (*keep)(const struct call *c, const char *label),
			 const struct call *c)
{
	unsigned n = 0;

	for (unsigned i = 0; i < t->n_tunnels; i++) {
		struct tunnel_one one = t->tunnels[i];

		if (keep(c, one.label)) {
			t->tunnels[i] = t->tunnels[n];
			t->tunnels[n++] = one;
		}
	}
	for (unsigned i = n; i < t->n_tunnels; i++) {
		struct tunnel_conf rest = {.tunnels = NULL};
		struct tunnel_one *o = tunnel_conf_add(&rest);

		if (o)
			*o = t->tunnels[i];
		tunnel_conf_done(&rest);
	}
	t->n_tunnels = n;
}

static bool keep_none(const struct call *c, const char *label)
{
	(void)c;
	(void)label;
	return false;
}

static bool keep_named(const struct call *c, const char *label)
{
	for (int i = 0; i < c->n_args; i++)
		if (!strcmp(c->args[i], label))
			return true;
	return false;
}

static int run_one(struct call *c, const char *proto)
{
	struct tunnel_conf t = {.authtoken = NULL};
	struct tunnel_one *o;
	int code = EXIT_USAGE;

	if (call_value(c, "url") && (call_value(c, "domain") || call_value(c, "remote-addr"))) {
		fprintf(stderr, "snisplit: %s: --url and --%s say the same: give one\n",
			c->command->words, call_value(c, "domain") ? "domain" : "remote-addr");
		return EXIT_USAGE;
	}
	if (!tunnel_conf_load(&t, c, stderr))
		goto out;
	drop_tunnels(&t, keep_none, c);
	o = tunnel_conf_add(&t);
	if (!o || !set_endpoint(o, c) || !tunnel_set(&o->proto, proto) ||
	    !tunnel_conf_options(&t, c))
		code = out_of_memory();
	else if (tunnel_conf_check(&t, stderr))
		code = tunnel_run(&t);
out:
	tunnel_conf_done(&t);
	return code;
}

int tunnel_tls(struct call *c)
{
	return run_one(c, "tls");
}

int tunnel_http(struct call *c)
{
	return run_one(c, "http");
}

int tunnel_tcp(struct call *c)
{
	return run_one(c, "tcp");
}

int tunnel_labelled(struct call *c)
{
	if (!call_value(c, "label")) {
		fprintf(stderr, "snisplit: tunnel: needs --label KEY=VALUE (ERR_SNISPLIT_394)\n");
		return EXIT_USAGE;
	}
	return run_one(c, TUNNEL_LABELLED);
}

/* ---- those of the file ---- */

static bool names_are_known(const struct tunnel_conf *t, const struct call *c)
{
	bool ok = true;

	for (int i = 0; i < c->n_args; i++) {
		bool found = false;

		for (unsigned j = 0; j < t->n_tunnels; j++)
			found = found || !strcmp(t->tunnels[j].label, c->args[i]);
		if (!found)
			fprintf(stderr, "snisplit: there is no tunnel '%s' in the file\n",
				c->args[i]);
		ok = ok && found;
	}
	return ok;
}

static bool is_fine(const struct tunnel_conf *t)
{
	bool ok = tunnel_conf_check(t, stderr);

	return tunnel_check_together(t, stderr) && ok;
}

int tunnel_start_named(struct call *c)
{
	bool all = call_value(c, "all");
	struct tunnel_conf t = {.authtoken = NULL};
	int code = EXIT_USAGE;

	if (!all == !c->n_args) {
		fprintf(stderr, "snisplit: start: give the names of tunnels, or --all\n");
		return EXIT_USAGE;
	}
	if (!tunnel_conf_load(&t, c, stderr) || !names_are_known(&t, c))
		goto out;
	if (!all)
		drop_tunnels(&t, keep_named, c);
	if (!t.n_tunnels)
		fprintf(stderr, "snisplit: start: there are no tunnels in the file\n");
	else if (!tunnel_conf_options(&t, c))
		code = out_of_memory();
	else if (is_fine(&t))
		code = tunnel_run(&t);
out:
	tunnel_conf_done(&t);
	return code;
}

int tunnel_config_check(struct call *c)
{
	struct tunnel_conf t = {.authtoken = NULL};
	bool ok = tunnel_conf_load(&t, c, stderr);

	/* all there is to say at once */
	ok = tunnel_conf_check(&t, stderr) && ok;
	if (t.authtoken && !tunnel_token_is_one(t.authtoken))
		ok = tunnel_say_from(stderr, &t, TUNNEL_FROM_AUTHTOKEN,
				     "is none: `snisplit authtoken add` on the edge makes one "
				     "(ERR_SNISPLIT_105)");
	/* (they may be meant for different times) */
	if (!tunnel_check_together(&t, stderr))
		fprintf(stderr, "snisplit: warning: these cannot be started together\n");
	if (ok)
		printf("fine: %u tunnels\n", t.n_tunnels);
	tunnel_conf_done(&t);
	return ok ? EXIT_OK : EXIT_USAGE;
}

/* ---- config add-authtoken ---- */

/* With the directories above it, ours to read only. */
static bool make_dirs(char *path)
{
	for (char *p = strchr(path + 1, '/'); p; p = strchr(p + 1, '/')) {
		*p = '\0';
		if (mkdir(path, 0700) == -1 && errno != EEXIST) {
			fprintf(stderr, "snisplit: %s: %s\n", path, strerror(errno));
			return false;
		}
		*p = '/';
	}
	return true;
}

/* The file again, with one line exchanged or added; all other lines stay. */
static bool rewrite(const char *path, FILE *to, const char *token)
{
	FILE *in = fopen(path, "re");
	bool done = false, version = false;
	char *line = NULL;
	size_t size = 0;

	while (in && getline(&line, &size, in) > 0) {
		version = version || !strncmp(line, "version:", 8);
		if (strncmp(line, "authtoken:", 10) != 0) {
			fputs(line, to);
			continue;
		}
		fprintf(to, "authtoken: %s\n", token);
		done = true;
	}
	if (!version && !in)
		fprintf(to, "version: 2\n");
	if (!done)
		fprintf(to, "authtoken: %s\n", token);
	free(line);
	if (in)
		fclose(in);
	return !ferror(to);
}

int tunnel_config_add_authtoken(struct call *c)
{
	const char *given = call_value(c, "config");
	char *path = given ? strdup(given) : tunnel_conf_path(), *temp = NULL;
	int fd = -1, code = EXIT_USAGE;
	bool written;
	FILE *to;

	if (!tunnel_token_is_one(c->args[0])) {
		fprintf(stderr,
			"snisplit: '%s' is not an authtoken (ERR_SNISPLIT_105): `snisplit "
			"authtoken "
			"add` on the edge makes one\n",
			c->args[0]);
		goto out;
	}
	if (!path || asprintf(&temp, "%s.XXXXXX", path) < 0) {
		fprintf(stderr, "snisplit: no home directory; give --config FILE\n");
		temp = NULL;
		goto out;
	}
	if (!make_dirs(path))
		goto out;
	fd = mkstemp(temp); /* 0600 */
	to = fd == -1 ? NULL : fdopen(fd, "w");
	written = to && rewrite(path, to, c->args[0]);
	if (to && fclose(to))
		written = false;
	if (written && !rename(temp, path)) {
		printf("authtoken saved: %s\n", path);
		code = EXIT_OK;
	} else {
		fprintf(stderr, "snisplit: %s: %s\n", path, strerror(errno));
		if (fd != -1)
			unlink(temp);
	}
out:
	free(path);
	free(temp);
	return code;
}
