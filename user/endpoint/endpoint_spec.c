// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint_spec.h"
#include "addr.h"
#include "policy.h"

#define URL_INVALID 249
#define DENY_WITHOUT_ALLOW 393

/* Where a value is among those that are given, or would be. */
static unsigned place_of(const struct endpoint_spec *s, enum field_id id)
{
	return (unsigned)__builtin_popcountll(s->given & ((1ULL << id) - 1));
}

const char *endpoint_spec_value(const struct endpoint_spec *s, enum field_id id)
{
	return s->given >> id & 1 ? s->texts[place_of(s, id)] : NULL;
}

static unsigned n_given(const struct endpoint_spec *s)
{
	return (unsigned)__builtin_popcountll(s->given);
}

static void drop(char *text, enum field_id id)
{
	if (field_table[id].secret)
		explicit_bzero(text, strlen(text));
	free(text);
}

void endpoint_spec_clear(struct endpoint_spec *s, enum field_id id)
{
	unsigned at = place_of(s, id);

	if (!(s->given >> id & 1))
		return;
	drop(s->texts[at], id);
	s->given &= ~(1ULL << id);
	memmove(s->texts + at, s->texts + at + 1, (n_given(s) - at) * sizeof(*s->texts));
}

int endpoint_spec_replace(struct endpoint_spec *s, enum field_id id, const char *text)
{
	char *copy = strdup(text), **values;
	unsigned at = place_of(s, id), n = n_given(s);

	if (!copy)
		return -ENOMEM;
	if (s->given >> id & 1) {
		drop(s->texts[at], id);
	} else {
		values = realloc(s->texts, (n + 1) * sizeof(*values));
		if (!values) {
			drop(copy, id);
			return -ENOMEM;
		}
		s->texts = values;
		memmove(values + at + 1, values + at, (n - at) * sizeof(*values));
		s->given |= 1ULL << id;
	}
	s->texts[at] = copy;
	return 0;
}

void endpoint_spec_done(struct endpoint_spec *s)
{
	for (int i = 0; s->given; i++)
		endpoint_spec_clear(s, (enum field_id)i);
	free(s->texts);
	memset(s, 0, sizeof(*s));
}

int endpoint_spec_copy(const struct endpoint_spec *s, struct endpoint_spec *ret_to)
{
	*ret_to = *s;
	ret_to->may_be_unresolved = false;
	ret_to->given = 0;
	ret_to->texts = malloc(n_given(s) * sizeof(*s->texts));
	if (!ret_to->texts && s->given)
		return -ENOMEM;
	for (int i = 0; i < FIELD_ID_MAX; i++) {
		const char *text = endpoint_spec_value(s, (enum field_id)i);

		if (!text)
			continue;
		ret_to->texts[n_given(ret_to)] = strdup(text);
		if (!ret_to->texts[n_given(ret_to)]) {
			endpoint_spec_done(ret_to);
			return -ENOMEM;
		}
		ret_to->given |= 1ULL << i;
	}
	return 0;
}

bool endpoint_spec_same(const struct endpoint_spec *a, const struct endpoint_spec *b)
{
	for (int i = 0; i < FIELD_ID_MAX; i++) {
		const char *x = endpoint_spec_value(a, i), *y = endpoint_spec_value(b, i);

		if (i != FIELD_ID_URL && (x && y ? strcmp(x, y) != 0 : x != y))
			return false;
	}
	return true;
}

bool endpoint_spec_is(const struct endpoint_spec *s, enum field_id id)
{
	return endpoint_spec_value(s, id) && !strcmp(endpoint_spec_value(s, id), "true");
}

bool endpoint_spec_terminates(const struct endpoint_spec *s)
{
	const char *at = endpoint_spec_value(s, FIELD_ID_TERMINATE_AT);

	return at ? !strcmp(at, "edge") : endpoint_spec_value(s, FIELD_ID_CRT) != NULL;
}

static const char *skip_spaces(const char *p)
{
	return p + strspn(p, " ");
}

static const char *read_number(const char *p, unsigned max, unsigned *ret_n)
{
	unsigned n = 0;

	if (*p < '0' || *p > '9')
		return NULL;
	for (; *p >= '0' && *p <= '9' && n <= max; p++)
		n = n * 10 + (unsigned)(*p - '0');
	*ret_n = n;
	return n <= max ? p : NULL;
}

