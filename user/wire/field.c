// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "field.h"

const struct field field_table[FIELD_ID_MAX + 1] = {
	[FIELD_ID_URL] = {.name = "url",
			  .kind = FIELD_STRING,
			  .arg = "URL",
			  .max = 512,
			  .code = 249,
			  .help = "tls://NAME (tls://*.NAME: all below), or tcp://[HOST][:PORT]"},
	[FIELD_ID_UPSTREAM] = {.name = "upstream",
			       .kind = FIELD_STRING,
			       .arg = "HOST:PORT[,...]",
			       .max = 8192,
			       .help = "where its connections go; several share them"},
	[FIELD_ID_BALANCE] = {.name = "balance",
			      .kind = FIELD_STRING,
			      .arg = "even|weighted|failover",
			      .choices = "even|weighted|failover",
			      .same = "even",
			      .max = 16,
			      .help = "how: by HOST:PORT=WEIGHT, or the first that can"},
	[FIELD_ID_HEALTH_CHECK] = {.name = "health_check",
				   .kind = FIELD_STRING,
				   .arg = "off|tcp|tls",
				   .choices = "off|tcp|tls",
				   .same = "off",
				   .max = 8,
				   .help = "ask the upstreams: a connect, a TLS hello"},
	[FIELD_ID_HEALTH_INTERVAL] = {.name = "health_interval",
				      .kind = FIELD_STRING,
				      .arg = "DURATION",
				      .max = 16,
				      .help = "how often, and how long one may take (2s)"},
	[FIELD_ID_HEALTH_RISE] = {.name = "health_rise",
				  .kind = FIELD_NUMBER,
				  .arg = "N",
				  .max = 4,
				  .help = "answers in a row that make one alive (2)"},
	[FIELD_ID_HEALTH_FALL] = {.name = "health_fall",
				  .kind = FIELD_NUMBER,
				  .arg = "N",
				  .max = 4,
				  .help = "failures in a row that make one dead (3)"},
	[FIELD_ID_TERMINATE_AT] = {.name = "terminate_at",
				   .kind = FIELD_STRING,
				   .arg = "upstream|edge",
				   .same = "upstream",
				   .choices = "upstream|edge|agent",
				   .max = 16,
				   .code = 224,
				   .help = "who holds the certificate"},
	[FIELD_ID_MIN_VERSION] = {.name = "min_version",
				  .kind = FIELD_STRING,
				  .arg = "1.2|1.3",
				  .choices = "1.2|1.3",
				  .max = 8,
				  .help = "of TLS, with terminate_at edge (tls.min_version)"},
	[FIELD_ID_CRT] = {.name = "crt",
			  .kind = FIELD_PEM,
			  .arg = "FILE",
			  .max = FIELD_PEM_MAX,
			  .help = "certificate chain, PEM"},
	[FIELD_ID_KEY] = {.name = "key",
			  .kind = FIELD_PEM,
			  .secret = 1,
			  .arg = "FILE",
			  .max = FIELD_PEM_MAX,
			  .help = "private key, PEM"},
	[FIELD_ID_MUTUAL_TLS_CAS] = {.name = "mutual_tls_cas",
				     .kind = FIELD_PEM,
				     .arg = "FILE",
				     .max = FIELD_PEM_MAX,
				     .help = "clients must show a certificate of these CAs"},
	[FIELD_ID_CERTIFICATE_AUTHORITIES] = {.name = "certificate_authorities",
					      .kind = FIELD_LIST,
					      .arg = "ID-or-NAME",
					      .max = 63,
					      .code = 228,
					      .help = "the same, of `ca add`; at most 10"},
	[FIELD_ID_CIDR_ALLOW] = {.name = "cidr_allow",
				 .kind = FIELD_LIST,
				 .arg = "CIDR",
				 .max = 64,
				 .code = 362,
				 .help = "only these clients: 192.0.2.0/24, 2001:db8::/32"},
	[FIELD_ID_CIDR_DENY] = {.name = "cidr_deny",
				.kind = FIELD_LIST,
				.arg = "CIDR",
				.max = 64,
				.code = 362,
				.help = "not these clients"},
	[FIELD_ID_IP_POLICIES] = {.name = "ip_policies",
				  .kind = FIELD_LIST,
				  .arg = "ID",
				  .max = 39,
				  .help = "the rules of these policies too, see ip-policy"},
	[FIELD_ID_MAX_CONNS] = {.name = "max_conns",
				.kind = FIELD_NUMBER,
				.arg = "N",
				.max = 7,
				.help = "connections at once, no more"},
	[FIELD_ID_MAX_CONNS_PER_SOURCE] =
		{
			.name = "max_conns_per_source",
			.kind = FIELD_NUMBER,
			.arg = "N",
			.max = 7,
			.help = "the same for each client (IPv4 address, IPv6 /64)",
		},
	[FIELD_ID_CONN_RATE] = {.name = "conn_rate",
				.kind = FIELD_NUMBER,
				.arg = "N",
				.max = 7,
				.help = "new connections a second"},
	[FIELD_ID_CONN_RATE_PER_SOURCE] =
		{
			.name = "conn_rate_per_source",
			.kind = FIELD_NUMBER,
			.arg = "N",
			.max = 7,
			.help = "the same for each client (IPv4 address, IPv6 /64)"},
	[FIELD_ID_PROXY_PROTO] = {.name = "proxy_proto",
				  .kind = FIELD_NUMBER,
				  .arg = "1|2",
				  .choices = "1|2",
				  .max = 8,
				  .help = "tell the upstream the client's address"},
	[FIELD_ID_UPSTREAM_TLS_VERIFY] = {.name = "upstream_tls_verify",
					  .kind = FIELD_BOOL,
					  .same = "false",
					  .help = "check the upstream's certificate"},
	[FIELD_ID_UPSTREAM_TLS_VERIFY_CAS] = {.name = "upstream_tls_verify_cas",
					      .kind = FIELD_PEM,
					      .arg = "FILE",
					      .max = FIELD_PEM_MAX,
					      .help = "check it, against these CAs"},
	[FIELD_ID_POOLING_ENABLED] = {.name = "pooling_enabled",
				      .kind = FIELD_BOOL,
				      .same = "false",
				      .help = "share the name with endpoints that have it too"},
	[FIELD_ID_DATAPATH] = {.name = "datapath",
			       .kind = FIELD_STRING,
			       .arg = "auto|kernel|userspace",
			       .choices = "auto|kernel|userspace",
			       .same = "auto",
			       .max = 16,
			       .help = "what carries its bytes"},
	[FIELD_ID_NAME] = {.name = "name",
			   .kind = FIELD_STRING,
			   .arg = "TEXT",
			   .max = 255,
			   .help = "what to call it"},
	[FIELD_ID_DESCRIPTION] = {.name = "description",
				  .kind = FIELD_STRING,
				  .arg = "TEXT",
				  .max = 255,
				  .help = "for people"},
	[FIELD_ID_METADATA] = {.name = "metadata",
			       .kind = FIELD_STRING,
			       .arg = "TEXT",
			       .max = 4096,
			       .help = "for programs"},
	[FIELD_ID_ALPN] = {.name = "alpn",
			   .kind = FIELD_LIST,
			   .arg = "PROTOCOL",
			   .same = "",
			   .max = 255,
			   .help = "offered to clients: h2, then http/1.1, ..."},
	[FIELD_ID_ACME_UPSTREAM] = {.name = "acme_upstream",
				    .kind = FIELD_STRING,
				    .arg = "HOST:PORT",
				    .max = 512,
				    .help = "who answers acme-tls/1 (tls-alpn-01) for this name"},
	[FIELD_ID_UPSTREAM_CRT] = {.name = "upstream_crt",
				   .kind = FIELD_PEM,
				   .arg = "FILE",
				   .max = FIELD_PEM_MAX,
				   .help = "certificate shown to the upstream, PEM"},
	[FIELD_ID_UPSTREAM_KEY] = {.name = "upstream_key",
				   .kind = FIELD_PEM,
				   .arg = "FILE",
				   .secret = 1,
				   .max = FIELD_PEM_MAX,
				   .help = "its private key, PEM"},
	[FIELD_ID_MAX] = {.name = NULL},
};

