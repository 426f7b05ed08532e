// SPDX-License-Identifier: GPL-2.0-only
#include "config_tcp.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "addr.h"
#include "config.h"
#include "config_check.h"
#include "name.h"

#define NOT_AVAILABLE 249

/* Below the ports that the kernel gives to outgoing connections. */
#define FIRST 20000
#define LAST 29999

static void add_listen(struct config *c, const struct sockaddr_storage *sa, socklen_t len,
		       const char *text)
{
	struct config_addr *a = &c->tcp.listen[c->tcp.n_listen++];

	a->sa = *sa;
	a->len = len;
	snprintf(a->text, sizeof(a->text), "%s", text);
}

/* An address without a port. */
static int parse_ip(const char *text, struct sockaddr_storage *ret_sa, socklen_t *ret_len)
{
	char with_port[80];

	if (strlen(text) > 48 || !*text)
		return -EINVAL;
	snprintf(with_port, sizeof(with_port), strchr(text, ':') ? "[%s]:1" : "%s:1", text);
	return addr_parse(with_port, ret_sa, ret_len);
}

static void set_listen_default(struct config *c)
{
	static const char *const all[] = {"0.0.0.0", "::"};
	struct sockaddr_storage sa;
	socklen_t len;

	c->tcp.n_listen = 0;
	for (int i = 0; i < 2; i++)
		if (!parse_ip(all[i], &sa, &len))
			add_listen(c, &sa, len, all[i]);
}

int config_tcp_default(struct config *c)
{
	c->tcp.first = FIRST;
	c->tcp.last = LAST;
	set_listen_default(c);
	return 0;
}

void config_tcp_done(struct config *c)
{
	free(c->tcp.host);
}

/* ---- the file ---- */

static void read_ports(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
		       void *out)
{
	const char *text = doc_scalar(d, node);
	unsigned first, last;
	struct config *c = out;
	char end;
	int n;

	(void)key;
	if (!text)
		return;
	n = sscanf(text, "%5u-%5u%c", &first, &last, &end);
	if (n != 2 || text[0] == '-' || strspn(text, "0123456789-") != strlen(text) || !first ||
	    last > 65535 || first > last) {
		doc_error(d, node, "must be FIRST-LAST, such as 20000-29999, got '%.64s'", text);
		return;
	}
	c->tcp.first = (uint16_t)first;
	c->tcp.last = (uint16_t)last;
}

static void read_one_listen(struct doc *d, struct config *c, struct yaml_node_s *node)
{
	const char *text = doc_scalar(d, node);
	struct sockaddr_storage sa;
	socklen_t len;

	if (!text)
		return;
	if (parse_ip(text, &sa, &len))
		doc_error(d, node, "must be an IP address, such as 0.0.0.0 or \"::\", got '%.64s'",
			  text);
	else if (c->tcp.n_listen == CONFIG_TCP_LISTEN_MAX)
		doc_error(d, node, "there may be %d addresses, no more", CONFIG_TCP_LISTEN_MAX);
	else
		add_listen(c, &sa, len, text);
}

static void read_listen(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			void *out)
{
	struct yaml_node_s *item;
	struct config *c = out;

	(void)key;
	c->tcp.n_listen = 0;
	if (!doc_is_list(node)) {
		read_one_listen(d, c, node);
		return;
	}
	for (unsigned i = 0; (item = doc_item(d, node, i)); i++)
		read_one_listen(d, c, item);
	if (!doc_item(d, node, 0))
		doc_error(d, node, "needs at least one IP address");
}

static void read_host(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	const char *text = doc_scalar(d, node), *why;
	char name[NAME_KEY_LEN];
	struct config *c = out;

	(void)key;
	if (!text)
		return;
	if (name_normalise(text, name, false, &why) < 0) {
		doc_error(d, node, "the name '%.200s' %s", text, why);
		return;
	}
	free(c->tcp.host);
	c->tcp.host = strdup(name);
	if (!c->tcp.host)
		doc_error(d, node, "out of memory");
}

static const struct doc_key keys[] = {
	{"ports", read_ports, 0, 0, 0, NULL},
	{"listen", read_listen, 0, 0, 0, NULL},
	{"host", read_host, 0, 0, 0, NULL},
	{.name = NULL},
};

void config_tcp_read(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	const struct doc_key with_keys = {.name = key->name, .more = keys};
	struct config *c = out;

	if (doc_is(node, "none")) {
		c->tcp.first = c->tcp.last = 0;
		return;
	}
	c->tcp.line = doc_line(node);
	doc_map(d, &with_keys, node, out);
}

