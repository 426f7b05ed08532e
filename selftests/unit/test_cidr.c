// SPDX-License-Identifier: GPL-2.0-only
/* test_cidr - ranges of addresses are read strictly, keep the families apart, and find what the
 * kernel's trie would find. */
#include "cidr.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "unit.h"

/* <text> reads as <want>; without one, it is refused for <why>. */
static const struct {
	const char *text, *want, *why;
} parsed[] = {
	{"192.0.2.0/24", "192.0.2.0/24", NULL},
	{"192.0.2.1", "192.0.2.1/32", NULL},
	{"192.0.2.1/32", "192.0.2.1/32", NULL},
	{"192.0.2.128/25", "192.0.2.128/25", NULL},
	{"0.0.0.0/0", "0.0.0.0/0", NULL},
	{"128.0.0.0/1", "128.0.0.0/1", NULL},
	{"2001:db8::/32", "2001:db8::/32", NULL},
	{"2001:DB8:0::/32", "2001:db8::/32", NULL},
	{"2001:db8::1", "2001:db8::1/128", NULL},
	{"::/0", "::/0", NULL},
	{"8000::/1", "8000::/1", NULL},
	{"2001:db8:8000::/33", "2001:db8:8000::/33", NULL},
	{"::ffff:192.0.2.0/120", "192.0.2.0/24", NULL},
	{"::ffff:0:0/96", "0.0.0.0/0", NULL},
	{"::ffff:192.0.2.1", "192.0.2.1/32", NULL},
	{"::fffe:0:0/95", "::fffe:0:0/95", NULL},
	{"::192.0.2.0/120", "::192.0.2.0/120", NULL},

	{"192.0.2.1/24", NULL, "has bits set behind /24: write 192.0.2.0/24"},
	{"10.0.0.1/0", NULL, "has bits set behind /0: write 0.0.0.0/0"},
	{"192.0.2.129/25", NULL, "has bits set behind /25: write 192.0.2.128/25"},
	{"2001:db8::1/64", NULL, "has bits set behind /64: write 2001:db8::/64"},
	{"::ffff:192.0.2.1/120", NULL, "has bits set behind /120: write 192.0.2.0/24"},
	{"::ffff:0:0/95", NULL, "has bits set behind /95: write ::fffe:0:0/95"},
	{"192.0.2.0/33", NULL, "has a length that is not 0 to 32"},
	{"192.0.2.0/", NULL, "has a length that is not 0 to 32"},
	{"192.0.2.0/-1", NULL, "has a length that is not 0 to 32"},
	{"192.0.2.0/+24", NULL, "has a length that is not 0 to 32"},
	{"192.0.2.0/024", NULL, "has a length that is not 0 to 32"},
	{"192.0.2.0/00", NULL, "has a length that is not 0 to 32"},
	{"192.0.2.0/24 ", NULL, "has a length that is not 0 to 32"},
	{"192.0.2.0/24/24", NULL, "has a length that is not 0 to 32"},
	{"192.0.2.0/4294967320", NULL, "has a length that is not 0 to 32"},
	{"192.0.2.0/255.255.255.0", NULL, "has a length that is not 0 to 32"},
	{"::/129", NULL, "has a length that is not 0 to 128"},
	{"::/1000", NULL, "has a length that is not 0 to 128"},
	{"", NULL, "is not an"},
	{"/24", NULL, "is not an"},
	{" 192.0.2.0/24", NULL, "is not an"},
	{"192.0.2/24", NULL, "is not an"},
	{"192.0.02.0/24", NULL, "is not an"},
	{"192.0.2.256/32", NULL, "is not an"},
	{"3221225985", NULL, "is not an"},
	{"[2001:db8::1]", NULL, "is not an"},
	{"fe80::1%lo/64", NULL, "is not an"},
	{"1:2:3:4:5:6:7:8:9", NULL, "is not an"},
	{":::/0", NULL, "is not an"},
	{"localhost", NULL, "is not an"},
	{"11111111111111111111111111111111111111111111111111111111111111111111111", NULL,
	 "is not an"},
};

