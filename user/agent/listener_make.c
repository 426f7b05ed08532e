// SPDX-License-Identifier: GPL-2.0-only
/*
 * listener_make - a listener out of what was asked for: what the edge is told, and this side's TLS,
 * upstream and files; and the files again when they change.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "agent.h"
#include "text_file.h"
#include "tls_base.h"
#include "tls_client.h"
#include "tls_server.h"

/* ---- what was asked for ---- */

static int add_field(struct snisplit_listener *l, const char *name, const char *value,
		     struct fault *f)
{
	if (!value)
		return 0;
	l->fields[l->n_fields].name = name;
	l->fields[l->n_fields].value = strdup(value);
	if (!l->fields[l->n_fields++].value)
		return fault_set(f, 500, 0, "", "out of memory");
	return 0;
}

static int add_list(struct snisplit_listener *l, const char *name, const char *const *list,
		    struct fault *f)
{
	char *joined = NULL;
	size_t size;
	FILE *to;
	int err;

	if (!list || !*list)
		return 0;
	to = text_file_open(&joined, &size);
	if (!to)
		return fault_set(f, 500, 0, "", "out of memory");
	for (size_t i = 0; list[i]; i++)
		fprintf(to, "%s%s", i ? "\n" : "", list[i]);
	err = text_file_close(to, &joined) ? fault_set(f, 500, 0, "", "out of memory")
					   : add_field(l, name, joined, f);
	free(joined);
	return err;
}

/* The file's text, as a field. */
static int add_file(struct snisplit_listener *l, const char *name, const char *path,
		    struct fault *f)
{
	char *pem;
	int err;

	if (!path)
		return 0;
	pem = agent_read_pem(path, name, f);
	if (!pem)
		return -1;
	err = add_field(l, name, pem, f);
	explicit_bzero(pem, strlen(pem));
	free(pem);
	return err;
}

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

/* ---- TLS that ends here ---- */

static uint64_t stamp_of(const char *path)
{
	struct stat st;

	if (!path || stat(path, &st))
		return 0;
	return (uint64_t)st.st_mtim.tv_sec * 31 + (uint64_t)st.st_mtim.tv_nsec + st.st_ino * 7 +
	       (uint64_t)st.st_size;
}

static uint64_t files_stamp(const struct snisplit_listener *l)
{
	return stamp_of(l->crt_path) + 3 * stamp_of(l->key_path) + 5 * stamp_of(l->cas_path);
}

struct files {
	char *crt, *key, *cas;
};

static void files_done(struct files *fs)
{
	if (fs->key)
		explicit_bzero(fs->key, strlen(fs->key));
	free(fs->crt);
	free(fs->key);
	free(fs->cas);
}

/* What they hold, and that it is fine.  Both are the caller's, also when it is not. */
static struct tls_server *read_files(struct snisplit_listener *l, struct files *ret_fs,
				     struct fault *f)
{
	struct files fs = {NULL};
	struct tls_server_conf conf = {.id = "agent", .name = ""};
	struct tls_server *s = NULL;

	fs.crt = agent_read_pem(l->crt_path, "crt", f);
	fs.key = fs.crt ? agent_read_pem(l->key_path, "key", f) : NULL;
	fs.cas = fs.key && l->cas_path ? agent_read_pem(l->cas_path, "mutual_tls_cas", f) : NULL;
	conf.crt = fs.crt;
	conf.key = fs.key;
	conf.client_cas = fs.cas;
	if (fs.key && (fs.cas || !l->cas_path))
		s = tls_server_new(l->agent->tls, NULL, &conf, f);
	*ret_fs = fs;
	return s;
}

static struct tls_server *read_server(struct snisplit_listener *l, struct fault *f)
{
	struct files fs;
	struct tls_server *s = read_files(l, &fs, f);

	files_done(&fs);
	return s;
}

/* The edge would refuse them too, but only once it is asked. */
static int check_edge_files(struct snisplit_listener *l, struct fault *f)
{
	struct tls_server *s;
	char *cas;
	int err;

	if (l->crt_path && l->key_path) {
		s = read_server(l, f);
		tls_server_put(s);
		return s ? 0 : -1;
	}
	if (l->crt_path || l->key_path)
		return fault_set(f, 400, 0, l->crt_path ? "key" : "crt",
				 "is missing: crt and key come together");
	cas = l->cas_path ? agent_read_pem(l->cas_path, "mutual_tls_cas", f) : NULL;
	err = cas ? tls_server_check_cas(cas, f) : l->cas_path ? -1 : 0;
	free(cas);
	return err;
}

static int keep_paths(struct snisplit_listener *l, const struct snisplit_endpoint *e,
		      struct fault *f)
{
	if (!copy(&l->crt_path, e->crt) || !copy(&l->key_path, e->key) ||
	    !copy(&l->cas_path, e->mutual_tls_cas))
		return fault_set(f, 500, 0, "", "out of memory");
	l->files_stamp = files_stamp(l);
	return 0;
}

