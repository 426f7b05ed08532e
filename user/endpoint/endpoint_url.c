// SPDX-License-Identifier: GPL-2.0-only
/*
 * endpoint_url - URLs of endpoints, and what endpoints are found by.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "endpoint_spec.h"
#include "name.h"

#define URL_INVALID 249
#define NAME_TOO_LONG 397
#define TCP "tcp://"

bool endpoint_is_tcp(const char *host)
{
	return !strncmp(host, TCP, strlen(TCP));
}

const char *endpoint_scheme(const char *host)
{
	return endpoint_is_tcp(host) ? "" : "tls://";
}

/* ---- tcp://HOST:PORT ---- */

static int read_port(const char *text, unsigned *ret_port)
{
	size_t len = strlen(text);

	if (len > 5 || strspn(text, "0123456789") != len || atoi(text) > 65535)
		return -EINVAL;
	*ret_port = (unsigned)atoi(text);
	return 0;
}

int endpoint_tcp_split(const char *url, char ret_host[ENDPOINT_NAME_MAX], unsigned *ret_port)
{
	const char *host = url + strlen(TCP), *port = "";
	size_t len;

	if (strncasecmp(url, TCP, strlen(TCP)))
		return -EPROTO;
	if (*host == '[') {
		host++;
		len = strcspn(host, "]");
		if (!host[len] || (host[len + 1] && host[len + 1] != ':'))
			return -EINVAL;
		port = host[len + 1] ? host + len + 2 : "";
	} else {
		len = strcspn(host, ":");
		port = host[len] ? host + len + 1 : "";
	}
	if (len >= ENDPOINT_NAME_MAX || read_port(port, ret_port))
		return -EINVAL;
	memcpy(ret_host, host, len);
	ret_host[len] = '\0';
	return 0;
}

static int tcp_host(const char *url, char ret_host[ENDPOINT_NAME_MAX], struct fault *f)
{
	char host[ENDPOINT_NAME_MAX], key[NAME_KEY_LEN], text[NAME_KEY_LEN + 16];
	struct sockaddr_storage sa;
	unsigned port;
	socklen_t len;
	const char *why;
	int n;

	if (endpoint_tcp_split(url, host, &port) || !*host || !port)
		return fault_set(f, 400, URL_INVALID, "url",
				 "must be tcp://HOST:PORT, got '%.200s'", url);
	snprintf(text, sizeof(text), strchr(host, ':') ? "[%s]:%u" : "%s:%u", host, port);
	if (!addr_parse(text, &sa, &len)) {
		snprintf(ret_host, ENDPOINT_NAME_MAX, TCP "%s", addr_text(&sa, text));
		return 0;
	}
	if (name_normalise(host, key, false, &why) < 0)
		return fault_set(f, 400, name_code(why) ?: URL_INVALID, "url",
				 "the name '%.200s' %s", host, why);
	n = snprintf(text, sizeof(text), TCP "%s:%u", key, port);
	if (n >= ENDPOINT_NAME_MAX)
		return fault_set(f, 400, URL_INVALID, "url",
				 "the name '%.200s' is too long for a TCP address", host);
	memcpy(ret_host, text, (size_t)n + 1);
	return 0;
}

/* ---- tls://NAME ---- */

int endpoint_url_host(const char *url, char ret_host[ENDPOINT_NAME_MAX], struct fault *f)
{
	char name[ENDPOINT_NAME_MAX + 16];
	const char *scheme = strstr(url, "://"), *host = url, *why;
	size_t len;

	if (!strncasecmp(url, TCP, strlen(TCP)))
		return tcp_host(url, ret_host, f);
	if (scheme) {
		if ((size_t)(scheme - url) != 3 || strncasecmp(url, "tls", 3))
			return fault_set(f, 400, URL_INVALID, "url",
					 "must be tls://NAME or tcp://HOST:PORT, got '%.200s'",
					 url);
		host = scheme + 3;
	}
	len = strlen(host);
	if (len && host[len - 1] == '/')
		len--;
	if (len >= sizeof(name))
		return fault_set(f, 400, NAME_TOO_LONG, "url", "the name is longer than 253 bytes");
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
		return fault_set(f, 400, name_code(why) ?: URL_INVALID, "url",
				 "the name '%.200s' %s", name, why);
	return 0;
}
