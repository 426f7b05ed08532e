// SPDX-License-Identifier: GPL-2.0-only
#include "credentials.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "list.h"
#include "log.h"
#include "sha256.h"
#include "stamp.h"
#include "store.h"
#include "ulid.h"

#define SECRET_LEN 24 /* bytes of the token that nobody can guess */
#define SALT_LEN 16
#define MALFORMED 105
#define INVALID 107
#define KEY_EXISTS 609
#define UNKNOWN_KEY 1102

static const struct {
	const char *store, *prefix, *what;
} kinds[] = {
	[CREDENTIAL_TOKEN] = {"credential", "cr_", "credential"},
	[CREDENTIAL_SSH_KEY] = {"ssh_credential", "sshcr_", "SSH credential"},
};

struct entry {
	struct credential cr; /* first */
	struct list link;
	uint8_t salt[SALT_LEN], hash[SHA256_LEN]; /* of the token */
};

struct credentials {
	pthread_mutex_t lock;
	enum credential_kind kind;
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

/* ---- the list ---- */

static void entry_free(struct entry *e)
{
	free(e->cr.description);
	free(e->cr.metadata);
	free(e->cr.acl);
	free(e->cr.public_key);
	free(e);
}

static bool copy_text(const char *from, char **to)
{
	*to = from && *from ? strdup(from) : NULL;
	return *to || !from || !*from;
}

/* The key in its own form; its comment tells what it is, if nothing else does. */
static int take_key(struct credential *cr, const char *text, struct fault *f)
{
	struct ssh_public_key *k = malloc(sizeof(*k));
	int err;

	if (!k)
		return fault_set(f, 500, 0, "", "out of memory");
	err = ssh_key_read(text ? text : "", k, f);
	if (!err) {
		strcpy(cr->fingerprint, k->fingerprint);
		if (!copy_text(k->line, &cr->public_key) ||
		    (!cr->description && !copy_text(k->comment, &cr->description)))
			err = fault_set(f, 500, 0, "", "out of memory");
	}
	free(k);
	return err;
}

/* Checked and copied; NULL with <f>. */
static struct entry *entry_new(const struct credentials *c, const struct credential *in,
			       struct fault *f)
{
	struct entry *e;

	if (credential_check_acl(in->acl, f))
		return NULL;
	e = calloc(1, sizeof(*e));
	if (!e || !copy_text(in->description, &e->cr.description) ||
	    !copy_text(in->metadata, &e->cr.metadata) || !copy_text(in->acl, &e->cr.acl)) {
		fault_set(f, 500, 0, "", "out of memory");
	} else if (c->kind != CREDENTIAL_SSH_KEY || !take_key(&e->cr, in->public_key, f)) {
		list_init(&e->link);
		e->cr.max_sessions = in->max_sessions;
		e->cr.max_endpoints = in->max_endpoints;
		return e;
	}
	if (e)
		entry_free(e);
	return NULL;
}

/* Under the lock, as the next. */
static struct entry *find(struct credentials *c, const char *id)
{
	struct list *it;

	list_for_each(it, &c->all)
		if (!strcmp(list_of(it, struct entry, link)->cr.id, id))
			return list_of(it, struct entry, link);
	return NULL;
}

static struct entry *find_key(struct credentials *c, const char *fingerprint)
{
	struct list *it;

