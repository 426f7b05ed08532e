// SPDX-License-Identifier: GPL-2.0-only
/* event - the line of every kind of end parses and says what it should; the writer loses nothing
 * it does not count, and leaves no half line. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <signal.h>
#include <time.h>
#include <unistd.h>

#include "addr.h"
#include "event.h"
#include "event_read.h"
#include "events.h"
#include "unit.h"

static struct event_closed sample(void)
{
	struct event_closed c = {
		.connection_id = "conn_1",
		.server_name = "app.example.com",
		.endpoint_id = "ep_1",
		.start = {1700000000, 123456789},
		.end = {1700000001, 0},
		.bytes_in = 3437,
		.bytes_out = 90256,
		.bytes_user = 517,
		.bytes_kernel = 93176,
		.reason = CLOSE_CLIENT_FIN,
		.datapath = CLOSE_DP_KERNEL,
		.ip_policy = IP_POLICY_ALLOW,
		.terminated_at = "upstream",
		.us_hello = 180,
		.us_connect = 0,
		.us_first_byte = -1,
		.tcp_client = {true, 40, 1, -1},
	};
	socklen_t len;

	addr_parse("192.0.2.7:50122", &c.client, &len);
	addr_parse("[2001:db8::1]:443", &c.server, &len);
	addr_parse("127.0.0.1:8443", &c.upstream, &len);
	return c;
}

static json_t *parse(const struct event_closed *c)
{
	char line[EVENT_LINE_MAX];
	size_t len = event_format(c, line);
	json_error_t err;
	json_t *j = json_loads(line, JSON_REJECT_DUPLICATES, &err);

	CHECK(j, "%s in %s", err.text, line);
	CHECK(strlen(line) == len && line[len - 1] == '\n', "%zu", len);
	CHECK(strchr(line, '\n') == line + len - 1, "two lines: %s", line);
	if (!j)
		exit(1);
	return j;
}

static void check_format(void)
{
	struct event_closed c = sample();
	json_t *j = parse(&c), *o, *conn, *t;
	const char *s, *id;
	int n;

	CHECK(!json_unpack(j, "{s:s, s:o}", "event_type", &s, "object", &o), "envelope");
	CHECK(!strcmp(s, "tcp_connection_closed.v0"), "%s", s);
	id = json_string_value(json_object_get(j, "event_id"));
	CHECK(id && !strncmp(id, "ev_", 3) && strlen(id) == 29, "%s", id);
	conn = json_object_get(o, "conn");
	CHECK(json_integer_value(json_object_get(conn, "bytes_out")) == 90256, "bytes_out");
	CHECK(!json_unpack(conn, "{s:s, s:i}", "client_ip", &s, "client_port", &n) &&
		      !strcmp(s, "192.0.2.7") && n == 50122,
	      "%s %d", s, n);
	CHECK(!json_unpack(conn, "{s:s, s:i}", "server_ip", &s, "server_port", &n) &&
		      !strcmp(s, "2001:db8::1") && n == 443,
	      "%s %d", s, n);
	CHECK(!json_unpack(conn, "{s:s}", "start_ts", &s) &&
		      !strcmp(s, "2023-11-14T22:13:20.123456Z"),
	      "%s", s);
	CHECK(!json_unpack(o, "{s:s, s:s}", "upstream_addr", &s, "close_reason", &id) &&
		      !strcmp(s, "127.0.0.1:8443") && !strcmp(id, "client_fin"),
	      "%s %s", s, id);
	t = json_object_get(o, "timing_us");
	CHECK(json_object_size(t) == 2 && json_object_get(t, "connect"), "timing");
	t = json_object_get(o, "tcp");
	CHECK(json_object_size(t) == 1 && json_object_get(t, "client"), "tcp");
	CHECK(!json_object_get(o, "tls") && !json_object_get(o, "ja4_fingerprint"), "invented");
	json_decref(j);
}

static void check_absent(void)
{
	struct event_closed c = {.us_hello = -1, .us_connect = -1, .us_first_byte = -1};
	json_t *j = parse(&c), *o = json_object_get(j, "object");
	static const char *const absent[] = {"endpoint_id", "upstream_addr", "tls",
					     "tcp",	    "timing_us",     "ja4_fingerprint"};

	for (size_t i = 0; i < sizeof(absent) / sizeof(absent[0]); i++)
		CHECK(!json_object_get(o, absent[i]), "%s is there", absent[i]);
	CHECK(!json_object_get(json_object_get(o, "conn"), "server_name"), "server_name is there");
	json_decref(j);
}

/* Whatever an event may have in it can be asked for by its path. */
static void check_selectable(json_t *j, const char *prefix)
{
	struct source_spec spec = {0};
	char path[256];
	const char *key;
	json_t *v;

	json_object_foreach(j, key, v) {
		snprintf(path, sizeof(path), "%s%s%s", prefix, *prefix ? "." : "", key);
		CHECK(!source_spec_set(&spec, "fields", path, NULL), "%s", path);
		if (json_is_object(v))
			check_selectable(v, path);
	}
	source_spec_done(&spec);
}

