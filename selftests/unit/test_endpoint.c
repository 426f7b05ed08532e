// SPDX-License-Identifier: GPL-2.0-only
/* endpoint - names, precedence, conflicts, kernel ids, reload in one step. */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "endpoint.h"
#include "unit.h"

/* What the kernel's maps would hold. */
static struct {
	int online, offline, refuse_after;
	atomic_int freed; /* told by whoever drops the last reference */
	_Atomic uint32_t last_freed;
} kernel;

static int on_online(void *arg, struct endpoint *e)
{
	(void)arg;
	(void)e;
	if (kernel.refuse_after && kernel.online >= kernel.refuse_after)
		return -ENOSPC;
	kernel.online++;
	return 0;
}

static void on_offline(void *arg, struct endpoint *e, struct endpoint *rest)
{
	(void)arg;
	(void)e;
	(void)rest;
	kernel.offline++;
}

static void on_free(void *arg, uint32_t num)
{
	(void)arg;
	kernel.freed++;
	kernel.last_freed = num;
}

static struct registry *registry(uint32_t max)
{
	const struct registry_ops ops = {
		.on_online = on_online, .on_offline = on_offline, .on_free = on_free};
	struct registry *r = registry_new(max);

	memset(&kernel, 0, sizeof(kernel));
	registry_set_ops(r, &ops);
	return r;
}

static int add(struct registry *r, const char *url, const char *upstream, struct endpoint **ret_e,
	       struct fault *f)
{
	struct endpoint_spec s = {.origin = ENDPOINT_API};
	int err;

	memset(f, 0, sizeof(*f));
	if (url)
		endpoint_spec_replace(&s, FIELD_ID_URL, url);
	if (upstream)
		endpoint_spec_replace(&s, FIELD_ID_UPSTREAM, upstream);
	err = registry_add(r, &s, NULL, NULL, ret_e, f);
	endpoint_spec_done(&s);
	return err;
}

/* Values given, replaced and cleared in any order are those that are there, and no other. */
static void check_values(void)
{
	struct endpoint_spec s = {0}, copy;
	char want[FIELD_ID_MAX][12] = {""};
	unsigned seed = 1;

	for (int turn = 0; turn < 2000; turn++) {
		enum field_id id =
			(enum field_id)((seed = seed * 1103515245 + 12345) >> 16) % FIELD_ID_MAX;

		if (seed >> 8 & 1) {
			snprintf(want[id], sizeof(want[id]), "%u", seed);
			CHECK(!endpoint_spec_replace(&s, id, want[id]), "out of memory");
		} else {
			*want[id] = '\0';
			endpoint_spec_clear(&s, id);
		}
		CHECK(!endpoint_spec_copy(&s, &copy), "out of memory");
		for (int i = 0; i < FIELD_ID_MAX; i++) {
			const char *a = endpoint_spec_value(&s, (enum field_id)i);
			const char *b = endpoint_spec_value(&copy, (enum field_id)i);

			CHECK(!strcmp(a ? a : "", want[i]) && !strcmp(b ? b : "", want[i]),
			      "turn %d, field %d: '%s', copy '%s', want '%s'", turn, i, a, b,
			      want[i]);
		}
		endpoint_spec_done(&copy);
	}
	endpoint_spec_done(&s);
	CHECK(!endpoint_spec_value(&s, FIELD_ID_URL), "a value of none");
}

