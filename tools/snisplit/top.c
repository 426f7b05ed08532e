// SPDX-License-Identifier: GPL-2.0-only
/*
 * top - a live table of endpoints: looks at /stats again and again, and draws the difference.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "client.h"
#include "out.h"
#include "quantity.h"
#include "sample.h"
#include "show.h"

#define NAME_MIN 12
#define GAP 2
#define INTERVAL_MS 1000
#define INTERVAL_MIN_MS 100

struct top {
	struct call quiet; /* the call without --json: replies are ours to read */
	enum sort sort;
	int interval_ms;
	json_t *before, *now;
};

/* ---- columns ---- */

static const char *active(const struct row *r, char buf[32])
{
	snprintf(buf, 32, "%.0f", r->active);
	return buf;
}

static const char *rate(double v, char buf[32])
{
	if (v > 0 && v < 10)
		snprintf(buf, 32, "%.1f", v);
	else
		out_bytes((uint64_t)v, buf);
	return buf;
}

static const char *conn_rate(const struct row *r, char buf[32])
{
	return rate(r->conn_rate, buf);
}

static const char *in_rate(const struct row *r, char buf[32])
{
	return out_bytes((uint64_t)r->in_rate, buf);
}

static const char *out_rate(const struct row *r, char buf[32])
{
	return out_bytes((uint64_t)r->out_rate, buf);
}

static const char *share(const struct row *r, char buf[32])
{
	if (r->share < 0)
		return "-";
	snprintf(buf, 32, "%.0f%%", r->share * 100);
	return buf;
}

static const char *total(const struct row *r, char buf[32])
{
	return out_bytes((uint64_t)r->total, buf);
}

static const char *failed(const struct row *r, char buf[32])
{
	return out_bytes((uint64_t)r->failed, buf);
}

static const char *bytes_in(const struct row *r, char buf[32])
{
	return out_bytes((uint64_t)r->in, buf);
}

static const char *bytes_out(const struct row *r, char buf[32])
{
	return out_bytes((uint64_t)r->out, buf);
}

static const char *upstream(const struct row *r, char buf[32])
{
	(void)buf;
	return r->upstream;
}

/* In the order in which they stand; when there is no room, the highest rank goes first. */
static const struct column {
	const char *head;
	int width, rank;
	const char *(*text)(const struct row *r, char buf[32]);
} columns[] = {
	{"CONNS", 7, 0, active},       {"CONN/S", 7, 2, conn_rate}, {"IN/S", 7, 1, in_rate},
	{"OUT/S", 7, 0, out_rate},     {"KERNEL", 6, 1, share},	    {"TOTAL", 8, 3, total},
	{"FAILED", 7, 4, failed},      {"IN", 7, 5, bytes_in},	    {"OUT", 7, 5, bytes_out},
	{"UPSTREAM", 24, 6, upstream},
};
#define N_COLUMNS (sizeof(columns) / sizeof(columns[0]))

/* The highest rank that fits beside a name of <name_len>. */
static int rank_for(int width, int name_len)
{
	int rank, used;

	for (rank = 6; rank > 0; rank--) {
		used = name_len;
		for (size_t i = 0; i < N_COLUMNS; i++)
			if (columns[i].rank <= rank)
				used += GAP + columns[i].width;
		if (used <= width)
			break;
	}
	return rank;
}

static int longest_name(const struct sample *s)
{
	size_t len = NAME_MIN;

	for (size_t i = 0; i < s->n; i++)
		if (strlen(s->rows[i].name) > len)
			len = strlen(s->rows[i].name);
	return (int)len;
}

/* ---- drawing ---- */

/* <n> columns of <text>, filled up or cut; names are ASCII. */
static void put(FILE *out, const char *text, int n, bool right)
{
	int len = (int)strlen(text);

	if (len <= n)
		fprintf(out, right ? "%*s" : "%-*s", n, text);
	else if (n > 1)
		fprintf(out, "%.*s~", n - 1, text);
}

