// SPDX-License-Identifier: GPL-2.0-only
#include "ip_policy_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "store.h"

#define KIND_POLICY "ip_policy"
#define KIND_RULE "ip_policy_rule"
#define RULE_FIELDS_MAX 8

static unsigned put_head(struct store_field *fields, const struct ip_policy_head *h)
{
	unsigned n = 0;

	if (h->description)
		fields[n++] = (struct store_field){"description", h->description};
	if (h->metadata)
		fields[n++] = (struct store_field){"metadata", h->metadata};
	return n;
}

int ip_policy_save(struct store *s, const struct ip_policy_head *h, struct fault *f)
{
	struct store_field fields[RULE_FIELDS_MAX];
	struct store_row row = {.id = h->id, .created = h->created, .fields = fields};

	row.n_fields = put_head(fields, h);
	return store_put(s, KIND_POLICY, &row, f) ? -1 : 0;
}

int ip_policy_rule_save(struct store *s, const char *policy_id, const struct cidr *c, bool deny,
			const struct ip_policy_head *h, struct fault *f)
{
	struct store_field fields[RULE_FIELDS_MAX];
	struct store_row row = {.id = h->id, .created = h->created, .fields = fields};
	char text[CIDR_TEXT_MAX];
	unsigned n = put_head(fields, h);

	fields[n++] = (struct store_field){"ip_policy_id", policy_id};
	fields[n++] = (struct store_field){"cidr", cidr_text(c, text)};
	fields[n++] = (struct store_field){"action", deny ? "deny" : "allow"};
	row.n_fields = n;
	return store_put(s, KIND_RULE, &row, f) ? -1 : 0;
}

static struct ip_policy_head head_of(const struct store_row *r)
{
	struct ip_policy_head h = {
		.created = r->created,
		.description = (char *)store_row_text(r, "description"),
		.metadata = (char *)store_row_text(r, "metadata"),
	};

	snprintf(h.id, sizeof(h.id), "%s", r->id);
	return h;
}

static int restore_policy(void *arg, const struct store_row *r)
{
	struct ip_policy_head h = head_of(r);
	struct fault f;

	if (!ip_policy_add(arg, &h, &f))
		return 0;
	log_err("IP policy %s is not restored: %s", r->id, f.msg);
	return f.status == 500 ? -1 : 0;
}

/*
 * A rule that cannot be read, or that there is no memory for, must not open what it was to close:
 * the daemon does not start.
 */
static int restore_rule(void *arg, const struct store_row *r)
{
	const char *policy = store_row_text(r, "ip_policy_id"), *cidr = store_row_text(r, "cidr");
	const char *action = store_row_text(r, "action");
	struct ip_policy_head h = head_of(r);
	char why[CIDR_WHY_MAX];
	struct fault f;
	struct cidr c;

	if (!policy || !cidr || !action || cidr_parse(cidr, &c, why)) {
		log_err("IP policy rule %s in the state database is damaged", r->id);
		return -1;
	}
	if (!ip_policy_rule_add(arg, policy, &c, !strcmp(action, "deny"), &h, &f))
		return 0;
	if (f.status == 500) {
		log_err("IP policy rule %s: %s", r->id, f.msg);
		return -1;
	}
	/* its policy was being removed when the daemon ended */
	log_warn("IP policy rule %s is left out: %s", r->id, f.msg);
	return 0;
}

int ip_policies_restore(struct ip_policies *ip, struct store *s, struct fault *f)
{
	int err = store_each(s, KIND_POLICY, restore_policy, ip, f);

	if (!err)
		err = store_each(s, KIND_RULE, restore_rule, ip, f);
	if (err == -1)
		fault_set(f, 500, 0, "", "an IP policy rule cannot be restored; see the log");
	return err ? -1 : 0;
}

struct forget {
	struct store *store;
	struct fault *f;
};

/* The rules first: what a crash leaves behind is a policy that nobody names. */
static int forget_all(void *arg, const struct ip_policy *p)
{
	struct forget *fg = arg;
	struct list *it;

	list_for_each(it, &p->rules)
		if (ip_policy_rule_forget(fg->store,
					  list_of(it, struct ip_policy_rule, link)->head.id, fg->f))
			return -1;
	return store_del(fg->store, KIND_POLICY, p->head.id, fg->f) ? -1 : 0;
}

int ip_policy_forget(struct ip_policies *ip, struct store *s, const char *id, struct fault *f)
{
	struct forget fg = {s, f};
	int err = ip_policy_with(ip, id, forget_all, &fg);

	return err == -ENOENT ? 0 : err;
}

int ip_policy_rule_forget(struct store *s, const char *id, struct fault *f)
{
	return store_del(s, KIND_RULE, id, f) ? -1 : 0;
}