/* "@w0:3/e1:1": what follows it, or NULL. */
static const char *read_levels(const char *p, struct endpoint_target *t)
{
	static const char kinds[] = {'e', 'w', 'f'};

	do {
		struct endpoint_level *l = &t->levels[t->n_levels];
		const char *kind = memchr(kinds, *++p, sizeof(kinds));
		unsigned index = 0;

		if (!kind || t->n_levels++ == ENDPOINT_LEVELS_MAX)
			return NULL;
		l->balance = (enum endpoint_balance)(kind - kinds);
		p = read_number(p + 1, ENDPOINT_TARGETS_MAX, &index);
		if (!p || *p != ':')
			return NULL;
		l->index = index & 0xffffff;
		p = read_number(p + 1, ENDPOINT_WEIGHT_MAX, &l->weight);
	} while (p && *p == '/');
	return p;
}

/* "=WEIGHT" or nothing, up to the end of the item.  False: something else. */
static bool read_weight(const char *p, struct endpoint_target *t)
{
	char *end;

	p = skip_spaces(p);
	if (*p == '=') {
		if (p[1] < '0' || p[1] > '9')
			return false;
		t->has_weight = true;
		t->weight = (unsigned)strtoul(p + 1, &end, 10);
		p = skip_spaces(end);
	}
	return t->weight <= ENDPOINT_WEIGHT_MAX && (!*p || *p == ',');
}

int endpoint_spec_target(const struct endpoint_spec *s, unsigned i, struct endpoint_target *ret_t)
{
	const char *p = endpoint_spec_value(s, FIELD_ID_UPSTREAM);
	struct endpoint_target t = {.weight = 1};
	size_t len;

	while (p && i--) {
		p = strchr(p, ',');
		p = p ? p + 1 : NULL;
	}
	if (!p)
		return -ENOENT;
	p = skip_spaces(p);
	t.tls = !strncasecmp(p, "tls://", 6);
	p += t.tls ? 6 : 0;
	len = strcspn(p, s->origin == ENDPOINT_EDGE ? ",= @" : ",= ");
	if (len >= sizeof(t.text))
		return -EINVAL;
	memcpy(t.text, p, len);
	t.tunnel = s->origin == ENDPOINT_EDGE && !strncmp(t.text, "tn_", 3);
	p += len;
	if (*p == '@' && s->origin == ENDPOINT_EDGE) {
		p = read_levels(p, &t);
		if (!p)
			return -EINVAL;
	}
	if (!read_weight(p, &t))
		return -EINVAL;
	*ret_t = t;
	return 0;
}

int endpoint_spec_set(struct endpoint_spec *s, const char *field, enum field_kind kind,
		      const char *text, struct fault *f)
{
	const struct field *fd = field_find(field);
	enum field_id id;

	if (!fd)
		return fault_set(f, 400, 0, field, "unknown field");
	if (field_check(fd, kind, text, f))
		return -1;
	id = (enum field_id)(fd - field_table);
	/* an empty list is as good as none */
	if (kind == FIELD_NULL || (kind == FIELD_LIST && !*text))
		return 0;
	if (s->given >> id & 1)
		return fault_set(f, 400, 0, field, "given twice");
	return endpoint_spec_replace(s, id, text) ? fault_set(f, 500, 0, field, "out of memory")
						  : 0;
}

int endpoint_spec_check_hostport(const char *text, const char *field, struct fault *f)
{
	char host[256];
	uint16_t port;

	if (addr_split(text, host, sizeof(host), &port) || !*host || strchr(host, '/'))
		return fault_set(f, 400, 0, field,
				 "must be HOST:PORT, such as 127.0.0.1:8443 or [::1]:8443, got "
				 "'%.200s'",
				 text);
	return 0;
}

static int first_given(const struct endpoint_spec *s, const enum field_id *ids, int n)
{
	for (int i = 0; i < n; i++)
		if (endpoint_spec_value(s, ids[i]) &&
		    strcmp(endpoint_spec_value(s, ids[i]), "false"))
			return (int)ids[i];
	return -1;
}

#define NEEDS_EDGE 1662
#define MTLS_NEEDS_EDGE 1694
#define BAD_TERMINATE_AT 224

