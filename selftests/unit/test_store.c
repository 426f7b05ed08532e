// SPDX-License-Identifier: GPL-2.0-only
/* store - what was put is there after a crash; damage, newer versions and a second owner are told.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sqlite3.h>

#include "store.h"
#include "unit.h"

static char base[] = "/tmp/test_store.XXXXXX";

static const char *dir_of(const char *name)
{
	static char path[256];

	snprintf(path, sizeof(path), "%s/%s/deeper", base, name);
	return path;
}

static struct store *open_or_die(const char *dir)
{
	struct fault f = {0};
	struct store *s = NULL;

	CHECK(!store_open(dir, &s, &f), "%s", f.msg);
	if (!s)
		exit(1);
	return s;
}

static void put(struct store *s, const char *id, const char *description, time_t created)
{
	const struct store_field fields[] = {
		{"url", "tls://a.b"}, {"upstream", "127.0.0.1:1"}, {"description", description}};
	struct store_row e = {.id = id,
			      .created = {created, 5},
			      .fields = fields,
			      .n_fields = description ? 3 : 2};
	struct fault f = {0};

	CHECK(!store_put(s, "endpoint", &e, &f), "%s", f.msg);
}

static const char *value_of(const struct store_row *e, const char *name)
{
	for (unsigned i = 0; i < e->n_fields; i++)
		if (!strcmp(e->fields[i].name, name))
			return e->fields[i].value;
	return "-";
}

static int list(void *arg, const struct store_row *e)
{
	char *out = arg;

	sprintf(out + strlen(out), "%s:%s:%ld.%ld ", e->id, value_of(e, "description"),
		(long)e->created.tv_sec, e->created.tv_nsec);
	CHECK(!strcmp(value_of(e, "url"), "tls://a.b") && !strcmp(value_of(e, "metadata"), "-"),
	      "%s", value_of(e, "url"));
	return 0;
}

static void expect(struct store *s, const char *want)
{
	char got[1024] = "";
	struct fault f = {0};

	CHECK(!store_each(s, "endpoint", list, got, &f), "%s", f.msg);
	CHECK(!strcmp(got, want), "got \"%s\", want \"%s\"", got, want);
}

static int stop(void *arg, const struct store_row *e)
{
	(void)arg;
	(void)e;
	return 7;
}

static void check_round_trip(void)
{
	struct store *s = open_or_die(dir_of("a")), *second;
	struct fault f = {0};
	struct stat st;

	CHECK(!stat(dir_of("a"), &st) && (st.st_mode & 0777) == 0700, "%o", st.st_mode);
	expect(s, "");
	put(s, "ep_2", "it's \"quoted\"", 20);
	put(s, "ep_1", NULL, 10);
	put(s, "ep_3", "gone", 30);
	CHECK(!store_del(s, "endpoint", "ep_3", &f) && !store_del(s, "endpoint", "ep_9", &f), "%s",
	      f.msg);
	put(s, "ep_1", "new", 10);
	CHECK(store_each(s, "endpoint", stop, NULL, &f) == 7, "not stopped");
	CHECK(store_open(dir_of("a"), &second, &f) == -EBUSY, "opened twice");
	CHECK(strstr(f.msg, "another snisplitd"), "%s", f.msg);
	store_close(s);
	s = open_or_die(dir_of("a"));
	expect(s, "ep_1:new:10.5 ep_2:it's \"quoted\":20.5 ");
	store_close(s);
}

/* A killed process has what it was told it has. */
static void check_kill(void)
{
	struct store *s;
	int pipefd[2], n = 0;
	char id[16], want[4096] = "";
	pid_t pid;

	if (pipe(pipefd))
		exit(1);
	pid = fork();
	if (!pid) {
		s = open_or_die(dir_of("k"));
		for (int i = 0;; i++) {
			snprintf(id, sizeof(id), "ep_%d", i);
			put(s, id, NULL, i);
			if (write(pipefd[1], "x", 1) != 1)
				_exit(1);
		}
	}
	close(pipefd[1]);
	for (char c; n < 20 && read(pipefd[0], &c, 1) == 1; n++)
		;
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	for (char c; read(pipefd[0], &c, 1) == 1; n++)
		;
	close(pipefd[0]);
	s = open_or_die(dir_of("k"));
	for (int i = 0; i < n && i < 100; i++)
		sprintf(want + strlen(want), "ep_%d:-:%d.5 ", i, i);
	if (n < 100) {
		char got[8192] = "";
		struct fault f;

		store_each(s, "endpoint", list, got, &f);
		/* one more may be there: written, not yet told */
		CHECK(!strncmp(got, want, strlen(want)), "got \"%s\", want \"%s\"", got, want);
	}
	store_close(s);
}

static void scribble(const char *dir, off_t at, const void *bytes, size_t len)
{
	char path[300];
	int fd;

	snprintf(path, sizeof(path), "%s/state.db", dir);
	fd = open(path, O_WRONLY);
	CHECK(fd >= 0 && pwrite(fd, bytes, len, at) == (ssize_t)len, "%s", path);
	close(fd);
}