static void check_hostile(void)
{
	struct event_closed c = sample();
	json_t *j;

	memset(c.server_name, 1, sizeof(c.server_name) - 1);
	memset(c.alpn, 0xff, sizeof(c.alpn) - 1);
	memset(c.ja4, '"', sizeof(c.ja4) - 1);
	memset(c.endpoint_id, '\\', sizeof(c.endpoint_id) - 1);
	memset(c.connection_id, '\n', sizeof(c.connection_id) - 1);
	addr_parse("[1111:2222:3333:4444:5555:6666:7777:8888]:65535", &c.upstream, &(socklen_t){0});
	c.bytes_in = c.bytes_out = c.bytes_user = c.bytes_kernel = UINT64_MAX / 2;
	c.us_hello = c.us_connect = c.us_first_byte = INT64_MAX;
	c.tcp_client = (struct event_tcp){true, UINT32_MAX, UINT32_MAX, -1};
	c.tcp_upstream = (struct event_tcp){true, UINT32_MAX, UINT32_MAX, INT64_MAX};
	c.proxy = c.client;
	strcpy(c.tls_version, "1.3");
	memset(c.tls_cipher, 1, sizeof(c.tls_cipher) - 1);
	memset(c.client_cert_subject, 1, sizeof(c.client_cert_subject) - 1);
	memset(c.error, 1, sizeof(c.error) - 1);
	j = parse(&c);
	check_selectable(json_object_get(j, "object"), "");
	json_decref(j);
	for (int r = 0; r < CLOSE_REASON_MAX; r++) {
		c.reason = (enum close_reason)r;
		CHECK(*event_reason_name(c.reason), "reason %d has no name", r);
	}
}

/* Lines of a file, all of which must parse. */
static unsigned lines_of(const char *path)
{
	char line[EVENT_LINE_MAX];
	FILE *f = fopen(path, "r");
	unsigned n = 0;
	json_t *j;

	while (f && fgets(line, sizeof(line), f)) {
		j = json_loads(line, 0, NULL);
		CHECK(j && line[strlen(line) - 1] == '\n', "%s line %u: %s", path, n + 1, line);
		json_decref(j);
		n++;
	}
	if (f)
		fclose(f);
	return n;
}

static struct events *open_with(const char *path)
{
	struct event_route r = {.id = ""};
	struct events *ev = events_open();
	int err;

	target_set(&r.target, TARGET_FILE, path, TARGET_OF_FILE, NULL);
	event_route_add(&r);
	err = events_set(ev, EVENTS_OF_FILE, &r, 1, NULL);
	event_route_done(&r);
	if (!err)
		return ev;
	events_close(ev);
	return NULL;
}

static int add_written(void *arg, const struct destination_state *s)
{
	*(uint64_t *)arg += s->written;
	return 0;
}

static uint64_t written_of(struct events *ev)
{
	uint64_t n = 0;

	events_each(ev, add_written, &n);
	return n;
}