static void check_refusals(void)
{
	static const struct {
		const char *url, *upstream;
		int status, code;
		const char *field, *msg;
	} rows[] = {
		{NULL, "127.0.0.1:1", 400, 249, "url", "is missing"},
		{"a.b", NULL, 400, 0, "upstream", "is missing"},
		{"https://a.b", "127.0.0.1:1", 400, 249, "url", "must be tls://NAME"},
		{"tls://", "127.0.0.1:1", 400, 249, "url", "needs a name"},
		{"tcp://a.b", "127.0.0.1:1", 400, 249, "url", "must be tcp://HOST:PORT"},
		{"tcp://:22", "127.0.0.1:1", 400, 249, "url", "must be tcp://HOST:PORT"},
		{"tcp://a.b:0", "127.0.0.1:1", 400, 249, "url", "must be tcp://HOST:PORT"},
		{"tcp://a.b:65536", "127.0.0.1:1", 400, 249, "url", "must be tcp://HOST:PORT"},
		{"tcp://a.b:2x", "127.0.0.1:1", 400, 249, "url", "must be tcp://HOST:PORT"},
		{"tcp://[::1:22", "127.0.0.1:1", 400, 249, "url", "must be tcp://HOST:PORT"},
		{"tcp://a..b:22", "127.0.0.1:1", 400, 327, "url", "the name 'a..b'"},
		{"tcp://*.b:22", "127.0.0.1:1", 400, 249, "url", "the name '*.b'"},
		{"tcp://a.b:22", "tls://127.0.0.1:1", 400, 1662, "upstream", "tls:// (re-encrypt)"},
		{"TCP://Taken.B.:22", "127.0.0.1:1", 409, 334, "url", "tcp://taken.b:22 is alr"},
		{"tls://a.b:80", "127.0.0.1:1", 400, 249, "url", "the port"},
		{"tls://[::1]", "127.0.0.1:1", 400, 249, "url", "must be a name, not an address"},
		{"tls://127.0.0.1", "127.0.0.1:1", 400, 249, "url", "the name '127.0.0.1'"},
		{"tls://a..b", "127.0.0.1:1", 400, 327, "url", "the name 'a..b'"},
		{"tls://a/b", "127.0.0.1:1", 400, 249, "url", "the name 'a/b'"},
		{"*", "127.0.0.1:1", 400, 249, "url", "the name '*'"},
		{"a*.b", "127.0.0.1:1", 400, 249, "url", "the name 'a*.b'"},
		{"a.b", "tls://127.0.0.1:1", 400, 1662, "upstream", "tls:// (re-encrypt) needs"},
		{"a.b", "tls://127.0.0.1", 400, 0, "upstream", "must be HOST:PORT"},
		{"a.b", "127.0.0.1", 400, 0, "upstream", "must be HOST:PORT"},
		{"a.b", "127.0.0.1:0", 400, 0, "upstream", "must be HOST:PORT"},
		{"a.b", ":80", 400, 0, "upstream", "must be HOST:PORT"},
		{"a.b", "::1:80", 400, 0, "upstream", "must be HOST:PORT"},
		{"a.b", "http://x:80", 400, 0, "upstream", "must be HOST:PORT"},
		{"a.b", "no-such-host.invalid:80", 400, 0, "upstream",
		 "'no-such-host.invalid:80' does"},
		{"TLS://Taken.B.:443/", "127.0.0.1:1", 409, 334, "url", "tls://taken.b is already"},
	};
	struct registry *r = registry(10);
	struct fault f;

	CHECK(!add(r, "taken.b", "127.0.0.1:1", NULL, &f), "%s", f.msg);
	CHECK(!add(r, "tcp://taken.b:22", "127.0.0.1:1", NULL, &f), "%s", f.msg);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		CHECK(add(r, rows[i].url, rows[i].upstream, NULL, &f) == -1, "%s accepted",
		      rows[i].url);
		CHECK(f.status == rows[i].status && f.code == rows[i].code, "%s: %d/%d",
		      rows[i].url, f.status, f.code);
		CHECK(!strcmp(f.field, rows[i].field), "%s: %s", rows[i].url, f.field);
		CHECK(!strncmp(f.msg, rows[i].msg, strlen(rows[i].msg)), "%s", f.msg);
	}
	CHECK(registry_count(r) == 2, "%u", registry_count(r));
	registry_free(r);
}

static void check_spec(void)
{
	static const struct {
		const char *field;
		enum field_kind kind;
		const char *text;
		const char *msg; /* NULL: fine */
	} rows[] = {
		{"name", FIELD_STRING, "x", NULL},
		{"name", FIELD_STRING, "y", "given twice"},
		{"nope", FIELD_STRING, "y", "unknown field"},
		{"description", FIELD_NUMBER, "1", "must be a string"},
		{"description", FIELD_NULL, "", NULL},
		{"pooling_enabled", FIELD_BOOL, "false", NULL},
		{"pooling_enabled", FIELD_STRING, "false", "must be true or false"},
		{"terminate_at", FIELD_STRING, "upstream", NULL},
		{"terminate_at", FIELD_STRING, "moon", "must be one of"},
		{"crt", FIELD_STRING, "/etc/passwd", "must be PEM text"},
		{"key", FIELD_NUMBER, "1", "must be PEM text"},
		{"alpn", FIELD_STRING, "h2", "must be a list"},
		{"proxy_proto", FIELD_NUMBER, "3", "must be one of 1|2"},
		{"cidr_allow", FIELD_LIST, "", NULL},
		{"cidr_allow", FIELD_STRING, "x", "must be a list"},
		{"datapath", FIELD_STRING, "bpf",
		 "must be one of auto|kernel|userspace, got 'bpf'"},
		{"datapath", FIELD_STRING, "auto|kernel", "must be one of"},
		{"datapath", FIELD_STRING, "", "must be one of"},
		{"datapath", FIELD_STRING, "kernel", NULL},
	};
	struct endpoint_spec s = {0};
	struct fault f;

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		int err = endpoint_spec_set(&s, rows[i].field, rows[i].kind, rows[i].text, &f);

		CHECK(!err == !rows[i].msg, "row %zu: %s", i, err ? f.msg : "accepted");
		if (err && rows[i].msg)
			CHECK(!strncmp(f.msg, rows[i].msg, strlen(rows[i].msg)), "%s", f.msg);
	}
	CHECK(!strcmp(endpoint_spec_value(&s, FIELD_ID_NAME), "x"), "%s",
	      endpoint_spec_value(&s, FIELD_ID_NAME));
	CHECK(!strcmp(endpoint_spec_value(&s, FIELD_ID_DATAPATH), "kernel"), "%s",
	      endpoint_spec_value(&s, FIELD_ID_DATAPATH));
	CHECK(!endpoint_spec_value(&s, FIELD_ID_DESCRIPTION) &&
		      !endpoint_spec_value(&s, FIELD_ID_CIDR_ALLOW),
	      "set by nothing");
	endpoint_spec_done(&s);
}

