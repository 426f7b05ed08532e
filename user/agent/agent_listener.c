// SPDX-License-Identifier: GPL-2.0-only
/*
 * agent_listener - an endpoint as the agent knows it.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

#include "agent.h"
#include "tls_base.h"
#include "tls_client.h"
#include "tls_server.h"

#define RETRY_NS (2 * SECOND_NS) /* refused after it had been online: perhaps it is free soon */

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
	to = open_memstream(&joined, &size);
	if (!to)
		return fault_set(f, 500, 0, "", "out of memory");
	for (size_t i = 0; list[i]; i++)
		fprintf(to, "%s%s", i ? "\n" : "", list[i]);
	err = fclose(to) ? fault_set(f, 500, 0, "", "out of memory")
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

static struct tls_server *read_server(struct snisplit_listener *l, struct fault *f)
{
	struct tls_server_conf conf = {.id = "agent", .name = ""};
	char *crt = agent_read_pem(l->crt_path, "crt", f);
	char *key = crt ? agent_read_pem(l->key_path, "key", f) : NULL;
	char *cas = key && l->cas_path ? agent_read_pem(l->cas_path, "mutual_tls_cas", f) : NULL;
	struct tls_server *s = NULL;

	conf.crt = crt;
	conf.key = key;
	conf.client_cas = cas;
	if (key && (cas || !l->cas_path))
		s = tls_server_new(l->agent->tls, NULL, &conf, f);
	free(crt);
	free(cas);
	if (key)
		explicit_bzero(key, strlen(key));
	free(key);
	return s;
}

static int set_server(struct snisplit_listener *l, const struct snisplit_endpoint *e,
		      struct fault *f)
{
	if (!e->crt || !e->key)
		return fault_set(f, 400, 0, e->crt ? "key" : "crt",
				 "is missing: terminate_at agent needs crt and key");
	if (!copy(&l->crt_path, e->crt) || !copy(&l->key_path, e->key) ||
	    !copy(&l->cas_path, e->mutual_tls_cas))
		return fault_set(f, 500, 0, "", "out of memory");
	l->files_stamp = files_stamp(l);
	l->server = read_server(l, f);
	return l->server ? 0 : -1;
}

