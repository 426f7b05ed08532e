// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <malloc.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "config.h"
#include "addr.h"
#include "config_check.h"
#include "config_endpoints.h"
#include "config_events.h"
#include "config_tcp.h"
#include "config_tls.h"
#include "doc.h"
#include "name.h"

#define LISTEN_MAX 16
#define FILE_BYTES_MAX (64 << 20)
#define PORT_HINT "must be IP:PORT, such as 0.0.0.0:443 or \"[::]:443\""

#define SECOND 1000U
#define MINUTE (60 * SECOND)
#define WEEK (7 * 24 * 60 * (uint64_t)MINUTE)

/* ---- single values ---- */

static void read_version(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			 void *out)
{
	const char *text = doc_scalar(d, node);

	(void)key;
	(void)out;
	if (text && strcmp(text, "1"))
		doc_error(d, node, "must be 1, got '%.64s'", text);
}

static bool read_addr(struct doc *d, struct yaml_node_s *node, struct config_addr *ret_a)
{
	const char *text = doc_scalar(d, node);
	struct config_addr a = {.len = 0};

	if (!text)
		return false;
	if (strlen(text) >= sizeof(a.text) || addr_parse(text, &a.sa, &a.len)) {
		doc_error(d, node, PORT_HINT ", got '%.64s'", text);
		return false;
	}
	strcpy(a.text, text);
	a.line = doc_line(node);
	*ret_a = a;
	return true;
}

static void add_listen(struct doc *d, struct config *c, struct yaml_node_s *node)
{
	struct config_addr a;

	if (!read_addr(d, node, &a))
		return;
	for (unsigned i = 0; i < c->n_listen; i++) {
		if (c->listen[i].len == a.len && !memcmp(&c->listen[i].sa, &a.sa, a.len)) {
			doc_error(d, node, "'%s' is given twice", a.text);
			return;
		}
	}
	if (c->n_listen == LISTEN_MAX)
		doc_error(d, node, "there may be %d addresses, no more", LISTEN_MAX);
	else
		c->listen[c->n_listen++] = a;
}

static void read_listen(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			void *out)
{
	struct config *c = out;
	struct yaml_node_s *item;

	(void)key;
	c->n_listen = 0;
	if (!doc_is_list(node)) {
		add_listen(d, c, node);
		return;
	}
	for (unsigned i = 0; (item = doc_item(d, node, i)); i++)
		add_listen(d, c, item);
	if (!doc_item(d, node, 0))
		doc_error(d, node, "needs at least one IP:PORT");
}

/* Which of three names it is; -1 after the message. */
static int choice(struct doc *d, struct yaml_node_s *node, const char *const names[3])
{
	const char *text = doc_scalar(d, node);

	if (!text)
		return -1;
	for (int i = 0; i < 3; i++)
		if (!strcmp(text, names[i]))
			return i;
	doc_error(d, node, "must be %s, %s or %s, got '%.64s'", names[0], names[1], names[2], text);
	return -1;
}

static void read_datapath(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			  void *out)
{
	static const char *const names[] = {"auto", "kernel", "userspace"};
	int i = choice(d, node, names);

	(void)key;
	if (i >= 0)
		((struct config *)out)->datapath = (enum datapath)i;
}

static void read_sandbox(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			 void *out)
{
	static const char *const names[] = {"on", "log", "off"};
	int i = choice(d, node, names);

	(void)key;
	if (i >= 0)
		((struct config *)out)->sandbox = (enum sandbox)i;
}

static void read_workers(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			 void *out)
{
	const char *text = doc_scalar(d, node);
	struct config *c = out;

	if (!text)
		return;
	if (!strcmp(text, "auto"))
		c->workers = 0;
	else if (text[0] < '0' || text[0] > '9')
		doc_error(d, node, "must be auto or a number, got '%.64s'", text);
	else
		doc_count(d, key, node, out);
}

static void set_string(struct doc *d, struct yaml_node_s *node, char **where, const char *text)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		doc_error(d, node, "out of memory");
	free(*where);
	*where = copy;
}

static void read_base_domain(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			     void *out)
{
	const char *text = doc_scalar(d, node), *why;
	char name[NAME_KEY_LEN];
	struct config *c = out;

	(void)key;
	if (!text)
		return;
	if (name_normalise(text, name, false, &why) < 0)
		doc_error(d, node, "the name '%.200s' %s", text, why);
	else
		set_string(d, node, &c->base_domain, name);
}

