// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_file - the agent's YAML file, version 2 of ngrok's form.
 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "doc.h"
#include "tunnel_conf.h"

#define AT(member) offsetof(struct tunnel_conf, member)
#define ONE(member) offsetof(struct tunnel_one, member)

/* For those who are told the conf only. */
static const char *reading_file;
static unsigned reading; /* counts files */

static void note(struct tunnel_conf *t, enum tunnel_source what, const struct doc_key *key,
		 const struct yaml_node_s *node)
{
	tunnel_note_from(t, what, "%s:%u: %s", reading_file, doc_line(node), key->name);
}

/* A text of the session; <min> is the enum tunnel_source. */
static void read_noted(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
		       void *out)
{
	doc_string(d, key, node, out);
	note(out, (enum tunnel_source)key->min, key, node);
}

static void read_tolerance(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			   void *out)
{
	doc_duration(d, key, node, out);
	note(out, TUNNEL_FROM_TOLERANCE, key, node);
}

static void read_version(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			 void *out)
{
	const char *text = doc_scalar(d, node);

	(void)key;
	(void)out;
	if (text && strcmp(text, "2"))
		doc_error(d, node, "must be 2, got '%.40s'", text);
}

/* A text that is one of the words in <more>, "|" between them. */
static void read_word(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	const char *text = doc_scalar(d, node), *words = key->more;
	size_t len = text ? strlen(text) : 0, n;

	for (const char *p = words; text && *p; p += n + (p[n] == '|')) {
		n = strcspn(p, "|");
		if (n == len && !memcmp(p, text, n)) {
			doc_string(d, key, node, out);
			return;
		}
	}
	if (text)
		doc_error(d, node, "must be one of %s, got '%.40s'", words, text);
}

static void read_bool(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	if (doc_is(node, "true") || doc_is(node, "false"))
		*(bool *)((char *)out + key->offset) = doc_is(node, "true");
	else
		doc_error(d, node, "must be true or false");
}

static void read_root_cas(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			  void *out)
{
	if (doc_is(node, "trusted") || doc_is(node, "host"))
		doc_error(d, node,
			  "must be a file, or sha256:FINGERPRINT: the edge's certificate is of its "
			  "own CA (`snisplit ca show` there)");
	else
		read_noted(d, key, node, out);
}

static void read_list(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	struct tunnel_list *l = (struct tunnel_list *)((char *)out + key->offset);
	struct yaml_node_s *item;
	const char *text;

	if (!doc_is_list(node)) {
		doc_error(d, node, "must be a list");
		return;
	}
	for (unsigned i = 0; (item = doc_item(d, node, i)); i++) {
		text = doc_scalar(d, item);
		if (text && !tunnel_list_add(l, text))
			doc_error(d, item, "there may be %d, no more", TUNNEL_LIST_MAX);
	}
}

static const struct doc_key ip_keys[] = {
	{"allow_cidrs", read_list, ONE(allow), 0, 0, NULL},
	{"deny_cidrs", read_list, ONE(deny), 0, 0, NULL},
	{.name = NULL},
};

static const char no_http[] = "HTTP is passed on as bytes";

