// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "command.h"

const struct opt global_opts[] = {
	{.name = "socket", .arg = "PATH", .help = "control socket (default " DEFAULT_SOCKET ")"},
	{.name = "json", .help = "print the API's reply as it is"},
	{.name = "verbose", .help = "say more (-v)"},
	{.name = "help", .help = "this text (-h)"},
	{.name = "version", .help = "print the version"},
	{.name = NULL},
};

static const struct opt rm_opts[] = {
	{.name = "kill", .help = "end its live connections too"},
	{.name = NULL},
};

static const struct opt conn_list_opts[] = {
	{.name = "endpoint", .arg = "ID-or-NAME", .help = "only those of this endpoint"},
	{.name = NULL},
};

static const struct opt events_opts[] = {
	{.name = "follow", .help = "go on with what comes"},
	{.name = "since", .arg = "T", .help = "a time (2024-01-31T12:00:00Z) or how long ago (5m)"},
	{.name = NULL},
};

static const struct opt top_opts[] = {
	{.name = "once", .help = "print the table once"},
	{.name = "sort", .arg = "KEY", .help = "bytes, connections, rate or name"},
	{.name = "interval", .arg = "D", .help = "between two looks (1s)"},
	{.name = NULL},
};

static const struct opt texts_opts[] = {
	{.name = "description", .arg = "TEXT", .help = "for people"},
	{.name = "metadata", .arg = "TEXT", .help = "for programs"},
	{.name = NULL},
};

#define KILL_DENIED "end the live connections that are denied now"

static const struct opt rule_opts[] = {
	{.name = "description", .arg = "TEXT", .help = "for people"},
	{.name = "metadata", .arg = "TEXT", .help = "for programs"},
	{.name = "kill", .help = KILL_DENIED},
	{.name = NULL},
};

static const struct opt rm_rule_opts[] = {
	{.name = "kill", .help = KILL_DENIED},
	{.name = NULL},
};