static void test_parse(void)
{
	const struct cidr before = {77, {7}};
	char why[CIDR_WHY_MAX], out[CIDR_TEXT_MAX];
	struct cidr c, again;
	size_t i;
	int err;

	for (i = 0; i < COUNT(parsed); i++) {
		const char *text = parsed[i].text, *want = parsed[i].want;

		c = before;
		err = cidr_parse(text, &c, why);
		if (!want) {
			if (err != -EINVAL || strncmp(why, parsed[i].why, strlen(parsed[i].why)))
				FAIL("'%s': got %d %s", text, err, err ? why : "");
			if (memcmp(&c, &before, sizeof(c)) != 0)
				FAIL("'%s': refused, but written", text);
			continue;
		}
		if (err || strcmp(cidr_text(&c, out), want) != 0)
			FAIL("'%s': got %s", text, err ? why : out);
		else if (cidr_parse(out, &again, why) || memcmp(&c, &again, sizeof(c)) != 0)
			FAIL("'%s' is not what '%s' is", out, text);
	}
}

static const struct {
	const char *range, *addr;
	bool want;
} matched[] = {
	{"192.0.2.0/24", "192.0.2.0:1", true},
	{"192.0.2.0/24", "192.0.2.255:1", true},
	{"192.0.2.0/24", "192.0.3.0:1", false},
	{"192.0.2.0/24", "192.0.1.255:1", false},
	{"192.0.2.0/24", "[::ffff:192.0.2.7]:1", true},
	{"192.0.2.0/24", "[::192.0.2.7]:1", false},
	{"::ffff:192.0.2.0/120", "192.0.2.7:1", true},
	{"192.0.2.0/23", "192.0.3.255:1", true},
	{"192.0.2.0/23", "192.0.4.0:1", false},
	{"192.0.2.0/31", "192.0.2.1:1", true},
	{"192.0.2.0/31", "192.0.2.2:1", false},
	{"192.0.2.1", "192.0.2.1:65535", true},
	{"192.0.2.1", "192.0.2.0:1", false},
	{"128.0.0.0/1", "255.0.0.1:1", true},
	{"128.0.0.0/1", "127.255.255.255:1", false},
	{"0.0.0.0/0", "255.255.255.255:1", true},
	{"0.0.0.0/0", "[::ffff:1.2.3.4]:1", true},
	{"0.0.0.0/0", "[2001:db8::1]:1", false},
	{"0.0.0.0/0", "[::]:1", false},
	{"::/0", "[2001:db8::1]:1", true},
	{"::/0", "[::]:1", true},
	{"::/0", "192.0.2.1:1", false},
	{"::/0", "[::ffff:192.0.2.1]:1", false},
	{"::fffe:0:0/95", "192.0.2.1:1", false},
	{"::fffe:0:0/95", "[::fffe:192.0.2.1]:1", true},
	{"2001:db8::/32", "[2001:db8:ffff::1]:1", true},
	{"2001:db8::/32", "[2001:db9::]:1", false},
	{"2001:db8::/33", "[2001:db8:8000::]:1", false},
	{"2001:db8::1", "[2001:db8::1]:1", true},
	{"2001:db8::1", "[2001:db8::2]:1", false},
};

static void test_match(void)
{
	struct sockaddr_storage sa, local = {.ss_family = AF_UNIX};
	char why[CIDR_WHY_MAX];
	struct cidr c, one;
	socklen_t len;
	size_t i;

	for (i = 0; i < COUNT(matched); i++) {
		if (cidr_parse(matched[i].range, &c, why) || addr_parse(matched[i].addr, &sa, &len))
			FAIL("%s, %s: no such thing", matched[i].range, matched[i].addr);
		else if (cidr_match(&c, &sa) != matched[i].want)
			FAIL("%s, %s: not %d", matched[i].range, matched[i].addr, matched[i].want);
	}
	if (cidr_match(&c, &local) || cidr_of(&local, &one))
		FAIL("a unix socket is in a range");
}