static const struct doc_key tunnel_keys[] = {
	{"proto", read_word, ONE(proto), 0, 0, "tls|http|tcp"},
	{"addr", doc_string, ONE(addr), 0, 0, NULL},
	{"domain", doc_string, ONE(url), 0, 0, NULL},
	{"hostname", doc_string, ONE(url), 0, 0, NULL},
	{"url", doc_string, ONE(url), 0, 0, NULL},
	{"terminate_at", read_word, ONE(terminate_at), 0, 0, "edge|agent|upstream"},
	{"crt", doc_string, ONE(crt), 0, 0, NULL},
	{"key", doc_string, ONE(key), 0, 0, NULL},
	{"mutual_tls_cas", doc_string, ONE(mutual_tls_cas), 0, 0, NULL},
	{"certificate_authorities", read_list, ONE(cas), 0, 0, NULL},
	{"ip_restriction", doc_map, 0, 0, 0, ip_keys},
	{"proxy_proto", doc_string, ONE(proxy_proto), 0, 0, NULL},
	{"upstream_tls_verify", read_bool, ONE(upstream_tls_verify), 0, 0, NULL},
	{"upstream_tls_verify_cas", doc_string, ONE(upstream_tls_verify_cas), 0, 0, NULL},
	{"pooling_enabled", read_bool, ONE(pooling_enabled), 0, 0, NULL},
	{"name", doc_string, ONE(name), 0, 0, NULL},
	{"description", doc_string, ONE(description), 0, 0, NULL},
	{"metadata", doc_string, ONE(metadata), 0, 0, NULL},
	{"labels", read_list, ONE(labels), 0, 0, NULL},
	{"remote_addr", doc_string, ONE(url), 0, 0, NULL},
	{"subdomain", doc_refuse, 0, 0, 0, "give domain: NAME.BASE_DOMAIN"},
	{"inspect", doc_refuse, 0, 0, 0, no_http},
	{"traffic_policy", doc_refuse, 0, 0, 0, "no traffic policy"},
	{"schemes", doc_refuse, 0, 0, 0, no_http},
	{"basic_auth", doc_refuse, 0, 0, 0, no_http},
	{"host_header", doc_refuse, 0, 0, 0, no_http},
	{"circuit_breaker", doc_refuse, 0, 0, 0, no_http},
	{"compression", doc_refuse, 0, 0, 0, no_http},
	{"oauth", doc_refuse, 0, 0, 0, no_http},
	{"oidc", doc_refuse, 0, 0, 0, no_http},
	{"request_header", doc_refuse, 0, 0, 0, no_http},
	{"response_header", doc_refuse, 0, 0, 0, no_http},
	{"user_agent_filter", doc_refuse, 0, 0, 0, no_http},
	{"verify_webhook", doc_refuse, 0, 0, 0, no_http},
	{"websocket_tcp_converter", doc_refuse, 0, 0, 0, no_http},
	{.name = NULL},
};

/* On which lines <o> has what. */
static void note_keys(struct doc *d, struct tunnel_one *o, const struct doc_key *keys,
		      const struct yaml_node_s *node)
{
	struct yaml_node_s *name, *value;

	for (unsigned i = 0; doc_pair(d, node, i, &name, &value); i++)
		for (const struct doc_key *k = keys; k->name; k++) {
			if (!doc_is(name, k->name))
				continue;
			tunnel_note(o, k->name, doc_line(value));
			if (k->more == ip_keys)
				note_keys(d, o, ip_keys, value);
		}
}

/* A new one, or in the place of what an earlier file has under this name. */
static struct tunnel_one *place_for(struct doc *d, struct tunnel_conf *t, const char *label,
				    const struct yaml_node_s *name)
{
	for (unsigned i = 0; i < t->n_tunnels; i++) {
		struct tunnel_one *o = &t->tunnels[i];

		if (strcmp(o->label, label))
			continue;
		if (o->reading == reading)
			doc_error(d, name, "tunnel '%.64s' is there already, in line %u", label,
				  o->line);
		tunnel_one_done(o);
		memset(o, 0, sizeof(*o));
		return o;
	}
	return tunnel_conf_add(t);
}

static void read_tunnel(struct doc *d, struct tunnel_conf *t, struct yaml_node_s *name,
			struct yaml_node_s *node, const char *file)
{
	struct doc_key map = {.name = "tunnels", .read = doc_map, .more = tunnel_keys};
	const char *label = doc_scalar(d, name);
	struct tunnel_one *o;