static void check_writer(const char *dir)
{
	struct event_closed c = sample();
	char path[4096], moved[4096];
	struct timespec a, b;
	struct events *ev;
	struct stat st;
	uint64_t lost;
	double s;

	snprintf(path, sizeof(path), "%s/sub/dir/events.ndjson", dir);
	snprintf(moved, sizeof(moved), "%s/moved", dir);
	ev = open_with(path);
	CHECK(ev, "cannot open %s", path);
	if (!ev)
		return;
	CHECK(!stat(path, &st) && (st.st_mode & 0777) == 0640, "%o", st.st_mode);
	clock_gettime(CLOCK_MONOTONIC, &a);
	for (int i = 0; i < 20000; i++)
		events_closed(ev, &c);
	clock_gettime(CLOCK_MONOTONIC, &b);
	s = (double)(b.tv_sec - a.tv_sec) + (double)(b.tv_nsec - a.tv_nsec) / 1e9;
	printf("# 20000 events handed over in %.3f s, %lu lost\n", s, events_lost(ev));
	rename(path, moved);
	events_reopen(ev);
	while (access(path, F_OK))
		usleep(1000);
	events_closed(ev, &c);
	for (int i = 0; written_of(ev) + events_lost(ev) < 20001 && i < 10000; i++)
		usleep(1000);
	lost = events_lost(ev);
	events_close(ev);
	CHECK(lines_of(moved) + lines_of(path) + lost == 20001, "%u + %u lines, %lu lost",
	      lines_of(moved), lines_of(path), lost);
	CHECK(lines_of(path) >= 1, "nothing after the rotation");
}

/* What is made here is read elsewhere; what is not quite that is refused. */
static void check_read(void)
{
	struct event_upstream u = {"app.test", "ep_1", "127.0.0.1:1", true, "it is gone"};
	struct event_closed c = sample();
	char line[EVENT_LINE_MAX + 1];
	size_t len = event_format(&c, line);
	struct event_told t;
	struct cidr want;

	CHECK(!event_read(line, len, &t), "%s", line);
	CHECK(!strcmp(t.connection_id, "conn_1") &&
		      !strcmp(t.facts.server_name, "app.example.com") &&
		      t.facts.server_port == 443 && t.facts.type == 0,
	      "%s %s %u", t.connection_id, t.facts.server_name, t.facts.server_port);
	cidr_of(&c.client, &want);
	CHECK(!memcmp(&t.facts.client_ip, &want, sizeof(want)), "client");
	cidr_of(&c.server, &want);
	CHECK(!memcmp(&t.facts.server_ip, &want, sizeof(want)), "server");

	for (size_t n = 0; n < len; n++)
		CHECK(event_read(line, n, &t) == -EBADMSG, "a part of %zu", n);
	line[3] = '\n';
	CHECK(event_read(line, len, &t) == -EBADMSG, "two lines");
	line[3] = '\x80';
	CHECK(event_read(line, len, &t) == -EBADMSG, "not ASCII");
	len = event_format(&c, line);
	memcpy(strstr(line, "closed.v0"), "closed.v1", 9);
	CHECK(event_read(line, len, &t) == -EBADMSG, "another version");
	CHECK(event_read("[]\n", 3, &t) == -EBADMSG, "no object");
	memset(line, ' ', sizeof(line));
	line[EVENT_LINE_MAX - 1] = '\n';
	CHECK(event_read(line, EVENT_LINE_MAX, &t) == -EBADMSG, "too long");

	len = event_format_upstream(&u, line);
	CHECK(!event_read(line, len, &t), "%s", line);
	CHECK(!*t.connection_id && !strcmp(t.facts.server_name, "app.test") && t.facts.type == 1 &&
		      !t.facts.client_ip.prefixlen && !t.facts.server_port,
	      "%s %u", t.facts.server_name, t.facts.type);
}

/* Another daemon's <fn>: takes as many as it may. */
struct heir {
	atomic_uint room, taken, told_of_loss;
};

