// SPDX-License-Identifier: GPL-2.0-only
/* test_cmdline - each command line of an SSH client means what the manual says, or is refused with
 * the code of its mistake. */
#include "cmdline.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static void add(FILE *to, const char *before, const char *text)
{
	if (text)
		fprintf(to, "%s%s", before, text);
}

/* "TYPE help multi proxy=N url=U ..." */
static void describe(const struct cmdline *c, char *out, size_t size)
{
	FILE *to = fmemopen(out, size, "w");

	fprintf(to, "%s%s%s", cmdline_type_name(c->type), c->help ? " help" : "",
		c->multi ? " multi" : "");
	if (c->proxy_proto)
		fprintf(to, " proxy=%u", c->proxy_proto);
	add(to, " url=", c->values[CMDLINE_URL]);
	add(to, " addr=", c->values[CMDLINE_REMOTE_ADDR]);
	add(to, " at=", c->values[CMDLINE_TERMINATE_AT]);
	for (int i = 0; c->mutual_tls_cas[i]; i++)
		add(to, " ca=", c->mutual_tls_cas[i]);
	add(to, " name=", c->values[CMDLINE_NAME]);
	add(to, " metadata=", c->values[CMDLINE_METADATA]);
	for (int i = 0; c->cidr_allow[i]; i++)
		add(to, " +", c->cidr_allow[i]);
	for (int i = 0; c->cidr_deny[i]; i++)
		add(to, " -", c->cidr_deny[i]);
	fclose(to);
}

static const struct {
	const char *line;
	int code;	  /* 0: it is right */
	const char *want; /* what it means, or a part of the refusal */
} lines[] = {
	{"tls", 0, "tls"},
	{" \ttcp\n", 0, "tcp"},
	{"http", 0, "http"},
	{"--help", 0, "tls help"},
	{"tls --help", 0, "tls help"},
	{"tls --proxy-proto=2", 0, "tls proxy=2"},
	{"tls --proxy-proto 1 --multi", 0, "tls multi proxy=1"},
	{"tls -proxy-proto=2", 0, "tls proxy=2"},
	{"tcp --upstream-proxy-protocol=1", 0, "tcp proxy=1"},
	{"tls --terminate-at edge", 0, "tls at=edge"},
	{"http --mutual-tls-cas a --mutual-tls-cas=b", 0, "http ca=a ca=b"},
	{"tls --cidr-allow 192.0.2.0/24 --cidr-allow=::/0 --cidr-deny 192.0.2.7", 0,
	 "tls +192.0.2.0/24 +::/0 -192.0.2.7"},
	{"tls --name 'two words' --metadata \"a \\\"b\\\" c\"", 0,
	 "tls name=two words metadata=a \"b\" c"},
	{"tls --name a\\ b'c'\"d\"", 0, "tls name=a bcd"},
	{"tls --hostname app.example.com", 0, "tls url=app.example.com"},
	{"tls --url=tls://app.example.com", 0, "tls url=tls://app.example.com"},
	{"tcp --remote-addr 1.tcp.example.com:1234", 0, "tcp addr=1.tcp.example.com:1234"},
	{"tls --metadata=a=b=c", 0, "tls metadata=a=b=c"},
	{NULL, 1107, "tls (or tcp, http)"},
	{"", 1107, "no command"},
	{"  \t ", 1107, "no command"},
	{"ftp", 1108, "'ftp' is no command"},
	{"TLS", 1108, "'TLS'"},
	{"''", 1108, "''"},
	{"/bin/sh -c id", 1108, "'/bin/sh'"},
	{"t\x1b[31mls", 1108, "'t\\x1b[31mls'"},
	{"tls --foo", 1109, "'--foo' is no option of 'tls'"},
	{"tls --", 1109, "'--'"},
	{"tls -", 1109, "'-'"},
	{"tls --remote-addr x:1", 1109, "no option of 'tls'"},
	{"tcp --terminate-at edge", 1109, "no option of 'tcp'"},
	{"http --basic-auth user:password", 1109, "'--basic-auth'"},
	{"http --oauth=google", 1109, "'--oauth=google'"},
	{"tls --proxy-prot 2", 1109, "'--proxy-prot'"},
	{"tls 443", 1110, "'443' is too much"},
	{"tls --proxy-proto", 1110, "wants a value, 1|2"},
	{"tls --name=", 1110, "--name: wants a value"},
	{"tls --multi=yes", 1110, "takes no value"},
	{"tls --name a --name b", 1110, "is given twice"},
	{"tls --name 'a", 1110, "no end"},
	{"tls --name a\\", 1110, "no end"},
	{"tls --name 'a\nb'", 1110, "line break"},
	{"tls --proxy-proto 3", 1123, "must be 1 or 2, got '3'"},
	{"tls --terminate-at agent", 224, "`snisplit tls`"},
	{"tls --terminate-at moon", 224, "upstream|edge"},
	{"tls --cidr-allow 192.0.2.0/33", 362, "'192.0.2.0/33'"},
	{"tls --cidr-deny x", 362, "--cidr-deny"},
};