const struct command commands[] = {
	{"endpoint add", "tls://NAME", 1, 1, endpoint_add_opts, endpoint_add, "put a name online",
	 NULL},
	{"endpoint list", "", 0, 0, NULL, endpoint_list, "all endpoints", NULL},
	{"endpoint get", "ID-or-NAME", 1, 1, NULL, endpoint_get, "everything about one", NULL},
	{"endpoint set", "ID-or-NAME", 1, 1, endpoint_set_opts, endpoint_set,
	 "change one; its connections go on", NULL},
	{"endpoint rm", "ID-or-NAME", 1, 1, rm_opts, endpoint_rm,
	 "take a name offline; its connections go on", NULL},
	{"conn list", "", 0, 0, conn_list_opts, conn_list, "live connections", NULL},
	{"conn kill", "ID", 1, 1, NULL, conn_kill, "reset both ends of one", NULL},
	{"status", "", 0, 0, NULL, status, "what runs, since when, and every counter", NULL},
	{"top", "", 0, 0, top_opts, top, "live table of endpoints; q quits", NULL},
	{"events", "", 0, 0, events_opts, events, "the newest closed connections", NULL},
	{"event-destination add", "", 0, 0, destination_opts, destination_add,
	 "somewhere for events", NULL},
	{"event-destination list", "", 0, 0, NULL, destination_list, "all made so", NULL},
	{"event-destination get", "ID", 1, 1, NULL, destination_get, "everything about one", NULL},
	{"event-destination set", "ID", 1, 1, destination_opts, destination_set, "change one",
	 NULL},
	{"event-destination rm", "ID", 1, 1, NULL, destination_rm, "remove one", NULL},
	{"event-subscription add", "", 0, 0, subscription_opts, subscription_add,
	 "send events to destinations", NULL},
	{"event-subscription list", "", 0, 0, NULL, subscription_list, "all of them", NULL},
	{"event-subscription get", "ID", 1, 1, NULL, subscription_get, "everything about one",
	 NULL},
	{"event-subscription set", "ID", 1, 1, subscription_opts, subscription_set, "change one",
	 NULL},
	{"event-subscription rm", "ID", 1, 1, NULL, subscription_rm, "remove one", NULL},
	{"ip-policy create", "", 0, 0, texts_opts, ip_policy_create,
	 "a set of IP rules that endpoints share", NULL},
	{"ip-policy list", "", 0, 0, NULL, ip_policy_list, "all of them", NULL},
	{"ip-policy get", "ID", 1, 1, NULL, ip_policy_get, "the rules of one", NULL},
	{"ip-policy rm", "ID", 1, 1, NULL, ip_policy_rm, "remove one that no endpoint names", NULL},
	{"ip-policy add-rule", "ID allow|deny CIDR", 3, 3, rule_opts, ip_policy_add_rule,
	 "allow or deny a range", NULL},
	{"ip-policy rm-rule", "RULE-ID", 1, 1, rm_rule_opts, ip_policy_rm_rule, "remove a rule",
	 NULL},
	{"ca show", "", 0, 0, NULL, ca_show, "the local CA's root, and how to trust it", NULL},
	{"ca add", "FILE", 1, 1, ca_add_opts, ca_add,
	 "a CA that clients' certificates may be of, for endpoints and edges to name", NULL},
	{"ca list", "", 0, 0, NULL, ca_list, "all of them", NULL},
	{"ca get", "ID-or-NAME", 1, 1, NULL, ca_get, "everything about one", NULL},
	{"ca rm", "ID-or-NAME", 1, 1, NULL, ca_rm, "remove one that nothing names", NULL},
	{"cert add", "", 0, 0, cert_add_opts, cert_add,
	 "upload a certificate for endpoints that have none", NULL},
	{"cert list", "", 0, 0, cert_list_opts, cert_list, "uploaded ones", NULL},
	{"cert get", "ID", 1, 1, NULL, cert_get, "everything about one", NULL},
	{"cert rm", "ID", 1, 1, NULL, cert_rm, "remove one", NULL},
	{"check", "", 0, 0, NULL, check, "can this machine run the kernel path?", NULL},
	{"reload", "", 0, 0, NULL, reload, "read the configuration file again", NULL},
	{"completion", "bash|zsh|fish", 1, 1, NULL, completion, "print a completion script", NULL},
	{"authtoken add", "", 0, 0, authtoken_opts, authtoken_add, "make a credential for agents",
	 NULL},
	{"authtoken list", "", 0, 0, NULL, authtoken_list, "all credentials", NULL},
	{"authtoken set", "ID", 1, 1, authtoken_opts, authtoken_set,
	 "change what one may do; what is online stays", NULL},
	{"authtoken rm", "ID", 1, 1, rm_opts, authtoken_rm, "remove one; its sessions end", NULL},
	{"session list", "", 0, 0, NULL, session_list, "agents that are connected", NULL},
	{"session get", "ID", 1, 1, NULL, session_get, "everything about one", NULL},
	{"session stop", "ID", 1, 1, NULL, session_stop, "end one; its agent gives up", NULL},
	{"session restart", "ID", 1, 1, NULL, session_restart, "have its agent connect anew", NULL},
	{"ssh-key add", "FILE", 1, 1, authtoken_opts, ssh_key_add,
	 "let the holder of this public key `ssh -R`", NULL},
	{"ssh-key list", "", 0, 0, NULL, ssh_key_list, "all of them", NULL},
	{"ssh-key set", "ID", 1, 1, authtoken_opts, ssh_key_set,
	 "change what one may do; what is online stays", NULL},
	{"ssh-key rm", "ID", 1, 1, rm_opts, ssh_key_rm, "remove one; its sessions end", NULL},
	{"ssh-key host", "", 0, 0, NULL, ssh_key_host, "the edge's own keys, as ssh shows them",
	 NULL},
	{"tls", "[tls://][HOST:]PORT", 1, 1, tunnel_tls_opts, tunnel_tls,
	 "agent: put a TLS service of this machine online", NULL},
	{"http", "[HOST:]PORT", 1, 1, tunnel_http_opts, tunnel_http,
	 "agent: the same for HTTP, with TLS at the edge", NULL},
	{"tcp", "[HOST:]PORT", 1, 1, tunnel_tcp_opts, tunnel_tcp,
	 "agent: the same for any TCP service, on a port of its own", NULL},
	{"tunnel", "[HOST:]PORT", 1, 1, tunnel_labelled_opts, tunnel_labelled,
	 "agent: a service for edges that pick it by its labels", NULL},
	{"start", "[NAME...]", 0, CALL_ARGS_MAX, tunnel_start_opts, tunnel_start_named,
	 "agent: start tunnels of its file", NULL},
	{"config check", "", 0, 0, tunnel_config_opts, tunnel_config_check,
	 "agent: is its file right?", NULL},
	{"config add-authtoken", "TOKEN", 1, 1, tunnel_config_opts, tunnel_config_add_authtoken,
	 "agent: keep a credential in its file", NULL},
	{"edge create", "", 0, 0, edge_create_opts, edge_create,
	 "names, what they let in and where they go, in one place", NULL},
	{"edge list", "", 0, 0, NULL, edge_list, "all of them", NULL},
	{"edge get", "ID", 1, 1, NULL, edge_get, "everything about one", NULL},
	{"edge set", "ID", 1, 1, edge_set_opts, edge_set, "change one; its connections go on",
	 NULL},
	{"edge rm", "ID", 1, 1, NULL, edge_rm, "take its names offline", NULL},
	{"backend create", "static|weighted|failover|tunnel_group", 1, 1, backend_opts,
	 backend_create, "where edges send connections", NULL},
	{"backend list", "", 0, 0, NULL, backend_list, "all of them", NULL},
	{"backend get", "ID", 1, 1, NULL, backend_get, "everything about one", NULL},
	{"backend set", "ID", 1, 1, backend_opts, backend_set,
	 "change one, and the edges that use it", NULL},
	{"backend rm", "ID", 1, 1, NULL, backend_rm, "remove one that nothing names", NULL},
	{.words = NULL},
};

const char *call_value(const struct call *c, const char *name)
{
	for (int i = 0; i < c->n_values; i++)
		if (!strcmp(c->values[i].opt->name, name))
			return c->values[i].value;
	return NULL;
}