/* Bytes are passed on as they are: there is no hello, and nobody ends TLS on the way. */
static int check_tcp(const struct endpoint_spec *s, struct fault *f)
{
	static const enum field_id of_tls[] = {FIELD_ID_CRT,
					       FIELD_ID_KEY,
					       FIELD_ID_MUTUAL_TLS_CAS,
					       FIELD_ID_CERTIFICATE_AUTHORITIES,
					       FIELD_ID_ALPN,
					       FIELD_ID_ACME_UPSTREAM,
					       FIELD_ID_MIN_VERSION,
					       FIELD_ID_UPSTREAM_TLS_VERIFY,
					       FIELD_ID_UPSTREAM_TLS_VERIFY_CAS,
					       FIELD_ID_UPSTREAM_CRT,
					       FIELD_ID_UPSTREAM_KEY};
	const char *at = endpoint_spec_value(s, FIELD_ID_TERMINATE_AT);
	int id = first_given(s, of_tls, sizeof(of_tls) / sizeof(of_tls[0]));
	struct endpoint_target t = {.tls = false};

	if (at && strcmp(at, "upstream"))
		return fault_set(f, 400, BAD_TERMINATE_AT, "terminate_at",
				 "is for tls:// endpoints: a TCP endpoint passes bytes on as they "
				 "are");
	if (id >= 0)
		return fault_set(f, 400, 0, field_table[id].name,
				 "is for tls:// endpoints: a TCP endpoint passes bytes on as they "
				 "are");
	if (endpoint_spec_value(s, FIELD_ID_HEALTH_CHECK) &&
	    !strcmp(endpoint_spec_value(s, FIELD_ID_HEALTH_CHECK), "tls"))
		return fault_set(f, 400, 0, "health_check",
				 "tls is for tls:// endpoints: of a TCP endpoint it is tcp or off");
	for (unsigned i = 0; !endpoint_spec_target(s, i, &t); i++)
		if (t.tls)
			return fault_set(f, 400, NEEDS_EDGE, "upstream",
					 "tls:// (re-encrypt) needs a tls:// endpoint with "
					 "terminate_at edge");
	return 0;
}

/* Of termination: what does not go without what. */
static int check_tls(const struct endpoint_spec *s, struct fault *f)
{
	static const enum field_id of_edge[] = {
		FIELD_ID_MUTUAL_TLS_CAS, FIELD_ID_CERTIFICATE_AUTHORITIES, FIELD_ID_CRT,
		FIELD_ID_ALPN,		 FIELD_ID_ACME_UPSTREAM,	   FIELD_ID_MIN_VERSION};
	static const enum field_id of_upstream[] = {FIELD_ID_UPSTREAM_TLS_VERIFY,
						    FIELD_ID_UPSTREAM_TLS_VERIFY_CAS,
						    FIELD_ID_UPSTREAM_CRT, FIELD_ID_UPSTREAM_KEY};
	const char *at = endpoint_spec_value(s, FIELD_ID_TERMINATE_AT);
	const char *datapath = endpoint_spec_value(s, FIELD_ID_DATAPATH);
	struct endpoint_target t = {.tls = false};
	bool tls, edge = endpoint_spec_terminates(s);
	int id;

	if (at && !strcmp(at, "agent") && s->origin != ENDPOINT_AGENT)
		return fault_set(f, 400, BAD_TERMINATE_AT, "terminate_at",
				 "agent is for endpoints that an agent opens; here it is edge or "
				 "upstream");
	if (endpoint_spec_value(s, FIELD_ID_ALPN) &&
	    strchr(endpoint_spec_value(s, FIELD_ID_ALPN), ','))
		return fault_set(f, 400, 0, "alpn",
				 "holds a comma: each protocol is an element of its own (--alpn h2 "
				 "--alpn http/1.1)");
	if (!endpoint_spec_value(s, FIELD_ID_CRT) != !endpoint_spec_value(s, FIELD_ID_KEY))
		return fault_set(f, 400, 0, endpoint_spec_value(s, FIELD_ID_CRT) ? "key" : "crt",
				 "is missing: crt and key come together");
	if (!endpoint_spec_value(s, FIELD_ID_UPSTREAM_CRT) !=
	    !endpoint_spec_value(s, FIELD_ID_UPSTREAM_KEY))
		return fault_set(f, 400, 0,
				 endpoint_spec_value(s, FIELD_ID_UPSTREAM_CRT) ? "upstream_key"
									       : "upstream_crt",
				 "is missing: upstream_crt and upstream_key come together");
	id = edge ? -1 : first_given(s, of_edge, sizeof(of_edge) / sizeof(of_edge[0]));
	if (id >= 0)
		return fault_set(f, 400,
				 id == FIELD_ID_MUTUAL_TLS_CAS ||
						 id == FIELD_ID_CERTIFICATE_AUTHORITIES
					 ? MTLS_NEEDS_EDGE
					 : NEEDS_EDGE,
				 field_table[id].name, "needs terminate_at edge");
	/* (of the first that is no tunnel: what an agent does behind it is its own business) */
	for (unsigned i = 0; !endpoint_spec_target(s, i, &t) && t.tunnel; i++)
		;
	tls = t.tls;
	if (s->origin == ENDPOINT_AGENT) /* an agent encrypts by itself */
		return 0;
	if (tls && !edge)
		return fault_set(f, 400, NEEDS_EDGE, "upstream",
				 "tls:// (re-encrypt) needs terminate_at edge; a passthrough "
				 "upstream gets the client's own TLS, give HOST:PORT");
	id = tls ? -1 : first_given(s, of_upstream, sizeof(of_upstream) / sizeof(of_upstream[0]));
	if (id >= 0)
		return fault_set(f, 400, 0, field_table[id].name,
				 "needs an upstream of the form tls://HOST:PORT");
	if (edge && datapath && !strcmp(datapath, "kernel"))
		return fault_set(f, 400, 0, "datapath",
				 "a connection that is terminated at the edge cannot take the "
				 "kernel path; leave it out");
	if (endpoint_spec_value(s, FIELD_ID_ACME_UPSTREAM))
		return endpoint_spec_check_hostport(endpoint_spec_value(s, FIELD_ID_ACME_UPSTREAM),
						    "acme_upstream", f);
	return 0;
}

