// SPDX-License-Identifier: GPL-2.0-only
/*
 * credential_acl - which names a credential's rules cover.
 */
#include <string.h>

#include "credentials.h"
#include "field.h"
#include "name.h"

#define BAD_RULE 600

static int check_rule(const char *rule, struct fault *f)
{
	char key[NAME_KEY_LEN];
	const char *why;

	if (!strcmp(rule, "*") || !strcmp(rule, "bind:*"))
		return 0;
	if (strncmp(rule, "bind:", 5))
		return fault_set(f, 400, BAD_RULE, "acl",
				 "must be * or start with bind:, got '%.100s'", rule);
	if (name_normalise(rule + 5, key, true, &why) < 0)
		return fault_set(f, 400, BAD_RULE, "acl", "the name '%.100s' %s", rule + 5, why);
	return 0;
}

int credential_check_acl(const char *acl, struct fault *f)
{
	char item[FIELD_ITEM_MAX];

	if (acl && strlen(acl) > CREDENTIAL_ACL_MAX)
		return fault_set(f, 400, BAD_RULE, "acl", "is longer than %d bytes in all",
				 CREDENTIAL_ACL_MAX);
	while (acl && (acl = field_item(acl, item)))
		if (check_rule(item, f))
			return -1;
	return 0;
}

/* *.a covers b.a and *.b.a, and itself. */
static bool covers(const char *rule, const char *host)
{
	char key[NAME_KEY_LEN];
	const char *why;
	size_t n, m;

	if (!strcmp(rule, "*") || !strcmp(rule, "bind:*"))
		return true;
	if (strncmp(rule, "bind:", 5) || name_normalise(rule + 5, key, true, &why) < 0)
		return false;
	if (key[0] != '*')
		return !strcmp(key, host);
	n = strlen(key + 1);
	m = strlen(host);
	return m > n && !strcmp(host + m - n, key + 1);
}

bool credential_allows(const char *acl, const char *host)
{
	char item[FIELD_ITEM_MAX];

	if (!acl)
		return true;
	while ((acl = field_item(acl, item)))
		if (covers(item, host))
			return true;
	return false;
}
