// SPDX-License-Identifier: GPL-2.0-only
/*
 * scarce - where memory is lacking, at whichever allocation, and for however many, what decides who
 * is let in is whole or refused: it never becomes less.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "addr.h"
#include "config.h"
#include "credentials.h"
#include "edge_private.h"
#include "ip_policy.h"
#include "ip_policy_store.h"
#include "lacking.h"
#include "pki.h"
#include "policies.h"
#include "store.h"
#include "tls_base.h"
#include "tls_private.h"
#include "tunnel_private.h"

/* (no power is lost here, and thousands of changes are made) */
int fdatasync(int fd)
{
	(void)fd;
	return 0;
}

static FILE *null; /* for messages */
static char base[] = "/tmp/test_scarce.XXXXXX";

/* ---- a file ---- */

static const char yaml[] =
	"version: 1\n"
	"listen: [\"127.0.0.1:4430\", \"127.0.0.2:4430\"]\n"
	"default_endpoint: \"tls://a.test\"\n"
	"accept_proxy: {from: [192.0.2.0/24, \"2001:db8::/32\"]}\n"
	"ip_deny: [198.51.100.0/24, 203.0.113.7]\n"
	"endpoints:\n"
	"  - {url: \"tls://a.test\", upstream: \"127.0.0.1:1\", cidr_allow: [10.0.0.0/8, "
	"192.168.0.0/16], cidr_deny: [10.1.0.0/16]}\n"
	"  - url: \"tls://b.test\"\n"
	"    upstream: \"127.0.0.1:2\"\n"
	"    terminate_at: edge\n"
	"    certificate_authorities: [one, two]\n"
	"    ip_policies: [ipp_1, ipp_2]\n"
	"    conn_rate: 5\n";

static void say_ranges(const char *name, const struct config_cidrs *l)
{
	char text[CIDR_TEXT_MAX];

	SAY("%s", name);
	for (unsigned i = 0; i < l->n; i++)
		SAY(" %s", cidr_text(&l->at[i], text));
	SAY("\n");
}

static bool file(void)
{
	FILE *in = fmemopen((char *)yaml, sizeof(yaml) - 1, "r");
	struct config *c = in ? config_parse(in, "f", null) : NULL;

	if (in)
		fclose(in);
	if (!c)
		return false;
	SAY("default %s, %u addresses\n", c->default_endpoint, c->n_listen);
	say_ranges("proxy", &c->proxy_from);
	say_ranges("deny", &c->ip_deny);
	for (unsigned i = 0; i < c->n_endpoints; i++)
		for (int id = 0; id < FIELD_ID_MAX; id++)
			SAY("%s,", endpoint_spec_value(&c->endpoints[i], (enum field_id)id) ?: "");
	config_free(c);
	return true;
}

/* ---- the state ---- */

static struct store *store;
static char policy_id[IP_POLICY_ID_MAX], credential_id[CREDENTIAL_ID_MAX];
static char token[CREDENTIAL_TOKEN_MAX];

static void fill_state(void)
{
	static const char *const ranges[] = {"10.0.0.0/8", "10.1.0.0/16", "192.168.0.0/16"};
	const struct credential in = {.acl = (char *)"bind:a.test\nbind:*.b.test",
				      .description = (char *)"d",
				      .max_sessions = 1,
				      .max_endpoints = 2};
	struct ip_policy_head p = {.description = (char *)"d"};
	struct ip_policies *ip = ip_policies_new();
	struct credentials *c = NULL;
	char why[CIDR_WHY_MAX];
	struct fault f = {.msg = ""};
	struct cidr range;

	CHECK(!store_open(base, &store, &f), "%s", f.msg);
	CHECK(!ip_policy_add(ip, &p, &f) && !ip_policy_save(store, &p, &f), "%s", f.msg);
	memcpy(policy_id, p.id, sizeof(policy_id));
	for (size_t i = 0; i < COUNT(ranges); i++) {
		struct ip_policy_head h = {.id = ""};

		cidr_parse(ranges[i], &range, why);
		CHECK(!ip_policy_rule_add(ip, p.id, &range, i == 1, &h, &f) &&
			      !ip_policy_rule_save(store, p.id, &range, i == 1, &h, &f),
		      "%s", f.msg);
	}
	ip_policies_free(ip);
	CHECK(!credentials_open(store, CREDENTIAL_TOKEN, &c, &f) &&
		      !credentials_add(c, &in, credential_id, token, &f),
	      "%s", f.msg);
	credentials_close(c);
}

