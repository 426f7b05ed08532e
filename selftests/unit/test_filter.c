// SPDX-License-Identifier: GPL-2.0-only
/* filter - what a filter selects, where a bad one is wrong, and which fields a source leaves. */
#include <stdio.h>
#include <string.h>

#include "addr.h"
#include "filter.h"
#include "source.h"
#include "unit.h"

static struct facts facts_of(const char *client, const char *name)
{
	struct facts f = {.server_port = 443, .server_name = name};
	struct sockaddr_storage sa;
	socklen_t len;

	if (!addr_parse(client, &sa, &len))
		cidr_of(&sa, &f.client_ip);
	if (!addr_parse("[2001:db8::1]:443", &sa, &len))
		cidr_of(&sa, &f.server_ip);
	return f;
}

static const struct {
	const char *text;
	bool want;
} matches[] = {
	{"", true},
	{"  ", true},
	{"ev.conn.server_port == 443", true},
	{"conn.server_port==443", true},
	{"ev.conn.server_port != 443", false},
	{"ev.conn.server_name == 'app.example.com'", true},
	{"ev.conn.server_name == \"App.example.com\"", false},
	{"ev.conn.server_name.matches(\"^a.*\\\\.example\\\\.com$\")", true},
	{"ev.conn.server_name.matches('^a[0-9]')", false},
	{"ev.conn.server_name.matches('^[](+[:alpha:]]+[.]([^](*]*)+$')", true},
	{"!ev.conn.server_name.matches('^a[0-9]')", true},
	{"ev.conn.client_ip == \"192.0.2.7\"", true},
	{"ev.conn.client_ip == '::ffff:192.0.2.7'", true},
	{"ev.conn.client_ip.inCidr(\"192.0.2.0/24\")", true},
	{"ev.conn.client_ip.inCidr('::/0')", false},
	{"ev.conn.server_ip.inCidr('2001:db8::/32')", true},
	{"ev.conn.server_port == 1 && ev.conn.server_port == 2 || ev.conn.server_port == 443",
	 true},
	{"ev.conn.server_port == 1 && (ev.conn.server_port == 2 || ev.conn.server_port == 443)",
	 false},
	{"!(ev.conn.server_port == 443) || !!(ev.conn.server_port == 443)", true},
};

static const struct {
	const char *text, *why;
} mistakes[] = {
	{"ev", "column 1: expected ev.conn.client_ip"},
	{"ev.conn.bytes_in == 1", "column 1: expected ev.conn.client_ip"},
	{"ev.conn.server_port", "column 20: expected =="},
	{"ev.conn.server_port == ", "column 24: conn.server_port is compared with a number"},
	{"ev.conn.server_port == 65536", "column 24: conn.server_port"},
	{"ev.conn.server_port == 443 ev", "column 28: expected && or ||"},
	{"ev.conn.server_name == 443", "column 24: expected a string"},
	{"ev.conn.server_name == 'x", "column 26: the string does not end"},
	{"ev.conn.client_ip == '192.0.2.0/24'", "column 22: == takes an address"},
	{"ev.conn.client_ip.inCidr('192.0.2.1/24')", "column 26: '192.0.2.1/24'"},
	{"ev.conn.server_name.inCidr('::/0')", "column 20: .inCidr() is for"},
	{"ev.conn.client_ip.matches('a')", "column 18: .matches() is for"},
	{"ev.conn.server_name.matches('(')", "column 29: Unmatched ("},
	{"ev.conn.server_name.matches('a{255}{255}')", "column 29: repetition counts"},
	{"ev.conn.server_name.matches('(a)\\1')", "column 29: back references"},
	{"ev.conn.server_name.matches('a**')", "column 29: too many of * + ?"},
	{"ev.conn.server_name.matches('\\[b]**c[d]+')", "column 29: too many of * + ?"},
	{"ev.conn.server_name.matches('[[:x[]a++')", "column 29: too many of * + ?"},
	{"ev.conn.server_name.matches('(((((((((a+)+)+)+)+)+)+)+)+)+')",
	 "column 29: too many parentheses"},
	{"ev.conn.server_name.matches('a*b*c*d*e*f*g*h*i*j*k*l*m*')", "column 29: too many of"},
	{"(ev.conn.server_port == 443", "column 28: expected ')'"},
};

static void check_matches(void)
{
	struct facts f = facts_of("192.0.2.7:1", "app.example.com");
	struct fault fault = {.msg = ""};
	struct filter *fl = NULL;

	for (size_t i = 0; i < sizeof(matches) / sizeof(matches[0]); i++) {
		if (filter_new(matches[i].text, &fl, &fault)) {
			printf("# %s: %s\n", matches[i].text, fault.msg);
			failures++;
			continue;
		}
		if (filter_match(fl, &f) != matches[i].want) {
			printf("# %s: wrong\n", matches[i].text);
			failures++;
		}
		filter_free(fl);
	}
}

static void check_mistakes(void)
{
	char deep[400] = "";
	struct fault fault;
	struct filter *fl;

	for (size_t i = 0; i < sizeof(mistakes) / sizeof(mistakes[0]); i++) {
		memset(&fault, 0, sizeof(fault));
		if (!filter_new(mistakes[i].text, &fl, &fault) || fault.status != 400 ||
		    strncmp(fault.msg, mistakes[i].why, strlen(mistakes[i].why))) {
			printf("# %s: '%s'\n", mistakes[i].text, fault.msg);
			failures++;
		}
	}
	memset(deep, '(', sizeof(deep) - 1);
	if (!filter_new(deep, &fl, &fault))
		failures++;
}

static char got[4][4096];
static unsigned n_got;

static void take(void *arg, const char *line, size_t len)
{
	(void)arg;
	snprintf(got[n_got++ & 3], sizeof(got[0]), "%.*s", (int)len, line);
}

static void check_sources(void)
{
	static const char line[] = "{\"event_id\":\"ev_1\",\"object\":{\"conn\":{\"bytes_in\":1,"
				   "\"bytes_out\":2},\"close_reason\":\"idle\"}}\n";
	struct facts f = facts_of("192.0.2.7:1", "");
	struct source_spec specs[3] = {{0}};
	struct sources *s;
	struct fault fault;

	source_spec_set(&specs[0], "filter", "ev.conn.server_name == 'x'", &fault);
	source_spec_set(&specs[1], "fields", "conn.bytes_out", &fault);
	source_spec_set(&specs[1], "fields", "tls", &fault);
	source_spec_set(&specs[1], "fields", "ev.close_reason", &fault);
	if (!source_spec_set(&specs[2], "fields", "conn.nope", &fault) ||
	    strcmp(fault.field, "fields"))
		failures++;
	if (sources_new(specs, 3, &s, &fault)) {
		failures++;
		return;
	}
	sources_select(s, &f, line, strlen(line), take, NULL);
	if (n_got != 2 || strcmp(got[1], line) ||
	    strcmp(got[0], "{\"event_id\":\"ev_1\",\"object\":{\"conn\":{\"bytes_out\":2},"
			   "\"close_reason\":\"idle\"}}\n")) {
		printf("# %u: %s %s", n_got, got[0], got[1]);
		failures++;
	}
	sources_put(s);
	for (int i = 0; i < 3; i++)
		source_spec_done(&specs[i]);
}

int main(void)
{
	check_matches();
	check_mistakes();
	check_sources();
	return failures != 0;
}
