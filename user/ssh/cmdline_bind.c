// SPDX-License-Identifier: GPL-2.0-only
/*
 * cmdline_bind - a -R, and the URL that it means with its command.
 */
#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "cmdline.h"
#include "log.h"
#include "name.h"

#define BAD_PORT 1113
#define BAD_URL 249

/* Could it be a name, an IP address, or either with a port? */
static bool is_address(const char *text)
{
	return !text[strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
				  "0123456789._-*:[]")];
}

int cmdline_bind(const char *host, unsigned port, struct cmdline_bind *ret_b, struct fault *f)
{
	/* how clients say that they do not care: OpenSSH sends "localhost" for no name at all */
	static const char *const nobody[] = {"",   "*",	  "localhost", "0.0.0.0", "127.0.0.1",
					     "::", "::1", "[::]",      "[::1]",	  "localhost."};
	struct cmdline_bind b = {.port = port};

	if (port > 65535)
		return fault_set(f, 400, BAD_PORT, "", "-R: %u is no port", port);
	if (strlen(host) >= sizeof(b.host) || !is_address(host))
		return fault_set(f, 400, BAD_URL, "",
				 "-R: the name is longer than 253 bytes, or has a byte outside "
				 "a-z, 0-9, '.', '-' and '_'");
	strcpy(b.host, host);
	for (size_t i = 0; i < sizeof(nobody) / sizeof(nobody[0]); i++)
		if (!strcasecmp(host, nobody[i]))
			b.host[0] = '\0';
	*ret_b = b;
	return 0;
}

static int tcp_url(const struct cmdline *c, const struct cmdline_bind *b, char *url,
		   struct fault *f)
{
	const char *addr = c->values[CMDLINE_REMOTE_ADDR];

	if (addr && *b->host)
		return fault_set(f, 400, 1114, "",
				 "-R and --remote-addr both say an address: use -R 0:HOST:PORT");
	if (addr && b->port)
		return fault_set(f, 400, 1115, "",
				 "-R and --remote-addr both say a port: use -R 0:HOST:PORT");
	if (addr && (strlen(addr) > 260 || !is_address(addr)))
		return fault_set(f, 400, BAD_URL, "", "--remote-addr: must be HOST:PORT");
	if (*b->host && !b->port)
		return fault_set(f, 400, 1117, "",
				 "-R %s:0: a port made up on an address of yours is not possible; "
				 "use -R 0:HOST:PORT, or say the port",
				 b->host);
	if (addr)
		snprintf(url, CMDLINE_URL_MAX, "tcp://%.260s", addr);
	else if (b->port)
		snprintf(url, CMDLINE_URL_MAX,
			 strchr(b->host, ':') ? "tcp://[%s]:%u" : "tcp://%s:%u", b->host, b->port);
	else
		strcpy(url, "tcp://");
	return 0;
}

static int check_port(const struct cmdline *c, const struct cmdline_bind *b, struct fault *f)
{
	if (b->port == 0 || b->port == 443 || (c->type == CMDLINE_HTTP && b->port == 80))
		return 0;
	return fault_set(f, 400, BAD_PORT, "",
			 "-R %u: '%s' is served on port 443; use -R 443: or -R 0:", b->port,
			 cmdline_type_name(c->type));
}

static int name_url(const char *name, char url[CMDLINE_URL_MAX], struct fault *f)
{
	char key[NAME_KEY_LEN], text[128];
	const char *why;

	if (name_normalise(name, key, true, &why) < 0)
		return fault_set(f, 400, name_code(why) ?: BAD_URL, "", "the name '%s' %s",
				 log_escape(name, strlen(name), text, sizeof(text)), why);
	snprintf(url, CMDLINE_URL_MAX, "tls://%s", key);
	return 0;
}

/* What says the name: -R or one of two options. */
static int check_names(const struct cmdline *c, const struct cmdline_bind *b, struct fault *f)
{
	const char *option = c->values[CMDLINE_URL], *sub = c->values[CMDLINE_SUBDOMAIN];
	char text[128];

	if (*b->host && option)
		return fault_set(f, 400, 1118, "",
				 "-R and --url both say a name: use -R 443:HOST:PORT");
	if (*b->host && sub)
		return fault_set(f, 400, 1119, "",
				 "-R and --subdomain both say a name: use -R 443:HOST:PORT");
	if (option && sub)
		return fault_set(f, 400, 1120, "",
				 "--url and --subdomain both say a name: use one of them");
	if (sub && strchr(sub, '.'))
		return fault_set(f, 400, BAD_URL, "",
				 "--subdomain %s: has a dot in it; --url says a whole name",
				 log_escape(sub, strlen(sub), text, sizeof(text)));
	return 0;
}

int cmdline_url(const struct cmdline *c, const struct cmdline_bind *b, const char *base_domain,
		char url[CMDLINE_URL_MAX], struct fault *f)
{
	const char *option = c->values[CMDLINE_URL], *sub = c->values[CMDLINE_SUBDOMAIN];
	const char *scheme = c->type == CMDLINE_TLS ? "tls://" : "https://";
	char name[CMDLINE_URL_MAX];

	if (c->type == CMDLINE_TCP)
		return tcp_url(c, b, url, f);
	if (check_port(c, b, f) || check_names(c, b, f))
		return -1;
	url[0] = '\0';
	if (*b->host)
		return name_url(b->host, url, f);
	if (sub) {
		snprintf(name, sizeof(name), "%.64s.%.220s", sub, base_domain);
		return name_url(name, url, f);
	}
	if (!option)
		return 0;
	return name_url(strncmp(option, scheme, strlen(scheme)) ? option : option + strlen(scheme),
			url, f);
}

int cmdline_likely_url(const struct cmdline_bind *b, char url[CMDLINE_URL_MAX], struct fault *f)
{
	static const struct cmdline tcp = {.type = CMDLINE_TCP};
	struct in6_addr ip;

	url[0] = '\0';
	if (b->port != 0 && b->port != 443 && b->port != 80)
		return tcp_url(&tcp, b, url, f);
	if (!*b->host || inet_pton(AF_INET, b->host, &ip) == 1 ||
	    inet_pton(AF_INET6, b->host, &ip) == 1)
		return 0;
	return name_url(b->host, url, f);
}
