// SPDX-License-Identifier: GPL-2.0-only
#include "credentials.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "field.h"
#include "list.h"
#include "log.h"
#include "name.h"
#include "sha256.h"
#include "stamp.h"
#include "store.h"
#include "ulid.h"

#define KIND "credential"
#define SECRET_LEN 24 /* bytes of the token that nobody can guess */
#define SALT_LEN 16
#define MALFORMED 105
#define INVALID 107
#define BAD_RULE 600

struct entry {
	struct credential cr; /* first */
	struct list link;
	uint8_t salt[SALT_LEN], hash[SHA256_LEN];
};

struct credentials {
	pthread_mutex_t lock;
	struct store *store;
	struct list all;
};

static void to_hex(const uint8_t *bytes, size_t n, char *out)
{
	for (size_t i = 0; i < n; i++)
		sprintf(out + 2 * i, "%02x", bytes[i]);
}

static bool from_hex(const char *text, uint8_t *out, size_t n)
{
	char pair[3] = "", *end;

	if (!text || strlen(text) != 2 * n)
		return false;
	for (size_t i = 0; i < n; i++) {
		memcpy(pair, text + 2 * i, 2);
		out[i] = (uint8_t)strtoul(pair, &end, 16);
		if (*end)
			return false;
	}
	return true;
}

static void hash_of(const struct entry *e, const char *token, uint8_t out[SHA256_LEN])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, e->salt, sizeof(e->salt));
	sha256_add(&h, token, strlen(token));
	sha256_end(&h, out);
}

static bool same_hash(const uint8_t *a, const uint8_t *b)
{
	uint8_t differ = 0;

	for (int i = 0; i < SHA256_LEN; i++)
		differ |= a[i] ^ b[i];
	return !differ;
}

/* ---- rules ---- */

static int check_rule(const char *rule, struct fault *f)
{
	char key[NAME_KEY_LEN];
	const char *why;

	if (!strcmp(rule, "*") || !strcmp(rule, "bind:*"))
		return 0;
	if (strncmp(rule, "bind:", 5))
		return fault_set(f, 400, BAD_RULE, "acl",
				 "must be * or start with bind:, got '%.100s'", rule);
	if (name_normalise(rule + 5, key, true, &why) < 0)
		return fault_set(f, 400, BAD_RULE, "acl", "the name '%.100s' %s", rule + 5, why);
	return 0;
}

int credential_check_acl(const char *acl, struct fault *f)
{
	char item[FIELD_ITEM_MAX];

	if (acl && strlen(acl) > CREDENTIAL_ACL_MAX)
		return fault_set(f, 400, BAD_RULE, "acl", "is longer than %d bytes in all",
				 CREDENTIAL_ACL_MAX);
	while (acl && (acl = field_item(acl, item)))
		if (check_rule(item, f))
			return -1;
	return 0;
}

/* *.a covers b.a and *.b.a, and itself. */
static bool covers(const char *rule, const char *host)
{
	char key[NAME_KEY_LEN];
	const char *why;
	size_t n, m;

	if (!strcmp(rule, "*") || !strcmp(rule, "bind:*"))
		return true;
	if (strncmp(rule, "bind:", 5) || name_normalise(rule + 5, key, true, &why) < 0)
		return false;
	if (key[0] != '*')
		return !strcmp(key, host);
	n = strlen(key + 1);
	m = strlen(host);
	return m > n && !strcmp(host + m - n, key + 1);
}

bool credential_allows(const char *acl, const char *host)
{
	char item[FIELD_ITEM_MAX];

	if (!acl)
		return true;
	while ((acl = field_item(acl, item)))
		if (covers(item, host))
			return true;
	return false;
}

/* ---- the list ---- */

static void entry_free(struct entry *e)
{
	free(e->cr.description);
	free(e->cr.metadata);
	free(e->cr.acl);
	free(e);
}

static bool copy_text(const char *from, char **to)
{
	*to = from && *from ? strdup(from) : NULL;
	return *to || !from || !*from;
}

static struct entry *entry_new(const struct credential *in)
{
	struct entry *e = calloc(1, sizeof(*e));

	if (!e)
		return NULL;
	list_init(&e->link);
	if (copy_text(in->description, &e->cr.description) &&
	    copy_text(in->metadata, &e->cr.metadata) && copy_text(in->acl, &e->cr.acl))
		return e;
	entry_free(e);
	return NULL;
}

static struct entry *find(struct credentials *c, const char *id)
{
	struct list *it;

	list_for_each(it, &c->all)
		if (!strcmp(list_of(it, struct entry, link)->cr.id, id))
			return list_of(it, struct entry, link);
	return NULL;
}

static const char *field_of(const struct store_row *r, const char *name)
{
	for (unsigned i = 0; i < r->n_fields; i++)
		if (!strcmp(r->fields[i].name, name))
			return r->fields[i].value;
	return NULL;
}

static int restore(void *arg, const struct store_row *r)
{
	const struct credential in = {
		.description = (char *)field_of(r, "description"),
		.metadata = (char *)field_of(r, "metadata"),
		.acl = (char *)field_of(r, "acl"),
	};
	struct credentials *c = arg;
	struct entry *e = entry_new(&in);

	if (!e)
		return -1;
	if (!from_hex(field_of(r, "salt"), e->salt, SALT_LEN) ||
	    !from_hex(field_of(r, "hash"), e->hash, SHA256_LEN) ||
	    credential_check_acl(in.acl, NULL)) {
		log_err("credential %s in the state database is damaged; it is left out", r->id);
		entry_free(e);
		return 0;
	}
	snprintf(e->cr.id, sizeof(e->cr.id), "%s", r->id);
	e->cr.created = r->created;
	list_add_tail(&c->all, &e->link);
	return 0;
}