static void say_judged(struct policies *ps, struct policy *const *p)
{
	static const char *const addrs[] = {"10.0.0.1", "10.1.0.1", "192.168.0.1", "192.0.2.1"};
	struct sockaddr_storage sa;
	socklen_t len;
	char text[32];

	for (size_t i = 0; i < COUNT(addrs); i++) {
		snprintf(text, sizeof(text), "%s:1", addrs[i]);
		addr_parse(text, &sa, &len);
		SAY("%s %s\n", addrs[i],
		    policies_judge(ps, p, &sa) == POLICY_ALLOW ? "may" : "may not");
	}
}

/* From the database to what an endpoint that names the policy lets in. */
static bool rules(void)
{
	struct ip_policies *ip = ip_policies_new();
	struct policies *ps = ip ? policies_new(NULL) : NULL;
	struct endpoint_spec s = {.given = 0};
	struct policy_rules r = {.n = 0};
	struct policy *p = NULL;
	struct fault f;
	uint64_t state;
	bool made;

	made = ps && !ip_policies_restore(ip, store, &f) &&
	       !endpoint_spec_replace(&s, FIELD_ID_IP_POLICIES, policy_id) &&
	       !ip_policies_rules(ip, &s, &r, &state, &f) && !policies_take(ps, &r, &p);
	if (made) {
		SAY("%u rules\n", r.n);
		say_judged(ps, &p);
	}
	policy_put(p);
	policy_rules_done(&r);
	endpoint_spec_done(&s);
	policies_free(ps);
	ip_policies_free(ip);
	return made;
}

static int say_credential(void *arg, const struct credential *cr)
{
	(void)arg;
	SAY("%s %s %s %u %u\n", cr->id, cr->acl, cr->description, cr->max_sessions,
	    cr->max_endpoints);
	return 0;
}

static bool credentials(void)
{
	struct credentials *c = NULL;
	struct fault f;

	if (credentials_open(store, CREDENTIAL_TOKEN, &c, &f))
		return false;
	credentials_each(c, say_credential, NULL);
	credentials_close(c);
	return true;
}

/* ---- what was said to be removed ---- */

static int count(void *arg, const struct store_row *r)
{
	(void)r;
	++*(int *)arg;
	return 0;
}

/* After a change that failed, another is said to be done: it is, for who opens it again too. */
static bool removed(void)
{
	const struct store_field field = {"a", "b"};
	const struct store_row row = {.id = "x_1", .fields = &field, .n_fields = 1};
	unsigned first = lack.first;
	struct fault f = {.msg = ""};
	int n = 0;
	bool put;

	lack.first = 0;
	CHECK(!store_put(store, "x", &row, &f), "%s", f.msg);
	lack.n = 0;
	lack.first = first;
	put = !store_put(store, "x", &row, &f);
	lack.first = 0;
	CHECK(!store_del(store, "x", row.id, &f), "after memory was lacking: %s", f.msg);
	store_lend(store);
	CHECK(!store_return(store, &f), "%s", f.msg);
	store_each(store, "x", count, &n, &f);
	SAY("%d left\n", n);
	if (n || failures)
		return true;
	return put;
}

/* ---- clients' certificates ---- */

static struct tls_base *tls;
static char *cas;

static bool client_cas(void)
{
	const struct tls_server_conf conf = {.id = "ep_1", .name = "a.test", .client_cas = cas};
	struct tls_server *s;
	struct fault f;

	/* (no certificate of its own is asked for: it has those of <certs>, which is not looked at)
	 */
	s = tls_server_new(tls, (struct certs *)&lack, &conf, &f);
	if (!s)
		return false;
	SAY("%d CAs, %d names\n", sk_X509_OBJECT_num(X509_STORE_get0_objects(s->client_cas)),
	    sk_X509_NAME_num(s->client_ca_names));
	tls_server_put(s);
	return true;
}

/* ---- live sessions ---- */

static struct edge edge;
static struct tunnel tunnel;
static struct caller sessions[2];

