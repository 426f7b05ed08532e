// SPDX-License-Identifier: GPL-2.0-only
#include "policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define CIDR_INVALID 362

int policy_rules_add(struct policy_rules *r, const struct cidr *c, bool deny)
{
	struct policy_rule *more;
	unsigned size;

	if (r->n == POLICY_RULES_MAX)
		return -E2BIG;
	if (r->n == r->size) {
		size = r->size ? 2 * r->size : 8;
		more = realloc(r->rule, size * sizeof(*more));
		if (!more)
			return -ENOMEM;
		r->rule = more;
		r->size = size;
	}
	/* compared as bytes: no hole with garbage */
	memset(&r->rule[r->n], 0, sizeof(*r->rule));
	r->rule[r->n].cidr = *c;
	r->rule[r->n++].deny = deny;
	return 0;
}

static int add_text(struct policy_rules *r, const char *text, bool deny, const char *field,
		    struct fault *f)
{
	char why[CIDR_WHY_MAX];
	struct cidr c;
	int err;

	if (cidr_parse(text, &c, why))
		return fault_set(f, 400, CIDR_INVALID, field, "'%.60s' %s", text, why);
	err = policy_rules_add(r, &c, deny);
	if (err == -E2BIG)
		return fault_set(f, 400, 0, field, "there may be %d rules, no more",
				 POLICY_RULES_MAX);
	return err ? fault_set(f, 500, 0, field, "out of memory") : 0;
}

int policy_rules_add_list(struct policy_rules *r, const char *list, bool deny, const char *field,
			  struct fault *f)
{
	char *copy, *line, *save = NULL;
	int err = 0;

	if (!list)
		return 0;
	copy = strdup(list);
	if (!copy)
		return fault_set(f, 500, 0, field, "out of memory");
	for (line = strtok_r(copy, "\n", &save); line && !err; line = strtok_r(NULL, "\n", &save))
		err = add_text(r, line, deny, field, f);
	free(copy);
	return err;
}

void policy_rules_done(struct policy_rules *r)
{
	free(r->rule);
	memset(r, 0, sizeof(*r));
}

/* Shortest prefix first: that is also the order in which a trie may lose them without
 * ever answering wrongly. */
static int compare(const void *a, const void *b)
{
	const struct policy_rule *x = a, *y = b;
	int order;

	if (x->cidr.prefixlen != y->cidr.prefixlen)
		return x->cidr.prefixlen < y->cidr.prefixlen ? -1 : 1;
	order = memcmp(x->cidr.addr, y->cidr.addr, sizeof(x->cidr.addr));
	return order ? order : x->deny - y->deny;
}

void policy_rules_sort(struct policy_rules *r)
{
	unsigned n = 0;

	if (!r->n)
		return;
	qsort(r->rule, r->n, sizeof(*r->rule), compare);
	for (unsigned i = 1; i < r->n; i++)
		if (compare(&r->rule[i], &r->rule[n]))
			r->rule[++n] = r->rule[i];
	r->n = n + 1;
}

uint64_t policy_rules_hash(const struct policy_rules *r)
{
	const unsigned char *p = (const unsigned char *)r->rule;
	uint64_t h = 0xcbf29ce484222325; /* FNV-1a */

	for (size_t i = 0; i < r->n * sizeof(*r->rule); i++)
		h = (h ^ p[i]) * 0x100000001b3;
	return h ^ h >> 32;
}

/* What holds for the addresses of <c> that are in no longer prefix. */
static bool decide(const struct policy *p, const struct cidr *c)
{
	bool allow = false;

	/* sorted: a longer prefix cannot contain <c> */
	for (unsigned i = 0; i < p->n_rules && p->rules[i].cidr.prefixlen <= c->prefixlen; i++) {
		if (!cidr_contains(&p->rules[i].cidr, c))
			continue;
		if (p->rules[i].deny)
			return false;
		allow = true;
	}
	return allow;
}

static void add_entry(struct policy *p, const struct cidr *c)
{
	if (p->n_entries && !memcmp(&p->entries[p->n_entries - 1].cidr, c, sizeof(*c)))
		return;
	p->entries[p->n_entries].cidr = *c;
	p->entries[p->n_entries++].allow = decide(p, c);
}

/* Both families have an entry of their own, whatever the rules: a miss never means
 * anything but that the policy is gone, and no IPv4 address is found in ::/0. */
static void solve(struct policy *p)
{
	const struct cidr v6_all = {0}, v4_all = CIDR_V4_ALL;
	const struct policy_rule v4_rule = {.cidr = v4_all};
	bool v4_done = false;

	add_entry(p, &v6_all);
	for (unsigned i = 0; i < p->n_rules; i++) {
		if (!v4_done && compare(&p->rules[i], &v4_rule) >= 0) {
			add_entry(p, &v4_all);
			v4_done = true;
		}
		add_entry(p, &p->rules[i].cidr);
	}
	if (!v4_done)
		add_entry(p, &v4_all);
}

struct policy *policy_new(const struct policy_rules *r)
{
	struct policy *p = calloc(1, sizeof(*p));

	if (!p)
		return NULL;
	atomic_init(&p->refs, 1);
	p->rules = calloc(r->n + 1, sizeof(*p->rules));
	p->entries = calloc(r->n + 2, sizeof(*p->entries));
	if (!p->rules || !p->entries) {
		policy_put(p);
		return NULL;
	}
	p->n_rules = r->n;
	if (r->n)
		memcpy(p->rules, r->rule, r->n * sizeof(*p->rules));
	solve(p);
	return p;
}

struct policy *policy_get(struct policy *p)
{
	if (p)
		atomic_fetch_add(&p->refs, 1);
	return p;
}

void policy_put(struct policy *p)
{
	if (!p || atomic_fetch_sub(&p->refs, 1) != 1)
		return;
	free(p->rules);
	free(p->entries);
	free(p);
}

bool policy_has_rules(const struct policy *p, const struct policy_rules *r)
{
	return p->n_rules == r->n && (!r->n || !memcmp(p->rules, r->rule, r->n * sizeof(*r->rule)));
}

bool policy_allows(const struct policy *p, const struct sockaddr_storage *sa)
{
	struct cidr one;

	if (!p)
		return true;
	if (!cidr_of(sa, &one))
		return false;
	for (unsigned i = p->n_entries; i--;)
		if (cidr_contains(&p->entries[i].cidr, &one))
			return p->entries[i].allow;
	return false;
}