static int set_server(struct snisplit_listener *l, const struct snisplit_endpoint *e,
		      struct fault *f)
{
	if (!e->crt || !e->key)
		return fault_set(f, 400, 0, e->crt ? "key" : "crt",
				 "is missing: terminate_at agent needs crt and key");
	if (keep_paths(l, e, f))
		return -1;
	l->server = read_server(l, f);
	return l->server ? 0 : -1;
}

/* The text takes the field's place, and what was there the text's: needs nothing that may fail. */
static void exchange_field(struct snisplit_listener *l, const char *name, char **text)
{
	char *old;

	for (unsigned i = 0; *text && i < l->n_fields; i++) {
		if (strcmp(l->fields[i].name, name))
			continue;
		old = l->fields[i].value;
		l->fields[i].value = *text;
		*text = old;
		return;
	}
}

/*
 * Files that have changed; bad ones leave those in use that were read before: all of them, or an
 * endpoint would be asked for without its CAs.
 */
void listener_renew(struct snisplit_listener *l)
{
	struct snisplit_event e = {.type = SNISPLIT_WARNING, .listener = l};
	uint64_t stamp = files_stamp(l);
	struct tls_server *s;
	struct files fs;
	struct fault f;

	if (stamp == l->files_stamp)
		return;
	l->files_stamp = stamp;
	s = read_files(l, &fs, &f);
	if (s && !l->server) {
		exchange_field(l, "crt", &fs.crt);
		exchange_field(l, "key", &fs.key);
		exchange_field(l, "mutual_tls_cas", &fs.cas);
	}
	files_done(&fs);
	if (!s) {
		agent_tell(l->agent, &e, "%s: %s %s; those read before stay in use", l->url,
			   f.field, f.msg);
		return;
	}
	agent_tell(l->agent, &e, "%s: the certificate was read again", l->url);
	if (l->server) {
		tls_server_put(l->server);
		l->server = s;
		return;
	}
	tls_server_put(s); /* it was only to see whether they are fine: the edge's business */
	if (*l->endpoint && l->agent->control.state == CONTROL_ONLINE)
		listener_ask(l);
}

/* ---- the upstream ---- */

static int set_client(struct snisplit_listener *l, const struct snisplit_endpoint *e,
		      struct fault *f)
{
	struct tls_client_conf conf = {.verify = e->upstream_tls_verify ||
						 e->upstream_tls_verify_cas};
	char *cas = NULL;

	if (e->upstream_tls_verify_cas) {
		cas = agent_read_pem(e->upstream_tls_verify_cas, "upstream_tls_verify_cas", f);
		if (!cas)
			return -1;
		conf.cas = cas;
	}
	l->client = tls_client_new(l->agent->tls, &conf, f);
	free(cas);
	return l->client ? 0 : -1;
}

static int set_upstream(struct snisplit_listener *l, const struct snisplit_endpoint *e,
			bool passthrough, struct fault *f)
{
	const char *text = e->upstream;
	bool tls = text && !strncasecmp(text, "tls://", 6);
	uint16_t port;
	char hostport[300];

	if (!tls && (e->upstream_tls_verify || e->upstream_tls_verify_cas))
		return fault_set(f, 400, 0, "upstream_tls_verify",
				 "needs an upstream of the form tls://HOST:PORT");
	if (!text)
		return 0;
	text += tls ? 6 : 0;
	if (tls && passthrough)
		return fault_set(f, 400, 1662, "upstream",
				 "tls:// (re-encrypt) needs terminate_at edge or agent; a "
				 "passthrough upstream gets the client's own TLS");
	if (addr_split(text, l->host, sizeof(l->host), &port) || !*l->host)
		return fault_set(f, 400, 0, "upstream", "must be [tls://][HOST:]PORT, got '%.200s'",
				 e->upstream);
	snprintf(hostport, sizeof(hostport), strchr(l->host, ':') ? "[%s]:%u" : "%s:%u", l->host,
		 port);
	if (!copy(&l->upstream, hostport))
		return fault_set(f, 500, 0, "", "out of memory");
	l->addrs.n = addr_resolve(hostport, l->addrs.sa, l->addrs.len, AGENT_ADDRS_MAX);
	if (l->addrs.n <= 0)
		return fault_set(f, 400, 0, "upstream", "'%.200s' does not resolve to an address",
				 hostport);
	return tls ? set_client(l, e, f) : 0;
}

/* ---- the whole ---- */

static int check_proxy(const struct snisplit_endpoint *e, struct fault *f)
{
	return e->proxy_proto <= 2 ? 0
				   : fault_set(f, 400, 1123, "proxy_proto",
					       "must be 1 or 2, got %u", e->proxy_proto);
}

