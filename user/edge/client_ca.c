// SPDX-License-Identifier: GPL-2.0-only
#include "client_ca.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cert_about.h"
#include "edge_private.h"
#include "endpoint.h"
#include "list.h"
#include "log.h"
#include "stamp.h"
#include "store.h"
#include "text_file.h"
#include "ulid.h"

#define KIND "certificate_authority"
#define NO_SUCH_CA 228
#define TOO_MANY 1675

struct entry {
	struct client_ca ca; /* first; its texts are ours */
	struct list link;
	bool leaving; /* being removed: nobody new may name it */
};

struct client_cas {
	pthread_mutex_t lock;
	struct store *store;
	struct list all;
};

/* ---- entries ---- */

static void entry_free(struct entry *e)
{
	free((char *)e->ca.name);
	free((char *)e->ca.description);
	free((char *)e->ca.metadata);
	free((char *)e->ca.pem);
	free(e);
}

static bool copy(const char **to, const char *from)
{
	*to = from && *from ? strdup(from) : NULL;
	return *to || !from || !*from;
}

static struct entry *entry_new(const struct client_ca *in)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	list_init(&e->link);
	e->ca.created = in->created;
	snprintf(e->ca.id, sizeof(e->ca.id), "%s", in->id);
	if (copy(&e->ca.name, in->name) && copy(&e->ca.description, in->description) &&
	    copy(&e->ca.metadata, in->metadata) && copy(&e->ca.pem, in->pem))
		return e;
	entry_free(e);
	return NULL;
}

static struct entry *find(struct client_cas *c, const char *id_or_name)
{
	struct list *it;

	list_for_each(it, &c->all) {
		struct entry *e = list_of(it, struct entry, link);

		if (!strcmp(e->ca.id, id_or_name) ||
		    (e->ca.name && !strcmp(e->ca.name, id_or_name)))
			return e;
	}
	return NULL;
}

static int not_found(const char *id, struct fault *f)
{
	return fault_set(f, 404, 0, "", "no certificate authority '%.64s'", id);
}

/* ---- the disk ---- */

static int save(struct client_cas *c, const struct client_ca *ca, struct fault *f)
{
	struct store_field fields[4] = {{"ca_pem", ca->pem}};
	struct store_row row = {.id = ca->id, .created = ca->created, .fields = fields};
	unsigned n = 1;

	if (ca->name)
		fields[n++] = (struct store_field){"name", ca->name};
	if (ca->description)
		fields[n++] = (struct store_field){"description", ca->description};
	if (ca->metadata)
		fields[n++] = (struct store_field){"metadata", ca->metadata};
	row.n_fields = n;
	return store_put(c->store, KIND, &row, f) ? -1 : 0;
}

/* One that is of no use is left out: who names it is not restored either, and lets nobody in. */
static int restore(void *arg, const struct store_row *r)
{
	struct client_ca ca = {
		.created = r->created,
		.name = store_row_text(r, "name"),
		.description = store_row_text(r, "description"),
		.metadata = store_row_text(r, "metadata"),
		.pem = store_row_text(r, "ca_pem"),
	};
	struct client_cas *c = arg;
	struct fault f = {.msg = "is missing"};
	struct entry *e;

	snprintf(ca.id, sizeof(ca.id), "%s", r->id);
	if (!ca.pem || cert_check_ca(ca.pem, "ca_pem", &f)) {
		log_err("certificate authority %s is not restored: %s: %s", r->id, f.field, f.msg);
		return 0;
	}
	e = entry_new(&ca);
	if (!e)
		return -ENOMEM;
	list_add_tail(&c->all, &e->link);
	return 0;
}