static bool take(void *arg, const char *line, size_t len)
{
	struct heir *h = arg;

	if (!line)
		atomic_fetch_add(&h->told_of_loss, 1);
	if (!line || !len || !atomic_load(&h->room))
		return false;
	atomic_fetch_sub(&h->room, 1);
	atomic_fetch_add(&h->taken, 1);
	return true;
}

/* Each line goes to one of the two; while they are held, to none. */
static void check_divert(const char *dir)
{
	struct heir h = {.room = 60};
	struct event_closed c = sample();
	struct events *ev;
	char path[4096];

	snprintf(path, sizeof(path), "%s/divert", dir);
	ev = open_with(path);
	events_closed(ev, &c);
	while (written_of(ev) < 1)
		usleep(1000);
	CHECK(!events_held(ev), "held by nobody");
	events_divert(ev, take, &h, 60000);
	CHECK(!events_held(ev), "nothing is there to be held");
	for (int i = 0; i < 100; i++)
		events_closed(ev, &c);
	usleep(100000);
	CHECK(events_held(ev) && !h.taken && written_of(ev) == 1, "%u taken", h.taken);
	events_release(ev);
	for (int i = 0; written_of(ev) + h.taken < 101 && i < 10000; i++)
		usleep(1000);
	CHECK(h.taken == 60 && written_of(ev) == 41, "%u taken, %lu written", h.taken,
	      written_of(ev));
	CHECK(!events_held(ev) && !h.told_of_loss, "held");
	atomic_store(&h.room, 1000000);
	events_divert(ev, take, &h, 60000);
	for (int i = 0; i < 3 * SPOOL_LINES && !events_lost(ev); i++)
		events_closed(ev, &c);
	events_release(ev);
	for (int i = 0; !h.told_of_loss && i < 10000; i++)
		usleep(1000);
	CHECK(events_lost(ev) && h.told_of_loss == 1, "%lu lost, told %u times", events_lost(ev),
	      h.told_of_loss);
	/* a hold ends by itself, and with the end */
	events_divert(ev, take, &h, 50);
	events_closed(ev, &c);
	for (int i = 0; events_held(ev) && i < 10000; i++)
		usleep(1000);
	CHECK(!events_held(ev), "held for ever");
	events_divert(ev, take, &h, 60000);
	events_closed(ev, &c);
	events_close(ev);
	CHECK(lines_of(path) == 41, "%u lines", lines_of(path));
}

/* A file that may not grow past a limit cuts lines; none stays half. */
static void check_full_disk(const char *dir)
{
	struct rlimit limit, old;
	struct event_closed c = sample();
	char path[4096];
	struct events *ev;
	unsigned n;
	FILE *f;

	snprintf(path, sizeof(path), "%s/full", dir);
	f = fopen(path, "w");
	fputs("{\"half\":", f); /* what a killed daemon left */
	fclose(f);
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	limit = old;
	limit.rlim_cur = 10000;
	ev = open_with(path);
	setrlimit(RLIMIT_FSIZE, &limit);
	for (int i = 0; i < 100; i++)
		events_closed(ev, &c);
	while (events_lost(ev) < 80) /* some ten lines fit */
		usleep(1000);
	setrlimit(RLIMIT_FSIZE, &old);
	usleep(20000);
	events_closed(ev, &c);
	n = (unsigned)events_lost(ev);
	CHECK(events_emitted(ev) == 101 && n > 50, "%lu emitted, %u lost", events_emitted(ev), n);
	events_close(ev);
	f = fopen(path, "r+");
	CHECK(f && fgetc(f) == '{', "first line");
	fseek(f, 0, SEEK_SET);
	fputs("{\"x\":1}", f); /* the half line is closed by a newline: make it valid */
	fputc(' ', f);
	fclose(f);
	CHECK(lines_of(path) == 1 + 101 - n, "%u lines, %u lost", lines_of(path), n);
}

/* A pipe that nobody reads fills, loses what does not fit, and holds up neither a file nor the end.
 */
