// SPDX-License-Identifier: GPL-2.0-only
/*
 * tunnel_check - what the start or the edge would say of a configuration.
 *
 * Each thing by itself: all there is to say is said at once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "addr.h"
#include "agent_check.h"
#include "cidr.h"
#include "field.h"
#include "labels.h"
#include "name.h"
#include "snisplit.h"
#include "tunnel_conf.h"
#include "ulid.h"

#define SECRET_HEX 48 /* what follows the ULID and '_' of a token */
#define INTERVAL_MS 10000

bool tunnel_token_is_one(const char *token)
{
	return strlen(token) == ULID_LEN + 1 + SECRET_HEX && token[ULID_LEN] == '_' &&
	       strspn(token, "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_") ==
		       strlen(token);
}

static bool is_proto(const struct tunnel_one *o, const char *proto)
{
	return o->proto && !strcmp(o->proto, proto);
}

static bool is_terminated(const struct tunnel_one *o)
{
	return strcmp(tunnel_terminate_at(o), "upstream") != 0;
}

/* The file that <field> names, or "". */
static const char *path_of(const struct tunnel_one *o, const char *field)
{
	const struct {
		const char *field, *path;
	} files[] = {
		{"crt", o->crt},
		{"key", o->key},
		{"mutual_tls_cas", o->mutual_tls_cas},
		{"upstream_tls_verify_cas", o->upstream_tls_verify_cas},
	};

	for (size_t i = 0; i < sizeof(files) / sizeof(files[0]); i++)
		if (!strcmp(files[i].field, field))
			return files[i].path ?: "";
	return "";
}

/* What the session itself thinks of a part of <o>. */
static bool ask(const struct tunnel_one *o, const struct snisplit_endpoint *part, FILE *err)
{
	struct snisplit_error e;
	const char *path;
	char code[40] = "";

	if (!agent_check_endpoint(part, &e))
		return true;
	path = path_of(o, e.field);
	if (e.code)
		snprintf(code, sizeof(code), " (ERR_SNISPLIT_%d)", e.code);
	if (strstr(e.msg, path))
		path = "";
	return tunnel_say(err, o, e.field, "%.300s%s%s%s", path, *path ? ": " : "", e.msg, code);
}

/* ---- where it is served ---- */

static bool check_tcp_url(const struct tunnel_one *o, FILE *err)
{
	const char *host = o->url, *port, *why;
	char name[300], key[NAME_KEY_LEN];
	struct sockaddr_storage sa;
	socklen_t len;
	size_t n;

	host += strncasecmp(host, "tcp://", 6) ? 0 : 6;
	n = *host == '[' ? strcspn(host, "]") + 1 : strcspn(host, ":");
	port = strspn(host, "0123456789") == strlen(host) ? host : host + n + (host[n] == ':');
	if (strstr(host, "://") || n > strlen(host) || n >= sizeof(name) ||
	    (host[n] && host[n] != ':') || strspn(port, "0123456789") != strlen(port) ||
	    strlen(port) > 5 || atoi(port) > 65535)
		return tunnel_say(err, o, "url", "must be [tcp://][HOST:]PORT, got '%.200s'",
				  o->url);
	snprintf(name, sizeof(name), "%.*s:1", (int)n, host);
	if (port == host || !n || !addr_parse(name, &sa, &len))
		return true;
	name[n] = '\0';
	return name_normalise(name, key, false, &why) >= 0 ||
	       tunnel_say(err, o, "url", "the name '%.200s' %s", name, why);
}