static void line_of(FILE *out, const struct row *r, int name_width, int rank)
{
	char buf[32];

	put(out, r ? r->name : "ENDPOINT", name_width, false);
	for (size_t i = 0; i < N_COLUMNS; i++) {
		const struct column *c = &columns[i];

		if (c->rank > rank)
			continue;
		fprintf(out, "%*s", GAP, "");
		put(out, r ? c->text(r, buf) : c->head, c->width, c->text != upstream);
	}
}

static void summary(char *text, size_t size, const struct top *t, const struct sample *s)
{
	char conns[32], in[32], outs[32], kernel[32];

	snprintf(text, size,
		 "%s: %lld endpoints, %.0f connections, %s/s, in %s/s, out %s/s, %s in the kernel",
		 show_text(t->now, "datapath"), show_number(t->now, "endpoint_count"),
		 s->all.active, rate(s->all.conn_rate, conns), in_rate(&s->all, in),
		 out_rate(&s->all, outs), share(&s->all, kernel));
}

/* All of it, each line ended by <eol>; at most <height> lines. */
static void draw(FILE *out, const struct top *t, struct sample *s, int width, int height,
		 const char *eol)
{
	int name = longest_name(s), rank, used = 0;
	bool colour = out_is_coloured();
	char head[256];

	sample_sort(s, t->sort);
	rank = rank_for(width, name < width / 3 ? name : width / 3);
	for (size_t i = 0; i < N_COLUMNS; i++)
		if (columns[i].rank <= rank)
			used += GAP + columns[i].width;
	if (name > width - used)
		name = width - used > 4 ? width - used : 4;
	summary(head, sizeof(head), t, s);
	fprintf(out, "%.*s%s", width, head, eol);
	fprintf(out, "%s", colour ? "\033[7m" : "");
	line_of(out, NULL, name, rank);
	fprintf(out, "%s%s", colour ? "\033[0m" : "", eol);
	for (size_t i = 0; i < s->n && (int)i < height - 3; i++) {
		line_of(out, &s->rows[i], name, rank);
		fprintf(out, "%s", eol);
	}
}

/* ---- looking ---- */

/* The next look; the one before moves back.  An exit code. */
static int look(struct top *t)
{
	struct reply r = {0};
	int code = client_ask(&t->quiet, "GET", "/stats", NULL, &r);

	if (!code) {
		json_decref(t->before);
		t->before = t->now;
		t->now = json_incref(r.json);
	}
	reply_done(&r);
	return code;
}

static void size_of(int *ret_width, int *ret_height)
{
	struct winsize ws;
	const char *columns_env = getenv("COLUMNS");

	*ret_height = *ret_width = 1 << 20; /* a file has no end, nor an edge */
	if (columns_env && atoi(columns_env) > 0)
		*ret_width = atoi(columns_env);
	if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &ws) && ws.ws_col) {
		*ret_width = ws.ws_col;
		*ret_height = ws.ws_row;
	}
}

static int once(struct top *t, bool json)
{
	const struct timespec pause = {t->interval_ms / 1000, t->interval_ms % 1000 * 1000000L};
	int code = look(t), width, height;
	struct sample s;
	json_t *j;

	if (!code) {
		nanosleep(&pause, NULL);
		code = look(t);
	}
	if (code || sample_make(t->before, t->now, &s))
		return code ? code : EXIT_USAGE;
	size_of(&width, &height);
	if (json) {
		sample_sort(&s, t->sort);
		j = sample_json(&s, t->now);
		json_dumpf(j, stdout, JSON_COMPACT | JSON_REAL_PRECISION(6));
		printf("\n");
		json_decref(j);
	} else {
		draw(stdout, t, &s, width, 1 << 20, "\n");
	}
	sample_done(&s);
	return EXIT_OK;
}

/* ---- the screen ---- */

static volatile sig_atomic_t ended;

static void on_signal(int sig)
{
	ended = sig == SIGWINCH ? ended : 1;
}

static void catch_signals(void)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP, SIGWINCH};
	struct sigaction sa = {.sa_handler = on_signal}; /* no SA_RESTART: poll() returns */

	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &sa, NULL);
}

