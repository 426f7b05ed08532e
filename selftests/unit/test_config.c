// SPDX-License-Identifier: GPL-2.0-only
/* config - files, good and bad, and the lines that say what is wrong with them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "unit.h"

/* <want>: every line of the messages, in order, each without its newline cut short is a prefix. */
static const struct {
	const char *name, *yaml;
	const char *want[8];
} bad[] = {
	{"unknown key", "listne: 1\n", {"f:1: unknown key 'listne'; there are version, listen"}},
	{"not a map", "- a\n", {"f:1: must be a map"}},
	{"syntax", "a: [1\nb: 2\n", {"f:2: not valid YAML: "}},
	{"tab", "limits:\n\tconnections: 1\n", {"f:2: not valid YAML: "}},
	{"two documents", "version: 1\n---\nversion: 1\n", {"f:3: a second document"}},
	{"version", "version: 2\n", {"f:1: version: must be 1, got '2'"}},
	{"duplicate key",
	 "workers: 1\nworkers: 2\n",
	 {"f:2: workers: given twice, first on line 1"}},
	{"duplicate in a map",
	 "limits:\n  unrouted: 1\n  unrouted: 2\n",
	 {"f:3: limits.unrouted: given twice, first on line 2"}},
	{"listen words", "listen: everywhere\n", {"f:1: listen: must be IP:PORT"}},
	{"listen host", "listen: [\"localhost:443\"]\n", {"f:1: listen: must be IP:PORT"}},
	{"listen port", "listen: [\"0.0.0.0:70000\"]\n", {"f:1: listen: must be IP:PORT"}},
	{"listen none", "listen: []\n", {"f:1: listen: needs at least one"}},
	{"listen twice",
	 "listen:\n- 1.2.3.4:443\n- 1.2.3.4:443\n",
	 {"f:3: listen: '1.2.3.4:443' is given twice"}},
	{"listen map", "listen: {a: b}\n", {"f:1: listen: must be a single value, not a map"}},
	{"datapath",
	 "datapath: bpf\n",
	 {"f:1: datapath: must be auto, kernel or userspace, got 'bpf'"}},
	{"workers word", "workers: many\n", {"f:1: workers: must be auto or a number, got 'many'"}},
	{"workers range", "workers: 0\n", {"f:1: workers: 0 is out of range: 1 to 256"}},
	{"workers empty", "workers:\n", {"f:1: workers: needs a value"}},
	{"base_domain", "base_domain: a..b\n", {"f:1: base_domain: the name 'a..b' "}},
	{"base_domain wild", "base_domain: '*.b'\n", {"f:1: base_domain: the name '*.b' "}},
	{"default scheme",
	 "default_endpoint: https://a.b\n",
	 {"f:1: default_endpoint: must be tls://NAME or tcp://HOST:PORT, got 'https://a.b' (or "
	  "none)"}},
	{"default tcp",
	 "default_endpoint: tcp://a.b:22000\n",
	 {"f:1: default_endpoint: must be tls://NAME or none, got 'tcp://a.b:22000'"}},
	{"tcp scalar", "tcp: 22\n", {"f:1: tcp: must be a map"}},
	{"tcp ports", "tcp: {ports: 9-7}\n", {"f:1: tcp.ports: must be FIRST-LAST, such as"}},
	{"tcp ports text", "tcp: {ports: 1-70000}\n", {"f:1: tcp.ports: must be FIRST-LAST"}},
	{"tcp listen", "tcp: {listen: [\"1.2.3.4:5\"]}\n", {"f:1: tcp.listen: must be an IP add"}},
	{"tcp host", "tcp: {host: 1.2.3.4}\n", {"f:1: tcp.host: the name '1.2.3.4' is an IP"}},
	{"tcp overlap",
	 "tunnel: {listen: \"0.0.0.0:4443\"}\ntcp: {ports: 4000-5000}\nssh: none\nhttp: none\n",
	 {"f:2: tcp.ports: 4000-5000 holds the port of tunnel.listen, 0.0.0.0:4443"}},
	{"tcp endpoint off",
	 "tcp: none\nendpoints:\n- {url: \"tcp://a:20000\", upstream: \"h:1\"}\n",
	 {"f:3: endpoints[0].url: this edge has no TCP endpoints (tcp: none)"}},
	{"tcp endpoint port",
	 "endpoints:\n- {url: \"tcp://edge.localhost:80\", upstream: \"h:1\"}\n",
	 {"f:2: endpoints[0].url: port 80 is not within tcp.ports, 20000-29999"}},
	{"tcp endpoint host",
	 "endpoints:\n- {url: \"tcp://a.b:20000\", upstream: \"h:1\"}\n",
	 {"f:2: endpoints[0].url: the host of a TCP endpoint here is edge.localhost or"}},
	{"tcp endpoint whole",
	 "endpoints:\n- {url: \"tcp://\", upstream: \"h:1\"}\n",
	 {"f:2: endpoints[0].url: must be tcp://HOST:PORT, got 'tcp://'"}},
	{"state_dir", "state_dir: var\n", {"f:1: state_dir: must be a path that starts with '/'"}},
	{"control mode",
	 "control: {mode: rw}\n",
	 {"f:1: control.mode: must be an octal file mode"}},
	{"control mode 9", "control: {mode: \"0990\"}\n", {"f:1: control.mode: must be an octal"}},
	{"control scalar", "control: none\n", {"f:1: control: must be a map"}},
	{"http", "http: 4041\n", {"f:1: http: must be IP:PORT"}},
	{"http empty", "http:\n", {"f:1: http: needs a value"}},
	{"tunnel", "tunnel: {listen: 4443}\n", {"f:1: tunnel.listen: must be IP:PORT"}},
	{"tunnel scalar", "tunnel: 4443\n", {"f:1: tunnel: must be a map"}},
	{"ssh",
	 "ssh: {listen: \"0.0.0.0\", keys: 1}\n",
	 {"f:1: ssh.listen: ", "f:1: ssh: unknown key 'keys'"}},
	{"accept_proxy",
	 "accept_proxy: {from: [10.0.0.0/8, 10.0.0.1/8,\n  app.test]}\n",
	 {"f:1: accept_proxy.from: '10.0.0.1/8' has bits set behind /8: write 10.0.0.0/8",
	  "f:2: accept_proxy.from: 'app.test' is not an IPv4 or IPv6 address"}},
	{"ip_deny", "ip_deny: 10.0.0.0/8\n", {"f:1: ip_deny: must be a list such as ["}},
	{"tls version",
	 "tls: {min_version: \"1.1\"}\n",
	 {"f:1: tls.min_version: must be \"1.2\" or \"1.3\""}},
	{"tls ktls", "tls: {ktls: yes}\n", {"f:1: tls.ktls: must be auto or off"}},
	{"tls versions",
	 "tls:\n  min_version: \"1.3\"\n  max_version: \"1.2\"\n",
	 {"f:2: tls: min_version is above max_version"}},
	{"tls certificates",
	 "tls: {certificates: certs}\n",
	 {"f:1: tls.certificates: must be a path that starts with '/'"}},
	{"events scalar", "events: /x\n", {"f:1: events: must be a list"}},
	{"events relative", "events: [{file: x}]\n", {"f:1: events[0].file: must be a path"}},
	{"events empty item", "events: [{}]\n", {"f:1: events[0]: needs a target: file: PATH"}},
	{"events two targets",
	 "events: [{file: /x, tcp: \"h:1\"}]\n",
	 {"f:1: events[0].tcp: a destination has one target"}},
	{"events unknown key",
	 "events: [{file: /x, nope: 1}]\n",
	 {"f:1: events[0].nope: unknown key"}},
	{"events type",
	 "events:\n- {file: /x, type: no.v0}\n",
	 {"f:2: events[0].type: there is no"}},
	{"events field",
	 "events: [{file: /x, fields: [a.b]}]\n",
	 {"f:1: events[0].fields: the event"}},
	{"events filter",
	 "events: [{file: /x, filter: 'ev.conn.client_ip == 7'}]\n",
	 {"f:1: events[0].filter: column 22: expected a string"}},
	{"events webhook",
	 "events: [{webhook: \"ftp://h/\"}]\n",
	 {"f:1: events[0].webhook: must be"}},
	{"events syslog", "events: [{syslog: yes}]\n", {"f:1: events[0].syslog: must be a socket"}},
	{"events unix", "events: [{unix: x}]\n", {"f:1: events[0].unix: must be a path"}},
	{"handshake", "timeouts: {handshake: 0s}\n", {"f:1: timeouts.handshake: "}},
	{"size", "limits: {client_hello: 64q}\n", {"f:1: limits.client_hello: must be a size"}},
	{"size range",
	 "limits: {client_hello: 1g}\n",
	 {"f:1: limits.client_hello: 1g is out of range: 1024 to 65536 bytes"}},
	{"size overflow",
	 "limits: {client_hello: 99999999999999999999g}\n",
	 {"f:1: limits.client_hello: 99999999999999999999g is out of range"}},
	{"duration without unit",
	 "timeouts: {idle: 5}\n",
	 {"f:1: timeouts.idle: must be a duration such as 500ms, 3s, 5m or 1h, got '5'"}},
	{"duration zero",
	 "timeouts: {idle: 0s}\n",
	 {"f:1: timeouts.idle: 0s is out of range: 1ms to 168h"}},
	{"negative", "pool: {max_idle: -1}\n", {"f:1: pool.max_idle: must be a whole number"}},
	{"all of them",
	 "workers: x\n\nlimits: {nope: 1, unrouted: y}\nhttp: z\n",
	 {"f:1: workers: ", "f:3: limits: unknown key 'nope'; there are connections",
	  "f:3: limits.unrouted: must be a whole", "f:4: http: "}},
	{"endpoints map", "endpoints: {a: b}\n", {"f:1: endpoints: must be a list of endpoints"}},
	{"endpoint scalar", "endpoints: [a]\n", {"f:1: endpoints[0]: must be a map such as"}},
	{"endpoint without url",
	 "endpoints:\n- upstream: a:1\n",
	 {"f:2: endpoints[0].url: is missing: tls://NAME"}},
	{"endpoint without upstream",
	 "endpoints:\n- url: a.b\n",
	 {"f:2: endpoints[0].upstream: is missing: HOST:PORT"}},
	{"endpoint field",
	 "endpoints:\n- url: a.b\n  upstreem: c:1\n",
	 {"f:3: endpoints[0]: unknown field 'upstreem'", "f:2: endpoints[0].upstream: is missing"}},
	{"endpoint twice in one",
	 "endpoints:\n- {url: a.b, upstream: 'c:1', url: d.e}\n",
	 {"f:2: endpoints[0].url: given twice"}},
	{"endpoint port",
	 "endpoints:\n- url: a.b:80\n  upstream: c:1\n",
	 {"f:2: endpoints[0].url: the port of a TLS endpoint is 443, got 'a.b:80'"}},
	{"endpoint upstream",
	 "endpoints:\n- url: a.b\n  upstream: c\n",
	 {"f:3: endpoints[0].upstream: must be HOST:PORT"}},
	{"endpoint re-encrypts",
	 "endpoints:\n- url: a.b\n  upstream: tls://c:1\n",
	 {"f:3: endpoints[0].upstream: tls:// (re-encrypt) needs terminate_at edge"}},
	{"endpoint terminates at an agent",
	 "endpoints:\n- {url: a.b, upstream: 'c:1',\n   terminate_at: agent}\n",
	 {"f:3: endpoints[0].terminate_at: agent is for endpoints that an agent opens"}},
	{"endpoint certificate",
	 "endpoints:\n- url: a.b\n  upstream: 'c:1'\n  crt: x.pem\n  key: /dev/null\n"
	 "  mutual_tls_cas: /proc/self/environ\n",
	 {"f:4: endpoints[0].crt: must be a path that starts with /, got 'x.pem'",
	  "f:5: endpoints[0].key: /dev/null is not a file of at most",
	  "f:6: endpoints[0].mutual_tls_cas: /proc/self/environ is not a PEM file"}},
	{"endpoint terminates nowhere",
	 "endpoints:\n- {url: a.b, upstream: 'c:1', terminate_at: moon}\n",
	 {"f:2: endpoints[0].terminate_at: must be one of upstream|edge, got 'moon'"}},
	{"endpoint options",
	 "endpoints:\n- url: a.b\n  upstream: 'c:1'\n  crt: /x\n  proxy_proto: 3\n"
	 "  cidr_allow: [10.0.0.0/8]\n  pooling_enabled: yes\n  upstream_tls_verify: 1\n",
	 {"f:4: endpoints[0].crt: /x cannot be read: No such file",
	  "f:5: endpoints[0].proxy_proto: must be one of 1|2",
	  "f:7: endpoints[0].pooling_enabled: must be true or false",
	  "f:8: endpoints[0].upstream_tls_verify: must be true or false",
	  "f:2: endpoints[0].key: is missing: crt and key come together"}},
	{"endpoint range",
	 "endpoints:\n- url: a.b\n  upstream: 'c:1'\n  cidr_allow: [10.0.0.0/8, 10.1.1.1/8]\n",
	 {"f:4: endpoints[0].cidr_allow: '10.1.1.1/8' has bits set behind /8: write 10.0.0.0/8"}},
	{"endpoint denies only",
	 "endpoints:\n- url: a.b\n  upstream: 'c:1'\n  cidr_deny: [10.0.0.0/8]\n",
	 {"f:4: endpoints[0].cidr_deny: denies everybody without cidr_allow"}},
	{"endpoint limit",
	 "endpoints:\n- {url: a.b, upstream: 'c:1', max_conns: 0,\n   conn_rate: 1000001}\n",
	 {"f:2: endpoints[0].max_conns: must be 1 to 1000000, got 0",
	  "f:3: endpoints[0].conn_rate: must be 1 to 1000000, got 1000001"}},
	{"ssh without agents",
	 "tunnel: none\nssh: {listen: \"0.0.0.0:2222\"}\n",
	 {"f:2: ssh: needs the tunnel port, which is `tunnel: none`"}},
	{"endpoint of the edge's own name",
	 "base_domain: e.test\nendpoints:\n- {url: Connect.e.test, upstream: 'c:1'}\n",
	 {"f:3: endpoints[0].url: 'connect.e.test' is the edge's own name"}},
	{"endpoint names",
	 "endpoints:\n- {url: a.b, upstream: 'c:1'}\n- {url: x.y, upstream: 'c:1'}\n"
	 "- {url: 'tls://A.B.:443', upstream: 'c:1'}\n",
	 {"f:4: endpoints[2]: tls://a.b is already on line 2"}},
	{"endpoint wildcard",
	 "endpoints:\n- {url: a.*.b, upstream: 'c:1'}\n",
	 {"f:2: endpoints[0].url: the name 'a.*.b' "}},
	{"escape", "\"a\\nb\": 1\n", {"f:1: unknown key 'a\\x0ab'"}},
	{"deep", "limits: [[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]\n", {"f:1: limits: must be a map"}},
	{"cycle", "limits: &a {unrouted: *a}\n", {"f:1: limits.unrouted: must be a single value"}},
};