static bool check_tls_url(const struct tunnel_one *o, FILE *err)
{
	const char *scheme = strstr(o->url, "://"), *host = o->url, *why;
	char name[300], key[NAME_KEY_LEN], *port;
	size_t len;

	if (!strncasecmp(host, "tcp://", 6))
		return tunnel_say(err, o, "url",
				  "tcp:// addresses are for `snisplit tcp`, proto: tcp");
	if (scheme && strncasecmp(host, "tls://", 6))
		return tunnel_say(err, o, "url",
				  "must be NAME or tls://NAME, got '%.200s': give %.200s", o->url,
				  scheme + 3);
	host += scheme ? 6 : 0;
	len = strlen(host);
	len -= len && host[len - 1] == '/';
	if (len >= sizeof(name))
		return tunnel_say(err, o, "url", "the name is longer than 253 bytes");
	memcpy(name, host, len);
	name[len] = '\0';
	port = strchr(name, ':');
	if (port && strchr(port + 1, ':'))
		return tunnel_say(err, o, "url", "must be a name, not an address, got '%.200s'",
				  o->url);
	if (port && strcmp(port, ":443"))
		return tunnel_say(err, o, "url",
				  "the port of a TLS endpoint is 443, got '%.200s': leave it out",
				  o->url);
	if (port)
		*port = '\0';
	if (!*name)
		return tunnel_say(err, o, "url", "needs a name: leave it out to have one made up");
	return name_normalise(name, key, true, &why) >= 0 ||
	       tunnel_say(err, o, "url", "the name '%.253s' %s", name, why);
}

static bool check_url(const struct tunnel_one *o, FILE *err)
{
	if (!o->url)
		return true;
	return is_proto(o, "tcp") ? check_tcp_url(o, err) : check_tls_url(o, err);
}

/* ---- where it goes ---- */

static bool check_addr(const struct tunnel_one *o, FILE *err)
{
	bool labelled = is_proto(o, TUNNEL_LABELLED), https;
	const struct snisplit_endpoint to = {
		.url = is_proto(o, "tcp") ? "tcp://" : NULL,
		.upstream = o->addr,
		.terminate_at =
			is_terminated(o) && !labelled && !is_proto(o, "tcp") ? "edge" : NULL,
		.upstream_tls_verify = o->upstream_tls_verify,
		.upstream_tls_verify_cas = o->upstream_tls_verify_cas,
		.labels = labelled ? (const char *const *)o->labels.at : NULL,
	};

	if (!o->addr)
		return tunnel_say(err, o, "upstream", "is missing: [HOST:]PORT");
	https = !strncmp(o->addr, "https://", 8);
	if (https || !strncmp(o->addr, "http://", 7))
		return tunnel_say(err, o, "upstream",
				  "must be [tls://][HOST:]PORT, got '%.150s': give %s%.150s",
				  o->addr, https ? "tls://" : "", o->addr + (https ? 8 : 7));
	return ask(o, &to, err);
}

/* ---- files ---- */

static bool is_readable(const struct tunnel_one *o, const char *field, const char *path, FILE *err)
{
	return !path || !access(path, R_OK) ||
	       tunnel_say(err, o, field, "%.300s cannot be read: %s", path, strerror(errno));
}

static bool check_files(const struct tunnel_one *o, FILE *err)
{
	const struct snisplit_endpoint pair = {
		.terminate_at = "edge", .crt = o->crt, .key = o->key};
	const struct snisplit_endpoint cas = {.terminate_at = "edge",
					      .mutual_tls_cas = o->mutual_tls_cas};
	bool crt = is_readable(o, "crt", o->crt, err), key = is_readable(o, "key", o->key, err);
	bool ok = is_readable(o, "mutual_tls_cas", o->mutual_tls_cas, err);

	if (ok && o->mutual_tls_cas)
		ok = ask(o, &cas, err);
	if (crt && key && o->crt && o->key)
		ok = ask(o, &pair, err) && ok;
	return ok && crt && key;
}

/* ---- what goes with what ---- */

