// SPDX-License-Identifier: GPL-2.0-only
#include "edge_cert.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "certs.h"
#include "edge_private.h"
#include "log.h"
#include "stamp.h"
#include "store.h"
#include "ulid.h"

#define KIND "tls_certificate"

/* ---- rows ---- */

static struct edge_cert cert_of(const struct store_row *r)
{
	struct edge_cert c = {
		.created = r->created,
		.description = store_row_text(r, "description"),
		.metadata = store_row_text(r, "metadata"),
		.crt = store_row_text(r, "certificate_pem"),
		.key = store_row_text(r, "private_key_pem"),
	};

	snprintf(c.id, sizeof(c.id), "%s", r->id);
	return c;
}

static int save(struct edge *g, const struct edge_cert *c, struct fault *f)
{
	struct store_field fields[4] = {{"certificate_pem", c->crt}, {"private_key_pem", c->key}};
	struct store_row row = {.id = c->id, .created = c->created, .fields = fields};
	unsigned n = 2;

	if (c->description)
		fields[n++] = (struct store_field){"description", c->description};
	if (c->metadata)
		fields[n++] = (struct store_field){"metadata", c->metadata};
	row.n_fields = n;
	return store_put(g->store, KIND, &row, f) ? -1 : 0;
}

struct walk {
	int (*fn)(void *arg, const struct edge_cert *c);
	void *arg;
};

static int walk_one(void *arg, const struct store_row *r)
{
	struct walk *w = arg;
	struct edge_cert c = cert_of(r);

	return c.crt && c.key ? w->fn(w->arg, &c) : 0;
}

int edge_cert_each(struct edge *g, int (*fn)(void *arg, const struct edge_cert *c), void *arg,
		   struct fault *f)
{
	struct walk w = {fn, arg};

	return store_each(g->store, KIND, walk_one, &w, f);
}

/* ---- changes ---- */

int edge_cert_add(struct edge *g, struct edge_cert *c, const char **ret_warning, struct fault *f)
{
	int err;

	if (certs_check(c->crt, c->key, "certificate_pem", "private_key_pem", ret_warning, f))
		return -1;
	ulid_new("cert_", c->id, sizeof(c->id));
	c->created = stamp_now();
	pthread_mutex_lock(&g->cert_lock);
	err = certs_add(g->terminate.certs, c->id, c->crt, c->key, f);
	if (!err && save(g, c, f)) {
		certs_remove(g->terminate.certs, c->id);
		err = -1;
	}
	pthread_mutex_unlock(&g->cert_lock);
	return err;
}

struct copying {
	const char *id;
	char *texts[4];
	struct edge_cert c;
};

/* The row outlives its walk: the store is not to be used in it. */
static int copy(void *arg, const struct edge_cert *c)
{
	struct copying *to = arg;
	const char *from[4] = {c->description, c->metadata, c->crt, c->key};

	if (strcmp(to->id, c->id))
		return 0;
	to->c = *c;
	for (int i = 0; i < 4; i++) {
		to->texts[i] = from[i] ? strdup(from[i]) : NULL;
		if (from[i] && !to->texts[i])
			return -ENOMEM;
	}
	to->c.description = to->texts[0];
	to->c.metadata = to->texts[1];
	to->c.crt = to->texts[2];
	to->c.key = to->texts[3];
	return 1;
}

static void copying_done(struct copying *c)
{
	if (c->texts[3])
		explicit_bzero(c->texts[3], strlen(c->texts[3]));
	for (int i = 0; i < 4; i++)
		free(c->texts[i]);
}

static int not_found(const char *id, struct fault *f)
{
	return fault_set(f, 404, 0, "", "no certificate '%.40s'", id);
}

int edge_cert_set(struct edge *g, const char *id, const char *description, const char *metadata,
		  struct fault *f)
{
	struct copying old = {.id = id};
	int ret;

	pthread_mutex_lock(&g->cert_lock);
	ret = edge_cert_each(g, copy, &old, f);
	if (ret == 1) {
		old.c.description = description ? description : old.c.description;
		old.c.metadata = metadata ? metadata : old.c.metadata;
		ret = save(g, &old.c, f);
	} else if (!ret) {
		ret = not_found(id, f);
	} else if (ret == -ENOMEM) {
		ret = fault_set(f, 500, 0, "", "out of memory");
	}
	pthread_mutex_unlock(&g->cert_lock);
	copying_done(&old);
	return ret ? -1 : 0;
}

static int is_it(void *arg, const struct edge_cert *c)
{
	return !strcmp(arg, c->id);
}

/* The disk first: what was removed there does not come back with the next start. */
int edge_cert_remove(struct edge *g, const char *id, struct fault *f)
{
	int ret;

	pthread_mutex_lock(&g->cert_lock);
	ret = edge_cert_each(g, is_it, (void *)id, f);
	if (!ret)
		ret = not_found(id, f);
	else if (ret == 1)
		ret = store_del(g->store, KIND, id, f);
	if (!ret)
		certs_remove(g->terminate.certs, id);
	pthread_mutex_unlock(&g->cert_lock);
	return ret ? -1 : 0;
}

static int restore(void *arg, const struct edge_cert *c)
{
	struct edge *g = arg;
	struct fault f;

	if (certs_add(g->terminate.certs, c->id, c->crt, c->key, &f))
		log_err("certificate %s is not restored: %s: %s", c->id, f.field, f.msg);
	return 0;
}

int edge_cert_restore(struct edge *g, struct fault *f)
{
	return edge_cert_each(g, restore, g, f) ? -1 : 0;
}
