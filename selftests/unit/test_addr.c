// SPDX-License-Identifier: GPL-2.0-only
/* addr - text to socket addresses and back. */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "unit.h"

/* <want>: what addr_text() makes of it; NULL: refused. */
static const struct {
	const char *text, *want;
} parsed[] = {
	{"192.0.2.1:443", "192.0.2.1:443"},
	{"[2001:db8::1]:443", "[2001:db8::1]:443"},
	{"[2001:DB8:0:0::1]:65535", "[2001:db8::1]:65535"},
	{"[::ffff:192.0.2.1]:1", "192.0.2.1:1"},
	{":443", "0.0.0.0:443"},
	{"*:443", "0.0.0.0:443"},
	{"[::]:443", "[::]:443"},
	{"", NULL},
	{":", NULL},
	{"443", NULL},
	{"192.0.2.1", NULL},
	{"192.0.2.1:", NULL},
	{"192.0.2.1:0", NULL},
	{"192.0.2.1:65536", NULL},
	{"192.0.2.1:99999999999999999999", NULL},
	{"192.0.2.1:+1", NULL},
	{"192.0.2.1:1x", NULL},
	{"192.0.2:1", NULL},
	{"192.0.2.1.1:1", NULL},
	{"2001:db8::1:443", NULL},
	{"[2001:db8::1]", NULL},
	{"[2001:db8::1]443", NULL},
	{"[2001:db8::1:443", NULL},
	{"[fe80::1%lo]:443", NULL},
	{"localhost:443", NULL},
	{"1111111111111111111111111111111111111111111111111111111111111111111111111111:1", NULL},
};

static void check_parse(void)
{
	for (size_t i = 0; i < sizeof(parsed) / sizeof(parsed[0]); i++) {
		struct sockaddr_storage sa;
		char text[ADDR_TEXT_MAX] = "refused";
		socklen_t len = 0;

		if (!addr_parse(parsed[i].text, &sa, &len)) {
			addr_text(&sa, text);
			CHECK(len == (sa.ss_family == AF_INET ? sizeof(struct sockaddr_in)
							      : sizeof(struct sockaddr_in6)),
			      "'%s': length %u", parsed[i].text, len);
		}
		CHECK(!strcmp(text, parsed[i].want ? parsed[i].want : "refused"), "'%s': got %s",
		      parsed[i].text, text);
	}
}

static const struct {
	const char *text, *host; /* NULL: refused */
	uint16_t port;
} split[] = {
	{"example.com:8443", "example.com", 8443},
	{"8443", "localhost", 8443},
	{"[::1]:80", "::1", 80},
	{":80", "", 80},
	{"a:b:80", NULL, 0},
	{"example.com", NULL, 0},
	{"example.com:-1", NULL, 0},
	{"example.com: 80", NULL, 0},
	{"", NULL, 0},
};

static void check_split(void)
{
	char host[32];
	uint16_t port;

	for (size_t i = 0; i < sizeof(split) / sizeof(split[0]); i++) {
		int err = addr_split(split[i].text, host, sizeof(host), &port);

		CHECK(!err == !!split[i].host, "'%s': %d", split[i].text, err);
		if (!err && split[i].host)
			CHECK(!strcmp(host, split[i].host) && port == split[i].port, "'%s': %s %u",
			      split[i].text, host, port);
	}
	CHECK(addr_split("a-name-that-is-longer-than-the-buffer.example.com:1", host, sizeof(host),
			 &port) == -EINVAL,
	      "overlong host accepted");
}

static void check_resolve(void)
{
	struct sockaddr_storage sa[4];
	socklen_t len[4];
	char text[ADDR_TEXT_MAX];
	int n;

	n = addr_resolve("[::1]:8443", sa, len, 4);
	CHECK(n == 1 && !strcmp(addr_text(&sa[0], text), "[::1]:8443"), "%d %s", n, text);
	CHECK(addr_port(&sa[0]) == 8443 && !strcmp(addr_ip_text(&sa[0], text), "::1"), "%s", text);
	n = addr_resolve("localhost:1", sa, len, 4);
	CHECK(n >= 1 && addr_port(&sa[0]) == 1, "localhost: %d", n);
	CHECK(addr_resolve("no-such-host.invalid:1", sa, len, 4) == -ENOENT, "resolved");
	CHECK(addr_resolve(":1", sa, len, 4) == -EINVAL, "no host accepted");
}

static void check_unmap(void)
{
	static const struct {
		const char *text;
		sa_family_t want;
	} rows[] = {
		{"[::ffff:192.0.2.1]:443", AF_INET},
		{"[::192.0.2.1]:443", AF_INET6},
		{"[64:ff9b::192.0.2.1]:443", AF_INET6},
		{"192.0.2.1:443", AF_INET},
	};
	char before[ADDR_TEXT_MAX], after[ADDR_TEXT_MAX];
	struct sockaddr_storage sa;
	socklen_t len;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		addr_parse(rows[i].text, &sa, &len);
		addr_text(&sa, before);
		addr_unmap(&sa);
		CHECK(sa.ss_family == rows[i].want, "%s", rows[i].text);
		CHECK(!strcmp(before, addr_text(&sa, after)), "%s became %s", before, after);
	}
}

int main(void)
{
	check_unmap();
	check_parse();
	check_split();
	check_resolve();
	return failures != 0;
}