static void check_line(const char *line, int code, const char *want)
{
	struct cmdline *c = malloc(sizeof(*c));
	struct fault f = {.msg = ""};
	char got[CMDLINE_MAX];
	int err = cmdline_parse(line, c, &f);

	if (!err)
		describe(c, got, sizeof(got));
	if (code ? !err || f.code != code || !strstr(f.msg, want) : err || strcmp(got, want) != 0)
		FAIL("'%s': got %d '%s', want %d '%s'", line ? line : "NULL", err ? f.code : 0,
		     err ? f.msg : got, code, want);
	free(c);
}

static void test_lines(void)
{
	char many[CMDLINE_MAX + 8];

	for (size_t i = 0; i < COUNT(lines); i++)
		check_line(lines[i].line, lines[i].code, lines[i].want);
	memset(many, 'x', sizeof(many));
	memcpy(many, "tls --name ", 11);
	many[CMDLINE_MAX + 1] = '\0';
	check_line(many, 1110, "longer than 4096 bytes");
	many[11 + 256] = '\0';
	check_line(many, 1110, "longer than 255 bytes");
	strcpy(many, "tls");
	for (int i = 0; i < CMDLINE_WORDS; i++)
		strcat(many, " --multi");
	check_line(many, 1110, "more than 64 words");
	strcpy(many, "tls");
	for (int i = 0; i <= CMDLINE_LIST_MAX; i++)
		strcat(many, " --cidr-allow=::/0");
	check_line(many, 1110, "at most 16 of a kind");
}

static void test_versions(void)
{
	static const struct {
		const char *user;
		int code;
	} users[] = {
		{"v2", 0},     {"", 0},	     {"root", 0},  {"v", 0},	  {"vera", 0},	 {"v2x", 0},
		{"latest", 0}, {"v9", 1106}, {"v1", 1106}, {"v20", 1106}, {"v02", 1106},
	};
	struct fault f;
	int err;

	for (size_t i = 0; i < COUNT(users); i++) {
		err = cmdline_version(users[i].user, &f);
		if ((err ? f.code : 0) != users[i].code)
			FAIL("%s: got %d, want %d", users[i].user, err ? f.code : 0, users[i].code);
	}
}

