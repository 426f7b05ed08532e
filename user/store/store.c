// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

#include "store.h"

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
	char path[PATH_MAX];
	int err;

	if (snprintf(path, sizeof(path), "%s/", dir) >= (int)sizeof(path)) {
		fault_set(f, 500, 0, "", "state_dir %.100s...: name too long", dir);
		return -ENAMETOOLONG;
	}
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = '\0';
		if (mkdir(path, slash[1] ? 0755 : 0700) == -1 && errno != EEXIST) {
			err = -errno;
			fault_set(f, 500, 0, "", "state_dir %.300s cannot be made: %s", path,
				  strerror(-err));
			return err;
		}
		*slash = '/';
	}
	return 0;
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

	if (code != SQLITE_OK)
		return failed(s, code, f);
	code = sqlite3_step(q);
	if (code != SQLITE_ROW) {
		err = failed(s, code, f);
	} else if (strcmp((const char *)sqlite3_column_text(q, 0), "ok")) {
		fault_set(f, 500, 0, "",
			  "%.300s is damaged (%.80s); move it away (and its -wal) to start with no "
			  "endpoints, or restore a copy",
			  s->path, (const char *)sqlite3_column_text(q, 0));
		err = -EUCLEAN;
	}
	sqlite3_finalize(q);
	return err;
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
	return 0;
}

int store_open(const char *dir, struct store **ret_s, struct fault *f)
{
	/* EXCLUSIVE: a second daemon on this state_dir is refused, not interleaved */
	static const char setup[] = "PRAGMA locking_mode = EXCLUSIVE;"
				    "PRAGMA journal_mode = WAL;"
				    "PRAGMA synchronous = FULL;"
				    "BEGIN IMMEDIATE; COMMIT;";
	struct store *s;
	int err, code;

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
	code = sqlite3_open_v2(s->path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_exec(s->db, setup, NULL, NULL, NULL);
	err = code == SQLITE_OK ? migrate(s, f) : failed(s, code, f);
	if (!err)
		err = check_whole(s, f);
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

/* ---- endpoints ---- */

/* Runs a prepared change to its end. */
static int run(struct store *s, sqlite3_stmt *q, struct fault *f)
{
	int code = sqlite3_step(q), err = code == SQLITE_DONE ? 0 : failed(s, code, f);

	sqlite3_finalize(q);
	return err;
}

int store_endpoint_put(struct store *s, const struct store_endpoint *e, struct fault *f)
{
	static const char sql[] = "INSERT OR REPLACE INTO endpoint (id, url, upstream, datapath, "
				  "name, description, metadata, created_s, created_ns) "
				  "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)";
	const char *const texts[] = {e->id,   e->url,	      e->upstream, e->datapath,
				     e->name, e->description, e->metadata};
	sqlite3_stmt *q;
	int err, code;

	pthread_mutex_lock(&s->lock);
	code = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
	for (int i = 0; code == SQLITE_OK && i < 7; i++)
		code = sqlite3_bind_text(q, i + 1, texts[i], -1, SQLITE_STATIC);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(q, 8, e->created.tv_sec);
	if (code == SQLITE_OK)
		code = sqlite3_bind_int64(q, 9, e->created.tv_nsec);
	if (code == SQLITE_OK) {
		err = run(s, q, f);
	} else {
		err = failed(s, code, f);
		sqlite3_finalize(q);
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

int store_endpoint_del(struct store *s, const char *id, struct fault *f)
{
	sqlite3_stmt *q;
	int err, code;

	pthread_mutex_lock(&s->lock);
	code = sqlite3_prepare_v2(s->db, "DELETE FROM endpoint WHERE id = ?", -1, &q, NULL);
	if (code == SQLITE_OK)
		code = sqlite3_bind_text(q, 1, id, -1, SQLITE_STATIC);
	if (code == SQLITE_OK) {
		err = run(s, q, f);
	} else {
		err = failed(s, code, f);
		sqlite3_finalize(q);
	}
	pthread_mutex_unlock(&s->lock);
	return err;
}

static const char *text(sqlite3_stmt *q, int column)
{
	return (const char *)sqlite3_column_text(q, column);
}

int store_endpoint_each(struct store *s, int (*fn)(void *arg, const struct store_endpoint *e),
			void *arg, struct fault *f)
{
	static const char sql[] = "SELECT id, url, upstream, datapath, name, description, metadata,"
				  " created_s, created_ns FROM endpoint "
				  "ORDER BY created_s, created_ns, id";
	sqlite3_stmt *q;
	int res = 0, code;

	pthread_mutex_lock(&s->lock);
	code = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);
	while (code == SQLITE_OK && !res) {
		code = sqlite3_step(q);
		if (code == SQLITE_ROW) {
			struct store_endpoint e = {
				text(q, 0),
				text(q, 1),
				text(q, 2),
				text(q, 3),
				text(q, 4),
				text(q, 5),
				text(q, 6),
				{sqlite3_column_int64(q, 7), sqlite3_column_int64(q, 8)},
			};

			res = fn(arg, &e);
			code = SQLITE_OK;
		}
	}
	if (code != SQLITE_OK && code != SQLITE_DONE)
		res = failed(s, code, f);
	sqlite3_finalize(q);
	pthread_mutex_unlock(&s->lock);
	return res;
}

const char *store_library_version(void)
{
	return sqlite3_libversion();
}