int client_cas_open(struct store *s, struct client_cas **ret_c, struct fault *f)
{
	struct client_cas *c = calloc(1, sizeof(*c));

	if (!c)
		return fault_set(f, 500, 0, "", "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	list_init(&c->all);
	c->store = s;
	if (store_each(s, KIND, restore, c, f)) {
		client_cas_close(c);
		return -1;
	}
	*ret_c = c;
	return 0;
}

void client_cas_close(struct client_cas *c)
{
	if (!c)
		return;
	while (!list_empty(&c->all)) {
		struct entry *e = list_of(c->all.next, struct entry, link);

		list_del(&e->link);
		entry_free(e);
	}
	pthread_mutex_destroy(&c->lock);
	free(c);
}

/* ---- changes ---- */

static int check_name(struct client_cas *c, const char *name, struct fault *f)
{
	if (strlen(name) >= CLIENT_CA_NAME_MAX ||
	    strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") !=
		    strlen(name) ||
	    !strncmp(name, "ca_", 3))
		return fault_set(f, 400, 0, "name",
				 "must be at most %d of A-Z a-z 0-9 . _ - and not begin with ca_",
				 CLIENT_CA_NAME_MAX - 1);
	if (find(c, name))
		return fault_set(f, 409, 0, "name", "'%s' is the name of another", name);
	return 0;
}

int client_cas_add(struct client_cas *c, struct client_ca *in, struct fault *f)
{
	struct entry *e;
	int err;

	if (!in->pem)
		return fault_set(f, 400, 0, "ca_pem", "is missing: a CA's certificate, PEM");
	if (cert_check_ca(in->pem, "ca_pem", f))
		return -1;
	ulid_new("ca_", in->id, sizeof(in->id));
	in->created = stamp_now();
	e = entry_new(in);
	if (!e)
		return fault_set(f, 500, 0, "", "out of memory");
	pthread_mutex_lock(&c->lock);
	err = e->ca.name ? check_name(c, e->ca.name, f) : 0;
	if (!err)
		err = save(c, &e->ca, f);
	if (!err)
		list_add_tail(&c->all, &e->link);
	pthread_mutex_unlock(&c->lock);
	if (err)
		entry_free(e);
	return err;
}

int client_cas_set(struct client_cas *c, const char *id, const char *description,
		   const char *metadata, struct fault *f)
{
	struct entry *e, *fresh = NULL;
	struct client_ca ca;
	int err;

	pthread_mutex_lock(&c->lock);
	e = find(c, id);
	if (e) {
		ca = e->ca;
		ca.description = description ? description : ca.description;
		ca.metadata = metadata ? metadata : ca.metadata;
		fresh = entry_new(&ca);
	}
	if (!e)
		err = not_found(id, f);
	else
		err = fresh ? save(c, &fresh->ca, f) : fault_set(f, 500, 0, "", "out of memory");
	if (!err) { /* in its place: the list is in order of age */
		ca = e->ca;
		e->ca = fresh->ca;
		fresh->ca = ca;
	}
	pthread_mutex_unlock(&c->lock);
	if (fresh)
		entry_free(fresh);
	return err;
}

/*
 * Marked first, then looked for in use: who asks for it meanwhile finds it there no more
 * (client_cas_are_there(), when he goes online), so that none is left with a CA that is gone.
 */
int client_cas_remove(struct client_cas *c, const char *id_or_name,
		      int (*is_used)(void *arg, const struct client_ca *ca, struct fault *f),
		      void *arg, struct fault *f)
{
	struct entry *e, *known = NULL;
	int err = 0;

	pthread_mutex_lock(&c->lock);
	e = find(c, id_or_name);
	if (e && !e->leaving)
		known = entry_new(&e->ca);
	if (known)
		e->leaving = true;
	pthread_mutex_unlock(&c->lock);
	if (!known)
		return not_found(id_or_name, f);
	err = is_used(arg, &known->ca, f);
	pthread_mutex_lock(&c->lock);
	if (!err)
		err = store_del(c->store, KIND, known->ca.id, f) ? -1 : 0;
	if (!err)
		list_del(&e->link);
	else
		e->leaving = false;
	pthread_mutex_unlock(&c->lock);
	entry_free(known);
	if (!err)
		entry_free(e);
	return err;
}

/* ---- looking ---- */

int client_cas_each(struct client_cas *c, int (*fn)(void *arg, const struct client_ca *ca),
		    void *arg)
{
	struct list *it;
	int res = 0;

	pthread_mutex_lock(&c->lock);
	for (it = c->all.next; it != &c->all && !res; it = it->next)
		res = fn(arg, &list_of(it, struct entry, link)->ca);
	pthread_mutex_unlock(&c->lock);
	return res;
}

int client_cas_with(struct client_cas *c, const char *id_or_name,
		    int (*fn)(void *arg, const struct client_ca *ca), void *arg)
{
	struct entry *e;
	int res;

	pthread_mutex_lock(&c->lock);
	e = find(c, id_or_name);
	res = e ? fn(arg, &e->ca) : -ENOENT;
	pthread_mutex_unlock(&c->lock);
	return res;
}

static int put_named(struct client_cas *c, const char *list, FILE *to, struct fault *f)
{
	char item[FIELD_ITEM_MAX];
	struct entry *e;
	unsigned n = 0;

	while (list && (list = field_item(list, item))) {
		e = find(c, item);
		if (!e || e->leaving)
			return fault_set(f, 400, NO_SUCH_CA, "certificate_authorities",
					 "there is no certificate authority '%.64s'; `snisplit ca "
					 "add` makes one",
					 item);
		if (++n > CLIENT_CAS_MAX)
			return fault_set(f, 400, TOO_MANY, "certificate_authorities",
					 "are more than %d", CLIENT_CAS_MAX);
		fprintf(to, "%s\n", e->ca.pem);
	}
	return 0;
}

int client_cas_pem(struct client_cas *c, const struct endpoint_spec *s, char **ret_pem,
		   struct fault *f)
{
	const char *list = endpoint_spec_value(s, FIELD_ID_CERTIFICATE_AUTHORITIES);
	const char *own = endpoint_spec_value(s, FIELD_ID_MUTUAL_TLS_CAS);
	char *text = NULL;
	size_t len;
	FILE *to;
	int err;

	*ret_pem = NULL;
	if (!list && !own)
		return 0;
	to = text_file_open(&text, &len);
	if (!to)
		return fault_set(f, 500, 0, "", "out of memory");
	if (own)
		fprintf(to, "%s\n", own);
	pthread_mutex_lock(&c->lock);
	err = put_named(c, list, to, f);
	pthread_mutex_unlock(&c->lock);
	if (text_file_close(to, &text) && !err)
		err = fault_set(f, 500, 0, "", "out of memory");
	if (err)
		free(text);
	else
		*ret_pem = text;
	return err;
}

bool client_cas_are_there(struct client_cas *c, const struct endpoint_spec *s)
{
	const char *list = endpoint_spec_value(s, FIELD_ID_CERTIFICATE_AUTHORITIES);
	char item[FIELD_ITEM_MAX];
	struct entry *e;
	bool all = true;

	if (!list)
		return true;
	pthread_mutex_lock(&c->lock);
	while (all && (list = field_item(list, item))) {
		e = find(c, item);
		all = e && !e->leaving;
	}
	pthread_mutex_unlock(&c->lock);
	return all;
}

bool client_ca_is_in(const struct client_ca *ca, const char *list)
{
	char item[FIELD_ITEM_MAX];

	while (list && (list = field_item(list, item)))
		if (!strcmp(item, ca->id) || (ca->name && !strcmp(item, ca->name)))
			return true;
	return false;
}

/* ---- of the daemon ---- */

struct client_cas *edge_client_cas(struct edge *g)
{
	return g->client_cas;
}

struct users {
	struct edge *edge;
	const struct client_ca *ca;
	int (*also)(void *arg, const struct client_ca *ca, struct fault *f);
	void *arg;
	struct fault *f;
};

static int find_user(void *arg, struct endpoint *e)
{
	struct users *u = arg;

	if (!client_ca_is_in(u->ca,
			     endpoint_spec_value(&e->spec, FIELD_ID_CERTIFICATE_AUTHORITIES)))
		return 0;
	return fault_set(u->f, 409, 0, "", "tls://%s names it; take it from there first", e->host);
}

static int is_used(void *arg, const struct client_ca *ca, struct fault *f)
{
	struct users *u = arg;

	u->ca = ca;
	u->f = f;
	if (registry_each(u->edge->registry, find_user, u))
		return -1;
	return u->also ? u->also(u->arg, ca, f) : 0;
}

int edge_client_ca_remove(struct edge *g, const char *id_or_name,
			  int (*also)(void *arg, const struct client_ca *ca, struct fault *f),
			  void *arg, struct fault *f)
{
	struct users u = {.edge = g, .also = also, .arg = arg};

	return client_cas_remove(g->client_cas, id_or_name, is_used, &u, f);
}