static void read_default_endpoint(struct doc *d, const struct doc_key *key,
				  struct yaml_node_s *node, void *out)
{
	const char *text = doc_scalar(d, node);
	char host[ENDPOINT_NAME_MAX];
	struct config *c = out;
	struct fault f;

	(void)key;
	if (!text)
		return;
	c->default_line = doc_line(node);
	if (!strcmp(text, "none"))
		set_string(d, node, &c->default_endpoint, NULL);
	else if (endpoint_url_host(text, host, &f))
		doc_error(d, node, "%s (or none)", f.msg);
	else if (endpoint_is_tcp(host))
		doc_error(d, node, "must be tls://NAME or none, got '%.200s'", text);
	else
		set_string(d, node, &c->default_endpoint, host);
}

static void read_mode(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	const char *text = doc_scalar(d, node);
	struct config *c = out;

	(void)key;
	if (!text)
		return;
	if (strspn(text, "01234567") != strlen(text) || strlen(text) > 4 ||
	    strtoul(text, NULL, 8) > 0777)
		doc_error(d, node, "must be an octal file mode such as \"0660\", got '%.64s'",
			  text);
	else
		c->control_mode = (unsigned)strtoul(text, NULL, 8);
}

static void read_http(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	struct config *c = out;

	(void)key;
	if (doc_is(node, "none"))
		memset(&c->http, 0, sizeof(c->http));
	else
		read_addr(d, node, &c->http);
}

static void read_tunnel_listen(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			       void *out)
{
	(void)key;
	read_addr(d, node, &((struct config *)out)->tunnel);
}

static const struct doc_key tunnel_keys[] = {
	{"listen", read_tunnel_listen, 0, 0, 0, NULL},
	{.name = NULL},
};

static void read_tunnel(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			void *out)
{
	struct doc_key map = *key;
	struct config *c = out;

	map.more = tunnel_keys;
	if (doc_is(node, "none"))
		memset(&c->tunnel, 0, sizeof(c->tunnel));
	else
		doc_map(d, &map, node, out);
}

static void read_ssh_listen(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
			    void *out)
{
	(void)key;
	read_addr(d, node, &((struct config *)out)->ssh);
}

static const struct doc_key ssh_keys[] = {
	{"listen", read_ssh_listen, 0, 0, 0, NULL},
	{.name = NULL},
};

static void read_ssh(struct doc *d, const struct doc_key *key, struct yaml_node_s *node, void *out)
{
	struct doc_key map = *key;
	struct config *c = out;

	map.more = ssh_keys;
	c->ssh_line = doc_line(node);
	if (doc_is(node, "none"))
		memset(&c->ssh, 0, sizeof(c->ssh));
	else
		doc_map(d, &map, node, out);
}

/* A list of CIDRs, into a struct config_cidrs. */
static void read_cidrs(struct doc *d, const struct doc_key *key, struct yaml_node_s *node,
		       void *out)
{
	struct config_cidrs *list = (struct config_cidrs *)((char *)out + key->offset);
	char why[CIDR_WHY_MAX];
	struct yaml_node_s *item;
	const char *text;

	if (doc_is_null(node))
		return;
	if (!doc_is_list(node)) {
		doc_error(d, node, "must be a list such as [192.0.2.0/24, \"2001:db8::/32\"]");
		return;
	}
	free(list->at);
	list->n = 0;
	list->at = calloc(CONFIG_CIDRS_MAX, sizeof(*list->at));
	if (!list->at)
		doc_error(d, node, "out of memory");
	for (unsigned i = 0; list->at && (item = doc_item(d, node, i)); i++) {
		text = doc_scalar(d, item);
		if (text && list->n == CONFIG_CIDRS_MAX) {
			doc_error(d, item, "there may be %d ranges, no more", CONFIG_CIDRS_MAX);
			return;
		}
		if (text && cidr_parse(text, &list->at[list->n], why))
			doc_error(d, item, "'%.64s' %s", text, why);
		else if (text)
			list->n++;
	}
}

/* ---- the tables ---- */

#define AT(member) offsetof(struct config, member)