/* Deny alone would deny everybody: a list of those to be served is meant as well. */
static int check_policy(const struct endpoint_spec *s, struct fault *f)
{
	const char *allow = endpoint_spec_value(s, FIELD_ID_CIDR_ALLOW),
		   *deny = endpoint_spec_value(s, FIELD_ID_CIDR_DENY);
	struct policy_rules rules = {0};
	int err = 0;

	if (policy_rules_add_list(&rules, allow, false, "cidr_allow", f) ||
	    policy_rules_add_list(&rules, deny, true, "cidr_deny", f))
		err = -1;
	policy_rules_done(&rules);
	if (!err && deny && !allow && !endpoint_spec_value(s, FIELD_ID_IP_POLICIES))
		return fault_set(f, 400, DENY_WITHOUT_ALLOW, "cidr_deny",
				 "denies everybody without cidr_allow; to serve all others add "
				 "0.0.0.0/0 and ::/0 there");
	return err;
}

static int check_limits(const struct endpoint_spec *s, struct fault *f)
{
	static const enum field_id ids[] = {FIELD_ID_MAX_CONNS, FIELD_ID_MAX_CONNS_PER_SOURCE,
					    FIELD_ID_CONN_RATE, FIELD_ID_CONN_RATE_PER_SOURCE};

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		const char *text = endpoint_spec_value(s, ids[i]);

		/* numbers of the API may have a sign; the length is checked already */
		if (text && (strspn(text, "0123456789") != strlen(text) || !atol(text) ||
			     atol(text) > ENDPOINT_LIMIT_MAX))
			return fault_set(f, 400, 0, field_table[ids[i]].name,
					 "must be 1 to %d, got %s; leave it out for no limit",
					 ENDPOINT_LIMIT_MAX, text);
	}
	return 0;
}

int endpoint_spec_check(const struct endpoint_spec *s, char ret_host[ENDPOINT_NAME_MAX],
			struct fault *f)
{
	if (!endpoint_spec_value(s, FIELD_ID_URL))
		return fault_set(f, 400, URL_INVALID, "url", "is missing: tls://NAME");
	if (endpoint_url_host(endpoint_spec_value(s, FIELD_ID_URL), ret_host, f))
		return -1;
	/* an agent's is its own business, and only shown; an edge may wait for tunnels */
	if (!endpoint_spec_value(s, FIELD_ID_UPSTREAM) && s->origin != ENDPOINT_AGENT &&
	    s->origin != ENDPOINT_EDGE)
		return fault_set(f, 400, 0, "upstream", "is missing: HOST:PORT");
	if (endpoint_spec_check_upstreams(s, f))
		return -1;
	if (check_policy(s, f) || check_limits(s, f))
		return -1;
	return endpoint_is_tcp(ret_host) ? check_tcp(s, f) : check_tls(s, f);
}