static void show_screen(const struct top *t)
{
	static const char keys[] = "q quit  b bytes  c connections  r rate  n name  (by %s)";
	char *text = NULL, foot[128];
	int width, height;
	struct sample s;
	size_t size;
	FILE *out;

	if (sample_make(t->before, t->now, &s))
		return;
	out = open_memstream(&text, &size);
	if (out) {
		size_of(&width, &height);
		fprintf(out, "\033[H");
		draw(out, t, &s, width, height, "\033[K\r\n");
		snprintf(foot, sizeof(foot), keys, sort_names[t->sort]);
		fprintf(out, "\033[J\033[%d;1H%.*s", height, width, foot);
		fclose(out);
		/* at once: no flicker */
		fwrite(text, 1, size, stdout);
		fflush(stdout);
	}
	free(text);
	sample_done(&s);
}

/* false: quit. */
static bool on_key(struct top *t, char key)
{
	switch (key) {
	case 'q':
	case 'Q':
	case 3: /* ^C */
	case 4:
		return false;
	case 'b':
		t->sort = SORT_BYTES;
		break;
	case 'c':
		t->sort = SORT_CONNS;
		break;
	case 'r':
		t->sort = SORT_RATE;
		break;
	case 'n':
		t->sort = SORT_NAME;
		break;
	}
	return true;
}

static long long now_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000LL + ts.tv_nsec / 1000000;
}

/* Keys and a new size are answered at once.  false: quit. */
static bool wait_next(struct top *t)
{
	struct pollfd pfd = {.fd = STDIN_FILENO, .events = POLLIN};
	long long until = now_ms() + t->interval_ms, left;
	char key;

	while ((left = until - now_ms()) > 0) {
		if (poll(&pfd, 1, (int)left) > 0 &&
		    (read(STDIN_FILENO, &key, 1) != 1 || !on_key(t, key)))
			return false;
		if (ended)
			return false;
		show_screen(t);
	}
	return true;
}

static int live(struct top *t)
{
	struct termios old, raw;
	int code = look(t);

	if (code)
		return code;
	if (tcgetattr(STDIN_FILENO, &old)) {
		fprintf(stderr, "snisplit: top: stdin is not a terminal; see top --once\n");
		return EXIT_USAGE;
	}
	catch_signals();
	raw = old;
	raw.c_lflag &= ~(tcflag_t)(ICANON | ECHO | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(STDIN_FILENO, TCSANOW, &raw);
	printf("\033[?1049h\033[?25l");
	do {
		show_screen(t);
		if (!wait_next(t))
			break;
		/* what went wrong is said on the screen the shell has */
		code = look(t);
	} while (!code);
	printf("\033[?25h\033[?1049l");
	fflush(stdout);
	tcsetattr(STDIN_FILENO, TCSANOW, &old);
	if (code)
		fprintf(stderr, "snisplit: top: snisplitd is gone\n");
	return code;
}

/* ---- the verb ---- */

static int read_options(const struct call *c, struct top *t)
{
	const char *sort = call_value(c, "sort"), *interval = call_value(c, "interval");
	uint64_t ms;
	int i;

	for (i = 0; sort && i < SORT_MAX && strcmp(sort, sort_names[i]); i++)
		;
	if (sort && i == SORT_MAX) {
		fprintf(stderr,
			"snisplit: --sort: must be bytes, connections, rate or name, got '%s'\n",
			sort);
		return -1;
	}
	t->sort = sort ? (enum sort)i : SORT_BYTES;
	t->interval_ms = INTERVAL_MS;
	if (!interval)
		return 0;
	if (quantity_duration(interval, &ms) || ms < INTERVAL_MIN_MS || ms > 3600000) {
		fprintf(stderr,
			"snisplit: --interval: must be a duration from 100ms to 1h, got '%s'\n",
			interval);
		return -1;
	}
	t->interval_ms = (int)ms;
	return 0;
}

int top(struct call *c)
{
	struct top t = {.quiet = *c};
	int code;

	t.quiet.json = false;
	if (read_options(c, &t))
		return EXIT_USAGE;
	if (call_value(c, "once") || c->json)
		code = once(&t, c->json);
	else if (isatty(STDOUT_FILENO))
		code = live(&t);
	else
		code = (fprintf(stderr,
				"snisplit: top: stdout is not a terminal; see top --once\n"),
			EXIT_USAGE);
	json_decref(t.before);
	json_decref(t.now);
	return code;
}