static void check_stuck(const char *dir)
{
	struct event_route routes[2] = {{.id = "ed_stuck"}, {.id = "ed_file"}};
	struct event_closed c = sample();
	char fifo[4096], file[4096];
	struct events *ev = events_open();
	struct timespec a, b;
	uint64_t emitted;
	int reader;

	snprintf(fifo, sizeof(fifo), "%s/fifo", dir);
	snprintf(file, sizeof(file), "%s/beside", dir);
	mkfifo(fifo, 0600);
	reader = open(fifo, O_RDWR | O_NONBLOCK);
	target_set(&routes[0].target, TARGET_FILE, fifo, TARGET_OF_FILE, NULL);
	target_set(&routes[1].target, TARGET_FILE, file, TARGET_OF_FILE, NULL);
	event_route_add(&routes[0]);
	event_route_add(&routes[1]);
	CHECK(!events_set(ev, EVENTS_OF_API, routes, 2, NULL), "not set");
	for (int round = 0; round < 60; round++) {
		for (int i = 0; i < 1000; i++)
			events_closed(ev, &c);
		usleep(2000);
	}
	emitted = events_emitted(ev);
	/* two halves of its queue, and what the pipe holds */
	CHECK(events_lost(ev) > 20000, "only %lu lost", events_lost(ev));
	clock_gettime(CLOCK_MONOTONIC, &a);
	CHECK(!events_set(ev, EVENTS_OF_API, &routes[1], 1, NULL), "not changed");
	events_close(ev);
	clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK(b.tv_sec - a.tv_sec <= 6, "the end took %ld s", b.tv_sec - a.tv_sec);
	CHECK(lines_of(file) > emitted / 2, "%u of %lu beside a stuck one", lines_of(file),
	      emitted);
	event_route_done(&routes[0]);
	event_route_done(&routes[1]);
	close(reader);
}

static void check_followers(void)
{
	struct events *ev = events_open();
	struct event_closed c = sample();
	static char buf[1 << 16];
	uint64_t seq = events_seek(ev, NULL), skipped = 0, total = 0;
	struct timespec past = {0};
	unsigned n = 0;
	ssize_t len;

	CHECK(events_read(ev, &seq, buf, sizeof(buf), 10, &skipped) == 0, "not empty");
	for (int i = 0; i < 10; i++)
		events_closed(ev, &c);
	while (n < 10 && (len = events_read(ev, &seq, buf, sizeof(buf), 1000, &skipped)) > 0)
		for (ssize_t i = 0; i < len; i++)
			n += buf[i] == '\n';
	CHECK(n == 10 && !skipped, "%u", n);
	seq = events_seek(ev, &past);
	CHECK(seq == 0, "%lu", seq);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 1000; i++)
			events_closed(ev, &c);
		usleep(10000);
	}
	/* too slow: what it missed plus what it gets is all */
	n = 0;
	while ((len = events_read(ev, &seq, buf, sizeof(buf), 100, &skipped)) > 0) {
		total += skipped;
		for (ssize_t i = 0; i < len; i++)
			n += buf[i] == '\n';
	}
	CHECK(total && total + n == 20010, "%lu skipped, %u read", total, n);
	events_wake(ev);
	CHECK(events_read(ev, &seq, buf, sizeof(buf), 1000, &skipped) == -ESHUTDOWN, "not woken");
	events_close(ev);
}

int main(void)
{
	char dir[] = "/tmp/test_event.XXXXXX", cmd[64];

	if (!mkdtemp(dir))
		return 1;
	check_format();
	check_absent();
	check_hostile();
	check_writer(dir);
	check_full_disk(dir);
	check_stuck(dir);
	check_read();
	check_divert(dir);
	check_followers();
	CHECK(!open_with("/proc/nope/x"), "opened");
	snprintf(cmd, sizeof(cmd), "rm -rf %s", dir);
	CHECK(!system(cmd), "%s", cmd);
	return failures != 0;
}