static const struct doc_key control_keys[] = {
	{"socket", doc_path, AT(control_socket), 0, sizeof(((struct sockaddr_un *)0)->sun_path) - 1,
	 NULL},
	{"group", doc_string, AT(control_group), 0, 0, NULL},
	{"mode", read_mode, 0, 0, 0, NULL},
	{.name = NULL},
};

static const struct doc_key accept_proxy_keys[] = {
	{"from", read_cidrs, AT(proxy_from), 0, 0, NULL},
	{.name = NULL},
};

static const struct doc_key limits_keys[] = {
	{"connections", doc_count, AT(limits.connections), 1, 1 << 20, NULL},
	{"client_hello", doc_size, AT(limits.client_hello), 1 << 10, 64 << 10, NULL},
	{"unrouted", doc_count, AT(limits.unrouted), 1, 1 << 20, NULL},
	{.name = NULL},
};

static const struct doc_key timeouts_keys[] = {
	{"client_hello", doc_duration, AT(timeouts.client_hello), 1, WEEK, NULL},
	{"handshake", doc_duration, AT(timeouts.handshake), 1, WEEK, NULL},
	{"connect", doc_duration, AT(timeouts.connect), 1, WEEK, NULL},
	{"idle", doc_duration, AT(timeouts.idle), 1, WEEK, NULL},
	{"half_closed", doc_duration, AT(timeouts.half_closed), 1, WEEK, NULL},
	{"resolve", doc_duration, AT(timeouts.resolve), 100, WEEK, NULL},
	{"drain", doc_duration, AT(timeouts.drain), 0, WEEK, NULL},
	{.name = NULL},
};

static const struct doc_key pool_keys[] = {
	{"max_idle", doc_count, AT(pool.max_idle), 0, 4096, NULL},
	{"max_age", doc_duration, AT(pool.max_age), 1, WEEK, NULL},
	{.name = NULL},
};

static const struct doc_key top_keys[] = {
	{"version", read_version, 0, 0, 0, NULL},
	{"listen", read_listen, 0, 0, 0, NULL},
	{"datapath", read_datapath, 0, 0, 0, NULL},
	{"sandbox", read_sandbox, 0, 0, 0, NULL},
	{"workers", read_workers, AT(workers), 1, 256, NULL},
	{"base_domain", read_base_domain, 0, 0, 0, NULL},
	{"default_endpoint", read_default_endpoint, 0, 0, 0, NULL},
	{"state_dir", doc_path, AT(state_dir), 0, 4000, NULL},
	{"control", doc_map, 0, 0, 0, control_keys},
	{"http", read_http, 0, 0, 0, NULL},
	{"tunnel", read_tunnel, 0, 0, 0, NULL},
	{"ssh", read_ssh, 0, 0, 0, NULL},
	{"tcp", config_tcp_read, 0, 0, 0, NULL},
	{"accept_proxy", doc_map, 0, 0, 0, accept_proxy_keys},
	{"ip_deny", read_cidrs, AT(ip_deny), 0, 0, NULL},
	{"tls", config_tls_read, 0, 0, 0, NULL},
	{"events", config_events_read, 0, 0, 0, NULL},
	{"limits", doc_map, 0, 0, 0, limits_keys},
	{"timeouts", doc_map, 0, 0, 0, timeouts_keys},
	{"pool", doc_map, 0, 0, 0, pool_keys},
	{"endpoints", config_endpoints_read, 0, 0, 0, NULL},
	{.name = NULL},
};

/* ---- the whole ---- */