static void test_contains(void)
{
	static const struct {
		const char *outer, *inner;
		bool want;
	} rows[] = {
		{"10.0.0.0/8", "10.1.0.0/16", true},
		{"10.0.0.0/8", "10.0.0.0/8", true},
		{"10.1.0.0/16", "10.0.0.0/8", false},
		{"10.0.0.0/8", "11.0.0.0/16", false},
		{"::/0", "10.0.0.0/8", false},
		{"::/0", "0.0.0.0/0", false},
		{"::/0", "2001:db8::/32", true},
		{"0.0.0.0/0", "::/0", false},
		{"2001:db8::/32", "2001:db8::/31", false},
	};
	char why[CIDR_WHY_MAX];
	struct cidr a, b;
	size_t i;

	for (i = 0; i < COUNT(rows); i++) {
		cidr_parse(rows[i].outer, &a, why);
		cidr_parse(rows[i].inner, &b, why);
		if (cidr_contains(&a, &b) != rows[i].want)
			FAIL("%s, %s: not %d", rows[i].outer, rows[i].inner, rows[i].want);
	}
}

/* One flipped bit before the prefix's end leaves the range, behind it does not. */
static void test_every_bit(void)
{
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
	struct sockaddr_storage sa;
	struct cidr c;
	uint32_t len, bit, i;

	for (len = 0; len <= 128; len++) {
		c = (struct cidr){.prefixlen = len};
		for (i = 0; i < len; i++)
			c.addr[i / 8] |= (uint8_t)((i * 7 % 5 < 2) << (7 - i % 8));
		for (bit = 0; bit < 128; bit++) {
			memcpy(&v6.sin6_addr, c.addr, 16);
			v6.sin6_addr.s6_addr[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
			memset(&sa, 0, sizeof(sa));
			memcpy(&sa, &v6, sizeof(v6));
			if (cidr_match(&c, &sa) != (bit >= len))
				FAIL("/%u, bit %u", len, bit);
		}
	}
}

/* What the kernel's LPM trie does with <rules>: the longest that covers <key>; -1: none does. */
static int longest(const struct cidr *rules, int n, const struct cidr *key)
{
	int i, best = -1;
	uint32_t bit;

	for (i = 0; i < n; i++) {
		for (bit = 0; bit < rules[i].prefixlen; bit++)
			if ((rules[i].addr[bit / 8] ^ key->addr[bit / 8]) & 0x80 >> bit % 8)
				break;
		if (bit == rules[i].prefixlen &&
		    (best < 0 || rules[i].prefixlen > rules[best].prefixlen))
			best = i;
	}
	return best;
}

/* In a trie, CIDR_V4_ALL keeps ::/0 from what is IPv4. */
static void test_trie(void)
{
	struct cidr rules[3] = {{0}, CIDR_V4_ALL}, key;
	struct sockaddr_storage sa;
	char why[CIDR_WHY_MAX];
	socklen_t len;

	cidr_parse("10.0.0.0/8", &rules[2], why);
	addr_parse("192.0.2.1:1", &sa, &len);
	cidr_of(&sa, &key);
	if (longest(rules, 3, &key) != 1)
		FAIL("IPv4 without a rule");
	addr_parse("[::ffff:10.1.2.3]:1", &sa, &len);
	cidr_of(&sa, &key);
	if (longest(rules, 3, &key) != 2)
		FAIL("IPv4 with a rule");
	addr_parse("[2001:db8::1]:1", &sa, &len);
	cidr_of(&sa, &key);
	if (longest(rules, 3, &key) != 0)
		FAIL("IPv6 under ::/0");
}

int main(void)
{
	test_parse();
	test_match();
	test_contains();
	test_every_bit();
	test_trie();
	return failures != 0;
}
