// SPDX-License-Identifier: GPL-2.0-only
#include "ssh_credentials.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "list.h"
#include "log.h"
#include "stamp.h"
#include "store.h"
#include "ulid.h"

#define KIND "ssh_credential"
#define PREFIX "ssh:"
#define SECRET_LEN 32 /* bytes; in hexadecimal on disk and in a token */
#define INVALID 107
#define UNKNOWN_KEY 1102
#define KEY_EXISTS 609

struct entry {
	struct ssh_credential sc; /* first */
	struct list link;
};

struct ssh_credentials {
	pthread_mutex_t lock;
	struct store *store;
	struct list all;
	char dir[PATH_MAX];
	char secret[2 * SECRET_LEN + 1];
};

/* ---- the gateway's secret ---- */

static int read_secret(const char *path, char *secret, struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd == -1)
		return -errno;
	n = read(fd, secret, 2 * SECRET_LEN);
	close(fd);
	secret[2 * SECRET_LEN] = '\0';
	if (n == 2 * SECRET_LEN && strspn(secret, "0123456789abcdef") == 2 * SECRET_LEN)
		return 0;
	return fault_set(f, 500, 0, "", "%s is damaged: remove it, a new one is made", path);
}

static int make_secret(const char *path, char *secret, struct fault *f)
{
	uint8_t bytes[SECRET_LEN];
	char tmp[PATH_MAX + 16];
	int fd, err = 0;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return fault_set(f, 500, 0, "", "no random bytes: %s", strerror(errno));
	for (int i = 0; i < SECRET_LEN; i++)
		sprintf(secret + 2 * i, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof(bytes));
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, secret, 2 * SECRET_LEN) != 2 * SECRET_LEN || fsync(fd))
		err = errno ? errno : ENOSPC;
	if (fd != -1)
		close(fd);
	if (!err && rename(tmp, path))
		err = errno;
	return err ? fault_set(f, 500, 0, "", "cannot write %s: %s", path, strerror(err)) : 0;
}