static bool check_termination(const struct tunnel_one *o, FILE *err)
{
	const char *at = tunnel_terminate_at(o);
	bool agent = !strcmp(at, "agent"), edge = !strcmp(at, "edge"), ok = true;

	if (!o->crt != !o->key)
		ok = tunnel_say(err, o, o->crt ? "key" : "crt",
				"is missing: crt and key come together");
	if (!agent && !edge && strcmp(at, "upstream"))
		return tunnel_say(err, o, "terminate_at",
				  "must be edge, agent or upstream, got '%.40s' "
				  "(ERR_SNISPLIT_224)",
				  at);
	if (agent && !o->crt && !o->key)
		ok = tunnel_say(err, o, "terminate_at",
				"agent needs crt and key; without them the edge can hold the "
				"certificate: terminate_at edge");
	if (!agent && !edge && o->crt && o->key)
		ok = tunnel_say(err, o, "crt", "needs terminate_at edge or agent");
	if (!agent && !edge && o->mutual_tls_cas)
		ok = tunnel_say(err, o, "mutual_tls_cas", "needs terminate_at edge or agent");
	if (!edge && o->cas.n)
		ok = tunnel_say(err, o, "certificate_authorities", "needs terminate_at edge");
	return ok;
}

struct part {
	const char *name;
	bool given;
};

/* None of these may be, and <why>; true if none is. */
static bool check_none(const struct tunnel_one *o, const struct part *parts, size_t n,
		       const char *why, FILE *err)
{
	bool ok = true;

	for (size_t i = 0; i < n; i++)
		if (parts[i].given)
			ok = tunnel_say(err, o, parts[i].name, "%s", why);
	return ok;
}

/* Bytes of a TCP endpoint go as they are. */
static bool check_tcp(const struct tunnel_one *o, FILE *err)
{
	const struct part of_tls[] = {
		{"terminate_at", o->terminate_at && strcmp(o->terminate_at, "upstream")},
		{"crt", o->crt},
		{"key", o->key},
		{"mutual_tls_cas", o->mutual_tls_cas},
		{"certificate_authorities", o->cas.n},
		{"upstream_tls_verify", o->upstream_tls_verify},
		{"upstream_tls_verify_cas", o->upstream_tls_verify_cas},
	};

	return check_none(o, of_tls, sizeof(of_tls) / sizeof(of_tls[0]),
			  "is for proto: tls, TCP is passed on as it is", err);
}

static bool check_labels(const struct tunnel_one *o, FILE *err)
{
	const struct part of_edge[] = {
		{"url", o->url},
		{"terminate_at", o->terminate_at},
		{"crt", o->crt},
		{"key", o->key},
		{"mutual_tls_cas", o->mutual_tls_cas},
		{"certificate_authorities", o->cas.n},
		{"cidr_allow", o->allow.n},
		{"cidr_deny", o->deny.n},
		{"upstream_tls_verify", o->upstream_tls_verify},
		{"upstream_tls_verify_cas", o->upstream_tls_verify_cas},
		{"pooling_enabled", o->pooling_enabled},
	};
	bool ok = check_none(o, of_edge, sizeof(of_edge) / sizeof(of_edge[0]),
			     "does not go with labels: it is for the edge to say", err);
	struct fault f;

	for (unsigned i = 0; i < o->labels.n; i++) {
		const char *label = o->labels.at[i];
		size_t key = strcspn(label, "=") + 1;

		if (label_check(label, "labels", &f))
			ok = tunnel_say(err, o, "labels", "%s", f.msg);
		for (unsigned j = 0; j < i; j++)
			if (label[key - 1] && !strncmp(o->labels.at[j], label, key))
				ok = tunnel_say(err, o, "labels", "have '%.*s' twice", (int)key - 1,
						label);
	}
	if (o->labels.n > LABELS_MAX)
		ok = tunnel_say(err, o, "labels", "are more than %d", LABELS_MAX);
	return ok;
}

/* ---- values ---- */

