// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store.h"
#include "dir.h"

#define SCHEMA ((int)(sizeof(migrations) / sizeof(migrations[0])))

struct store {
	pthread_mutex_t lock;
	sqlite3 *db;
	char path[PATH_MAX];
};

/* migrations[n] takes a database of version n to n + 1.  Only ever appended to. */
static const char *const migrations[] = {
	"CREATE TABLE endpoint ("
	" id TEXT PRIMARY KEY NOT NULL,"
	" url TEXT NOT NULL,"
	" upstream TEXT NOT NULL,"
	" datapath TEXT, name TEXT, description TEXT, metadata TEXT,"
	" created_s INTEGER NOT NULL, created_ns INTEGER NOT NULL"
	") WITHOUT ROWID;",
	/* private keys are among the values: what is deleted is overwritten */
	"CREATE TABLE endpoint_field ("
	" endpoint_id TEXT NOT NULL REFERENCES endpoint_new(id) ON DELETE CASCADE,"
	" name TEXT NOT NULL, value TEXT NOT NULL,"
	" PRIMARY KEY (endpoint_id, name)) WITHOUT ROWID;"
	"CREATE TABLE endpoint_new (id TEXT PRIMARY KEY NOT NULL,"
	" created_s INTEGER NOT NULL, created_ns INTEGER NOT NULL) WITHOUT ROWID;"
	"INSERT INTO endpoint_new SELECT id, created_s, created_ns FROM endpoint;"
	"INSERT INTO endpoint_field"
	" SELECT id, 'url', url FROM endpoint"
	" UNION ALL SELECT id, 'upstream', upstream FROM endpoint"
	" UNION ALL SELECT id, 'datapath', datapath FROM endpoint WHERE datapath NOT NULL"
	" UNION ALL SELECT id, 'name', name FROM endpoint WHERE name NOT NULL"
	" UNION ALL SELECT id, 'description', description FROM endpoint WHERE description NOT NULL"
	" UNION ALL SELECT id, 'metadata', metadata FROM endpoint WHERE metadata NOT NULL;"
	"DROP TABLE endpoint;"
	"ALTER TABLE endpoint_new RENAME TO endpoint;",
	/* one shape for everything that is registered */
	"CREATE TABLE resource (kind TEXT NOT NULL, id TEXT NOT NULL,"
	" created_s INTEGER NOT NULL, created_ns INTEGER NOT NULL,"
	" PRIMARY KEY (kind, id)) WITHOUT ROWID;"
	"CREATE TABLE resource_field (kind TEXT NOT NULL, id TEXT NOT NULL,"
	" name TEXT NOT NULL, value TEXT NOT NULL,"
	" PRIMARY KEY (kind, id, name),"
	" FOREIGN KEY (kind, id) REFERENCES resource(kind, id) ON DELETE CASCADE) WITHOUT ROWID;"
	"INSERT INTO resource SELECT 'endpoint', id, created_s, created_ns FROM endpoint;"
	"INSERT INTO resource_field SELECT 'endpoint', endpoint_id, name, value"
	" FROM endpoint_field;"
	"DROP TABLE endpoint_field;"
	"DROP TABLE endpoint;",
};

static int to_errno(int code)
{
	switch (code & 0xff) {
	case SQLITE_NOMEM:
		return -ENOMEM;
	case SQLITE_FULL:
		return -ENOSPC;
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return -EBUSY;
	case SQLITE_READONLY:
	case SQLITE_PERM:
	case SQLITE_CANTOPEN:
		return -EACCES;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
		return -EUCLEAN;
	}
	return -EIO;
}

/* SQLite's own words, then what to do about it. */
static int failed(struct store *s, int code, struct fault *f)
{
	int err = to_errno(code);
	const char *todo = "";

	if (err == -EUCLEAN)
		todo = "; move it away (and its -wal) to start with no endpoints, or restore a "
		       "copy";
	else if (err == -EBUSY)
		todo = "; is another snisplitd using this state_dir?";
	fault_set(f, 500, 0, "", "%.300s: %.120s%s", s->path,
		  s->db ? sqlite3_errmsg(s->db) : sqlite3_errstr(code), todo);
	return err;
}

/* ---- opening ---- */

static int make_dir(const char *dir, struct fault *f)
{
	char at[PATH_MAX];
	int err = dir_make_private(dir, at);

	if (err)
		fault_set(f, 500, 0, "", "state_dir %.300s cannot be made: %s", at, strerror(-err));
	return err;
}

static int number_of(struct store *s, const char *sql, int *ret_n)
{
	sqlite3_stmt *q;
	int code = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);

	if (code != SQLITE_OK)
		return code;
	code = sqlite3_step(q);
	if (code == SQLITE_ROW)
		*ret_n = sqlite3_column_int(q, 0);
	sqlite3_finalize(q);
	return code == SQLITE_ROW || code == SQLITE_DONE ? SQLITE_OK : code;
}

