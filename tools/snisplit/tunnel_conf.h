/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * tunnel_conf - what `snisplit tls` and `snisplit start` are to do: out of files, the environment
 * and the command line, each beating the one before.
 *
 * Texts are malloc'd and the conf's.
 */
#ifndef TUNNEL_CONF_H
#define TUNNEL_CONF_H
#include <stdbool.h>
#include <stdio.h>

struct call;
struct opt;

#define TUNNEL_LIST_MAX 64
#define TUNNEL_LABELLED "labels" /* the proto of one that has no name but labels */

#define TUNNEL_SAID_MAX 32

/* A value that was given: under which word, and where. */
struct tunnel_said {
	const char *word; /* static: the file's key, the option's name */
	unsigned line;
};

struct tunnel_list {
	char *at[TUNNEL_LIST_MAX + 1]; /* ends with NULL */
	unsigned n;
};

/* One endpoint. */
struct tunnel_one {
	char *label; /* of the file; "command_line" */
	char *proto; /* tls, http, tcp, TUNNEL_LABELLED */
	char *addr;  /* [tls://][HOST:]PORT */
	char *url;   /* name or tls://NAME; [tcp://][HOST:]PORT; NULL: made up */
	char *terminate_at;
	char *crt, *key, *mutual_tls_cas;
	char *proxy_proto;
	char *upstream_tls_verify_cas;
	bool upstream_tls_verify, pooling_enabled;
	char *name, *description, *metadata;
	struct tunnel_list allow, deny;
	struct tunnel_list cas;	   /* certificate_authorities */
	struct tunnel_list labels; /* KEY=VALUE; of TUNNEL_LABELLED only */
	char *file;		   /* where it was read; NULL: the command line */
	unsigned line, reading;	   /* ... of which file, counted */
	struct tunnel_said said[TUNNEL_SAID_MAX];
	unsigned n_said;
};

/* Where the session's values come from: "FILE:LINE: server_addr", "snisplit: --server". */
enum tunnel_source {
	TUNNEL_FROM_AUTHTOKEN,
	TUNNEL_FROM_SERVER,
	TUNNEL_FROM_SERVER_CA,
	TUNNEL_FROM_WEB_ADDR,
	TUNNEL_FROM_DATAPATH,
	TUNNEL_FROM_LOG,
	TUNNEL_FROM_TOLERANCE,
	TUNNEL_FROM_MAX
};

struct tunnel_conf {
	char *authtoken, *server, *server_ca, *metadata;
	unsigned interval_ms, tolerance_ms;
	char *log, *log_format, *log_level;
	char *web_addr; /* "false": none; NULL: the default */
	char *console;	/* console_ui: true, false, iftty */
	char *datapath; /* auto (NULL), kernel, userspace */
	char *from[TUNNEL_FROM_MAX];
	struct tunnel_one *tunnels;
	unsigned n_tunnels;
};

/* ~/.config/snisplit/snisplit.yml, malloc'd; NULL: no home. */
char *tunnel_conf_path(void);
/* Adds what <path> says.  False after messages on <err>. */
bool tunnel_conf_read(struct tunnel_conf *t, const char *path, FILE *err);
/* The files (--config, else the usual one if it is there), then the environment. */
bool tunnel_conf_load(struct tunnel_conf *t, const struct call *c, FILE *err);
/* The options of the session. */
bool tunnel_conf_options(struct tunnel_conf *t, const struct call *c);
/* Another tunnel, or NULL: out of memory. */
struct tunnel_one *tunnel_conf_add(struct tunnel_conf *t);
/* Where TLS ends: "edge", "agent", "upstream", or whatever else was given. */
const char *tunnel_terminate_at(const struct tunnel_one *o);
void tunnel_one_done(struct tunnel_one *o); /* what it has; not itself */
void tunnel_conf_done(struct tunnel_conf *t);

bool tunnel_set(char **where, const char *text);
bool tunnel_list_add(struct tunnel_list *l, const char *text);

/* ---- tunnel_check.c ---- */

/*
 * All that the agent itself would refuse, and what of the values the edge would, before anything is
 * online.  False after messages.
 */
bool tunnel_conf_check(const struct tunnel_conf *t, FILE *err);
/* Which of the tunnels cannot be online with another of them.  The same. */
bool tunnel_check_together(const struct tunnel_conf *t, FILE *err);
/* Has <token> the form of one? */
bool tunnel_token_is_one(const char *token);

/* ---- tunnel_say.c: messages that name what the user has typed ---- */

void tunnel_note(struct tunnel_one *o, const char *word, unsigned line);
/* "FILE:LINE: tunnels.NAME.KEY: ..." or "snisplit: --OPTION: ..."; <field> as snisplit.h has it,
 * "": none.  False. */
bool tunnel_say(FILE *err, const struct tunnel_one *o, const char *field, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
void tunnel_note_from(struct tunnel_conf *t, enum tunnel_source what, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* The same of a value of the session.  False. */
bool tunnel_say_from(FILE *err, const struct tunnel_conf *t, enum tunnel_source what,
		     const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/* tunnel_run.c: until it is told to stop.  An exit code. */
int tunnel_run(const struct tunnel_conf *t);
#endif