static bool check_cidrs(const struct tunnel_one *o, const char *field, const struct tunnel_list *l,
			FILE *err)
{
	char why[CIDR_WHY_MAX];
	struct cidr c;
	bool ok = true;

	for (unsigned i = 0; i < l->n; i++)
		if (cidr_parse(l->at[i], &c, why))
			ok = tunnel_say(err, o, field, "'%.60s' %s (ERR_SNISPLIT_362)", l->at[i],
					why);
	return ok;
}

static bool check_text(const struct tunnel_one *o, enum field_id id, const char *text, FILE *err)
{
	struct fault f;

	return !text || !field_check(&field_table[id], field_table[id].kind, text, &f) ||
	       tunnel_say(err, o, field_table[id].name, "%s", f.msg);
}

static bool check_values(const struct tunnel_one *o, FILE *err)
{
	bool ok = check_cidrs(o, "cidr_allow", &o->allow, err);

	ok = check_cidrs(o, "cidr_deny", &o->deny, err) && ok;
	if (o->deny.n && !o->allow.n)
		ok = tunnel_say(err, o, "cidr_deny",
				"denies everybody without %s; to serve all others add 0.0.0.0/0 "
				"and ::/0 there (ERR_SNISPLIT_393)",
				o->file ? "allow_cidrs" : "--cidr-allow");
	if (o->proxy_proto && strcmp(o->proxy_proto, "1") && strcmp(o->proxy_proto, "2"))
		ok = tunnel_say(err, o, "proxy_proto",
				"must be 1 or 2, got '%.40s' (ERR_SNISPLIT_1123)", o->proxy_proto);
	ok = check_text(o, FIELD_ID_NAME, o->name, err) && ok;
	ok = check_text(o, FIELD_ID_DESCRIPTION, o->description, err) && ok;
	ok = check_text(o, FIELD_ID_METADATA, o->metadata, err) && ok;
	for (unsigned i = 0; i < o->cas.n; i++)
		ok = check_text(o, FIELD_ID_CERTIFICATE_AUTHORITIES, o->cas.at[i], err) && ok;
	return ok;
}

static bool check_one(const struct tunnel_one *o, FILE *err)
{
	bool ok;

	if (o->file && !o->proto)
		return false; /* told when it was read */
	ok = check_addr(o, err);
	ok = check_values(o, err) && ok;
	if (is_proto(o, TUNNEL_LABELLED))
		return check_labels(o, err) && ok;
	ok = check_url(o, err) && ok;
	if (is_proto(o, "tcp"))
		return check_tcp(o, err) && ok;
	ok = check_termination(o, err) && ok;
	return check_files(o, err) && ok;
}

/* ---- of the session ---- */

static bool check_server(const struct tunnel_conf *t, FILE *err)
{
	char host[256];
	uint16_t port;

	if (!t->server)
		return tunnel_say(
			err, NULL, "",
			"no edge: give --server HOST:PORT, SNISPLIT_SERVER or server_addr");
	if (addr_split(t->server, host, sizeof(host), &port) || !*host || strpbrk(host, "/ "))
		return tunnel_say_from(
			err, t, TUNNEL_FROM_SERVER,
			"must be HOST:PORT of the edge's tunnel, such as edge.example.com:4443, "
			"got '%.200s'",
			t->server);
	return true;
}

static bool check_server_ca(const struct tunnel_conf *t, FILE *err)
{
	struct snisplit_error e;
	const char *path = t->server_ca;

	if (!path)
		return tunnel_say(
			err, NULL, "",
			"no CA to know the edge by: give --server-ca FILE or sha256:FINGERPRINT, "
			"or root_cas; `snisplit ca show` on the edge tells both");
	if (!agent_check_server_ca(path, &e))
		return true;
	if (strstr(e.msg, path))
		path = "";
	return tunnel_say_from(err, t, TUNNEL_FROM_SERVER_CA, "%.300s%s%s", path, *path ? ": " : "",
			       e.msg);
}