static const char *kind_names[] = {
	[FIELD_NULL] = "absent",	  [FIELD_STRING] = "a string",
	[FIELD_BOOL] = "true or false",	  [FIELD_NUMBER] = "a number",
	[FIELD_LIST] = "a list",	  [FIELD_PEM] = "PEM text",
	[FIELD_OTHER] = "something else",
};

const struct field *field_find(const char *name)
{
	for (const struct field *fd = field_table; fd->name; fd++)
		if (!strcmp(fd->name, name))
			return fd;
	return NULL;
}

int field_is_choice(const char *choices, const char *text)
{
	size_t len = strlen(text), n;

	for (const char *p = choices; *p; p += n + (p[n] == '|')) {
		n = strcspn(p, "|");
		if (n == len && !memcmp(p, text, n))
			return 1;
	}
	return 0;
}

const char *field_item(const char *list, char item[FIELD_ITEM_MAX])
{
	size_t len = strcspn(list, "\n"), n = len < FIELD_ITEM_MAX ? len : FIELD_ITEM_MAX - 1;

	if (!*list)
		return NULL;
	memcpy(item, list, n);
	item[n] = '\0';
	return list + len + (list[len] == '\n');
}

static int too_long(const struct field *fd, const char *text)
{
	size_t len;

	if (!fd->max)
		return 0;
	if (fd->kind != FIELD_LIST)
		return strlen(text) > fd->max;
	for (; *text; text += len + (text[len] == '\n')) {
		len = strcspn(text, "\n");
		if (len > fd->max)
			return 1;
	}
	return 0;
}

int field_check(const struct field *fd, enum field_kind kind, const char *text, struct fault *f)
{
	if (kind == FIELD_NULL)
		return 0;
	if (kind != fd->kind && !(kind == FIELD_STRING && fd->kind == FIELD_PEM))
		return fault_set(f, 400, fd->code, fd->name, "must be %s", kind_names[fd->kind]);
	if (fd->choices && !field_is_choice(fd->choices, text))
		return fault_set(f, 400, fd->code, fd->name, "must be one of %s, got '%.40s'",
				 fd->arg, text);
	if (too_long(fd, text))
		return fault_set(f, 400, fd->code, fd->name,
				 fd->kind == FIELD_NUMBER ? "is too large, at most %zu digits"
							  : "is longer than %zu bytes",
				 fd->max);
	if (fd->needs && !(fd->same && !strcmp(fd->same, text)))
		return fault_set(f, 400, 0, fd->name, "not available in this version (%s)",
				 fd->needs);
	if (fd->kind == FIELD_PEM && !strstr(text, "-----BEGIN "))
		return fault_set(f, 400, fd->code, fd->name,
				 "must be PEM text (-----BEGIN ...), not a path");
	return 0;
}
