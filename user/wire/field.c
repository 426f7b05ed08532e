// SPDX-License-Identifier: GPL-2.0-only
#include <string.h>

#include "field.h"

#define TERMINATION "passthrough endpoints only"

const struct field field_table[] = {
	{.name = "url",
	 .kind = FIELD_STRING,
	 .arg = "URL",
	 .max = 512,
	 .code = 249,
	 .help = "tls://NAME: which names it serves; tls://*.NAME for all below"},
	{.name = "upstream",
	 .kind = FIELD_STRING,
	 .arg = "HOST:PORT",
	 .max = 512,
	 .help = "where its connections go"},
	{.name = "terminate_at",
	 .kind = FIELD_STRING,
	 .arg = "upstream|edge",
	 .same = "upstream",
	 .choices = "upstream|edge|agent",
	 .needs = TERMINATION,
	 .max = 16,
	 .code = 224,
	 .help = "who holds the certificate"},
	{.name = "crt",
	 .kind = FIELD_STRING,
	 .arg = "FILE",
	 .needs = TERMINATION,
	 .max = 4096,
	 .help = "certificate chain, PEM"},
	{.name = "key",
	 .kind = FIELD_STRING,
	 .arg = "FILE",
	 .needs = TERMINATION,
	 .max = 4096,
	 .help = "private key, PEM"},
	{.name = "mutual_tls_cas",
	 .kind = FIELD_STRING,
	 .arg = "FILE",
	 .needs = TERMINATION,
	 .max = 4096,
	 .help = "clients must show a certificate of these CAs"},
	{.name = "cidr_allow",
	 .kind = FIELD_LIST,
	 .arg = "CIDR",
	 .same = "",
	 .needs = "no IP restriction",
	 .max = 64,
	 .code = 362,
	 .help = "only these clients"},
	{.name = "cidr_deny",
	 .kind = FIELD_LIST,
	 .arg = "CIDR",
	 .same = "",
	 .needs = "no IP restriction",
	 .max = 64,
	 .code = 362,
	 .help = "not these clients"},
	{.name = "proxy_proto",
	 .kind = FIELD_NUMBER,
	 .arg = "1|2",
	 .choices = "1|2",
	 .needs = "no PROXY header is written",
	 .max = 8,
	 .help = "tell the upstream the client's address"},
	{.name = "upstream_tls_verify",
	 .kind = FIELD_BOOL,
	 .same = "false",
	 .needs = TERMINATION,
	 .help = "check the upstream's certificate"},
	{.name = "upstream_tls_verify_cas",
	 .kind = FIELD_STRING,
	 .arg = "FILE",
	 .needs = TERMINATION,
	 .max = 4096,
	 .help = "against these CAs"},
	{.name = "pooling_enabled",
	 .kind = FIELD_BOOL,
	 .same = "false",
	 .needs = "one endpoint a name",
	 .help = "share the name with other endpoints"},
	{.name = "datapath",
	 .kind = FIELD_STRING,
	 .arg = "auto|kernel|userspace",
	 .choices = "auto|kernel|userspace",
	 .same = "auto",
	 .max = 16,
	 .help = "what carries its bytes"},
	{.name = "name",
	 .kind = FIELD_STRING,
	 .arg = "TEXT",
	 .max = 255,
	 .help = "what to call it"},
	{.name = "description",
	 .kind = FIELD_STRING,
	 .arg = "TEXT",
	 .max = 255,
	 .help = "for people"},
	{.name = "metadata",
	 .kind = FIELD_STRING,
	 .arg = "TEXT",
	 .max = 4096,
	 .help = "for programs"},
	{.name = NULL},
};

static const char *kind_names[] = {
	[FIELD_NULL] = "absent",     [FIELD_STRING] = "a string", [FIELD_BOOL] = "true or false",
	[FIELD_NUMBER] = "a number", [FIELD_LIST] = "a list",	  [FIELD_OTHER] = "something else",
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

int field_check(const struct field *fd, enum field_kind kind, const char *text, struct fault *f)
{
	if (kind == FIELD_NULL)
		return 0;
	if (kind != fd->kind)
		return fault_set(f, 400, fd->code, fd->name, "must be %s", kind_names[fd->kind]);
	if (fd->max && strlen(text) > fd->max)
		return fault_set(f, 400, fd->code, fd->name, "is longer than %zu bytes", fd->max);
	if (fd->choices && !field_is_choice(fd->choices, text))
		return fault_set(f, 400, fd->code, fd->name, "must be one of %s, got '%.40s'",
				 fd->choices, text);
	if (fd->needs && !(fd->same && !strcmp(fd->same, text)))
		return fault_set(f, 400, 0, fd->name, "not available in this version (%s)",
				 fd->needs);
	return 0;
}
