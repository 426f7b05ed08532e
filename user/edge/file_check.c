// SPDX-License-Identifier: GPL-2.0-only
#include "file_check.h"

#include "tls.h"
#include "tls_base.h"
#include "tls_client.h"
#include "tls_server.h"

struct look {
	struct tls_base *base;
	const struct config *c;
	FILE *err;
	unsigned index, found;
};

static void tell(struct look *l, const struct fault *f)
{
	fprintf(l->err, "%s:%u: endpoints[%u].%s: %s\n", l->c->file, l->c->endpoints[l->index].line,
		l->index, f->field, f->msg);
	l->found++;
}

static void try_server(struct look *l, const struct tls_server_conf *conf)
{
	struct fault f;
	struct tls_server *s = tls_server_new(l->base, NULL, conf, &f);

	if (!s)
		tell(l, &f);
	tls_server_put(s);
}

static void try_client(struct look *l, const struct tls_client_conf *conf)
{
	struct fault f;
	struct tls_client *t = tls_client_new(l->base, conf, &f);

	if (!t)
		tell(l, &f);
	tls_client_put(t);
}

/* Each part by itself: of two mistakes both are told.  What is not PEM was told before. */
static void look_at(struct look *l, const struct endpoint_spec *s)
{
	const char *crt = endpoint_spec_value(s, FIELD_ID_CRT),
		   *key = endpoint_spec_value(s, FIELD_ID_KEY),
		   *cas = endpoint_spec_value(s, FIELD_ID_MUTUAL_TLS_CAS),
		   *min = endpoint_spec_value(s, FIELD_ID_MIN_VERSION),
		   *up_crt = endpoint_spec_value(s, FIELD_ID_UPSTREAM_CRT),
		   *up_key = endpoint_spec_value(s, FIELD_ID_UPSTREAM_KEY),
		   *up_cas = endpoint_spec_value(s, FIELD_ID_UPSTREAM_TLS_VERIFY_CAS);
	struct fault f;

	if (crt && key)
		try_server(l,
			   &(struct tls_server_conf){.id = "", .name = "", .crt = crt, .key = key});
	if (cas && tls_server_check_cas(cas, &f))
		tell(l, &f);
	if (min && tls_version_parse(min) == TLS_1_3 && l->c->tls.max_version == CONFIG_TLS_1_2) {
		fault_set(&f, 400, 0, "min_version", "is above tls.max_version");
		tell(l, &f);
	}
	if (up_crt && up_key)
		try_client(l, &(struct tls_client_conf){.crt = up_crt, .key = up_key});
	if (up_cas)
		try_client(l, &(struct tls_client_conf){.verify = true, .cas = up_cas});
}

unsigned file_check(const struct config *c, FILE *err)
{
	struct look l = {.c = c, .err = err};
	char why[200];

	l.base = tls_base_new(why, sizeof(why));
	if (!l.base) {
		fprintf(err, "%s\n", why);
		return 1;
	}
	for (l.index = 0; l.index < c->n_endpoints; l.index++)
		look_at(&l, &c->endpoints[l.index]);
	tls_base_free(l.base);
	return l.found;
}