/* A page that cannot be read is better found now than at the first change. */
static int check_whole(struct store *s, struct fault *f)
{
	sqlite3_stmt *q;
	int code = sqlite3_prepare_v2(s->db, "PRAGMA quick_check(1)", -1, &q, NULL), err = 0;
	const char *says;

	if (code != SQLITE_OK)
		return failed(s, code, f);
	code = sqlite3_step(q);
	says = code == SQLITE_ROW ? (const char *)sqlite3_column_text(q, 0) : NULL;
	if (!says) {
		err = failed(s, code == SQLITE_ROW ? SQLITE_NOMEM : code, f);
	} else if (strcmp(says, "ok")) {
		fault_set(f, 500, 0, "",
			  "%.300s is damaged (%.80s); move it away (and its -wal) to start with no "
			  "endpoints, or restore a copy",
			  s->path, says);
		err = -EUCLEAN;
	}
	sqlite3_finalize(q);
	return err;
}

/*
 * A column that earlier versions neither miss nor mind makes no version of its own: an upgrade that
 * fails gives the database back to one.
 */
static int add_column(struct store *s, const char *name, const char *type)
{
	char sql[160];
	int n = 0, code;

	snprintf(sql, sizeof(sql),
		 "SELECT count(*) FROM pragma_table_info('resource') WHERE name = '%s'", name);
	code = number_of(s, sql, &n);
	if (code != SQLITE_OK || n)
		return code;
	snprintf(sql, sizeof(sql), "ALTER TABLE resource ADD COLUMN %s %s", name, type);
	return sqlite3_exec(s->db, sql, NULL, NULL, NULL);
}

/* Each step is a transaction of its own: a crash leaves one of the versions. */
static int migrate(struct store *s, struct fault *f)
{
	char sql[64];
	int version = 0, code;

	code = number_of(s, "PRAGMA user_version", &version);
	if (code != SQLITE_OK)
		return failed(s, code, f);
	if (version < 0 || version > SCHEMA) {
		fault_set(
			f, 500, 0, "",
			"%.300s is of version %d, this snisplitd knows up to %d; install the newer "
			"one, or move the file away",
			s->path, version, SCHEMA);
		return -EPROTONOSUPPORT;
	}
	for (; version < SCHEMA; version++) {
		snprintf(sql, sizeof(sql), "PRAGMA user_version = %d", version + 1);
		code = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
		if (code == SQLITE_OK)
			code = sqlite3_exec(s->db, migrations[version], NULL, NULL, NULL);
		if (code == SQLITE_OK)
			code = sqlite3_exec(s->db, sql, NULL, NULL, NULL);
		if (code == SQLITE_OK)
			code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
		if (code != SQLITE_OK)
			return failed(s, code, f);
	}
	code = add_column(s, "updated_s", "INTEGER NOT NULL DEFAULT 0");
	if (code == SQLITE_OK)
		code = add_column(s, "updated_ns", "INTEGER NOT NULL DEFAULT 0");
	return code == SQLITE_OK ? 0 : failed(s, code, f);
}

/*
 * The database exists, and only its owner may read it: private keys are in it.  SQLite gives the
 * database's mode to -wal and -shm, those of an earlier version are older than that.
 */
static int make_private(struct store *s, struct fault *f)
{
	static const char *const more[] = {"-wal", "-shm"};
	int fd = open(s->path, O_RDWR | O_CREAT | O_CLOEXEC, 0600), err = 0;
	char path[PATH_MAX + 8];

	if (fd == -1 || fchmod(fd, 0600) == -1)
		err = -errno;
	if (fd != -1)
		close(fd);
	for (size_t i = 0; !err && i < sizeof(more) / sizeof(more[0]); i++) {
		snprintf(path, sizeof(path), "%s%s", s->path, more[i]);
		if (chmod(path, 0600) == -1 && errno != ENOENT)
			err = -errno;
	}
	if (err)
		fault_set(f, 500, 0, "", "%.300s cannot be opened: %s", s->path, strerror(-err));
	return err;
}

static int open_db(struct store *s, struct fault *f)
{
	/* EXCLUSIVE: a second daemon on this state_dir is refused, not interleaved */
	static const char setup[] = "PRAGMA locking_mode = EXCLUSIVE;"
				    "PRAGMA journal_mode = WAL;"
				    "PRAGMA synchronous = FULL;"
				    "PRAGMA foreign_keys = ON;"
				    "PRAGMA secure_delete = ON;" /* private keys */
				    "BEGIN IMMEDIATE; COMMIT;";
	int err, code;

	code = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(s->db, setup, NULL, NULL, NULL);
	err = code == SQLITE_OK ? migrate(s, f) : failed(s, code, f);
	return err ? err : check_whole(s, f);
}

