// SPDX-License-Identifier: GPL-2.0-only
/* policy - who is allowed, by rows, and random rules against the sentence in the manual. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "policies.h"
#include "unit.h"

static struct policy *make(const char *allow, const char *deny)
{
	struct policy_rules r = {0};
	struct fault f = {0};
	struct policy *p;

	if (policy_rules_add_list(&r, allow, false, "cidr_allow", &f) ||
	    policy_rules_add_list(&r, deny, true, "cidr_deny", &f)) {
		printf("# %s\n", f.msg);
		exit(1);
	}
	policy_rules_sort(&r);
	p = policy_new(&r);
	policy_rules_done(&r);
	return p;
}

static bool allows(const struct policy *p, const char *ip)
{
	struct sockaddr_storage sa;
	char text[64];
	socklen_t len;

	snprintf(text, sizeof(text), strchr(ip, ':') ? "[%s]:1" : "%s:1", ip);
	if (addr_parse(text, &sa, &len)) {
		printf("# not an address: %s\n", ip);
		exit(1);
	}
	return policy_allows(p, &sa);
}

static const struct {
	const char *name, *allow, *deny;
	const char *yes[4], *no[4];
} rows[] = {
	{"one range",
	 "192.0.2.0/24",
	 NULL,
	 {"192.0.2.1", "::ffff:192.0.2.1"},
	 {"192.0.3.1", "::1", "2001:db8::1"}},
	{"a hole", "10.0.0.0/8", "10.1.0.0/16", {"10.0.0.1", "10.2.0.1"}, {"10.1.2.3", "11.0.0.1"}},
	{"deny wins over a longer allow",
	 "10.0.0.0/8\n10.1.2.0/24",
	 "10.1.0.0/16",
	 {"10.2.0.1"},
	 {"10.1.2.3"}},
	{"the same in both lists", "10.0.0.0/8", "10.0.0.0/8", {NULL}, {"10.0.0.1"}},
	{"::/0 is not IPv4", "::/0", NULL, {"::1", "2001:db8::1"}, {"10.0.0.1", "::ffff:10.0.0.1"}},
	{"0.0.0.0/0 is not IPv6", "0.0.0.0/0", NULL, {"10.0.0.1", "::ffff:10.0.0.1"}, {"::1"}},
	{"::/64 covers the mapped ones by its bits only", "::/64", NULL, {"::1"}, {"10.0.0.1"}},
	{"deny of ::/0 leaves IPv4", "0.0.0.0/0\n::/0", "::/0", {"10.0.0.1"}, {"::1"}},
	{"all but one",
	 "0.0.0.0/0\n::/0",
	 "192.0.2.7\n2001:db8::/32",
	 {"192.0.2.6", "2001:db9::1"},
	 {"192.0.2.7", "2001:db8::9"}},
	{"no rule", NULL, NULL, {NULL}, {"10.0.0.1", "::1"}},
	{"deny only", NULL, "10.0.0.0/8", {NULL}, {"10.0.0.1", "11.0.0.1"}},
};

static void check_rows(void)
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy *p = make(rows[i].allow, rows[i].deny);

		for (int j = 0; j < 4 && rows[i].yes[j]; j++)
			CHECK(allows(p, rows[i].yes[j]), "%s: %s", rows[i].name, rows[i].yes[j]);
		for (int j = 0; j < 4 && rows[i].no[j]; j++)
			CHECK(!allows(p, rows[i].no[j]), "%s: %s", rows[i].name, rows[i].no[j]);
		policy_put(p);
	}
	CHECK(allows(NULL, "10.0.0.1"), "no policy at all");
}

/* The sentence: at least one allow and no deny. */
static bool by_the_book(const struct policy_rules *r, const struct sockaddr_storage *sa)
{
	bool allow = false;

	for (unsigned i = 0; i < r->n; i++) {
		if (!cidr_match(&r->rule[i].cidr, sa))
			continue;
		if (r->rule[i].deny)
			return false;
		allow = true;
	}
	return allow;
}

/* Few different bits, so that prefixes nest and addresses hit them. */
static struct cidr random_cidr(void)
{
	struct cidr c = {.prefixlen = 0};
	int v4 = rand() % 2;