static void check_bad(void)
{
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		FILE *in = fmemopen((void *)bad[i].yaml, strlen(bad[i].yaml), "r");
		char *msgs = NULL, *save = NULL, *line;
		size_t size, n = 0;
		FILE *err = open_memstream(&msgs, &size);
		struct config *c = config_parse(in, "f", err);

		fclose(in);
		fclose(err);
		CHECK(!c, "%s: accepted", bad[i].name);
		config_free(c);
		for (line = strtok_r(msgs, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
			const char *want = n < 8 ? bad[i].want[n] : NULL;

			n++;
			CHECK(want && !strncmp(line, want, strlen(want)),
			      "%s: got \"%s\", want \"%s\"", bad[i].name, line,
			      want ? want : "nothing more");
		}
		CHECK(n == 8 || !bad[i].want[n], "%s: missing \"%s\"", bad[i].name, bad[i].want[n]);
		free(msgs);
	}
}

static struct config *good(const char *yaml)
{
	FILE *in = *yaml ? fmemopen((void *)yaml, strlen(yaml), "r") : fopen("/dev/null", "r");
	struct config *c = config_parse(in, "f", stdout);

	fclose(in);
	CHECK(c, "refused: %s", yaml);
	if (!c)
		exit(1);
	return c;
}

static void check_defaults(struct config *c)
{
	CHECK(c->n_listen == 2 && !strcmp(c->listen[0].text, "0.0.0.0:443") &&
		      !strcmp(c->listen[1].text, "[::]:443"),
	      "%u", c->n_listen);
	CHECK(c->listen[1].sa.ss_family == AF_INET6, "%d", c->listen[1].sa.ss_family);
	CHECK(c->datapath == DATAPATH_AUTO && c->workers == 0, "%d", c->datapath);
	CHECK(!strcmp(c->base_domain, "edge.localhost"), "%s", c->base_domain);
	CHECK(!c->default_endpoint, "%s", c->default_endpoint);
	CHECK(!strcmp(c->control_socket, "/run/snisplit/control.sock"), "%s", c->control_socket);
	CHECK(!strcmp(c->control_group, "snisplit") && c->control_mode == 0660, "%o",
	      c->control_mode);
	CHECK(c->http.len && !strcmp(c->http.text, "127.0.0.1:4041"), "%s", c->http.text);
	CHECK(c->ssh.len && !strcmp(c->ssh.text, "0.0.0.0:2222") && !c->ssh_line, "%s",
	      c->ssh.text);
	CHECK(c->n_events == 1 &&
		      !strcmp(c->events[0].target.address, "/var/log/snisplit/events.ndjson"),
	      "%u", c->n_events);
	CHECK(c->limits.connections == 65536 && c->limits.client_hello == 65536 &&
		      c->limits.unrouted == 4096,
	      "%u", c->limits.connections);
	CHECK(c->timeouts.client_hello == 3000 && c->timeouts.handshake == 60000 &&
		      c->timeouts.connect == 10000 && c->timeouts.idle == 300000 &&
		      c->timeouts.drain == 60000,
	      "%u", c->timeouts.idle);
	CHECK(c->pool.max_idle == 64 && c->pool.max_age == 10000, "%u", c->pool.max_age);
	CHECK(!strcmp(c->tls.certificates, "/etc/snisplit/certs") && !c->tls.certificates_given &&
		      c->tls.min_version == CONFIG_TLS_1_2 && c->tls.max_version == CONFIG_TLS_1_3,
	      "%s", c->tls.certificates);
	CHECK(c->n_endpoints == 0, "%u", c->n_endpoints);
	config_free(c);
}