int store_open(const char *dir, struct store **ret_s, struct fault *f)
{
	struct store *s;
	int err;

	err = make_dir(dir, f);
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s) {
		fault_set(f, 500, 0, "", "out of memory");
		return -ENOMEM;
	}
	pthread_mutex_init(&s->lock, NULL);
	snprintf(s->path, sizeof(s->path), "%.*s/state.db", PATH_MAX - 16, dir);
	err = make_private(s, f);
	if (err) {
		store_close(s);
		return err;
	}
	err = open_db(s, f);
	if (err) {
		store_close(s);
		return err;
	}
	*ret_s = s;
	return 0;
}

void store_close(struct store *s)
{
	if (!s)
		return;
	sqlite3_close(s->db);
	pthread_mutex_destroy(&s->lock);
	free(s);
}

/* ---- the same for two processes, in turn ---- */

void store_lend(struct store *s)
{
	pthread_mutex_lock(&s->lock);
	sqlite3_close(s->db);
	s->db = NULL;
	pthread_mutex_unlock(&s->lock);
}

int store_return(struct store *s, struct fault *f)
{
	int err;

	pthread_mutex_lock(&s->lock);
	err = open_db(s, f);
	if (err) {
		sqlite3_close(s->db);
		s->db = NULL;
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

/*
 * Under the lock.  Taking a change back needs memory too: until that is there, what comes next
 * would be part of the one that failed, and never on disk.
 */
static int is_here(struct store *s, struct fault *f)
{
	int code = SQLITE_OK;

	if (!s->db) {
		fault_set(f, 503, 0, "", "another daemon is taking this one's place; ask again");
		return -ESHUTDOWN;
	}
	if (!sqlite3_get_autocommit(s->db))
		code = sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	return code == SQLITE_OK ? 0 : failed(s, code, f);
}

/* ---- rows ---- */

const char *store_row_text(const struct store_row *r, const char *name)
{
	for (unsigned i = 0; i < r->n_fields; i++)
		if (!strcmp(r->fields[i].name, name))
			return r->fields[i].value;
	return NULL;
}

/* One statement, with <n> texts bound and then, unless NULL, the two numbers of a time. */
static int change(struct store *s, const char *sql, const char *const *texts, int n,
		  const struct store_row *when)
{
	sqlite3_stmt *q;
	int code = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);

	for (int i = 0; code == SQLITE_OK && i < n; i++)
		code = sqlite3_bind_text(q, i + 1, texts[i], -1, SQLITE_STATIC);
	if (code == SQLITE_OK && when)
		code = sqlite3_bind_int64(q, n + 1, when->created.tv_sec);
	if (code == SQLITE_OK && when)
		code = sqlite3_bind_int64(q, n + 2, when->created.tv_nsec);
	if (code == SQLITE_OK && when)
		code = sqlite3_bind_int64(q, n + 3, when->updated.tv_sec);
	if (code == SQLITE_OK && when)
		code = sqlite3_bind_int64(q, n + 4, when->updated.tv_nsec);
	if (code == SQLITE_OK) {
		code = sqlite3_step(q);
		if (code == SQLITE_DONE)
			code = SQLITE_OK;
	}
	sqlite3_finalize(q);
	return code;
}

static int del(struct store *s, const char *kind, const char *id)
{
	const char *const texts[] = {kind, id};

	return change(s, "DELETE FROM resource WHERE kind = ? AND id = ?", texts, 2, NULL);
}

static int put_all(struct store *s, const char *kind, const struct store_row *r)
{
	const char *const key[] = {kind, r->id};
	int code = del(s, kind, r->id);

	if (code == SQLITE_OK)
		code = change(s,
			      "INSERT INTO resource (kind, id, created_s, created_ns, updated_s, "
			      "updated_ns) VALUES (?, ?, ?, ?, ?, ?)",
			      key, 2, r);
	for (unsigned i = 0; code == SQLITE_OK && i < r->n_fields; i++) {
		const char *const texts[] = {kind, r->id, r->fields[i].name, r->fields[i].value};

		code = change(s,
			      "INSERT INTO resource_field (kind, id, name, value) "
			      "VALUES (?, ?, ?, ?)",
			      texts, 4, NULL);
	}
	return code;
}

int store_put(struct store *s, const char *kind, const struct store_row *r, struct fault *f)
{
	int err = 0, code;

	pthread_mutex_lock(&s->lock);
	err = is_here(s, f);
	if (err)
		goto out;
	code = sqlite3_exec(s->db, "BEGIN IMMEDIATE", NULL, NULL, NULL);
	if (code == SQLITE_OK)
		code = put_all(s, kind, r);
	if (code == SQLITE_OK)
		code = sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL);
	if (code != SQLITE_OK) {
		err = failed(s, code, f);
		sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	}
out:
	pthread_mutex_unlock(&s->lock);
	return err;
}