static bool check_log(const struct tunnel_conf *t, FILE *err)
{
	char dir[4096], *slash;

	if (!t->log || !strcmp(t->log, "stdout") || !strcmp(t->log, "stderr") ||
	    !strcmp(t->log, "false"))
		return true;
	snprintf(dir, sizeof(dir), "%s", t->log);
	slash = strrchr(dir, '/');
	if (slash)
		slash[1] = '\0';
	if (!access(t->log, W_OK) || (errno == ENOENT && !access(slash ? dir : ".", W_OK)))
		return true;
	return tunnel_say_from(err, t, TUNNEL_FROM_LOG, "%.300s cannot be written: %s", t->log,
			       strerror(errno));
}

static bool check_session(const struct tunnel_conf *t, FILE *err)
{
	unsigned interval = t->interval_ms ?: INTERVAL_MS;
	struct sockaddr_storage sa;
	socklen_t len;
	bool ok = check_server(t, err);

	if (!t->authtoken)
		ok = tunnel_say(
			err, NULL, "",
			"no credential: give --authtoken, SNISPLIT_AUTHTOKEN, or `snisplit config "
			"add-authtoken`");
	ok = check_server_ca(t, err) && ok;
	ok = check_log(t, err) && ok;
	if (t->web_addr && strcmp(t->web_addr, "false") && addr_parse(t->web_addr, &sa, &len))
		ok = tunnel_say_from(err, t, TUNNEL_FROM_WEB_ADDR,
				     "must be IP:PORT or false, got '%.60s'", t->web_addr);
	if (t->datapath && strcmp(t->datapath, "auto") && strcmp(t->datapath, "kernel") &&
	    strcmp(t->datapath, "userspace"))
		ok = tunnel_say_from(err, t, TUNNEL_FROM_DATAPATH,
				     "must be auto, kernel or userspace, got '%.40s'", t->datapath);
	if (t->tolerance_ms && t->tolerance_ms < interval)
		ok = tunnel_say_from(err, t, TUNNEL_FROM_TOLERANCE,
				     "must not be less than heartbeat_interval (%u ms), got %u ms "
				     "(ERR_SNISPLIT_112)",
				     interval, t->tolerance_ms);
	return ok;
}

bool tunnel_conf_check(const struct tunnel_conf *t, FILE *err)
{
	bool ok = true;

	for (unsigned i = 0; i < t->n_tunnels; i++)
		ok = check_one(&t->tunnels[i], err) && ok;
	return check_session(t, err) && ok;
}

/* ---- with each other ---- */

static const char *key_of(const struct tunnel_one *o, char key[NAME_KEY_LEN])
{
	const char *host = o->url ?: "", *why;
	char name[300];
	size_t len;

	if (is_proto(o, "tcp") || is_proto(o, TUNNEL_LABELLED))
		return NULL;
	host += strncasecmp(host, "tls://", 6) ? 0 : 6;
	len = strcspn(host, ":/");
	snprintf(name, sizeof(name), "%.*s", (int)(len < 299 ? len : 299), host);
	return *name && name_normalise(name, key, true, &why) >= 0 ? key : NULL;
}

bool tunnel_check_together(const struct tunnel_conf *t, FILE *err)
{
	char key[NAME_KEY_LEN], other[NAME_KEY_LEN];
	bool ok = true;

	for (unsigned i = 0; i < t->n_tunnels; i++) {
		const struct tunnel_one *a = &t->tunnels[i];

		for (unsigned j = 0; key_of(a, key) && j < i; j++) {
			const struct tunnel_one *b = &t->tunnels[j];

			if (!key_of(b, other) || strcmp(key, other) ||
			    (a->pooling_enabled && b->pooling_enabled))
				continue;
			ok = tunnel_say(err, a, "url",
					"tunnel '%.64s' has '%.253s' already: to share it give "
					"both pooling_enabled",
					b->label, key);
		}
	}
	return ok;
}
