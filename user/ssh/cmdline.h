/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cmdline - what somebody with nothing but ssh asks for: `ssh -R NAME:PORT:... VERSION@edge tls
 * --proxy-proto=2`.
 *
 * Three texts from the network, each read for itself (they come in any order), then together as
 * the URL of an endpoint.  Pure; any thread.  Faults carry the codes 1105 to 1123 and what to type
 * instead; their texts repeat bytes of the client's, escaped.
 */
#ifndef CMDLINE_H
#define CMDLINE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "fault.h"

#define CMDLINE_MAX 4096    /* bytes of a command line */
#define CMDLINE_WORDS 64    /* in it */
#define CMDLINE_LIST_MAX 16 /* --cidr-allow, --cidr-deny, --mutual-tls-cas: each */
#define CMDLINE_URL_MAX 300

enum cmdline_type { CMDLINE_TLS, CMDLINE_TCP, CMDLINE_HTTP };

enum cmdline_option {
	CMDLINE_URL, /* --url, --domain, --hostname: the name, when -R does not say it */
	CMDLINE_SUBDOMAIN,
	CMDLINE_REMOTE_ADDR,
	CMDLINE_TERMINATE_AT,
	CMDLINE_MUTUAL_TLS_CAS,
	CMDLINE_PROXY_PROTO,
	CMDLINE_CIDR_ALLOW,
	CMDLINE_CIDR_DENY,
	CMDLINE_NAME,
	CMDLINE_DESCRIPTION,
	CMDLINE_METADATA,
	CMDLINE_MULTI,
	CMDLINE_POOLING,
	CMDLINE_HELP,
	CMDLINE_OPTION_MAX
};

struct cmdline {
	enum cmdline_type type;
	bool help, multi, pooling;
	unsigned proxy_proto;			/* 0: none */
	const char *values[CMDLINE_OPTION_MAX]; /* NULL: not given; in <text> */
	/* end with NULL, as snisplit.h wants them */
	const char *cidr_allow[CMDLINE_LIST_MAX + 1], *cidr_deny[CMDLINE_LIST_MAX + 1];
	const char *mutual_tls_cas[CMDLINE_LIST_MAX + 1];
	char text[CMDLINE_MAX + 1];
};

/*
 * What a session asked to execute; NULL or blanks: nothing (1107).  Words are a shell's: quotes of
 * both kinds and backslashes.  0, or -1 with <f>: 1107, 1108 (no such command), 1109 (no such
 * option), 1110 (a value is missing, too much or unreadable), 1123 (--proxy-proto), 224, 362.
 */
int cmdline_parse(const char *line, struct cmdline *ret_c, struct fault *f);

/* The user name is the version of the syntax: "v2", or what is no version at all.  Else 1106. */
int cmdline_version(const char *user, struct fault *f);

/* ---- cmdline_bind.c ---- */

/* One -R: where the client wants to be listened. */
struct cmdline_bind {
	char host[256]; /* as it came; "" if it does not matter: "", "*", localhost, 0.0.0.0, :: ...
			 */
	unsigned port;	/* 0: any */
};
/* 0, or -1 with 1113: <port> is none, or 249: <host> can be no name. */
int cmdline_bind(const char *host, unsigned port, struct cmdline_bind *ret_b, struct fault *f);

/*
 * The URL that <b> means under <c>, "" when the edge is to make it up; names of --subdomain are
 * below <base_domain>.  -1 with <f>: 249, 1113 to 1120.
 */
int cmdline_url(const struct cmdline *c, const struct cmdline_bind *b, const char *base_domain,
		char url[CMDLINE_URL_MAX], struct fault *f);
/* The same before the command is known: what it must be, or "" if that may be anything. */
int cmdline_likely_url(const struct cmdline_bind *b, char url[CMDLINE_URL_MAX], struct fault *f);

const char *cmdline_type_name(enum cmdline_type t);
/* What --help says. */
void cmdline_usage(FILE *to);
#endif