static void check_values(void)
{
	struct config *c = good(
		"version: 1\n"
		"listen: \"[2001:db8::1]:8443\"\n"
		"datapath: kernel\nworkers: 3\nbase_domain: Example.COM.\n"
		"default_endpoint: tls://Fall.Back\nstate_dir: /s\n"
		"control: {socket: /c.sock, group: g, mode: 0600}\n"
		"http: none\ntunnel: none\nssh: none\naccept_proxy: {from: [10.0.0.0/8, '::1']}\n"
		"ip_deny: [192.0.2.0/24]\n"
		"events: [{file: /e}, {file: \"-\"}]\n"
		"limits: {connections: 7, client_hello: 16k, unrouted: 8}\n"
		"timeouts: {client_hello: 500ms, idle: 1h, drain: 0}\n"
		"pool: {max_idle: 0, max_age: 2s}\n"
		"tls: {min_version: \"1.3\", max_version: \"1.3\", certificates: /x}\n"
		"endpoints:\n"
		"  - {url: \"tls://app.example.com\", upstream: \"127.0.0.1:8443\"}\n"
		"  - url: '*.example.com'\n"
		"    upstream: 8443\n"
		"    terminate_at: upstream\n"
		"    datapath: userspace\n"
		"    pooling_enabled: false\n"
		"    cidr_deny: []\n"
		"    proxy_proto: 2\n"
		"    name: 12\n");

	CHECK(c->n_listen == 1 && c->listen[0].sa.ss_family == AF_INET6, "%u", c->n_listen);
	CHECK(c->datapath == DATAPATH_KERNEL && c->workers == 3, "%u", c->workers);
	CHECK(!strcmp(c->base_domain, "example.com"), "%s", c->base_domain);
	CHECK(!strcmp(c->default_endpoint, "fall.back"), "%s", c->default_endpoint);
	CHECK(c->control_mode == 0600 && !strcmp(c->control_socket, "/c.sock"), "%o",
	      c->control_mode);
	CHECK(c->proxy_from.n == 2 && c->proxy_from.at[1].prefixlen == 128, "%u", c->proxy_from.n);
	CHECK(c->ip_deny.n == 1 && c->ip_deny.at[0].prefixlen == 96 + 24, "%u", c->ip_deny.n);
	CHECK(c->http.len == 0, "%u", c->http.len);
	CHECK(c->n_events == 2 && !strcmp(c->events[1].target.address, "-"), "%u", c->n_events);
	CHECK(c->limits.connections == 7 && c->limits.client_hello == 16384 &&
		      c->limits.unrouted == 8,
	      "%u", c->limits.client_hello);
	CHECK(c->timeouts.client_hello == 500 && c->timeouts.idle == 3600000 &&
		      c->timeouts.drain == 0 && c->timeouts.connect == 10000,
	      "%u", c->timeouts.client_hello);
	CHECK(c->pool.max_idle == 0 && c->pool.max_age == 2000, "%u", c->pool.max_age);
	CHECK(!strcmp(c->tls.certificates, "/x") && c->tls.certificates_given &&
		      c->tls.min_version == CONFIG_TLS_1_3 && c->tls.max_version == CONFIG_TLS_1_3,
	      "%s", c->tls.certificates);
	CHECK(c->n_endpoints == 2, "%u", c->n_endpoints);
	CHECK(c->endpoints[0].line == 20 && c->endpoints[0].origin == ENDPOINT_FILE, "%u",
	      c->endpoints[0].line);
	CHECK(!strcmp(endpoint_spec_value(&c->endpoints[1], FIELD_ID_DATAPATH), "userspace") &&
		      !strcmp(endpoint_spec_value(&c->endpoints[1], FIELD_ID_NAME), "12") &&
		      !strcmp(endpoint_spec_value(&c->endpoints[1], FIELD_ID_UPSTREAM), "8443"),
	      "%s", endpoint_spec_value(&c->endpoints[1], FIELD_ID_NAME));
	config_free(c);
}

int main(void)
{
	check_bad();
	check_defaults(good(""));
	check_defaults(good("# nothing\n"));
	check_defaults(good("limits:\nendpoints:\ntunnel: ~\nevents:\n"));
	check_defaults(config_read(NULL, stdout));
	check_values();
	CHECK(!config_read("/nonexistent/x.yml", stderr), "accepted");
	CHECK(!config_read("/", stderr), "accepted");
	return failures != 0;
}