static int open_secret(struct ssh_credentials *c, struct fault *f)
{
	char path[PATH_MAX + 8];
	int err;

	if (mkdir(c->dir, 0700) && errno != EEXIST)
		return fault_set(f, 500, 0, "", "cannot make %s: %s", c->dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/token", c->dir);
	err = read_secret(path, c->secret, f);
	if (err == -ENOENT)
		return make_secret(path, c->secret, f);
	if (err < -1)
		return fault_set(f, 500, 0, "", "cannot read %s: %s", path, strerror(-err));
	return err;
}

/* ---- the list ---- */

static void entry_free(struct entry *e)
{
	free(e->sc.cr.description);
	free(e->sc.cr.metadata);
	free(e->sc.cr.acl);
	free(e->sc.public_key);
	free(e);
}

static bool copy_text(const char *from, char **to)
{
	*to = from && *from ? strdup(from) : NULL;
	return *to || !from || !*from;
}

/* Checked and copied; NULL with <f>. */
static struct entry *entry_new(const struct ssh_credential *in, struct fault *f)
{
	struct entry *e = calloc(1, sizeof(*e));
	struct ssh_public_key *k = malloc(sizeof(*k));
	const char *about = in->cr.description;
	bool fine = false;

	if (e && k && !ssh_key_read(in->public_key ? in->public_key : "", k, f) &&
	    !credential_check_acl(in->cr.acl, f)) {
		list_init(&e->link);
		memcpy(e->sc.fingerprint, k->fingerprint, sizeof(e->sc.fingerprint));
		fine = copy_text(about && *about ? about : k->comment, &e->sc.cr.description) &&
		       copy_text(in->cr.metadata, &e->sc.cr.metadata) &&
		       copy_text(in->cr.acl, &e->sc.cr.acl) &&
		       copy_text(k->line, &e->sc.public_key);
		if (!fine)
			fault_set(f, 500, 0, "", "out of memory");
	} else if (!e || !k) {
		fault_set(f, 500, 0, "", "out of memory");
	}
	free(k);
	if (fine)
		return e;
	if (e)
		entry_free(e);
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
	const struct ssh_credential in = {
		.cr = {.description = (char *)field_of(r, "description"),
		       .metadata = (char *)field_of(r, "metadata"),
		       .acl = (char *)field_of(r, "acl")},
		.public_key = (char *)field_of(r, "public_key"),
	};
	struct ssh_credentials *c = arg;
	struct fault f = {.msg = ""};
	struct entry *e = entry_new(&in, &f);

	if (!e) {
		log_err("SSH credential %s in the state database is left out: %s %s", r->id,
			f.field, f.msg);
		return 0;
	}
	snprintf(e->sc.cr.id, sizeof(e->sc.cr.id), "%s", r->id);
	e->sc.cr.created = r->created;
	list_add_tail(&c->all, &e->link);
	return 0;
}

int ssh_credentials_open(struct store *s, const char *dir, struct ssh_credentials **ret_c,
			 struct fault *f)
{
	struct ssh_credentials *c = calloc(1, sizeof(*c));

	if (!c)
		return fault_set(f, 500, 0, "", "out of memory");
	pthread_mutex_init(&c->lock, NULL);
	list_init(&c->all);
	c->store = s;
	snprintf(c->dir, sizeof(c->dir), "%.4000s/ssh", dir);
	if (open_secret(c, f) || store_each(s, KIND, restore, c, f)) {
		ssh_credentials_close(c);
		return -1;
	}
	*ret_c = c;
	return 0;
}

void ssh_credentials_close(struct ssh_credentials *c)
{
	if (!c)
		return;
	while (!list_empty(&c->all)) {
		struct entry *e = list_of(c->all.next, struct entry, link);

		list_del(&e->link);
		entry_free(e);
	}
	explicit_bzero(c->secret, sizeof(c->secret));
	pthread_mutex_destroy(&c->lock);
	free(c);
}

const char *ssh_credentials_dir(const struct ssh_credentials *c)
{
	return c->dir;
}

/* Under the lock. */
static struct entry *find(struct ssh_credentials *c, const char *id)
{
	struct list *it;

	list_for_each(it, &c->all)
		if (!strcmp(list_of(it, struct entry, link)->sc.cr.id, id))
			return list_of(it, struct entry, link);
	return NULL;
}

static struct entry *find_key(struct ssh_credentials *c, const char *fingerprint)
{
	struct list *it;

	list_for_each(it, &c->all)
		if (!strcmp(list_of(it, struct entry, link)->sc.fingerprint, fingerprint))
			return list_of(it, struct entry, link);
	return NULL;
}

static int save(struct ssh_credentials *c, const struct entry *e, struct fault *f)
{
	const struct credential *cr = &e->sc.cr;
	struct store_field fields[4];
	struct store_row row = {.id = cr->id, .created = cr->created, .fields = fields};

	fields[row.n_fields++] = (struct store_field){"public_key", e->sc.public_key};
	if (cr->description)
		fields[row.n_fields++] = (struct store_field){"description", cr->description};
	if (cr->metadata)
		fields[row.n_fields++] = (struct store_field){"metadata", cr->metadata};
	if (cr->acl)
		fields[row.n_fields++] = (struct store_field){"acl", cr->acl};
	return store_put(c->store, KIND, &row, f) ? -1 : 0;
}

int ssh_credentials_add(struct ssh_credentials *c, const struct ssh_credential *in,
			char ret_id[CREDENTIAL_ID_MAX], struct fault *f)
{
	struct entry *e = entry_new(in, f), *old;
	int err;

	if (!e)
		return -1;
	ulid_new("sshcr_", e->sc.cr.id, sizeof(e->sc.cr.id));
	e->sc.cr.created = stamp_now();
	pthread_mutex_lock(&c->lock);
	old = find_key(c, e->sc.fingerprint);
	err = old ? fault_set(f, 409, KEY_EXISTS, "public_key", "is here already: %s",
			      old->sc.cr.id)
		  : save(c, e, f);
	if (!err) {
		list_add_tail(&c->all, &e->link);
		strcpy(ret_id, e->sc.cr.id);
	}
	pthread_mutex_unlock(&c->lock);
	if (err)
		entry_free(e);
	return err;
}

int ssh_credentials_remove(struct ssh_credentials *c, const char *id, struct fault *f)
{
	struct entry *e;
	int err = 0;

	pthread_mutex_lock(&c->lock);
	e = find(c, id);
	if (!e)
		err = fault_set(f, 404, 0, "", "no SSH credential '%.64s'", id);
	else if (store_del(c->store, KIND, id, f))
		err = -1;
	if (!err)
		list_del(&e->link);
	pthread_mutex_unlock(&c->lock);
	if (!err)
		entry_free(e);
	return err;
}

int ssh_credentials_each(struct ssh_credentials *c,
			 int (*fn)(void *arg, const struct ssh_credential *cr), void *arg)
{
	struct list *it;
	int res = 0;

	pthread_mutex_lock(&c->lock);
	for (it = c->all.next; it != &c->all && !res; it = it->next)
		res = fn(arg, &list_of(it, struct entry, link)->sc);
	pthread_mutex_unlock(&c->lock);
	return res;
}

/* ---- who asks ---- */

bool ssh_credentials_is_token(const char *token)
{
	return token && !strncmp(token, PREFIX, strlen(PREFIX));
}

static bool is_secret(const struct ssh_credentials *c, const char *text)
{
	unsigned char differ = 0;

	for (int i = 0; i < 2 * SECRET_LEN; i++)
		differ |= (unsigned char)(c->secret[i] ^ text[i]);
	return !differ;
}

int ssh_credentials_check(struct ssh_credentials *c, const char *token,
			  char ret_id[CREDENTIAL_ID_MAX], char **ret_acl, struct fault *f)
{
	const char *secret = token + strlen(PREFIX), *fingerprint;
	struct entry *e;
	int err = 0;

	if (strlen(secret) < 2 * SECRET_LEN + 1 || secret[2 * SECRET_LEN] != ':' ||
	    !is_secret(c, secret))
		return fault_set(f, 401, INVALID, "authtoken",
				 "is not of this edge's gateway: its secret is in %s/token",
				 c->dir);
	fingerprint = secret + 2 * SECRET_LEN + 1;
	pthread_mutex_lock(&c->lock);
	e = find_key(c, fingerprint);
	if (!e)
		err = fault_set(f, 401, UNKNOWN_KEY, "authtoken", "the SSH key is not known");
	else if (!copy_text(e->sc.cr.acl, ret_acl))
		err = fault_set(f, 500, 0, "", "out of memory");
	else
		strcpy(ret_id, e->sc.cr.id);
	pthread_mutex_unlock(&c->lock);
	return err;
}
