// SPDX-License-Identifier: GPL-2.0-only
/* ip_policy - what comes, changes and goes, and which rules an endpoint ends up with. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "ip_policy.h"
#include "unit.h"

static struct cidr range(const char *text)
{
	char why[CIDR_WHY_MAX];
	struct cidr c = {0};

	CHECK(!cidr_parse(text, &c, why), "%s", text);
	return c;
}

static int show_rule(void *out, const struct ip_policy_rule *r)
{
	char text[CIDR_TEXT_MAX];

	sprintf(out, "%s %s %s %s", r->deny ? "deny" : "allow", cidr_text(&r->cidr, text),
		r->head.description ? r->head.description : "-",
		r->head.metadata ? r->head.metadata : "-");
	return 0;
}

static int count_rules(void *out, const struct ip_policy *p)
{
	*(unsigned *)out += p->n_rules;
	return 0;
}

/* The rules of an endpoint, as "allow|deny CIDR", in order; and what was wrong. */
static int rules_of(struct ip_policies *ip, const char *allow, const char *names, char *out,
		    struct fault *f)
{
	struct endpoint_spec s = {0};
	struct policy_rules r = {0};
	char text[CIDR_TEXT_MAX];
	uint64_t state;
	int err;

	if (allow)
		endpoint_spec_replace(&s, FIELD_ID_CIDR_ALLOW, allow);
	if (names)
		endpoint_spec_replace(&s, FIELD_ID_IP_POLICIES, names);
	err = ip_policies_rules(ip, &s, &r, &state, f);
	endpoint_spec_done(&s);
	*out = '\0';
	policy_rules_sort(&r);
	for (unsigned i = 0; i < r.n; i++)
		out += sprintf(out, "%s %s,", r.rule[i].deny ? "deny" : "allow",
			       cidr_text(&r.rule[i].cidr, text));
	CHECK(state == ip_policies_state(ip), "state");
	policy_rules_done(&r);
	return err;
}

static void check_life(void)
{
	struct ip_policy_head a = {.description = (char *)"office"},
			      rule = {.metadata = (char *)"m"};
	struct ip_policy_head again, other = {.id = ""}, text;
	struct ip_policy_rule r, *taken;
	struct ip_policies *ip = ip_policies_new();
	struct cidr c = range("10.0.0.0/8"), d = range("2001:db8::/32");
	char out[256];
	unsigned n = 0;
	struct fault f;
	uint64_t state;

	CHECK(!ip_policy_add(ip, &a, &f) && !strncmp(a.id, "ipp_", 4), "%s", a.id);
	again = a;
	CHECK(ip_policy_add(ip, &again, &f) && f.status == 409, "%d", f.status);
	CHECK(ip_policy_rule_add(ip, "ipp_none", &c, false, &rule, &f) && f.status == 404, "%d",
	      f.status);
	CHECK(!ip_policy_rule_add(ip, a.id, &c, false, &rule, &f) && !strncmp(rule.id, "ipr_", 4),
	      "%s", rule.id);
	CHECK(!ip_policy_rule_add(ip, a.id, &d, true, &other, &f), "%s", f.msg);
	CHECK(!ip_policy_rule_with(ip, rule.id, show_rule, out) &&
		      !strcmp(out, "allow 10.0.0.0/8 - m"),
	      "%s", out);
	state = ip_policies_state(ip);
	rule.description = (char *)"desk";
	r = (struct ip_policy_rule){.cidr = d, .deny = true};
	CHECK(!ip_policy_head_copy(&rule, &r.head), "copied");
	CHECK(!ip_policy_rule_exchange(ip, &r, &f) && ip_policies_state(ip) != state, "changed");
	CHECK(!ip_policy_rule_with(ip, rule.id, show_rule, out) &&
		      !strcmp(out, "deny 2001:db8::/32 desk m"),
	      "%s", out);
	CHECK(!ip_policy_rule_exchange(ip, &r, &f) &&
		      !ip_policy_rule_with(ip, rule.id, show_rule, out) &&
		      !strcmp(out, "allow 10.0.0.0/8 - m"),
	      "taken back: %s", out);
	ip_policy_head_done(&r.head);
	text = (struct ip_policy_head){.description = strdup("lab")};
	CHECK(ip_policy_exchange(ip, &text, &f) && f.status == 404, "%d", f.status);
	memcpy(text.id, a.id, sizeof(text.id));
	CHECK(!ip_policy_exchange(ip, &text, &f) && !strcmp(text.description, "office"), "%s",
	      text.description);
	ip_policy_head_done(&text);
	CHECK(!ip_policy_each(ip, count_rules, &n) && n == 2, "%u", n);
	taken = ip_policy_rule_take(ip, rule.id, &f);
	CHECK(taken && !ip_policy_rule_take(ip, rule.id, &f) && f.status == 404, "%d", f.status);
	CHECK(ip_policy_rule_with(ip, rule.id, show_rule, out) == -ENOENT, "gone");
	if (taken)
		ip_policy_rule_give_back(ip, taken);
	CHECK(!ip_policy_rule_with(ip, rule.id, show_rule, out), "there again");
	ip_policy_rule_free(ip_policy_rule_take(ip, rule.id, &f));
	CHECK(!ip_policy_remove(ip, a.id, &f), "%s", f.msg);
	CHECK(ip_policy_rule_with(ip, other.id, show_rule, out) == -ENOENT, "gone with its policy");
	ip_policies_free(ip);
}

static void check_union(void)
{
	struct ip_policy_head a = {.id = ""}, b = a, rule = a;
	struct ip_policies *ip = ip_policies_new();
	struct cidr c = range("10.0.0.0/8"), d = range("10.1.0.0/16");
	char names[2 * IP_POLICY_ID_MAX + 2], out[1024];
	struct fault f = {0};

	ip_policy_add(ip, &a, &f);
	ip_policy_add(ip, &b, &f);
	ip_policy_rule_add(ip, a.id, &c, false, &rule, &f);
	memset(&rule, 0, sizeof(rule));
	ip_policy_rule_add(ip, b.id, &d, true, &rule, &f);
	snprintf(names, sizeof(names), "%s\n%s", a.id, b.id);
	CHECK(!rules_of(ip, "192.0.2.0/24", names, out, &f) &&
		      !strcmp(out, "allow 10.0.0.0/8,deny 10.1.0.0/16,allow 192.0.2.0/24,"),
	      "%s", out);
	CHECK(!rules_of(ip, NULL, b.id, out, &f) && !strcmp(out, "deny 10.1.0.0/16,"), "%s", out);
	CHECK(rules_of(ip, NULL, "ipp_none", out, &f) && f.status == 400 &&
		      !strcmp(f.field, "ip_policies"),
	      "%d %s", f.status, f.field);
	ip_policies_free(ip);
}

int main(void)
{
	check_life();
	check_union();
	return failures != 0;
}
