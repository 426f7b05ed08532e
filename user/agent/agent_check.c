// SPDX-License-Identifier: GPL-2.0-only
#include "agent_check.h"

#include <stdlib.h>

#include "agent.h"
#include "tls_base.h"
#include "tls_client.h"

/* A session that has nothing but what the checks need; NULL with <f>. */
static struct snisplit *stub_new(struct fault *f)
{
	struct snisplit *a = calloc(1, sizeof(*a));
	char why[256];

	if (!a) {
		fault_set(f, 500, 0, "", "out of memory");
		return NULL;
	}
	a->tls = tls_base_new(why, sizeof(why));
	if (a->tls)
		return a;
	fault_set(f, 500, 0, "", "OpenSSL: %s", why);
	free(a);
	return NULL;
}

static void stub_free(struct snisplit *a)
{
	if (!a)
		return;
	tls_client_put(a->edge);
	tls_base_free(a->tls);
	free(a);
}

int agent_check_endpoint(const struct snisplit_endpoint *e, struct snisplit_error *err)
{
	struct snisplit_listener *l = calloc(1, sizeof(*l));
	struct fault f = {.msg = ""};
	struct snisplit *a = stub_new(&f);
	int res = -1;

	if (!l)
		fault_set(&f, 500, 0, "", "out of memory");
	if (a && l) {
		l->agent = a;
		list_init(&l->link);
		list_init(&l->ready);
		res = listener_fill(l, e, &f);
		listener_free(l);
		l = NULL;
	}
	if (res)
		agent_error(&f, err);
	free(l);
	stub_free(a);
	return res;
}

int agent_check_server_ca(const char *server_ca, struct snisplit_error *err)
{
	struct fault f = {.msg = ""};
	struct snisplit *a = stub_new(&f);
	int res = a ? agent_set_server_ca(a, server_ca, &f) : -1;

	if (res)
		agent_error(&f, err);
	stub_free(a);
	return res;
}