	if (v4)
		c.addr[10] = c.addr[11] = 0xff;
	for (int i = v4 ? 12 : 0; i < 16; i++)
		c.addr[i] = (uint8_t)(rand() % 4 ? 0 : rand() % 3);
	c.prefixlen = (uint32_t)(v4 ? 96 + rand() % 33 : rand() % 129);
	for (uint32_t i = c.prefixlen; i < 128; i++)
		c.addr[i / 8] &= (uint8_t) ~(0x80 >> i % 8);
	return c;
}

static void check_random(void)
{
	for (int round = 0; round < 3000; round++) {
		struct policy_rules r = {0};
		int n = rand() % 12;
		struct policy *p;

		for (int i = 0; i < n; i++) {
			struct cidr c = random_cidr();

			policy_rules_add(&r, &c, rand() % 3 == 0);
		}
		policy_rules_sort(&r);
		p = policy_new(&r);
		for (int i = 0; i < 30; i++) {
			struct sockaddr_storage sa = {.ss_family = 10};
			struct cidr c = random_cidr();

			memcpy((char *)&sa + 8, c.addr, 16);
			CHECK(policy_allows(p, &sa) == by_the_book(&r, &sa), "round %d", round);
		}
		for (unsigned i = 1; i < p->n_entries; i++)
			CHECK(p->entries[i].cidr.prefixlen >= p->entries[i - 1].cidr.prefixlen,
			      "order");
		policy_put(p);
		policy_rules_done(&r);
	}
}

static void check_refusals(void)
{
	struct policy_rules r = {0};
	struct fault f = {0};
	struct cidr c = CIDR_V4_ALL;

	CHECK(policy_rules_add_list(&r, "10.0.0.0/8\n10.0.0.1/8", false, "cidr_allow", &f) == -1 &&
		      f.code == 362 && f.status == 400 && !strcmp(f.field, "cidr_allow"),
	      "%d %d %s", f.code, f.status, f.field);
	while (!policy_rules_add(&r, &c, false))
		;
	CHECK(r.n == POLICY_RULES_MAX, "%u", r.n);
	policy_rules_done(&r);
}

/* The same rules are one policy, until nobody has it. */
static void check_sharing(void)
{
	struct policies *ps = policies_new(NULL);
	struct policy_rules r[3] = {{0}};
	struct policy *p[3], *where = NULL;
	struct sockaddr_storage sa;
	struct fault f = {0};
	socklen_t len;
	int id;

	addr_parse("10.0.0.1:1", &sa, &len);
	policy_rules_add_list(&r[0], "10.0.0.0/8\n::/0", false, "", &f);
	policy_rules_add_list(&r[1], "::/0\n10.0.0.0/8\n::/0", false, "", &f);
	policy_rules_add_list(&r[2], "10.0.0.0/8\n::/0", true, "", &f);
	for (int i = 0; i < 3; i++) {
		CHECK(!policies_take(ps, &r[i], &p[i]), "%d", i);
		policy_rules_done(&r[i]);
	}
	CHECK(p[0] == p[1] && p[0] != p[2], "shared");
	CHECK(policies_judge(ps, &where, &sa) == POLICY_NONE, "none");
	policies_set(ps, &where, p[0]);
	CHECK(policies_judge(ps, &where, &sa) == POLICY_ALLOW, "allow");
	policies_set(ps, &where, p[2]);
	CHECK(policies_judge(ps, &where, &sa) == POLICY_DENY, "deny");
	id = (int)p[1]->id;
	policy_put(p[1]); /* the last one of the first two */
	policies_sweep(ps);
	policy_rules_add_list(&r[0], "10.0.0.0/8\n::/0", false, "", &f);
	CHECK(!policies_take(ps, &r[0], &p[0]) && (int)p[0]->id != id, "an id comes never again");
	policy_rules_done(&r[0]);
	policies_free(ps);
	CHECK(policy_allows(p[0], &sa) && !policy_allows(where, &sa), "references outlive it");
	policy_put(p[0]);
	policy_put(where);
}

int main(void)
{
	srand(1);
	check_rows();
	check_random();
	check_refusals();
	check_sharing();
	return failures != 0;
}
