// SPDX-License-Identifier: GPL-2.0-only
/* test_credentials - tokens open what they are for, rules cover what they say, the disk has no
 * token. */
#include "credentials.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store.h"
#include "unit.h"

static void expect(const char *what, long got, long want)
{
	if (got == want)
		return;
	failures++;
	fprintf(stderr, "%s: got %ld, want %ld\n", what, got, want);
}

static const struct {
	const char *acl, *host;
	bool want;
} rows[] = {
	{NULL, "a.test", true},
	{"bind:*", "a.test", true},
	{"*", "a.test", true},
	{"bind:a.test", "a.test", true},
	{"bind:A.Test.", "a.test", true},
	{"bind:a.test", "b.a.test", false},
	{"bind:a.test", "xa.test", false},
	{"bind:*.a.test", "b.a.test", true},
	{"bind:*.a.test", "c.b.a.test", true},
	{"bind:*.a.test", "*.a.test", true},
	{"bind:*.a.test", "a.test", false},
	{"bind:*.a.test", "xa.test", false},
	{"bind:b.test\nbind:a.test", "a.test", true},
	{"bind:a.test:22000", "tcp://a.test:22000", true},
	{"bind:tcp://A.test.:22000", "tcp://a.test:22000", true},
	{"bind:[::1]:22000", "tcp://[::1]:22000", true},
	{"bind:a.test:22000", "tcp://a.test:22001", false},
	{"bind:a.test:2200", "tcp://a.test:22000", false},
	{"bind:a.test:*", "tcp://a.test:22001", true},
	{"bind:a.test:*", "tcp://b.a.test:22001", false},
	{"bind:a.test:*", "a.test", false},
	{"bind:a.test:443", "a.test", false},
	{"bind:*.test", "tcp://a.test:22000", false},
	{"bind:a.test", "tcp://a.test:22000", false},
	{"bind:b.test\nbind:c.test", "a.test", false},
};

static void check(struct credentials *c, const char *what, const char *token, int code)
{
	char id[CREDENTIAL_ID_MAX], *acl = NULL;
	struct fault f = {.code = 0};
	int err = credentials_check(c, token, id, &acl, &f);

	expect(what, err ? f.code : 0, code);
	free(acl);
}

static void with_store(struct store *s)
{
	const struct credential in = {.acl = (char *)"bind:*.a.test"},
				bad = {.acl = (char *)"a.test"},
				port = {.acl = (char *)"bind:*.a.test:22000"};
	char id[CREDENTIAL_ID_MAX], token[CREDENTIAL_TOKEN_MAX], other[CREDENTIAL_TOKEN_MAX];
	struct credentials *c = NULL;
	struct fault f = {.code = 0};

	expect("open", credentials_open(s, CREDENTIAL_TOKEN, &c, &f), 0);
	expect("a rule that is none", credentials_add(c, &bad, id, token, &f), -1);
	expect("its code", f.code, 600);
	expect("a wildcard with a port", credentials_add(c, &port, id, token, &f), -1);
	expect("add", credentials_add(c, &in, id, token, &f), 0);
	check(c, "right", token, 0);
	check(c, "none", NULL, 105);
	check(c, "empty", "", 105);
	check(c, "short", "abc_def", 105);
	strcpy(other, token);
	other[strlen(other) - 1] = other[strlen(other) - 1] == '0' ? '1' : '0';
	check(c, "last letter", other, 107);
	strcpy(other, token);
	other[0] = other[0] == '0' ? '1' : '0';
	check(c, "another id", other, 107);
	credentials_close(c);
	expect("open again", credentials_open(s, CREDENTIAL_TOKEN, &c, &f), 0);
	check(c, "after a restart", token, 0);
	expect("remove", credentials_remove(c, id, &f), 0);
	check(c, "removed", token, 107);
	expect("remove twice", credentials_remove(c, id, &f), -1);
	credentials_close(c);
}

int main(void)
{
	char dir[] = "/tmp/test_credentials.XXXXXX", path[64];
	struct store *s = NULL;
	struct fault f;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		expect(rows[i].acl ? rows[i].acl : "no rules",
		       credential_allows(rows[i].acl, rows[i].host), rows[i].want);
	if (!mkdtemp(dir) || store_open(dir, &s, &f)) {
		fprintf(stderr, "no store\n");
		return 1;
	}
	with_store(s);
	store_close(s);
	for (size_t i = 0; i < 3; i++) {
		snprintf(path, sizeof(path), "%s/state.db%s", dir,
			 (const char *const[]){"", "-wal", "-shm"}[i]);
		unlink(path);
	}
	rmdir(dir);
	if (!failures)
		printf("test_credentials: %zu rules, tokens\n", sizeof(rows) / sizeof(rows[0]));
	return failures != 0;
}
