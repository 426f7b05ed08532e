// SPDX-License-Identifier: GPL-2.0-only
#include <stdlib.h>
#include <string.h>

#include "endpoint_spec.h"
#include "addr.h"
#include "name.h"

#define URL_INVALID 249

void endpoint_spec_done(struct endpoint_spec *s)
{
	free(s->url);
	free(s->upstream);
	free(s->datapath);
	free(s->name);
	free(s->description);
	free(s->metadata);
	memset(s, 0, sizeof(*s));
}

/* Where <field> is kept; NULL for those that only have one valid value as yet. */
static char **member(struct endpoint_spec *s, const char *field)
{
	const struct {
		const char *name;
		char **where;
	} members[] = {
		{"url", &s->url},   {"upstream", &s->upstream},	      {"datapath", &s->datapath},
		{"name", &s->name}, {"description", &s->description}, {"metadata", &s->metadata},
	};

	for (size_t i = 0; i < sizeof(members) / sizeof(members[0]); i++)
		if (!strcmp(members[i].name, field))
			return members[i].where;
	return NULL;
}

int endpoint_spec_set(struct endpoint_spec *s, const char *field, enum field_kind kind,
		      const char *text, struct fault *f)
{
	const struct field *fd = field_find(field);
	char **where;

	if (!fd)
		return fault_set(f, 400, 0, field, "unknown field");
	if (field_check(fd, kind, text, f))
		return -1;
	where = member(s, field);
	if (!where || kind == FIELD_NULL)
		return 0;
	if (*where)
		return fault_set(f, 400, 0, field, "given twice");
	*where = strdup(text);
	return *where ? 0 : fault_set(f, 500, 0, field, "out of memory");
}

int endpoint_url_host(const char *url, char ret_host[ENDPOINT_NAME_MAX], struct fault *f)
{
	char name[ENDPOINT_NAME_MAX + 16];
	const char *scheme = strstr(url, "://"), *host = url, *why;
	size_t len;

	if (scheme) {
		if ((size_t)(scheme - url) != 3 || strncasecmp(url, "tls", 3))
			return fault_set(f, 400, URL_INVALID, "url",
					 "must be tls://NAME, got '%.200s'", url);
		host = scheme + 3;
	}
	len = strlen(host);
	if (len && host[len - 1] == '/')
		len--;
	if (len >= sizeof(name))
		return fault_set(f, 400, URL_INVALID, "url", "the name is longer than 253 bytes");
	memcpy(name, host, len);
	name[len] = '\0';
	host = strchr(name, ':');
	if (host && strchr(host + 1, ':'))
		return fault_set(f, 400, URL_INVALID, "url",
				 "must be a name, not an address, got '%.200s'", url);
	if (host && strcmp(host, ":443"))
		return fault_set(f, 400, URL_INVALID, "url",
				 "the port of a TLS endpoint is 443, got '%.200s'", url);
	if (host)
		name[host - name] = '\0';
	if (!*name)
		return fault_set(f, 400, URL_INVALID, "url", "needs a name: tls://NAME");
	if (name_normalise(name, ret_host, true, &why) < 0)
		return fault_set(f, 400, URL_INVALID, "url", "the name '%.200s' %s", name, why);
	return 0;
}

static int check_upstream(const char *upstream, struct fault *f)
{
	char host[256];
	uint16_t port;

	if (!strncasecmp(upstream, "tls://", 6))
		return fault_set(f, 400, 0, "upstream",
				 "tls:// is not available in this version (passthrough endpoints "
				 "only); give HOST:PORT");
	if (addr_split(upstream, host, sizeof(host), &port) || !*host || strchr(host, '/'))
		return fault_set(f, 400, 0, "upstream",
				 "must be HOST:PORT, such as 127.0.0.1:8443 or [::1]:8443, got "
				 "'%.200s'",
				 upstream);
	return 0;
}

int endpoint_spec_check(const struct endpoint_spec *s, char ret_host[ENDPOINT_NAME_MAX],
			struct fault *f)
{
	if (!s->url)
		return fault_set(f, 400, URL_INVALID, "url", "is missing: tls://NAME");
	if (endpoint_url_host(s->url, ret_host, f))
		return -1;
	if (!s->upstream)
		return fault_set(f, 400, 0, "upstream", "is missing: HOST:PORT");
	if (check_upstream(s->upstream, f))
		return -1;
	if (s->datapath && !field_is_choice("auto|kernel|userspace", s->datapath))
		return fault_set(f, 400, 0, "datapath",
				 "must be one of auto|kernel|userspace, got '%.40s'", s->datapath);
	return 0;
}