#define PEM "-----BEGIN X-----\n"

/* What does not go without what; "name=value" pairs. */
static void check_together(void)
{
	static const struct {
		const char *given[5];
		int code;
		const char *field; /* NULL: fine */
	} rows[] = {
		{{"terminate_at=edge"}, 0, NULL},
		{{"terminate_at=edge", "upstream=tls://127.0.0.1:1"}, 0, NULL},
		{{"crt=" PEM, "key=" PEM}, 0, NULL}, /* a certificate says it all */
		{{"terminate_at=agent"}, 224, "terminate_at"},
		{{"crt=" PEM}, 0, "key"},
		{{"key=" PEM}, 0, "crt"},
		{{"terminate_at=upstream", "crt=" PEM, "key=" PEM}, 1662, "crt"},
		{{"mutual_tls_cas=" PEM}, 1694, "mutual_tls_cas"},
		{{"alpn=h2"}, 1662, "alpn"},
		{{"terminate_at=edge", "alpn=h2,http/1.1"}, 0, "alpn"},
		{{"acme_upstream=127.0.0.1:1"}, 1662, "acme_upstream"},
		{{"terminate_at=edge", "acme_upstream=127.0.0.1"}, 0, "acme_upstream"},
		{{"upstream=tls://127.0.0.1:1", "terminate_at=upstream"}, 1662, "upstream"},
		{{"terminate_at=edge", "upstream_tls_verify=true"}, 0, "upstream_tls_verify"},
		{{"terminate_at=edge", "upstream_tls_verify=false"}, 0, NULL},
		{{"terminate_at=edge", "upstream=tls://127.0.0.1:1", "upstream_crt=" PEM},
		 0,
		 "upstream_key"},
		{{"terminate_at=edge", "datapath=kernel"}, 0, "datapath"},
		{{"terminate_at=edge", "datapath=auto"}, 0, NULL},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct endpoint_spec s = {0};
		char host[ENDPOINT_NAME_MAX], name[64];
		struct fault f = {.field = ""};

		endpoint_spec_replace(&s, FIELD_ID_URL, "a.b");
		for (int k = 0; k < 5 && rows[i].given[k]; k++) {
			const char *value = strchr(rows[i].given[k], '=') + 1;
			const struct field *fd;

			snprintf(name, sizeof(name), "%.*s", (int)(value - 1 - rows[i].given[k]),
				 rows[i].given[k]);
			fd = field_find(name);
			CHECK(fd && !endpoint_spec_set(&s, name, fd->kind, value, &f), "%s: %s",
			      name, f.msg);
		}
		if (!endpoint_spec_value(&s, FIELD_ID_UPSTREAM))
			endpoint_spec_replace(&s, FIELD_ID_UPSTREAM, "127.0.0.1:1");
		CHECK(endpoint_spec_check(&s, host, &f) == (rows[i].field ? -1 : 0), "row %zu: %s",
		      i, f.msg);
		if (rows[i].field)
			CHECK(!strcmp(f.field, rows[i].field) && f.code == rows[i].code,
			      "row %zu: %s %d %s", i, f.field, f.code, f.msg);
		endpoint_spec_done(&s);
	}
}