int credentials_open(struct store *s, struct credentials **ret_c, struct fault *f)
{
	struct credentials *c = calloc(1, sizeof(*c));
	int err;

	if (!c)
		return fault_set(f, 500, 0, "", "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	list_init(&c->all);
	c->store = s;
	err = store_each(s, KIND, restore, c, f);
	if (err) {
		if (err == -1)
			fault_set(f, 500, 0, "", "out of memory");
		credentials_close(c);
		return -1;
	}
	*ret_c = c;
	return 0;
}

void credentials_close(struct credentials *c)
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

/* The id without cr_, and the secret. */
static int make_token(struct entry *e, char token[CREDENTIAL_TOKEN_MAX], struct fault *f)
{
	uint8_t secret[SECRET_LEN];
	char hex[2 * SECRET_LEN + 1];

	ulid_new("cr_", e->cr.id, sizeof(e->cr.id));
	if (getrandom(secret, sizeof(secret), 0) != sizeof(secret) ||
	    getrandom(e->salt, sizeof(e->salt), 0) != sizeof(e->salt))
		return fault_set(f, 500, 0, "", "no random bytes: %s", strerror(errno));
	to_hex(secret, sizeof(secret), hex);
	snprintf(token, CREDENTIAL_TOKEN_MAX, "%s_%s", e->cr.id + 3, hex);
	hash_of(e, token, e->hash);
	explicit_bzero(secret, sizeof(secret));
	explicit_bzero(hex, sizeof(hex));
	return 0;
}

static int save(struct credentials *c, const struct entry *e, struct fault *f)
{
	char salt[2 * SALT_LEN + 1], hash[2 * SHA256_LEN + 1];
	struct store_field fields[5];
	struct store_row row = {.id = e->cr.id, .created = e->cr.created, .fields = fields};

	to_hex(e->salt, sizeof(e->salt), salt);
	to_hex(e->hash, sizeof(e->hash), hash);
	fields[row.n_fields++] = (struct store_field){"salt", salt};
	fields[row.n_fields++] = (struct store_field){"hash", hash};
	if (e->cr.description)
		fields[row.n_fields++] = (struct store_field){"description", e->cr.description};
	if (e->cr.metadata)
		fields[row.n_fields++] = (struct store_field){"metadata", e->cr.metadata};
	if (e->cr.acl)
		fields[row.n_fields++] = (struct store_field){"acl", e->cr.acl};
	return store_put(c->store, KIND, &row, f) ? -1 : 0;
}

int credentials_add(struct credentials *c, const struct credential *in,
		    char ret_id[CREDENTIAL_ID_MAX], char ret_token[CREDENTIAL_TOKEN_MAX],
		    struct fault *f)
{
	char token[CREDENTIAL_TOKEN_MAX];
	struct entry *e;

	if (credential_check_acl(in->acl, f))
		return -1;
	e = entry_new(in);
	if (!e)
		return fault_set(f, 500, 0, "", "out of memory");
	e->cr.created = stamp_now();
	if (make_token(e, token, f) || save(c, e, f)) {
		entry_free(e);
		return -1;
	}
	strcpy(ret_id, e->cr.id);
	strcpy(ret_token, token);
	explicit_bzero(token, sizeof(token));
	pthread_mutex_lock(&c->lock);
	list_add_tail(&c->all, &e->link);
	pthread_mutex_unlock(&c->lock);
	return 0;
}

int credentials_remove(struct credentials *c, const char *id, struct fault *f)
{
	struct entry *e;
	int err = 0;

	pthread_mutex_lock(&c->lock);
	e = find(c, id);
	if (!e)
		err = fault_set(f, 404, 0, "", "no credential '%.64s'", id);
	else if (store_del(c->store, KIND, id, f))
		err = -1;
	if (!err)
		list_del(&e->link);
	pthread_mutex_unlock(&c->lock);
	if (!err)
		entry_free(e);
	return err;
}

int credentials_each(struct credentials *c, int (*fn)(void *arg, const struct credential *cr),
		     void *arg)
{
	struct list *it;
	int res = 0;

	pthread_mutex_lock(&c->lock);
	for (it = c->all.next; it != &c->all && !res; it = it->next)
		res = fn(arg, &list_of(it, struct entry, link)->cr);
	pthread_mutex_unlock(&c->lock);
	return res;
}

int credentials_check(struct credentials *c, const char *token, char ret_id[CREDENTIAL_ID_MAX],
		      char **ret_acl, struct fault *f)
{
	uint8_t hash[SHA256_LEN];
	char id[CREDENTIAL_ID_MAX];
	struct entry *e;
	int err;

	if (!token || strlen(token) != ULID_LEN + 1 + 2 * SECRET_LEN || token[ULID_LEN] != '_')
		return fault_set(f, 401, MALFORMED, "authtoken",
				 "is not one of this kind: `snisplit authtoken add` on the edge "
				 "makes one");
	snprintf(id, sizeof(id), "cr_%.*s", ULID_LEN, token);
	pthread_mutex_lock(&c->lock);
	e = find(c, id);
	if (e)
		hash_of(e, token, hash);
	if (!e || !same_hash(hash, e->hash))
		err = fault_set(f, 401, INVALID, "authtoken",
				"is not valid at this edge; was it removed there?");
	else if (!copy_text(e->cr.acl, ret_acl))
		err = fault_set(f, 500, 0, "", "out of memory");
	else
		err = 0;
	pthread_mutex_unlock(&c->lock);
	if (!err)
		strcpy(ret_id, id);
	return err;
}