static void open_sessions(void)
{
	struct fault f = {.msg = ""};

	CHECK(!credentials_open(store, CREDENTIAL_TOKEN, &edge.credentials, &f), "%s", f.msg);
	tunnel.edge = &edge;
	list_init(&tunnel.sessions);
	list_init(&tunnel.mail);
	pthread_mutex_init(&tunnel.lock, NULL);
	tunnel.mail_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (size_t i = 0; i < COUNT(sessions); i++) {
		struct caller *c = &sessions[i];

		c->tunnel = &tunnel;
		c->n_bounds = 1;
		CHECK(!credentials_check(edge.credentials, token, c->credential, &c->acl, &f), "%s",
		      f.msg);
	}
	list_add_tail(&tunnel.sessions, &sessions[0].link);
}

/* Both have one endpoint, of two that are allowed. */
static bool limits(void)
{
	struct fault f = {.msg = ""};
	bool sessions_full = session_check_count(&sessions[1], &f),
	     endpoints_full = session_check_endpoints(&sessions[1], &f);

	SAY("one more session: %s, endpoint: %s\n", sessions_full ? "no" : "yes",
	    endpoints_full ? "no" : "yes");
	return f.status != 500;
}

/* What a PATCH takes from a session is taken. */
static bool renewed(void)
{
	struct credential wide = {.acl = (char *)"*",
				  .max_sessions = CREDENTIAL_KEEP,
				  .max_endpoints = CREDENTIAL_KEEP},
			  narrow = wide;
	struct caller *c = &sessions[0];
	unsigned first = lack.first;
	struct fault f = {.msg = ""};
	bool known;

	narrow.acl = (char *)"bind:a.test";
	lack.first = 0;
	CHECK(!credentials_set(edge.credentials, credential_id, &wide, &f), "%s", f.msg);
	tunnel_renew_rules(&tunnel, credential_id);
	tunnel_read_mail(&tunnel);
	CHECK(!session_check_rules(c, &f), "%s", f.msg);
	CHECK(!credentials_set(edge.credentials, credential_id, &narrow, &f), "%s", f.msg);
	lack.n = 0;
	lack.first = first;
	tunnel_renew_rules(&tunnel, credential_id);
	tunnel_read_mail(&tunnel);
	known = !session_check_rules(c, &f);
	SAY("it may have b.test: %s\n", credential_allows(c->acl, "b.test") ? "yes" : "no");
	return known;
}

/* Whose credential goes is not forgotten where there is no memory to say so. */
static void check_revoked(void)
{
	struct fault f = {.msg = ""};

	CHECK(!credentials_remove(edge.credentials, credential_id, &f), "%s", f.msg);
	lack.n = 0;
	lack.first = 1;
	lack.many = FOR_EVER;
	tunnel_revoke(&tunnel, credential_id);
	CHECK(!lack.n || (list_empty(&tunnel.mail) && tunnel.credentials_changed),
	      "told without memory");
	CHECK(session_is_revoked(&sessions[0]), "found without memory");
	lack.first = 0;
}

static char *two_cas(void)
{
	struct pki one = pki_make((struct pki_conf){.cn = "one", .is_ca = true});
	struct pki two = pki_make((struct pki_conf){.cn = "two", .is_ca = true});
	char *a = pki_crt(&one), *b = pki_crt(&two), *both = NULL;

	CHECK(asprintf(&both, "%s%s", a, b) > 0, "memory");
	free(a);
	free(b);
	pki_done(&one);
	pki_done(&two);
	return both;
}

int main(void)
{
	char why[256] = "", cmd[64];

	null = fopen("/dev/null", "w");
	stderr = fdopen(dup(2), "w");
	/* (the log is of thousands of refusals) */
	if (!mkdtemp(base) || !null || !stderr || dup2(fileno(null), 2) == -1)
		return 1;
	sweep("a file", 1, file);
	fill_state();
	sweep("IP policies", 3, rules);
	sweep("credentials", 3, credentials);
	sweep("a removal", 3, removed);
	open_sessions();
	sweep("limits", 1, limits);
	sweep("rules of a session", 1, renewed);
	check_revoked();
	tls = tls_base_new(why, sizeof(why));
	CHECK(tls, "%s", why);
	cas = two_cas();
	sweep("client CAs", 3, client_cas);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", base);
	return system(cmd) || failures;
}