static void check_route(void)
{
	static const struct {
		const char *name, *want;
	} rows[] = {
		{"a.example.com", "a.example.com"},
		{"b.example.com", "*.example.com"},
		{"x.y.b.example.com", "*.b.example.com"},
		{"b.b.example.com", "*.b.example.com"},
		{"example.com", NULL},
		{"xexample.com", NULL},
		{"com", NULL},
		{"*.example.com", NULL},
		{"deep.a.example.com", "*.example.com"},
	};
	struct registry *r = registry(10);
	struct endpoint *e;
	struct fault f;
	char key[ENDPOINT_NAME_MAX];

	add(r, "*.example.com", "127.0.0.1:1", NULL, &f);
	add(r, "tls://*.B.example.com", "127.0.0.1:1", NULL, &f);
	add(r, "a.example.com", "127.0.0.1:1", NULL, &f);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		memset(key, 0, sizeof(key));
		strcpy(key, rows[i].name);
		e = registry_route(r, key, 0);
		CHECK(!e == !rows[i].want && (!e || !strcmp(e->host, rows[i].want)), "%s -> %s",
		      rows[i].name, e ? e->host : "nothing");
		endpoint_put(e);
	}
	/* the longest wildcard leaves: the shorter one takes over */
	CHECK(!registry_remove(r, "tls://*.b.example.com", &f), "%s", f.msg);
	memset(key, 0, sizeof(key));
	strcpy(key, "x.b.example.com");
	e = registry_route(r, key, 0);
	CHECK(e && !strcmp(e->host, "*.example.com"), "%s", e ? e->host : "nothing");
	endpoint_put(e);
	registry_free(r);
}

static void check_nums(void)
{
	struct registry *r = registry(2);
	struct endpoint *a, *b;
	struct fault f;

	CHECK(!add(r, "a.x", "127.0.0.1:1", &a, &f), "%s", f.msg);
	CHECK(!add(r, "b.x", "127.0.0.1:1", &b, &f), "%s", f.msg);
	CHECK(a->num == 1 && b->num == 2, "%u %u", a->num, b->num);
	CHECK(add(r, "c.x", "127.0.0.1:1", NULL, &f) && f.status == 503, "%d", f.status);
	CHECK(registry_full(r).endpoints == 1, "%lu", (unsigned long)registry_full(r).endpoints);
	CHECK(!registry_remove(r, a->id, &f), "%s", f.msg);
	CHECK(atomic_load(&a->gone) && kernel.offline == 1 && !kernel.freed, "%d", kernel.freed);
	/* a connection still holds it: its num is not free, its name is */
	CHECK(add(r, "a.x", "127.0.0.1:1", NULL, &f) && f.status == 503, "%d", f.status);
	endpoint_put(a);
	CHECK(kernel.freed == 1 && kernel.last_freed == 1, "%d", kernel.freed);
	CHECK(!add(r, "a.x", "127.0.0.1:1", &a, &f) && a->num == 1, "%u", a->num);
	CHECK(registry_remove(r, "zz.x", &f) && f.status == 404, "%d", f.status);
	CHECK(registry_find(r, b->id) == b, "by id");
	endpoint_put(b);
	CHECK(registry_find(r, "B.x.") == b, "by name");
	endpoint_put(b);
	CHECK(!registry_find(r, ""), "by nothing");
	registry_free(r); /* the references outlive it */
	endpoint_put(a);
	endpoint_put(b);
}

static void check_kernel_refuses(void)
{
	struct registry *r = registry(100);
	struct fault f;

	kernel.refuse_after = 1;
	CHECK(!add(r, "a.x", "127.0.0.1:1", NULL, &f), "%s", f.msg);
	CHECK(add(r, "b.x", "127.0.0.1:1", NULL, &f) && f.status == 503, "%d", f.status);
	CHECK(registry_count(r) == 1 && !registry_find(r, "b.x"), "%u", registry_count(r));
	registry_free(r);
}

static unsigned sync_file(struct registry *r, int *ret_err, struct fault *f,
			  const char *const urls[])
{
	struct endpoint_spec specs[8] = {0};
	unsigned n = 0, at, bad = 0;

	for (; urls[n * 2]; n++) {
		endpoint_spec_replace(&specs[n], FIELD_ID_URL, urls[n * 2]);
		endpoint_spec_replace(&specs[n], FIELD_ID_UPSTREAM, urls[n * 2 + 1]);
		specs[n].origin = ENDPOINT_FILE;
	}
	*ret_err = registry_sync(r, specs, n, &at, f);
	while (bad < n && strchr(urls[bad * 2 + 1], ':'))
		bad++;
	CHECK(at == bad, "%u of %u, want %u", at, n, bad);
	while (n)
		endpoint_spec_done(&specs[--n]);
	return registry_count(r);
}

