// SPDX-License-Identifier: GPL-2.0-only
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include "target.h"
#include "addr.h"

#define ADDRESS_MAX 1024

const struct target_row target_table[TARGET_KIND_MAX + 1] = {
	[TARGET_FILE] = {"file", "path", "NAME", "append to this file"},
	[TARGET_UNIX] = {"unix", "path", "PATH", "write to this stream socket"},
	[TARGET_TCP] = {"tcp", "address", "HOST:PORT", "write to a TCP connection"},
	[TARGET_SYSLOG] = {"syslog", "address", "ADDRESS",
			   "/dev/log, udp://HOST:PORT or tcp://HOST:PORT"},
	[TARGET_WEBHOOK] = {"webhook", "url", "URL", "POST them as JSON arrays"},
};

int target_kind_of(const char *name)
{
	for (int k = 0; k < TARGET_KIND_MAX; k++)
		if (!strcmp(target_table[k].name, name))
			return k;
	return -1;
}

static int check_host_port(const char *text, const char *field, struct fault *f)
{
	char host[256];
	uint16_t port;

	if (addr_split(text, host, sizeof(host), &port) || !*host || strchr(host, '/'))
		return fault_set(f, 400, 0, field,
				 "must be HOST:PORT, such as 127.0.0.1:5170, got '%.200s'", text);
	return 0;
}

static int check_path(const char *text, const char *field, size_t max, struct fault *f)
{
	if (text[0] != '/')
		return fault_set(f, 400, 0, field,
				 "must be a path that starts with /, got '%.200s'", text);
	if (strlen(text) >= max)
		return fault_set(f, 400, 0, field, "is longer than %zu bytes", max - 1);
	return 0;
}

/* root writes it: only a name, in a directory of ours, may be chosen over the API. */
static int check_file(const char *text, enum target_origin origin, struct fault *f)
{
	size_t len = strlen(text);

	if (origin == TARGET_OF_FILE)
		return strcmp(text, "-") ? check_path(text, "file", ADDRESS_MAX, f) : 0;
	for (const char *p = text; *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			len = 0;
	if (!len || len > 128 || text[0] == '.' || !strcmp(text, "-"))
		return fault_set(f, 400, 0, "file",
				 "must be a plain name such as audit.ndjson, got '%.200s'; it is "
				 "made below state_dir/events; other paths are given in the "
				 "configuration file",
				 text);
	return 0;
}

static int check_syslog(const char *text, struct fault *f)
{
	if (!strncmp(text, "udp://", 6) || !strncmp(text, "tcp://", 6))
		return check_host_port(text + 6, "syslog", f);
	if (text[0] == '/')
		return check_path(text, "syslog", sizeof(((struct sockaddr_un *)0)->sun_path), f);
	return fault_set(f, 400, 0, "syslog",
			 "must be a socket such as /dev/log, udp://HOST:PORT or tcp://HOST:PORT, "
			 "got '%.200s'",
			 text);
}

static int check_url(const char *text, struct fault *f)
{
	const char *host = strstr(text, "://");

	for (const char *p = text; *p; p++)
		if (!isgraph((unsigned char)*p))
			host = NULL;
	if (!host || !host[3] || host[3] == '/' ||
	    (strncmp(text, "http://", 7) && strncmp(text, "https://", 8)))
		return fault_set(f, 400, 0, "webhook",
				 "must be http://HOST/... or https://HOST/..., got '%.200s'", text);
	return 0;
}

static int check(enum target_kind kind, const char *text, enum target_origin origin,
		 struct fault *f)
{
	switch (kind) {
	case TARGET_FILE:
		return check_file(text, origin, f);
	case TARGET_UNIX:
		return check_path(text, "unix", sizeof(((struct sockaddr_un *)0)->sun_path), f);
	case TARGET_TCP:
		return check_host_port(text, "tcp", f);
	case TARGET_SYSLOG:
		return check_syslog(text, f);
	default:
		return check_url(text, f);
	}
}

int target_set(struct target *t, enum target_kind kind, const char *address,
	       enum target_origin origin, struct fault *f)
{
	const char *field = target_table[kind].name;

	if (t->address)
		return fault_set(f, 400, 0, field, "a destination has one target, not two");
	if (strlen(address) > ADDRESS_MAX)
		return fault_set(f, 400, 0, field, "is longer than %d bytes", ADDRESS_MAX);
	if (check(kind, address, origin, f))
		return -1;
	t->address = strdup(address);
	if (!t->address)
		return fault_set(f, 500, 0, field, "out of memory");
	t->kind = kind;
	return 0;
}

void target_done(struct target *t)
{
	free(t->address);
	memset(t, 0, sizeof(*t));
}

int target_copy(const struct target *from, struct target *to)
{
	to->kind = from->kind;
	to->address = strdup(from->address);
	return to->address ? 0 : -ENOMEM;
}

const char *target_text(const struct target *t, char out[TARGET_TEXT_MAX])
{
	const char *address = t->address, *scheme = strstr(address, "://"), *at, *slash;
	int keep = 0;

	if (t->kind == TARGET_WEBHOOK && scheme) {
		slash = strchr(scheme + 3, '/');
		at = memrchr(scheme + 3, '@',
			     slash ? (size_t)(slash - scheme - 3) : strlen(scheme + 3));
		if (at) {
			keep = (int)(scheme + 3 - address);
			snprintf(out, TARGET_TEXT_MAX, "%s:%.*s%s", target_table[t->kind].name,
				 keep, address, at + 1);
			return out;
		}
	}
	snprintf(out, TARGET_TEXT_MAX, "%s:%s", target_table[t->kind].name, address);
	return out;
}
