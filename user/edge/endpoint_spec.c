// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "endpoint_spec.h"
#include "addr.h"
#include "name.h"

#define URL_INVALID 249

void endpoint_spec_done(struct endpoint_spec *s)
{
	for (int i = 0; i < FIELD_ID_MAX; i++) {
		if (s->values[i] && field_table[i].secret)
			explicit_bzero(s->values[i], strlen(s->values[i]));
		free(s->values[i]);
	}
	memset(s, 0, sizeof(*s));
}

int endpoint_spec_copy(const struct endpoint_spec *s, struct endpoint_spec *ret_to)
{
	memset(ret_to, 0, sizeof(*ret_to));
	ret_to->origin = s->origin;
	ret_to->line = s->line;
	for (int i = 0; i < FIELD_ID_MAX; i++) {
		if (!s->values[i])
			continue;
		ret_to->values[i] = strdup(s->values[i]);
		if (!ret_to->values[i]) {
			endpoint_spec_done(ret_to);
			return -ENOMEM;
		}
	}
	return 0;
}

bool endpoint_spec_same(const struct endpoint_spec *a, const struct endpoint_spec *b)
{
	for (int i = 0; i < FIELD_ID_MAX; i++) {
		const char *x = a->values[i], *y = b->values[i];

		if (i != FIELD_ID_URL && (x && y ? strcmp(x, y) != 0 : x != y))
			return false;
	}
	return true;
}

bool endpoint_spec_is(const struct endpoint_spec *s, enum field_id id)
{
	return s->values[id] && !strcmp(s->values[id], "true");
}

const char *endpoint_spec_upstream(const struct endpoint_spec *s, bool *ret_tls)
{
	const char *text = s->values[FIELD_ID_UPSTREAM];
	bool tls = text && !strncasecmp(text, "tls://", 6);

	if (ret_tls)
		*ret_tls = tls;
	return tls ? text + 6 : text;
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
	where = &s->values[fd - field_table];
	/* an empty list is as good as none */
	if (kind == FIELD_NULL || (kind == FIELD_LIST && !*text))
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
	if (!s->values[FIELD_ID_URL])
		return fault_set(f, 400, URL_INVALID, "url", "is missing: tls://NAME");
	if (endpoint_url_host(s->values[FIELD_ID_URL], ret_host, f))
		return -1;
	if (!s->values[FIELD_ID_UPSTREAM])
		return fault_set(f, 400, 0, "upstream", "is missing: HOST:PORT");
	return check_upstream(s->values[FIELD_ID_UPSTREAM], f);
}