static bool is_tcp(const struct snisplit_endpoint *e)
{
	return e->url && !strncasecmp(e->url, "tcp://", 6);
}

/* Of a tunnel with labels: what is its edges' to say it must not. */
static int fill_labelled(struct snisplit_listener *l, const struct snisplit_endpoint *e,
			 struct fault *f)
{
	char version[2] = {(char)('0' + (e->upstream ? e->proxy_proto : 2)), '\0'};

	if (e->url || e->terminate_at || e->crt || e->key || e->mutual_tls_cas ||
	    e->pooling_enabled || (e->cidr_allow && *e->cidr_allow) ||
	    (e->cidr_deny && *e->cidr_deny) ||
	    (e->certificate_authorities && *e->certificate_authorities) || (e->alpn && *e->alpn))
		return fault_set(f, 400, 0, "labels",
				 "go with none of url, terminate_at, crt, key, mutual_tls_cas, "
				 "certificate_authorities, alpn, cidr_allow, cidr_deny and "
				 "pooling_enabled: these are for the edge to say");
	if (e->upstream && !strncasecmp(e->upstream, "tls://", 6))
		return fault_set(f, 400, 0, "upstream",
				 "cannot be tls:// for a tunnel with labels: where TLS ends at the "
				 "edge it gets plaintext, else the client's own TLS");
	if (check_proxy(e, f) || set_upstream(l, e, false, f))
		return -1;
	l->labelled = true;
	l->proxy_proto = e->proxy_proto;
	if (*version != '0' && add_field(l, "proxy_proto", version, f))
		return -1;
	return add_list(l, "labels", e->labels, f) || add_field(l, "upstream", e->upstream, f) ||
			       add_field(l, "name", e->name, f) ||
			       add_field(l, "description", e->description, f) ||
			       add_field(l, "metadata", e->metadata, f)
		       ? -1
		       : 0;
}

int listener_fill(struct snisplit_listener *l, const struct snisplit_endpoint *e, struct fault *f)
{
	const char *at = e->terminate_at ? e->terminate_at : "upstream";
	bool agent = !strcmp(at, "agent"), edge = !strcmp(at, "edge");
	char version[2] = {(char)('0' + (e->upstream ? e->proxy_proto : 2)), '\0'};

	if (!agent && !edge && strcmp(at, "upstream") != 0)
		return fault_set(f, 400, 224, "terminate_at",
				 "must be edge, agent or upstream, got '%.40s'", at);
	if (!agent && !edge && (e->crt || e->key || e->mutual_tls_cas))
		return fault_set(f, 400, e->mutual_tls_cas ? 1694 : 1662,
				 e->crt	  ? "crt"
				 : e->key ? "key"
					  : "mutual_tls_cas",
				 "needs terminate_at agent or edge");
	if (!edge && e->alpn && *e->alpn)
		return fault_set(f, 400, 1662, "alpn", "needs terminate_at edge");
	if (!edge && e->certificate_authorities && *e->certificate_authorities)
		return fault_set(f, 400, 1694, "certificate_authorities",
				 "needs terminate_at edge");
	if ((agent || edge) && is_tcp(e))
		return fault_set(f, 400, 224, "terminate_at",
				 "is for tls:// endpoints: a TCP endpoint passes bytes on as they "
				 "are");
	if (e->labels)
		return fill_labelled(l, e, f);
	if (check_proxy(e, f) || set_upstream(l, e, !agent && !edge, f))
		return -1;
	l->proxy_proto = e->proxy_proto;
	if (agent && set_server(l, e, f))
		return -1;
	if (edge && (add_file(l, "crt", e->crt, f) || add_file(l, "key", e->key, f) ||
		     add_file(l, "mutual_tls_cas", e->mutual_tls_cas, f)))
		return -1;
	if (edge && (keep_paths(l, e, f) || check_edge_files(l, f)))
		return -1;
	/* a program that accepts wants to know who comes, before a byte: never the kernel alone */
	if (*version != '0' && add_field(l, "proxy_proto", version, f))
		return -1;
	if (e->pooling_enabled && add_field(l, "pooling_enabled", "true", f))
		return -1;
	return add_field(l, "url", e->url, f) || add_field(l, "terminate_at", at, f) ||
			       add_field(l, "upstream", e->upstream, f) ||
			       add_list(l, "cidr_allow", e->cidr_allow, f) ||
			       add_list(l, "cidr_deny", e->cidr_deny, f) ||
			       add_list(l, "certificate_authorities", e->certificate_authorities,
					f) ||
			       add_list(l, "alpn", e->alpn, f) ||
			       add_field(l, "name", e->name, f) ||
			       add_field(l, "description", e->description, f) ||
			       add_field(l, "metadata", e->metadata, f)
		       ? -1
		       : 0;
}
