// SPDX-License-Identifier: GPL-2.0-only
/*
 * credential_acl - which names and TCP addresses a credential's rules cover.
 */
#include <stdio.h>
#include <string.h>

#include "credentials.h"
#include "endpoint_spec.h"
#include "field.h"
#include "labels.h"
#include "name.h"

#define BAD_RULE 600

/*
 * HOST:PORT and tcp://HOST:PORT, of a TCP address; with PORT "*", all of the host's.  Gives what
 * the URLs of its endpoints are or begin with.
 */
static int read_tcp(const char *rule, char ret_host[ENDPOINT_NAME_MAX], bool *ret_all_ports,
		    struct fault *f)
{
	const char *scheme = strncmp(rule, "tcp://", 6) ? "tcp://" : "";
	size_t len = strlen(rule);
	char url[ENDPOINT_NAME_MAX + 16];

	*ret_all_ports = len > 2 && !strcmp(rule + len - 2, ":*");
	if (len > ENDPOINT_NAME_MAX)
		return fault_set(f, 400, BAD_RULE, "acl", "'%.100s...' is too long", rule);
	snprintf(url, sizeof(url), "%s%.*s%s", scheme, (int)(*ret_all_ports ? len - 1 : len), rule,
		 *ret_all_ports ? "1" : "");
	if (endpoint_url_host(url, ret_host, NULL))
		return fault_set(f, 400, BAD_RULE, "acl",
				 "must be bind:HOST:PORT of a TCP address, got '%.100s'", rule);
	if (*ret_all_ports)
		strrchr(ret_host, ':')[1] = '\0';
	return 0;
}

static int fault_recode(struct fault *f, int code)
{
	if (f)
		f->code = code;
	return -1;
}

static int check_rule(const char *rule, struct fault *f)
{
	char key[NAME_KEY_LEN];
	const char *why;
	bool all;

	if (!strcmp(rule, "*") || !strcmp(rule, "bind:*"))
		return 0;
	if (strncmp(rule, "bind:", 5))
		return fault_set(f, 400, BAD_RULE, "acl",
				 "must be * or start with bind:, got '%.100s'", rule);
	if (strchr(rule, '='))
		return label_check(rule + 5, "acl", f) ? fault_recode(f, BAD_RULE) : 0;
	if (strchr(rule + 5, ':'))
		return read_tcp(rule + 5, key, &all, f);
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
	bool all;

	if (!strcmp(rule, "*") || !strcmp(rule, "bind:*"))
		return true;
	if (!strncmp(rule, "bind:", 5) && strchr(rule + 5, ':'))
		return !read_tcp(rule + 5, key, &all, NULL) &&
		       !(all ? strncmp(key, host, strlen(key)) : strcmp(key, host));
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

/* bind:app=foo that label, bind:app=* any of that key. */
static bool covers_label(const char *rule, const char *label)
{
	size_t key = strcspn(label, "=") + 1;

	if (!strcmp(rule, "*") || !strcmp(rule, "bind:*"))
		return true;
	if (strncmp(rule, "bind:", 5) || strncmp(rule + 5, label, key))
		return false;
	return !strcmp(rule + 5 + key, "*") || !strcmp(rule + 5, label);
}

bool credential_allows_labels(const char *acl, const char *labels)
{
	char label[FIELD_ITEM_MAX], item[FIELD_ITEM_MAX];
	const char *rules;

	while (acl && (labels = field_item(labels, label))) {
		for (rules = field_item(acl, item); rules; rules = field_item(rules, item))
			if (covers_label(item, label))
				break;
		if (!rules)
			return false;
	}
	return true;
}