	if (!label)
		return;
	o = place_for(d, t, label, name);
	if (!o || !tunnel_set(&o->label, label) || !tunnel_set(&o->file, file)) {
		doc_error(d, node, "out of memory");
		return;
	}
	o->line = doc_line(name);
	o->reading = reading;
	doc_enter(d, label, -1);
	doc_map(d, &map, node, o);
	note_keys(d, o, tunnel_keys, node);
	if (o->proto && o->labels.n)
		doc_error(d, node, "proto and labels exclude each other: an edge has the name");
	else if (o->labels.n)
		tunnel_set(&o->proto, TUNNEL_LABELLED);
	else if (!o->proto)
		doc_error(d, node,
			  "proto (tls, http or tcp) or labels must be there (ERR_SNISPLIT_394)");
	doc_leave(d);
}

static void read_tunnels(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			 void *out)
{
	struct yaml_node_s *name, *value;

	(void)key;
	if (doc_is_null(node))
		return;
	if (!doc_is_map(node)) {
		doc_error(d, node, "must be a map of names to tunnels");
		return;
	}
	for (unsigned i = 0; doc_pair(d, node, i, &name, &value); i++)
		read_tunnel(d, out, name, value, reading_file);
}

static const struct doc_key top_keys[] = {
	{"version", read_version, 0, 0, 0, NULL},
	{"authtoken", read_noted, AT(authtoken), TUNNEL_FROM_AUTHTOKEN, 0, NULL},
	{"server_addr", read_noted, AT(server), TUNNEL_FROM_SERVER, 0, NULL},
	{"root_cas", read_root_cas, AT(server_ca), TUNNEL_FROM_SERVER_CA, 0, NULL},
	{"metadata", doc_string, AT(metadata), 0, 0, NULL},
	{"heartbeat_interval", doc_duration, AT(interval_ms), 100, 3600000, NULL},
	{"heartbeat_tolerance", read_tolerance, AT(tolerance_ms), 100, 86400000, NULL},
	{"console_ui", read_word, AT(console), 0, 0, "true|false|iftty"},
	{"log", read_noted, AT(log), TUNNEL_FROM_LOG, 0, NULL},
	{"log_format", read_word, AT(log_format), 0, 0, "term|logfmt|json"},
	{"log_level", read_word, AT(log_level), 0, 0, "crit|error|warn|info|debug"},
	{"web_addr", read_noted, AT(web_addr), TUNNEL_FROM_WEB_ADDR, 0, NULL},
	{"datapath", read_word, AT(datapath), 0, 0, "auto|kernel|userspace"},
	{"tunnels", read_tunnels, 0, 0, 0, NULL},
	{"api_key", doc_refuse, 0, 0, 0, "no API over the network"},
	{"region", doc_refuse, 0, 0, 0, "give server_addr"},
	{"proxy_url", doc_refuse, 0, 0, 0, "no proxies on the way to the edge"},
	{"inspect_db_size", doc_refuse, 0, 0, 0, no_http},
	{"update_channel", doc_refuse, 0, 0, 0, "your distribution updates it"},
	{"update_check", doc_refuse, 0, 0, 0, "your distribution updates it"},
	{"remote_management", doc_refuse, 0, 0, 0, "no remote management"},
	{.name = NULL},
};

static void warn_of_readers(FILE *in, const char *path, FILE *err)
{
	struct stat st;

	if (!fstat(fileno(in), &st) && S_ISREG(st.st_mode) && st.st_mode & S_IROTH)
		fprintf(err,
			"snisplit: warning: %s holds a credential and everybody may read it: "
			"chmod o-r it\n",
			path);
}

bool tunnel_conf_read(struct tunnel_conf *t, const char *path, FILE *err)
{
	char *before = t->authtoken;
	unsigned errors = 1;
	struct doc *d;
	FILE *in = fopen(path, "re");

	if (!in) {
		fprintf(err, "%s: cannot be read: %s\n", path, strerror(errno));
		return false;
	}
	reading_file = path;
	reading++;
	t->authtoken = NULL;
	d = doc_open(in, path, err);
	if (d) {
		doc_read(d, top_keys, t);
		errors = doc_errors(d);
		doc_close(d);
	}
	if (t->authtoken) {
		warn_of_readers(in, path, err);
		free(before);
	} else {
		t->authtoken = before;
	}
	fclose(in);
	return !errors;
}