int store_del(struct store *s, const char *kind, const char *id, struct fault *f)
{
	int err, code;

	pthread_mutex_lock(&s->lock);
	err = is_here(s, f);
	code = err ? SQLITE_OK : del(s, kind, id);
	if (code != SQLITE_OK)
		err = failed(s, code, f);
	pthread_mutex_unlock(&s->lock);
	return err;
}

/* NULL: no memory (there is none without a text). */
static const char *text(sqlite3_stmt *q, int column)
{
	return (const char *)sqlite3_column_text(q, column);
}

static char *copy(sqlite3_stmt *q, int column)
{
	const char *there = text(q, column);

	return there ? strdup(there) : NULL;
}

/* Copies: a step takes back what the one before gave. */
struct row {
	struct store_row r;
	struct store_field fields[STORE_FIELDS_MAX];
	char *texts[2 * STORE_FIELDS_MAX];
};

static void row_done(struct row *r)
{
	for (unsigned i = 0; i < 2 * STORE_FIELDS_MAX; i++) {
		if (r->texts[i])
			explicit_bzero(r->texts[i], strlen(r->texts[i])); /* keys are among them */
		free(r->texts[i]);
	}
	memset(r, 0, sizeof(*r));
}

/* The fields of the resource <id>.  SQLITE_OK or what went wrong. */
static int row_fill(sqlite3_stmt *q, const char *kind, const char *id, struct row *r)
{
	int code = sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC);
	unsigned n = 0;

	if (code == SQLITE_OK)
		code = sqlite3_bind_text(q, 2, id, -1, SQLITE_STATIC);
	while (code == SQLITE_OK && (code = sqlite3_step(q)) == SQLITE_ROW) {
		code = n < STORE_FIELDS_MAX ? SQLITE_OK : SQLITE_CORRUPT;
		if (code != SQLITE_OK)
			break;
		r->texts[2 * n] = copy(q, 0);
		r->texts[2 * n + 1] = copy(q, 1);
		if (!r->texts[2 * n] || !r->texts[2 * n + 1])
			code = SQLITE_NOMEM;
		r->fields[n].name = r->texts[2 * n];
		r->fields[n].value = r->texts[2 * n + 1];
		n++;
	}
	r->r.fields = r->fields;
	r->r.n_fields = n;
	sqlite3_reset(q);
	return code == SQLITE_DONE ? SQLITE_OK : code;
}

int store_each(struct store *s, const char *kind, int (*fn)(void *arg, const struct store_row *r),
	       void *arg, struct fault *f)
{
	static const char sql[] = "SELECT id, created_s, created_ns, updated_s, updated_ns "
				  "FROM resource WHERE kind = ? ORDER BY created_s, created_ns, id";
	static const char fields_sql[] = "SELECT name, value FROM resource_field "
					 "WHERE kind = ? AND id = ? ORDER BY name";
	sqlite3_stmt *q = NULL, *fields = NULL;
	struct row r = {0};
	int res = 0, code;

	pthread_mutex_lock(&s->lock);
	res = is_here(s, f);
	if (res) {
		pthread_mutex_unlock(&s->lock);
		return res;
	}
	code = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(q, 1, kind, -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_prepare_v2(s->db, fields_sql, -1, &fields, NULL);
	while (code == SQLITE_OK && !res && (code = sqlite3_step(q)) == SQLITE_ROW) {
		r.r.id = text(q, 0);
		r.r.created.tv_sec = sqlite3_column_int64(q, 1);
		r.r.created.tv_nsec = sqlite3_column_int64(q, 2);
		r.r.updated.tv_sec = sqlite3_column_int64(q, 3);
		r.r.updated.tv_nsec = sqlite3_column_int64(q, 4);
		code = r.r.id ? row_fill(fields, kind, r.r.id, &r) : SQLITE_NOMEM;
		if (code == SQLITE_OK)
			res = fn(arg, &r.r);
		row_done(&r);
	}
	if (code != SQLITE_OK && code != SQLITE_DONE)
		res = failed(s, code, f);
	else if (res == -ENOMEM)
		fault_set(f, 500, 0, "", "out of memory");
	sqlite3_finalize(fields);
	sqlite3_finalize(q);
	pthread_mutex_unlock(&s->lock);
	return res;
}

const char *store_library_version(void)
{
	return sqlite3_libversion();
}