static const struct {
	const char *line, *host;
	unsigned port;
	int code;
	const char *want; /* the URL, or a part of the refusal */
} binds[] = {
	{"tls", "app.example.com", 443, 0, "tls://app.example.com"},
	{"tls", "App.Example.COM.", 0, 0, "tls://app.example.com"},
	{"tls", "*.example.com", 443, 0, "tls://*.example.com"},
	{"tls", "localhost", 443, 0, ""},
	{"tls", "", 0, 0, ""},
	{"tls", "*", 0, 0, ""},
	{"tls", "::", 443, 0, ""},
	{"http", "example.ngrok.app", 443, 0, "tls://example.ngrok.app"},
	{"http --url https://a.test", "", 0, 0, "tls://a.test"},
	{"tls --url tls://a.test", "localhost", 443, 0, "tls://a.test"},
	{"tls --hostname a.test", "", 443, 0, "tls://a.test"},
	{"tls --subdomain a", "localhost", 0, 0, "tls://a.edge.test"},
	{"http", "a.test", 80, 0, "tls://a.test"},
	{"tcp", "localhost", 0, 0, "tcp://"},
	{"tcp", "1.tcp.eu.ngrok.io", 12345, 0, "tcp://1.tcp.eu.ngrok.io:12345"},
	{"tcp", "", 12345, 0, "tcp://:12345"},
	{"tcp --remote-addr a.test:99", "", 0, 0, "tcp://a.test:99"},
	{"tls", "a.test", 80, 1113, "'tls' is served on port 443"},
	{"tls", "", 8443, 1113, "-R 8443"},
	{"tls", "a.test", 65536, 1113, "no port"},
	{"tcp --remote-addr a.test:99", "b.test", 0, 1114, "both say an address"},
	{"tcp --remote-addr a.test:99", "", 99, 1115, "both say a port"},
	{"tcp", "a.test", 0, 1117, "say the port"},
	{"tls --hostname a.test", "b.test", 443, 1118, "both say a name"},
	{"tls --subdomain a", "b.test", 443, 1119, "both say a name"},
	{"tls --subdomain a --hostname a.test", "", 443, 1120, "use one of them"},
	{"tls --subdomain a.b", "", 443, 249, "has a dot"},
	{"tls", "app.*.example.com", 443, 249, "'*'"},
	{"tls", "192.0.2.1", 443, 249, "IP address"},
	{"tls", "a b", 443, 249, "a byte outside"},
	{"tls", "a\nb", 443, 249, "a byte outside"},
	{"tls", "a..b", 443, 327, "empty label"},
	{"tls --url tls://", "", 0, 249, "is empty"},
	{"tcp --remote-addr 'a :1'", "", 0, 249, "must be HOST:PORT"},
	{"tls --url https://a.test", "", 0, 249, "a byte outside"},
};

static void test_binds(void)
{
	for (size_t i = 0; i < COUNT(binds); i++) {
		struct cmdline_bind b;
		struct cmdline c;
		struct fault f = {.msg = ""};
		char url[CMDLINE_URL_MAX] = "?";
		int err = cmdline_parse(binds[i].line, &c, &f);

		if (!err)
			err = cmdline_bind(binds[i].host, binds[i].port, &b, &f);
		if (!err)
			err = cmdline_url(&c, &b, "edge.test", url, &f);
		if ((err ? f.code : 0) != binds[i].code ||
		    (err ? !strstr(f.msg, binds[i].want) : strcmp(url, binds[i].want) != 0))
			FAIL("-R %s:%u '%s': got %d '%s', want %d '%s'", binds[i].host,
			     binds[i].port, binds[i].line, err ? f.code : 0, err ? f.msg : url,
			     binds[i].code, binds[i].want);
	}
}

/* What a -R must be, when its command is not known. */
static const struct {
	const char *host;
	unsigned port;
	int code;
	const char *want;
} early[] = {
	{"", 0, 0, ""},
	{"", 443, 0, ""},
	{"a.test", 0, 0, "tls://a.test"},
	{"a.test", 443, 0, "tls://a.test"},
	{"A.test", 80, 0, "tls://a.test"},
	{"192.0.2.1", 443, 0, ""},
	{"2001:db8::1", 80, 0, ""},
	{"a.test", 8443, 0, "tcp://a.test:8443"},
	{"a..b", 443, 327, "empty label"},
};

static void test_early(void)
{
	for (size_t i = 0; i < COUNT(early); i++) {
		struct cmdline_bind b;
		struct fault f = {.msg = ""};
		char url[CMDLINE_URL_MAX] = "?";
		int err = cmdline_bind(early[i].host, early[i].port, &b, &f) ||
			  cmdline_likely_url(&b, url, &f);

		if ((err ? f.code : 0) != early[i].code ||
		    (err ? !strstr(f.msg, early[i].want) : strcmp(url, early[i].want) != 0))
			FAIL("-R %s:%u: got %d '%s', want %d '%s'", early[i].host, early[i].port,
			     err ? f.code : 0, err ? f.msg : url, early[i].code, early[i].want);
	}
}

static void test_usage(void)
{
	char text[8192] = "";
	FILE *to = fmemopen(text, sizeof(text), "w");

	cmdline_usage(to);
	fclose(to);
	if (!strstr(text, "--proxy-proto 1|2 ") || strstr(text, "--upstream-proxy-protocol"))
		FAIL("usage: %s", text);
}

int main(void)
{
	test_lines();
	test_versions();
	test_binds();
	test_early();
	test_usage();
	return failures != 0;
}