	list_for_each(it, &c->all)
		if (!strcmp(list_of(it, struct entry, link)->cr.fingerprint, fingerprint))
			return list_of(it, struct entry, link);
	return NULL;
}

static unsigned number_of(const struct store_row *r, const char *name)
{
	const char *text = store_row_text(r, name);

	return text ? (unsigned)strtoul(text, NULL, 10) : 0;
}

static bool restore_token(struct entry *e, const struct store_row *r)
{
	return from_hex(store_row_text(r, "salt"), e->salt, SALT_LEN) &&
	       from_hex(store_row_text(r, "hash"), e->hash, SHA256_LEN);
}

static int restore(void *arg, const struct store_row *r)
{
	const struct credential in = {
		.description = (char *)store_row_text(r, "description"),
		.metadata = (char *)store_row_text(r, "metadata"),
		.acl = (char *)store_row_text(r, "acl"),
		.public_key = (char *)store_row_text(r, "public_key"),
		.max_sessions = number_of(r, "max_sessions"),
		.max_endpoints = number_of(r, "max_endpoints"),
	};
	struct credentials *c = arg;
	struct fault f = {.msg = "it is damaged"};
	struct entry *e = entry_new(c, &in, &f);

	if (!e || (c->kind == CREDENTIAL_TOKEN && !restore_token(e, r))) {
		log_err("%s %s in the state database is left out: %s %s", kinds[c->kind].what,
			r->id, f.field, f.msg);
		if (e)
			entry_free(e);
		/* (its agents are not to hear that it was removed) */
		return f.status == 500 ? -ENOMEM : 0;
	}
	snprintf(e->cr.id, sizeof(e->cr.id), "%s", r->id);
	e->cr.created = r->created;
	list_add_tail(&c->all, &e->link);
	return 0;
}

int credentials_open(struct store *s, enum credential_kind kind, struct credentials **ret_c,
		     struct fault *f)
{
	struct credentials *c = calloc(1, sizeof(*c));

