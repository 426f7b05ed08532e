/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * command - the verbs of snisplit and their options: one table for the parser,
 * --help, completion and the man page's test.
 */
#ifndef COMMAND_H
#define COMMAND_H
#include <stdbool.h>
#include <stddef.h>

#define DEFAULT_SOCKET "/run/snisplit/control.sock"
#define CALL_VALUES_MAX 64
#define CALL_ARGS_MAX 8

/* Of interfaces.md; the same for both programs. */
enum { EXIT_OK, EXIT_USAGE, EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_KERNEL };

struct opt {
	const char *name;  /* without the dashes */
	const char *arg;   /* how --help calls its value; NULL: takes none */
	const char *help;  /* one line */
	const char *needs; /* what this version lacks for it; NULL: works */
	const char *same;  /* the value that is fine nevertheless */
	bool many;	   /* may be repeated */
	bool may_be_false; /* without <arg>: "false" is a value; else it is as left out */
};

/* What the user asked for.  Points into argv. */
struct call {
	const struct command *command;
	const char *args[CALL_ARGS_MAX];
	int n_args;
	struct {
		const struct opt *opt;
		const char *value; /* "" without a value */
	} values[CALL_VALUES_MAX];
	int n_values;
	const char *socket;
	bool json, verbose, help;
};

struct command {
	const char *words; /* "endpoint add" */
	const char *args;  /* "ID-or-NAME", for --help; "" for none */
	int min_args, max_args;
	const struct opt *opts;	    /* ends with a NULL name; NULL: none */
	int (*run)(struct call *c); /* an exit code */
	const char *help;	    /* one line */
	const char *needs;	    /* what this version lacks; NULL: works */
};

extern const struct command commands[]; /* ends with NULL words */
extern const struct opt global_opts[];

/* The value of option <name>, "" for a flag that was given, NULL when it was not. */
const char *call_value(const struct call *c, const char *name);

/* Verbs, one file each. */
int endpoint_add(struct call *c);
int endpoint_list(struct call *c);
int endpoint_get(struct call *c);
int endpoint_set(struct call *c);
int endpoint_rm(struct call *c);
int conn_list(struct call *c);
int conn_kill(struct call *c);
int status(struct call *c);
int top(struct call *c);
int events(struct call *c);
int ip_policy_create(struct call *c);
int ip_policy_list(struct call *c);
int ip_policy_get(struct call *c);
int ip_policy_rm(struct call *c);
int ip_policy_add_rule(struct call *c);
int ip_policy_rm_rule(struct call *c);
int edge_create(struct call *c);
int edge_list(struct call *c);
int edge_get(struct call *c);
int edge_set(struct call *c);
int edge_rm(struct call *c);
int backend_create(struct call *c);
int backend_list(struct call *c);
int backend_get(struct call *c);
int backend_set(struct call *c);
int backend_rm(struct call *c);
int ca_show(struct call *c);
int ca_add(struct call *c);
int ca_list(struct call *c);
int ca_get(struct call *c);
int ca_rm(struct call *c);
int cert_add(struct call *c);
int cert_list(struct call *c);
int cert_get(struct call *c);
int cert_rm(struct call *c);
int check(struct call *c);
int reload(struct call *c);
int completion(struct call *c);
int destination_add(struct call *c);
int destination_list(struct call *c);
int destination_get(struct call *c);
int destination_set(struct call *c);
int destination_rm(struct call *c);
int subscription_add(struct call *c);
int subscription_list(struct call *c);
int subscription_get(struct call *c);
int subscription_set(struct call *c);
int subscription_rm(struct call *c);

int authtoken_add(struct call *c);
int authtoken_list(struct call *c);
int authtoken_rm(struct call *c);
int authtoken_set(struct call *c);

int ssh_key_add(struct call *c);
int ssh_key_list(struct call *c);
int ssh_key_rm(struct call *c);
int ssh_key_set(struct call *c);
int ssh_key_host(struct call *c);

int session_list(struct call *c);
int session_get(struct call *c);
int session_stop(struct call *c);
int session_restart(struct call *c);

int tunnel_tls(struct call *c);
int tunnel_http(struct call *c);
int tunnel_tcp(struct call *c);
int tunnel_labelled(struct call *c);
int tunnel_start_named(struct call *c);
int tunnel_config_check(struct call *c);
int tunnel_config_add_authtoken(struct call *c);

extern const struct opt tunnel_labelled_opts[], tunnel_tls_opts[], tunnel_http_opts[],
	tunnel_tcp_opts[];
extern const struct opt tunnel_start_opts[];
extern const struct opt tunnel_config_opts[];
extern const struct opt authtoken_opts[];
extern const struct opt edge_create_opts[], edge_set_opts[], backend_opts[];
extern const struct opt ca_add_opts[], cert_add_opts[], cert_list_opts[];
extern const struct opt destination_opts[], subscription_opts[];

/* Options that other tables make: filled before parsing. */
extern struct opt endpoint_add_opts[], endpoint_set_opts[];
void endpoint_opts_fill(void);
#endif