static bool set_defaults(struct config *c)
{
	static const char *const addrs[] = {"0.0.0.0:443", "[::]:443"};

	c->listen = calloc(LISTEN_MAX, sizeof(*c->listen));
	c->base_domain = strdup("edge.localhost");
	c->state_dir = strdup("/var/lib/snisplit");
	c->control_socket = strdup("/run/snisplit/control.sock");
	c->control_group = strdup("snisplit");
	c->control_mode = 0660;
	if (!c->listen || !c->base_domain || !c->state_dir || !c->control_socket ||
	    !c->control_group || config_events_default(c) || config_tls_default(c) ||
	    config_tcp_default(c))
		return false;
	for (; c->n_listen < 2; c->n_listen++) {
		struct config_addr *a = &c->listen[c->n_listen];

		strcpy(a->text, addrs[c->n_listen]);
		addr_parse(a->text, &a->sa, &a->len);
	}
	strcpy(c->tunnel.text, "0.0.0.0:4443");
	addr_parse(c->tunnel.text, &c->tunnel.sa, &c->tunnel.len);
	strcpy(c->ssh.text, "0.0.0.0:2222");
	addr_parse(c->ssh.text, &c->ssh.sa, &c->ssh.len);
	strcpy(c->http.text, "127.0.0.1:4041");
	addr_parse(c->http.text, &c->http.sa, &c->http.len);
	c->limits.connections = 65536;
	c->limits.client_hello = 64 << 10;
	c->limits.unrouted = 4096;
	c->timeouts.client_hello = 3 * SECOND;
	c->timeouts.handshake = 60 * SECOND;
	c->timeouts.resolve = 30 * SECOND;
	c->timeouts.connect = 10 * SECOND;
	c->timeouts.idle = 5 * MINUTE;
	c->timeouts.half_closed = 60 * SECOND;
	c->timeouts.drain = 60 * SECOND;
	c->pool.max_idle = 64;
	c->pool.max_age = 10 * SECOND;
	return true;
}

static struct config *new_config(FILE *err)
{
	struct config *c = calloc(1, sizeof(*c));

	if (c && set_defaults(c))
		return c;
	fprintf(err, "out of memory\n");
	config_free(c);
	return NULL;
}

static struct config *parse(FILE *in, const char *file, config_look_fn *look, FILE *err)
{
	struct config *c = new_config(err);
	unsigned errors = 1;
	struct doc *d;

	if (!c)
		return NULL;
	c->file = strdup(file);
	d = c->file ? doc_open(in, file, err) : NULL;
	if (d) {
		doc_read(d, top_keys, c);
		errors = doc_errors(d);
		doc_close(d);
		malloc_trim(0); /* else what the endpoints take is put behind what is free now */
		/* (what is not as it was meant is not compared with the rest) */
		if (errors == c->bad_endpoints)
			errors += config_check(c, err);
		if (look)
			errors += look(c, err);
	}
	if (!errors)
		return c;
	config_free(c);
	return NULL;
}

struct config *config_parse(FILE *in, const char *file, FILE *err)
{
	return parse(in, file, NULL, err);
}

struct config *config_read(const char *path, FILE *err)
{
	return config_inspect(path, NULL, err);
}

struct config *config_inspect(const char *path, config_look_fn *look, FILE *err)
{
	struct config *c = NULL;
	struct stat st;
	FILE *in;

	if (!path)
		return new_config(err);
	in = fopen(path, "re");
	if (!in) {
		fprintf(err, "%s: cannot be read: %s\n", path, strerror(errno));
		return NULL;
	}
	if (fstat(fileno(in), &st) || S_ISDIR(st.st_mode))
		fprintf(err, "%s: is not a file\n", path);
	else if (st.st_size > FILE_BYTES_MAX)
		fprintf(err, "%s: is larger than %d MiB\n", path, FILE_BYTES_MAX >> 20);
	else
		c = parse(in, path, look, err);
	fclose(in);
	return c;
}

struct config *config_read_if_there(const char *path, FILE *err)
{
	struct config *c;

	if (path && (!access(path, F_OK) || (errno != ENOENT && errno != ENOTDIR)))
		return config_read(path, err);
	c = new_config(err);
	if (!c || !path)
		return c;
	c->missing = strdup(path);
	if (c->missing)
		return c;
	fprintf(err, "out of memory\n");
	config_free(c);
	return NULL;
}

void config_forget_endpoints(struct config *c)
{
	while (c->n_endpoints)
		endpoint_spec_done(&c->endpoints[--c->n_endpoints]);
	free(c->endpoints);
	c->endpoints = NULL;
}

void config_free(struct config *c)
{
	if (!c)
		return;
	while (c->n_events)
		event_route_done(&c->events[--c->n_events]);
	free(c->events);
	free(c->proxy_from.at);
	free(c->ip_deny.at);
	config_forget_endpoints(c);
	free(c->file);
	free(c->missing);
	free(c->listen);
	free(c->base_domain);
	free(c->default_endpoint);
	free(c->state_dir);
	config_tcp_done(c);
	free(c->tls.certificates);
	free(c->control_socket);
	free(c->control_group);
	free(c);
}
