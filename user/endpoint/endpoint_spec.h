/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * endpoint_spec - an endpoint as somebody asked for it, in the file, over the API
 * or in the state database; and whether that makes sense.
 */
#ifndef ENDPOINT_SPEC_H
#define ENDPOINT_SPEC_H
#include <stdbool.h>
#include <stdint.h>

#include "fault.h"
#include "field.h"

#define ENDPOINT_NAME_MAX 256
#define ENDPOINT_LIMIT_MAX 1000000
#define ENDPOINT_TARGETS_MAX 64
#define ENDPOINT_WEIGHT_MAX 10000
#define ENDPOINT_CREDENTIAL_MAX 40
#define ENDPOINT_LEVELS_MAX 4 /* of backends within backends */

enum endpoint_origin { ENDPOINT_FILE, ENDPOINT_API, ENDPOINT_AGENT, ENDPOINT_EDGE };

/*
 * What a user asked for, each value as a text checked by itself; whether they go together says
 * endpoint_spec_check().  Strings are owned by the spec.
 */
struct endpoint_spec {
	uint64_t given; /* bit FIELD_ID_...: there is such a value */
	char **texts;	/* of those, in the order of their ids; see endpoint_spec_value() */
	enum endpoint_origin origin;
	unsigned line; /* in the config file; 0: not from a file */
	/* One that was fine once: a name that does not resolve now may do so later, see resolver.h
	 */
	bool may_be_unresolved;
	uint64_t agent; /* ENDPOINT_AGENT: the tunnel session that serves it */
	char credential[ENDPOINT_CREDENTIAL_MAX]; /* ... and whose that is */
};
void endpoint_spec_done(struct endpoint_spec *s);
/* NULL: not given.  FIELD_LIST and FIELD_PEM as in field.h. */
const char *endpoint_spec_value(const struct endpoint_spec *s, enum field_id id);
/* Unchecked; 0, or -ENOMEM and nothing is changed. */
int endpoint_spec_replace(struct endpoint_spec *s, enum field_id id, const char *text);
/* As if it had not been given. */
void endpoint_spec_clear(struct endpoint_spec *s, enum field_id id);
/* 0, or -ENOMEM with *ret_to empty. */
int endpoint_spec_copy(const struct endpoint_spec *s, struct endpoint_spec *ret_to);
bool endpoint_spec_same(const struct endpoint_spec *a, const struct endpoint_spec *b);

/* Does TLS end at the edge: asked for, or there is a certificate? */
bool endpoint_spec_terminates(const struct endpoint_spec *s);

/* A FIELD_BOOL that is true? */
bool endpoint_spec_is(const struct endpoint_spec *s, enum field_id id);

enum endpoint_balance { BALANCE_EVEN, BALANCE_WEIGHTED, BALANCE_FAILOVER };

/* How those that differ from here on share, and which of them it is. */
struct endpoint_level {
	enum endpoint_balance balance : 8;
	unsigned index : 24; /* below ENDPOINT_TARGETS_MAX */
	unsigned weight;
};

/*
 * One of the upstreams: [tls://]HOST:PORT[=WEIGHT].  An edge's may also be a labelled tunnel,
 * tn_..., and stand in backends within backends: then "@" follows, and for each level, the
 * outermost first, e, w or f (even, weighted, failover), its place there, ":" and its weight, with
 * "/" between.
 */
struct endpoint_target {
	char text[300]; /* HOST:PORT, or the tunnel's id */
	bool tls, tunnel;
	unsigned weight; /* 1 unless given */
	bool has_weight;
	struct endpoint_level levels[ENDPOINT_LEVELS_MAX];
	unsigned n_levels; /* 0: as the spec's balance says */
};

/* The <i>th.  0, -ENOENT: no more, or -EINVAL: too long, or a weight that is none. */
int endpoint_spec_target(const struct endpoint_spec *s, unsigned i, struct endpoint_target *ret_t);

/*
 * Sets one field by the name of wire/field.h.  Unknown, of the wrong kind, given
 * twice or not available in this version: -1 with 400 and the field in <f>.
 */
int endpoint_spec_set(struct endpoint_spec *s, const char *field, enum field_kind kind,
		      const char *text, struct fault *f);

/* endpoint_url.c */
/*
 * What an endpoint is found by: of tls://NAME[:443] or NAME[:443] the normalised name, of
 * tcp://HOST:PORT that whole URL in its canonical form, which no name can be.  0, or -1 with <f>.
 */
int endpoint_url_host(const char *url, char ret_host[ENDPOINT_NAME_MAX], struct fault *f);
bool endpoint_is_tcp(const char *host);
/* What makes a URL of <host>: "tls://", or "" if it is one. */
const char *endpoint_scheme(const char *host);
/* Of tcp://[HOST][:PORT]: "" and 0 for what is not given.  0, -EPROTO: another scheme, -EINVAL. */
int endpoint_tcp_split(const char *url, char ret_host[ENDPOINT_NAME_MAX], unsigned *ret_port);

/* For endpoint_spec_check(): its upstreams, how they share, their health checks. */
int endpoint_spec_check_upstreams(const struct endpoint_spec *s, struct fault *f);
int endpoint_spec_check_hostport(const char *text, const char *field, struct fault *f);

/* Is <s> complete and well formed?  Resolves nothing.  0, or -1 with <f>. */
int endpoint_spec_check(const struct endpoint_spec *s, char ret_host[ENDPOINT_NAME_MAX],
			struct fault *f);
#endif