#define SYNC(...) sync_file(r, &err, &f, (const char *const[]){__VA_ARGS__ __VA_OPT__(, ) NULL})

static void check_sync(void)
{
	struct registry *r = registry(100);
	struct endpoint *a, *b, *again;
	char id[ENDPOINT_ID_MAX];
	struct fault f;
	unsigned n;
	int err;

	add(r, "api.x", "127.0.0.1:1", NULL, &f);
	n = SYNC("a.x", "127.0.0.1:1", "b.x", "127.0.0.1:2");
	CHECK(n == 3 && !err, "%u %s", n, f.msg);
	a = registry_find(r, "a.x");
	b = registry_find(r, "b.x");
	strcpy(id, b->id);
	/* one stays, one changes, one comes */
	n = SYNC("b.x", "127.0.0.1:3", "a.x", "127.0.0.1:1", "c.x", "127.0.0.1:1");
	CHECK(n == 4 && !err, "%u %s", n, f.msg);
	again = registry_find(r, "a.x");
	CHECK(again == a, "the unchanged one was replaced");
	endpoint_put(again);
	again = registry_find(r, "b.x");
	CHECK(again != b && !strcmp(again->id, id) && atomic_load(&b->gone), "%s", again->id);
	endpoint_put(again);
	/* refused: nothing changes */
	n = SYNC("a.x", "127.0.0.1:9", "api.x", "127.0.0.1:1");
	CHECK(n == 4 && err && f.code == 334, "%u %d", n, f.code);
	again = registry_find(r, "a.x");
	CHECK(again == a, "a refused reload replaced it");
	endpoint_put(again);
	n = SYNC("d.x", "127.0.0.1:1", "e.x", "nothing");
	CHECK(n == 4 && err && f.status == 400, "%u %d", n, f.status);
	n = SYNC("d.x", "127.0.0.1:1", "d.x", "127.0.0.1:1");
	CHECK(n == 4 && err && f.code == 334, "%u %d", n, f.code);
	kernel.refuse_after = kernel.online + 1;
	kernel.online -= 3; /* room for one more and for the three that come back */
	kernel.refuse_after = kernel.online + 1;
	n = SYNC("d.x", "127.0.0.1:1");
	CHECK(n == 2 && !err, "%u %s", n, f.msg);
	kernel.refuse_after = 0;
	n = SYNC();
	CHECK(n == 1 && !err, "%u %s", n, f.msg);
	endpoint_put(a);
	endpoint_put(b);
	CHECK(kernel.freed == 4 + 1 + 2, "%d", kernel.freed);
	registry_free(r);
}

static int count(void *arg, struct endpoint *e)
{
	unsigned *n = arg;

	CHECK(e->num, "no num");
	return ++*n == 50000;
}

static void check_many(void)
{
	struct registry *r = registry(100000);
	struct fault f;
	char url[64];
	unsigned n = 0;

	for (int i = 0; i < 100000; i++) {
		snprintf(url, sizeof(url), "tls://%sh%d.example.com", i % 2 ? "" : "*.", i);
		CHECK(!add(r, url, "127.0.0.1:8443", NULL, &f), "%s: %s", url, f.msg);
	}
	CHECK(registry_each(r, count, &n) == 1 && n == 50000, "%u", n);
	registry_free(r);
}

static void *route_for_ever(void *arg)
{
	char key[ENDPOINT_NAME_MAX] = "x.t.example.com";
	struct registry *r = arg;

	for (int i = 0; i < 20000; i++)
		endpoint_put(registry_route(r, key, 0));
	return NULL;
}

static void check_threads(void)
{
	struct registry *r = registry(8);
	pthread_t t[3];
	struct fault f;

	for (int i = 0; i < 3; i++)
		pthread_create(&t[i], NULL, route_for_ever, r);
	for (int i = 0; i < 500; i++) {
		CHECK(!add(r, "*.t.example.com", "127.0.0.1:1", NULL, &f), "%s", f.msg);
		CHECK(!registry_remove(r, "*.t.example.com", &f), "%s", f.msg);
	}
	for (int i = 0; i < 3; i++)
		pthread_join(t[i], NULL);
	CHECK(kernel.freed == 500, "%d", kernel.freed);
	registry_free(r);
}

int main(void)
{
	check_spec();
	check_together();
	check_values();
	check_refusals();
	check_route();
	check_nums();
	check_kernel_refuses();
	check_sync();
	check_many();
	check_threads();
	return failures != 0;
}