static unsigned overlaps(const struct config *c, const struct config_place *p, FILE *err)
{
	unsigned port = addr_port(&p->at->sa);

	if (port < c->tcp.first || port > c->tcp.last || !c->tcp.first)
		return 0;
	fprintf(err, "%s:%u: tcp.ports: %u-%u holds the port of %s, %s\n", c->file, c->tcp.line,
		c->tcp.first, c->tcp.last, p->key, p->at->text);
	return 1;
}

unsigned config_tcp_check(const struct config *c, FILE *err)
{
	struct config_place places[CONFIG_PLACES_MAX];
	struct config_addr addrs[CONFIG_TCP_LISTEN_MAX];
	unsigned errors = 0, n = config_places(c, places);
	char host[ENDPOINT_NAME_MAX];
	struct fault f;

	/* the range that nobody asked for is in nobody's way */
	for (unsigned i = 0; c->tcp.line && i < n; i++)
		errors += overlaps(c, &places[i], err);
	for (unsigned i = 0; i < c->n_endpoints; i++) {
		const char *url = endpoint_spec_value(&c->endpoints[i], FIELD_ID_URL);

		if (!url || endpoint_url_host(url, host, NULL) || !endpoint_is_tcp(host) ||
		    config_tcp_addrs(c, host, addrs, &f) >= 0)
			continue;
		fprintf(err, "%s:%u: endpoints[%u].url: %s\n", c->file, c->endpoints[i].line, i,
			f.msg);
		errors++;
	}
	return errors;
}

/* ---- addresses of endpoints ---- */

const char *config_tcp_host(const struct config *c)
{
	return c->tcp.host ? c->tcp.host : c->base_domain;
}

static void set_port(struct config_addr *a, unsigned port)
{
	if (a->sa.ss_family == AF_INET)
		((struct sockaddr_in *)&a->sa)->sin_port = htons((uint16_t)port);
	else
		((struct sockaddr_in6 *)&a->sa)->sin6_port = htons((uint16_t)port);
	addr_text(&a->sa, a->text);
}

/* An address of the URL: one of tcp.listen, or within one that is all of its family. */
static int one_address(const struct config *c, const char *ip, const struct sockaddr_storage *sa,
		       socklen_t len, struct config_addr *ret_a, struct fault *f)
{
	for (unsigned i = 0; i < c->tcp.n_listen; i++) {
		const struct sockaddr_storage *own = &c->tcp.listen[i].sa;

		if (own->ss_family != sa->ss_family ||
		    (!addr_is_any(own) && !addr_same_ip(own, sa)))
			continue;
		ret_a->sa = *sa;
		ret_a->len = len;
		return 1;
	}
	return fault_set(f, 400, NOT_AVAILABLE, "url", "%s is no address of tcp.listen", ip);
}

int config_tcp_addrs(const struct config *c, const char *host, struct config_addr *ret_addrs,
		     struct fault *f)
{
	char name[ENDPOINT_NAME_MAX];
	struct sockaddr_storage sa;
	socklen_t len;
	unsigned port;
	int n;

	if (endpoint_tcp_split(host, name, &port))
		return fault_set(f, 400, NOT_AVAILABLE, "url", "must be tcp://HOST:PORT");
	if (!c->tcp.first)
		return fault_set(f, 400, NOT_AVAILABLE, "url",
				 "this edge has no TCP endpoints (tcp: none)");
	if (port < c->tcp.first || port > c->tcp.last)
		return fault_set(f, 400, NOT_AVAILABLE, "url",
				 "port %u is not within tcp.ports, %u-%u", port, c->tcp.first,
				 c->tcp.last);
	if (!parse_ip(name, &sa, &len)) {
		n = one_address(c, name, &sa, len, ret_addrs, f);
	} else if (!strcmp(name, config_tcp_host(c))) {
		n = (int)c->tcp.n_listen;
		memcpy(ret_addrs, c->tcp.listen, (size_t)n * sizeof(*ret_addrs));
	} else {
		n = fault_set(f, 400, NOT_AVAILABLE, "url",
			      "the host of a TCP endpoint here is %s or an IP address of "
			      "tcp.listen, got '%.200s'",
			      config_tcp_host(c), name);
	}
	for (int i = 0; i < n; i++)
		set_port(&ret_addrs[i], port);
	return n;
}
