// SPDX-License-Identifier: GPL-2.0-only
/* test_labels - labels, which of them a selector takes, and what rules say of them. */
#include "labels.h"

#include <string.h>

#include "credentials.h"
#include "unit.h"

static const struct {
	const char *list;
	const char *say; /* NULL: fine */
} lists[] = {
	{"app=foo", NULL},
	{"app=foo\ndc=bar", NULL},
	{"a.b/c_d-9=x:y@z", NULL},
	{"", "are missing"},
	{"app", "KEY=VALUE"},
	{"=foo", "the key"},
	{"app=", "the value"},
	{"a b=c", "the key"},
	{"app=a b", "the value"},
	{"app=a,b", "the value"},
	{"app=a=b", "the value"},
	{"app=\"x\"", "the value"},
	{"app=1\napp=2", "twice"},
	{"a=1\nb=1\nc=1\nd=1\ne=1\nf=1\ng=1\nh=1\ni=1\nj=1\nk=1\nl=1\nm=1\nn=1\no=1\np=1\nq=1",
	 "more than 16"},
};

static const struct {
	const char *labels, *selector;
	bool have;
} choices[] = {
	{"app=foo", "app=foo", true},
	{"app=foo\ndc=bar", "dc=bar", true},
	{"dc=bar\napp=foo", "app=foo\ndc=bar", true},
	{"app=foo", "app=foo\ndc=bar", false},
	{"app=foobar", "app=foo", false},
	{"app=foo", "app=foobar", false},
	{"xapp=foo", "app=foo", false},
};

static const struct {
	const char *acl, *labels;
	bool allowed;
} rules[] = {
	{NULL, "app=foo", true},
	{"*", "app=foo\ndc=bar", true},
	{"bind:*", "app=foo", true},
	{"bind:app=foo", "app=foo", true},
	{"bind:app=foo", "app=foobar", false},
	{"bind:app=*", "app=foobar", true},
	{"bind:app=*", "ap=p", false},
	{"bind:app=*", "app=x\ndc=y", false},
	{"bind:app=*\nbind:dc=y", "app=x\ndc=y", true},
	{"bind:foo.app", "app=foo", false},
	{"bind:*.app", "app=foo", false},
};

int main(void)
{
	struct fault f;

	for (size_t i = 0; i < COUNT(lists); i++) {
		int err = labels_check(lists[i].list, "labels", &f);

		CHECK(!err == !lists[i].say, "'%s': %s", lists[i].list, err ? f.msg : "taken");
		CHECK(!err || (f.status == 400 && strstr(f.msg, lists[i].say ?: "")), "'%s': %s",
		      lists[i].list, f.msg);
	}
	for (size_t i = 0; i < COUNT(choices); i++)
		CHECK(labels_have(choices[i].labels, choices[i].selector) == choices[i].have,
		      "row %zu", i);
	for (size_t i = 0; i < COUNT(rules); i++)
		CHECK(credential_allows_labels(rules[i].acl, rules[i].labels) == rules[i].allowed,
		      "row %zu", i);
	CHECK(!credential_check_acl("bind:app=*\nbind:app=foo", &f), "%s", f.msg);
	CHECK(credential_check_acl("bind:a b=c", &f) && f.code == 600, "%d", f.code);
	/* labels say nothing of names */
	CHECK(!credential_allows("bind:app=*", "app"), "a name by a label's rule");
	return failures != 0;
}
