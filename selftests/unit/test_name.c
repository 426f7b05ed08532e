// SPDX-License-Identifier: GPL-2.0-only
/* test_name - names of hellos and of endpoints are normalised, and refused, by the same rules. */
#include "name.h"

#include "hellos.h"

static const struct {
	const char *in;
	size_t len;
	const char *want; /* NULL: refused */
} rows[] = {
	{BYTES("app.example.com"), "app.example.com"},
	{BYTES("App.EXAMPLE.Com"), "app.example.com"},
	{BYTES("app.example.com."), "app.example.com"},
	{BYTES("a"), "a"},
	{BYTES("localhost"), "localhost"},
	{BYTES("_dns.a-b.9"), "_dns.a-b.9"},
	{BYTES("xn--bcher-kva.example"), "xn--bcher-kva.example"},
	{BYTES("1.2.3.4.example"), "1.2.3.4.example"},
	{BYTES("1.2.3.x4"), "1.2.3.x4"},
	{BYTES("1-2"), "1-2"},
	{BYTES("AZaz09-_"), "azaz09-_"},
	{BYTES(""), NULL},
	{BYTES("."), NULL},
	{BYTES(".."), NULL},
	{BYTES("a.."), NULL},
	{BYTES(".a"), NULL},
	{BYTES("a..b"), NULL},
	{BYTES("127.0.0.1"), NULL},
	{BYTES("127.0.0.1."), NULL},
	{BYTES("127.1"), NULL},
	{BYTES("2130706433"), NULL},
	{BYTES("::1"), NULL},
	{BYTES("[2001:db8::1]"), NULL},
	{BYTES("2001:db8::1"), NULL},
	{BYTES("a\0b"), NULL},
	{BYTES("\0"), NULL},
	{BYTES("app.example.com\0"), NULL},
	{BYTES("a b"), NULL},
	{BYTES("a\n"), NULL},
	{BYTES("a\x7f"), NULL},
	{BYTES("a/b"), NULL},
	{BYTES("a:443"), NULL},
	{BYTES("*"), NULL},
	{BYTES("*.example.com"), NULL},
	{BYTES("b\xc3\xbc"
	       "cher.example"),
	 NULL},
	{BYTES("\xff"), NULL},
	{BYTES("@[`{/:"), NULL},
};

static void test_hello_names(void)
{
	static const char zero[HELLO_KEY_LEN];
	char key[HELLO_KEY_LEN];
	size_t i, want;
	int got;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(key, 'x', sizeof(key));
		got = hello_key((const __u8 *)rows[i].in, 0, rows[i].len, key);
		want = rows[i].want ? strlen(rows[i].want) : 0;
		if (got != (int)want)
			FAIL("'%s': got length %d, want %zu", rows[i].in, got, want);
		else if (got && (memcmp(key, rows[i].want, want) != 0 ||
				 memcmp(key + want, zero, sizeof(key) - want) != 0))
			FAIL("'%s': got '%s', want '%s'", rows[i].in, key, rows[i].want);
	}
}

static void test_every_byte(void)
{
	char key[HELLO_KEY_LEN];
	__u8 name[3] = {'a', 0, 'a'};
	bool want;
	int c;

	for (c = 0; c < 256; c++) {
		name[1] = c;
		want = c &&
		       strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_",
			      c);
		if (!!hello_key(name, 0, 3, key) != want)
			FAIL("byte %02x: want %s", c, want ? "taken" : "refused");
	}
}

static void test_lengths(void)
{
	char name[300], key[HELLO_KEY_LEN];
	int n;

	memset(name, 'a', sizeof(name));
	for (n = 1; n < 300; n++) {
		if (hello_key((__u8 *)name, 0, n, key) != (n <= 253 ? n : 0))
			FAIL("a name of %d bytes", n);
		name[n - 1] = '.';
		if (n > 1 && hello_key((__u8 *)name, 0, n, key) != (n <= 254 ? n - 1 : 0))
			FAIL("a name of %d bytes with a dot", n);
		name[n - 1] = 'a';
	}
}

#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static const struct {
	const char *in;
	bool wild;
	const char *want; /* the key, or what the reason has */
	bool ok;
} endpoints[] = {
	{"App.Example.com.", true, "app.example.com", true},
	{"*.Example.com.", true, "*.example.com", true},
	{"*.com", true, "*.com", true},
	{"*.example.com", false, "wildcard", false},
	{"*", true, "wildcard of everything", false},
	{"*.", true, "empty", false},
	{"*.*.com", true, "whole first label", false},
	{"a*.com", true, "whole first label", false},
	{"a.*.com", true, "whole first label", false},
	{"*com", true, "whole first label", false},
	{"*.1.2.3.4", true, "IP address", false},
	{"10.0.0.1", true, "IP address", false},
	{"::1", true, "IP address", false},
	{"[::1]", true, "IP address", false},
	{"", true, "empty", false},
	{".", true, "empty", false},
	{"a..b", true, "empty label", false},
	{".a", true, "empty label", false},
	{"a b", true, "outside", false},
	{"a:443", true, "outside", false},
	{"b\xc3\xbc"
	 "cher",
	 true, "outside", false},
	{A63 ".test", true, A63 ".test", true},
	{"a" A63 ".test", true, "longer than 63", false},
	{"test." A63 "a", true, "longer than 63", false},
	{"*.a" A63, true, "longer than 63", false},
	{"-x.test", true, "begins with '-'", false},
	{"*.-x.test", true, "begins with '-'", false},
	{"x.-", true, "begins with '-'", false},
	{"x-.test", true, "ends with '-'", false},
	{"x.test-", true, "ends with '-'", false},
	{"x--y.test", true, "x--y.test", true},
};

static void test_endpoints(void)
{
	char key[NAME_KEY_LEN], before[NAME_KEY_LEN], name[300] = "*.";
	const char *why = "";
	size_t i;
	int got;

	memset(before, 'x', sizeof(before));
	for (i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
		memcpy(key, before, sizeof(key));
		why = "";
		got = name_normalise(endpoints[i].in, key, endpoints[i].wild, &why);
		if (endpoints[i].ok) {
			if (got != (int)strlen(endpoints[i].want) ||
			    strcmp(key, endpoints[i].want) != 0)
				FAIL("'%s': got %d '%s' %s", endpoints[i].in, got, key, why);
		} else if (got >= 0 || !strstr(why, endpoints[i].want) ||
			   memcmp(key, before, sizeof(key)) != 0) {
			FAIL("'%s': got %d, '%s'", endpoints[i].in, got, why);
		}
	}
	memset(name + 2, 'a', 251);
	for (i = 60; i < 253; i += 60)
		name[i] = '.';
	if (name_normalise(name, key, true, &why) != 253)
		FAIL("wildcard of 253 bytes: %s", why);
	name[253] = 'a';
	if (name_normalise(name, key, true, &why) >= 0 || !strstr(why, "253"))
		FAIL("wildcard of 254 bytes: %s", why);
	if (name_normalise("-x.test", key, true, &why) >= 0 || name_code(why) != 328)
		FAIL("code of '-x.test': %d", name_code(why));
	if (name_normalise("", key, true, &why) >= 0 || name_code(why))
		FAIL("code of '': %d", name_code(why));
}

int main(void)
{
	test_hello_names();
	test_every_byte();
	test_lengths();
	test_endpoints();
	return failures ? 1 : 0;
}