/* Files that have changed; bad ones leave those in use that were read before. */
static void renew_server(struct snisplit_listener *l)
{
	struct snisplit_event e = {.type = SNISPLIT_WARNING, .listener = l};
	uint64_t stamp = files_stamp(l);
	struct tls_server *s;
	struct fault f;

	if (stamp == l->files_stamp)
		return;
	l->files_stamp = stamp;
	s = read_server(l, &f);
	if (!s) {
		agent_tell(l->agent, &e, "%s: %s %s; those read before stay in use", l->url,
			   f.field, f.msg);
		return;
	}
	tls_server_put(l->server);
	l->server = s;
	agent_tell(l->agent, &e, "%s: the certificate was read again", l->url);
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

static int fill(struct snisplit_listener *l, const struct snisplit_endpoint *e, struct fault *f)
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

void listener_free(struct snisplit_listener *l)
{
	list_del(&l->link);
	while (!list_empty(&l->ready)) {
		struct accepted *r = list_of(l->ready.next, struct accepted, link);

		list_del(&r->link);
		close(r->fd);
		free(r);
	}
	for (unsigned i = 0; i < l->n_fields; i++) {
		if (l->fields[i].value)
			explicit_bzero(l->fields[i].value, strlen(l->fields[i].value));
		free(l->fields[i].value);
	}
	tls_server_put(l->server);
	tls_client_put(l->client);
	free(l->crt_path);
	free(l->key_path);
	free(l->cas_path);
	free(l->upstream);
	free(l);
}

void listener_put(struct snisplit_listener *l)
{
	if (!--l->refs && l->removed)
		listener_free(l);
}

/* The session cannot be, or the edge has answered. */
static bool is_decided(const struct snisplit_listener *l)
{
	return l->answered || l->failed || l->agent->control.state == CONTROL_DENIED ||
	       l->agent->stop || l->agent->draining;
}

struct snisplit_listener *snisplit_listen(struct snisplit *a, const struct snisplit_endpoint *e,
					  struct snisplit_error *err)
{
	struct snisplit_listener *l = calloc(1, sizeof(*l));
	struct fault f = {.msg = ""};
	bool bad;

	if (!l) {
		fault_set(&f, 500, 0, "", "out of memory");
		agent_error(&f, err);
		return NULL;
	}
	l->agent = a;
	list_init(&l->link);
	list_init(&l->ready);
	if (fill(l, e, &f)) {
		agent_error(&f, err);
		listener_free(l);
		return NULL;
	}
	pthread_mutex_lock(&a->lock);
	l->request = ++a->request;
	list_add_tail(&a->listeners, &l->link);
	if (a->control.state == CONTROL_ONLINE)
		listener_ask(l);
	agent_wake(a);
	while (!is_decided(l))
		pthread_cond_wait(&a->changed, &a->lock);
	bad = !l->answered;
	if (bad) {
		agent_error(l->failed ? &l->why : &a->control.why, err);
		l->removed = true;
		if (!l->refs)
			listener_free(l);
	}
	pthread_mutex_unlock(&a->lock);
	return bad ? NULL : l;
}

void snisplit_unlisten(struct snisplit_listener *l)
{
	struct snisplit *a = l->agent;

	pthread_mutex_lock(&a->lock);
	if (*l->endpoint && a->control.state == CONTROL_ONLINE) {
		chan_begin(&a->control.out, CHAN_UNLISTEN);
		chan_put_text(&a->control.out, CHAN_TAG_ENDPOINT, l->endpoint);
		chan_end(&a->control.out);
		control_flush(a);
	}
	stream_drop_idle(a, l);
	l->removed = true;
	list_del(&l->link);
	if (!l->refs)
		listener_free(l);
	agent_wake(a);
	pthread_mutex_unlock(&a->lock);
}

const char *snisplit_url(const struct snisplit_listener *l)
{
	return l->url;
}

void snisplit_listener_status(struct snisplit_listener *l, struct snisplit_listener_status *s)
{
	pthread_mutex_lock(&l->agent->lock);
	snprintf(s->url, sizeof(s->url), "%s", l->url);
	s->online = *l->endpoint != '\0';
	s->conns_total = l->conns_total;
	s->conns_open = l->conns_open;
	pthread_mutex_unlock(&l->agent->lock);
}

/* ---- the edge's word ---- */

void listener_ask(struct snisplit_listener *l)
{
	struct chan_out *o = &l->agent->control.out;

	if (l->failed || l->stopped)
		return;
	chan_begin(o, CHAN_LISTEN);
	chan_put_number(o, CHAN_TAG_REQUEST, l->request);
	for (unsigned i = 0; i < l->n_fields; i++) {
		chan_put_text(o, CHAN_TAG_NAME, l->fields[i].name);
		chan_put_text(o, CHAN_TAG_VALUE, l->fields[i].value);
	}
	chan_end(o);
	l->retry_ns = 0;
	control_flush(l->agent);
}

static struct snisplit_listener *find_request(struct snisplit *a, const struct chan_frame *f)
{
	uint64_t n = chan_number(f, CHAN_TAG_REQUEST, 0);
	struct list *it;

	list_for_each(it, &a->listeners)
		if (list_of(it, struct snisplit_listener, link)->request == n)
			return list_of(it, struct snisplit_listener, link);
	return NULL;
}

struct snisplit_listener *listener_find(struct snisplit *a, const char *endpoint)
{
	struct list *it;

	list_for_each(it, &a->listeners)
		if (!strcmp(list_of(it, struct snisplit_listener, link)->endpoint, endpoint))
			return list_of(it, struct snisplit_listener, link);
	return NULL;
}

/* What the edge made up, a name or a port, is asked for again after a reconnection. */
static void keep_url(struct snisplit_listener *l)
{
	for (unsigned i = 0; i < l->n_fields; i++) {
		if (strcmp(l->fields[i].name, "url"))
			continue;
		free(l->fields[i].value);
		l->fields[i] = l->fields[--l->n_fields];
		break;
	}
	add_field(l, "url", l->url, NULL);
}

void listener_on_listening(struct snisplit *a, const struct chan_frame *f)
{
	struct snisplit_listener *l = find_request(a, f);
	struct snisplit_event e = {.type = SNISPLIT_LISTENING, .listener = l};
	const char *url = chan_text(f, CHAN_TAG_URL), *id = chan_text(f, CHAN_TAG_ENDPOINT);

	if (!l && id) { /* given up before it was answered: it must not stay online */
		chan_begin(&a->control.out, CHAN_UNLISTEN);
		chan_put_text(&a->control.out, CHAN_TAG_ENDPOINT, id);
		chan_end(&a->control.out);
		control_flush(a);
	}
	if (!l || !url || !id)
		return;
	snprintf(l->endpoint, sizeof(l->endpoint), "%s", id);
	snprintf(l->url, sizeof(l->url), "%s", url);
	l->sealed = chan_number(f, CHAN_TAG_SEALED, 0);
	l->answered = true;
	if (!l->labelled)
		keep_url(l);
	agent_tell(a, &e, "%s -> %s", l->url, l->upstream ? l->upstream : "this program");
	pthread_cond_broadcast(&a->changed);
}

void listener_on_refused(struct snisplit *a, const struct chan_frame *f)
{
	struct snisplit_listener *l = find_request(a, f);
	struct snisplit_event e = {.type = SNISPLIT_REFUSED, .listener = l};
	struct snisplit_error err;

	if (!l)
		return;
	fault_set(&l->why, (int)chan_number(f, CHAN_TAG_STATUS, 400),
		  (int)chan_number(f, CHAN_TAG_CODE, 0), chan_text(f, CHAN_TAG_FIELD) ?: "", "%s",
		  chan_text(f, CHAN_TAG_MESSAGE) ?: "refused");
	/* at first it is its caller's to decide; later it was fine once */
	if (l->answered)
		l->retry_ns = a->now_ns + RETRY_NS;
	else
		l->failed = true;
	agent_error(&l->why, &err);
	e.error = &err;
	agent_tell(a, &e, "%s%s%s", l->why.field, *l->why.field ? ": " : "", l->why.msg);
	pthread_cond_broadcast(&a->changed);
}

void listener_on_offline(struct snisplit *a, const struct chan_frame *f)
{
	const char *id = chan_text(f, CHAN_TAG_ENDPOINT);
	struct snisplit_listener *l = id ? listener_find(a, id) : NULL;
	struct snisplit_event e = {.type = SNISPLIT_REMOVED, .listener = l};

	if (!l)
		return;
	*l->endpoint = '\0';
	l->stopped = true;
	stream_drop_idle(a, l);
	agent_tell(a, &e, "%s is offline: %s", l->url, chan_text(f, CHAN_TAG_MESSAGE) ?: "");
	pthread_cond_broadcast(&a->changed);
}

void listener_lost(struct snisplit *a)
{
	struct list *it;

	list_for_each(it, &a->listeners)
		*list_of(it, struct snisplit_listener, link)->endpoint = '\0';
}

void listener_tick(struct snisplit *a)
{
	struct list *it;

	list_for_each(it, &a->listeners) {
		struct snisplit_listener *l = list_of(it, struct snisplit_listener, link);

		if (l->server)
			renew_server(l);
		if (l->retry_ns && a->now_ns >= l->retry_ns && a->control.state == CONTROL_ONLINE)
			listener_ask(l);
	}
}

/* ---- programs that accept ---- */

static int until_of(int timeout_ms, struct timespec *ret_t)
{
	clock_gettime(CLOCK_MONOTONIC, ret_t);
	ret_t->tv_sec += timeout_ms / 1000;
	ret_t->tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (ret_t->tv_nsec >= 1000000000) {
		ret_t->tv_sec++;
		ret_t->tv_nsec -= 1000000000;
	}
	return 0;
}

int snisplit_accept(struct snisplit_listener *l, struct snisplit_conn *ret_c, int timeout_ms)
{
	struct snisplit *a = l->agent;
	struct timespec until;
	struct accepted *r;
	int fd = 0;

	if (timeout_ms >= 0)
		until_of(timeout_ms, &until);
	pthread_mutex_lock(&a->lock);
	while (list_empty(&l->ready) && !fd) {
		if (a->stop || l->stopped || a->control.state == CONTROL_DENIED)
			fd = -ESHUTDOWN;
		else if (timeout_ms < 0)
			pthread_cond_wait(&a->changed, &a->lock);
		else if (pthread_cond_timedwait(&a->changed, &a->lock, &until))
			fd = -EAGAIN;
	}
	if (!list_empty(&l->ready)) {
		r = list_of(l->ready.next, struct accepted, link);
		list_del(&r->link);
		l->n_ready--;
		fd = r->fd;
		if (ret_c)
			*ret_c = r->conn;
		free(r);
	}
	pthread_mutex_unlock(&a->lock);
	return fd;
}