/* A database as version 1 wrote it comes out as the fields that were not NULL. */
static void check_migration(void)
{
	static const char sql[] = "PRAGMA user_version = 1;"
				  "CREATE TABLE endpoint (id TEXT PRIMARY KEY NOT NULL, url TEXT "
				  "NOT NULL, upstream TEXT "
				  "NOT NULL, datapath TEXT, name TEXT, description TEXT, metadata "
				  "TEXT, created_s INTEGER "
				  "NOT NULL, created_ns INTEGER NOT NULL) WITHOUT ROWID;"
				  "INSERT INTO endpoint VALUES "
				  "('ep_2','tls://a.b','127.0.0.1:1',NULL,NULL,'old',NULL,20,5);"
				  "INSERT INTO endpoint VALUES "
				  "('ep_1','tls://a.b','127.0.0.1:1','auto',NULL,NULL,NULL,10,5);";
	char path[300];
	struct store *s;
	sqlite3 *db;

	store_close(open_or_die(dir_of("m"))); /* makes the folder */
	snprintf(path, sizeof(path), "%s/state.db", dir_of("m"));
	CHECK(!unlink(path), "%s", path);
	CHECK(sqlite3_open(path, &db) == SQLITE_OK &&
		      sqlite3_exec(db, sql, NULL, NULL, NULL) == SQLITE_OK,
	      "%s", sqlite3_errmsg(db));
	sqlite3_close(db);
	s = open_or_die(dir_of("m"));
	expect(s, "ep_1:-:10.5 ep_2:old:20.5 ");
	put(s, "ep_2", "new", 20);
	store_close(s);
	s = open_or_die(dir_of("m"));
	expect(s, "ep_1:-:10.5 ep_2:new:20.5 ");
	store_close(s);
}

static void check_refusals(void)
{
	static const unsigned char newer[] = {0, 0, 0, 99};
	char garbage[4096];
	struct store *s;
	struct fault f = {0};

	store_close(open_or_die(dir_of("n")));
	scribble(dir_of("n"), 60, newer, sizeof(newer)); /* user_version in the header */
	CHECK(store_open(dir_of("n"), &s, &f) == -EPROTONOSUPPORT, "%s", f.msg);
	CHECK(strstr(f.msg, "is of version 99, this snisplitd knows up to "), "%s", f.msg);

	memset(garbage, 'x', sizeof(garbage));
	store_close(open_or_die(dir_of("g")));
	scribble(dir_of("g"), 0, garbage, sizeof(garbage));
	CHECK(store_open(dir_of("g"), &s, &f) == -EUCLEAN, "%s", f.msg);
	CHECK(strstr(f.msg, "/g/deeper/state.db: ") && strstr(f.msg, "move it away"), "%s", f.msg);

	s = open_or_die(dir_of("p"));
	put(s, "ep_1", NULL, 1);
	store_close(s);
	scribble(dir_of("p"), 4096, garbage, sizeof(garbage)); /* a page, not the header */
	CHECK(store_open(dir_of("p"), &s, &f) == -EUCLEAN, "%s", f.msg);

	CHECK(store_open("/proc/nope", &s, &f) < 0 && strstr(f.msg, "state_dir"), "%s", f.msg);
}

/* No damage is more than an error, and what is read of a damaged file are rows. */
static int rows(void *arg, const struct store_row *e)
{
	(void)arg;
	for (unsigned i = 0; i < e->n_fields; i++)
		CHECK(e->fields[i].name && e->fields[i].value, "row %s field %u", e->id, i);
	return 0;
}

static void look_at(const char *dir)
{
	struct fault f = {0};
	struct store *s = NULL;

	if (store_open(dir, &s, &f)) {
		CHECK(f.status == 500 && *f.msg, "refused without a word");
		return;
	}
	if (store_each(s, "endpoint", rows, NULL, &f))
		CHECK(*f.msg, "no reason");
	store_close(s);
}

static void check_damage(void)
{
	char path[300], copy[65536], byte;
	unsigned random = 1;
	struct store *s = open_or_die(dir_of("d"));
	ssize_t len;
	int fd;

	put(s, "ep_1", "one", 1);
	put(s, "ep_2", NULL, 2);
	store_close(s);
	snprintf(path, sizeof(path), "%s/state.db", dir_of("d"));
	fd = open(path, O_RDWR);
	len = pread(fd, copy, sizeof(copy), 0);
	CHECK(len > 4096 && len < (ssize_t)sizeof(copy), "%zd bytes", len);
	for (unsigned i = 0; i < 300; i++) {
		random = random * 1103515245 + 12345;
		off_t at = (random >> 8) % (unsigned)len;

		CHECK(pwrite(fd, copy, (size_t)len, 0) == len, "cannot mend it");
		byte = (char)(copy[at] ^ 1 << random % 8);
		if (i % 10)
			CHECK(pwrite(fd, &byte, 1, at) == 1, "at %lld", (long long)at);
		else
			CHECK(!ftruncate(fd, at), "to %lld", (long long)at);
		look_at(dir_of("d"));
	}
	close(fd);
}

int main(void)
{
	char cmd[64];

	if (!mkdtemp(base))
		return 1;
	check_round_trip();
	check_kill();
	check_migration();
	check_refusals();
	check_damage();
	snprintf(cmd, sizeof(cmd), "rm -rf %s", base);
	CHECK(!system(cmd), "%s", cmd);
	return failures != 0;
}