	if (!c)
		return fault_set(f, 500, 0, "", "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	list_init(&c->all);
	c->kind = kind;
	c->store = s;
	if (store_each(s, kinds[kind].store, restore, c, f)) {
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
	char salt[2 * SALT_LEN + 1], hash[2 * SHA256_LEN + 1], sessions[16], endpoints[16];
	const struct store_field all[] = {
		{"salt", c->kind == CREDENTIAL_TOKEN ? salt : NULL},
		{"hash", c->kind == CREDENTIAL_TOKEN ? hash : NULL},
		{"public_key", e->cr.public_key},
		{"description", e->cr.description},
		{"metadata", e->cr.metadata},
		{"acl", e->cr.acl},
		{"max_sessions", e->cr.max_sessions ? sessions : NULL},
		{"max_endpoints", e->cr.max_endpoints ? endpoints : NULL},
	};
	struct store_field fields[sizeof(all) / sizeof(all[0])];
	struct store_row row = {.id = e->cr.id, .created = e->cr.created, .fields = fields};

	snprintf(sessions, sizeof(sessions), "%u", e->cr.max_sessions);
	snprintf(endpoints, sizeof(endpoints), "%u", e->cr.max_endpoints);
	to_hex(e->salt, sizeof(e->salt), salt);
	to_hex(e->hash, sizeof(e->hash), hash);
	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		if (all[i].value)
			fields[row.n_fields++] = all[i];
	return store_put(c->store, kinds[c->kind].store, &row, f) ? -1 : 0;
}

/* Under the lock, which keeps a key from being added twice. */
static int add(struct credentials *c, struct entry *e, struct fault *f)
{
	const struct entry *old = *e->cr.fingerprint ? find_key(c, e->cr.fingerprint) : NULL;

	if (old)
		return fault_set(f, 409, KEY_EXISTS, "public_key", "is here already: %s",
				 old->cr.id);
	if (save(c, e, f))
		return -1;
	list_add_tail(&c->all, &e->link);
	return 0;
}

int credentials_add(struct credentials *c, const struct credential *in,
		    char ret_id[CREDENTIAL_ID_MAX], char ret_token[CREDENTIAL_TOKEN_MAX],
		    struct fault *f)
{
	struct entry *e = entry_new(c, in, f);
	char token[CREDENTIAL_TOKEN_MAX] = "", id[CREDENTIAL_ID_MAX];
	int err = 0;

	if (!e)
		return -1;
	ulid_new(kinds[c->kind].prefix, e->cr.id, sizeof(e->cr.id));
	e->cr.created = stamp_now();
	strcpy(id, e->cr.id);
	if (c->kind == CREDENTIAL_TOKEN)
		err = make_token(e, token, f);
	if (!err) {
		pthread_mutex_lock(&c->lock);
		err = add(c, e, f);
		pthread_mutex_unlock(&c->lock);
	}
	if (err) {
		entry_free(e);
	} else {
		strcpy(ret_id, id);
		strcpy(ret_token, token);
	}
	explicit_bzero(token, sizeof(token));
	return err;
}

/* <e> with what <in> changes: the new texts in <t>, whose others are <e>'s. */
static int change(struct credentials *c, struct entry *e, const struct credential *in,
		  struct entry *t, struct fault *f)
{
	const char *description = in->description ? in->description : e->cr.description;
	const char *metadata = in->metadata ? in->metadata : e->cr.metadata;
	const char *acl = in->acl ? in->acl : e->cr.acl;

	*t = *e;
	t->cr.description = t->cr.metadata = t->cr.acl = NULL;
	if (in->max_sessions != CREDENTIAL_KEEP)
		t->cr.max_sessions = in->max_sessions;
	if (in->max_endpoints != CREDENTIAL_KEEP)
		t->cr.max_endpoints = in->max_endpoints;
	if (!copy_text(description, &t->cr.description) || !copy_text(metadata, &t->cr.metadata) ||
	    !copy_text(acl, &t->cr.acl))
		return fault_set(f, 500, 0, "", "out of memory");
	return save(c, t, f);
}

int credentials_set(struct credentials *c, const char *id, const struct credential *in,
		    struct fault *f)
{
	struct entry *e, old, t = {.link = {NULL}};
	int err;

	if (credential_check_acl(in->acl, f))
		return -1;
	pthread_mutex_lock(&c->lock);
	e = find(c, id);
	err = e ? change(c, e, in, &t, f)
		: fault_set(f, 404, 0, "", "no %s '%.64s'", kinds[c->kind].what, id);
	if (!err) { /* (the list is not the texts') */
		old = *e;
		e->cr = t.cr;
		t = old;
	}
	pthread_mutex_unlock(&c->lock);
	free(t.cr.description);
	free(t.cr.metadata);
	free(t.cr.acl);
	return err;
}

int credentials_rules(struct credentials *c, const char *id, char **ret_acl,
		      unsigned *ret_max_sessions, unsigned *ret_max_endpoints)
{
	struct entry *e;
	int err = 0;

	pthread_mutex_lock(&c->lock);
	e = find(c, id);
	if (!e)
		err = -ENOENT;
	else if (!copy_text(e->cr.acl, ret_acl))
		err = -ENOMEM;
	if (!err) {
		*ret_max_sessions = e->cr.max_sessions;
		*ret_max_endpoints = e->cr.max_endpoints;
	}
	pthread_mutex_unlock(&c->lock);
	return err;
}

int credentials_remove(struct credentials *c, const char *id, struct fault *f)
{
	struct entry *e;
	int err = 0;

	pthread_mutex_lock(&c->lock);
	e = find(c, id);
	if (!e)
		err = fault_set(f, 404, 0, "", "no %s '%.64s'", kinds[c->kind].what, id);
	else if (store_del(c->store, kinds[c->kind].store, id, f))
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

/* Under the lock. */
static int hand_out(const struct entry *e, char ret_id[CREDENTIAL_ID_MAX], char **ret_acl,
		    struct fault *f)
{
	if (!copy_text(e->cr.acl, ret_acl))
		return fault_set(f, 500, 0, "", "out of memory");
	strcpy(ret_id, e->cr.id);
	return 0;
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
	else
		err = hand_out(e, ret_id, ret_acl, f);
	pthread_mutex_unlock(&c->lock);
	return err;
}

int credentials_check_key(struct credentials *c, const char *fingerprint,
			  char ret_id[CREDENTIAL_ID_MAX], char **ret_acl, struct fault *f)
{
	struct entry *e;
	int err;

	pthread_mutex_lock(&c->lock);
	e = *fingerprint ? find_key(c, fingerprint) : NULL;
	err = e ? hand_out(e, ret_id, ret_acl, f)
		: fault_set(f, 401, UNKNOWN_KEY, "authtoken", "the SSH key is not known");
	pthread_mutex_unlock(&c->lock);
	return err;
}
