/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * hellos - sends captured ClientHellos through the edge and sees where they land.
 *
 *   hellos --table FILE.tsv [--dir DIR] --upstream ADDR --conf
 *   hellos --table FILE.tsv [--dir DIR] --upstream ADDR --connect ADDR:PORT [--cut whole|half|byte]
 *          [--repeat N]
 *
 * --conf prints an `endpoints:` list: each name has a port of its own, and every wildcard above a
 * name leads to a decoy that must never be reached.  The run listens on all of them, checks that
 * each hello arrives unchanged at the port of its name, and only there, and prints JSON.
 * The table has a header; columns used: the first (FILE.bin), "expect" (route when missing), "sni".
 */
#include <ctype.h>
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/epoll.h>

#include "sock.h"

#define HELLOS_MAX 1024
#define NAMES_MAX 1024
#define PARALLEL 64
#define PORT_FIRST 20000 /* the decoy's; names follow */
#define LIMIT_NS 10000000000ULL

enum expect { ROUTE, NOSNI, REJECT, WAIT, EITHER };
static const char *const expect_names[] = {"route", "nosni", "reject", "wait", "either"};

struct hello {
	char id[80];
	enum expect expect;
	int name; /* index, -1: none */
	uint8_t *bytes;
	size_t len;
};

enum kind { LISTENER = 1, CLIENT, UPSTREAM };

struct peer {
	enum kind kind;
	int fd, port; /* port: index, 0 is the decoy */
	struct hello *hello;
	size_t sent, got;
	uint8_t *buf;
	uint64_t start;
	struct peer *next;
};

static struct hello hellos[HELLOS_MAX];
static char *names[NAMES_MAX];
static size_t n_hellos, n_names, longest;
static struct {
	int epoll;
	struct peer *clients;
	unsigned live, ok, bad, routed, refused;
	size_t next;
} run;
static const char *upstream_ip;
static size_t repeat = 1;
static size_t step; /* bytes a turn; 0: whole, SIZE_MAX: half */

static int name_index(const char *name)
{
	size_t i;

	for (i = 0; i < n_names; i++)
		if (!strcmp(names[i], name))
			return (int)i;
	if (n_names == NAMES_MAX)
		errx(2, "too many names");
	names[n_names] = strdup(name);
	return (int)n_names++;
}

static void read_bytes(struct hello *h, const char *dir)
{
	char path[4200];
	FILE *f;

	snprintf(path, sizeof(path), "%s/%s.bin", dir, h->id);
	f = fopen(path, "rb");
	if (!f)
		err(2, "%s", path);
	h->bytes = malloc(65536);
	if (!h->bytes)
		errx(2, "out of memory");
	h->len = fread(h->bytes, 1, 65536, f);
	fclose(f);
	if (h->len > longest)
		longest = h->len;
}

/* Splits a line in place. */
static int columns(char *line, char **ret_c, int max)
{
	int n = 0;

	line[strcspn(line, "\r\n")] = '\0';
	while (n < max && line)
		ret_c[n++] = strsep(&line, "\t");
	return n;
}

static void read_table(const char *table, const char *dir)
{
	FILE *f = fopen(table, "r");
	char line[8192], *c[32], *p;
	int n, i, at_expect = -1, at_sni = -1;
	struct hello *h;

	if (!f || !fgets(line, sizeof(line), f))
		err(2, "%s", table);
	n = columns(line, c, 32);
	for (i = 0; i < n; i++) {
		if (!strcmp(c[i], "expect"))
			at_expect = i;
		if (!strcmp(c[i], "sni") || !strcmp(c[i], "name"))
			at_sni = i;
	}
	if (at_sni <= 0)
		errx(2, "%s: no column sni", table);
	while (fgets(line, sizeof(line), f)) {
		n = columns(line, c, 32);
		if (n <= at_sni || n <= at_expect || n_hellos == HELLOS_MAX)
			errx(2, "%s: bad line", table);
		h = &hellos[n_hellos++];
		snprintf(h->id, sizeof(h->id), "%s", c[0]);
		h->expect = strcmp(c[at_sni], "-") ? ROUTE : NOSNI;
		for (i = 0; at_expect != -1 && i <= EITHER; i++)
			if (!strcmp(c[at_expect], expect_names[i]))
				h->expect = (enum expect)i;
		for (p = c[at_sni]; *p; p++)
			*p = (char)tolower(*p);
		h->name = h->expect == ROUTE ? name_index(c[at_sni]) : -1;
		read_bytes(h, dir);
	}
	fclose(f);
}

static void print_conf(void)
{
	size_t i, j, n_wild = 0;
	const char *dot, **wild = calloc(NAMES_MAX * 8, sizeof(*wild));

	if (!wild)
		errx(2, "out of memory");
	printf("endpoints:\n");
	for (i = 0; i < n_names; i++) {
		printf("  - {url: \"tls://%s\", upstream: \"%s:%zu\"}\n", names[i], upstream_ip,
		       PORT_FIRST + 1 + i);
		for (dot = strchr(names[i], '.'); dot; dot = strchr(dot + 1, '.')) {
			for (j = 0; j < n_wild && strcmp(wild[j], dot); j++)
				;
			if (j < n_wild || n_wild == NAMES_MAX * 8 || !dot[1])
				continue;
			wild[n_wild++] = dot;
			printf("  - {url: \"tls://*%s\", upstream: \"%s:%d\"}\n", dot, upstream_ip,
			       PORT_FIRST);
		}
	}
	free(wild);
}

static void watch(struct peer *p, uint32_t events, int op)
{
	struct epoll_event ev = {events, {.ptr = p}};

	if (epoll_ctl(run.epoll, op, p->fd, &ev) == -1)
		err(2, "epoll_ctl");
}

static struct peer *peer_new(enum kind kind, int fd, uint32_t events)
{
	struct peer *p = calloc(1, sizeof(*p));

	if (!p || !(p->buf = malloc(longest + 65536)))
		errx(2, "out of memory");
	p->kind = kind;
	p->fd = fd;
	p->start = sock_now();
	watch(p, events, EPOLL_CTL_ADD);
	return p;
}

static void peer_free(struct peer *p)
{
	close(p->fd);
	free(p->buf);
	free(p);
}

static void listen_all(void)
{
	struct sock_addr a;
	struct peer *p;
	char text[96];
	size_t i;

	for (i = 0; i <= n_names; i++) {
		snprintf(text, sizeof(text), "%s:%zu", upstream_ip, PORT_FIRST + i);
		a = sock_addr(text);
		p = peer_new(LISTENER, sock_listen(&a, 4096), EPOLLIN);
		p->port = (int)i;
	}
}

/* The hello came whole: its id is the answer. */
static void on_upstream(struct peer *p)
{
	ssize_t n = recv(p->fd, p->buf + p->got, longest + 1 - p->got, 0);
	char answer[96];
	size_t i;

	if (n <= 0) {
		if (n == 0 || errno != EAGAIN) {
			if (p->got && !p->hello) {
				warnx("port %d got %zu bytes that are no hello of its name",
				      p->port, p->got);
				run.bad++;
			}
			peer_free(p);
		}
		return;
	}
	p->got += (size_t)n;
	if (p->port == 0) {
		warnx("the decoy got %zd bytes", n);
		run.bad++;
	}
	for (i = 0; i < n_hellos; i++) {
		if (hellos[i].len != p->got || memcmp(hellos[i].bytes, p->buf, p->got) ||
		    (hellos[i].expect == ROUTE && hellos[i].name + 1 != p->port))
			continue;
		p->hello = &hellos[i];
		n = snprintf(answer, sizeof(answer), "%s\n", hellos[i].id);
		if (send(p->fd, answer, (size_t)n, MSG_NOSIGNAL) != n)
			warn("answer");
		shutdown(p->fd, SHUT_WR);
		return;
	}
}

static void client_end(struct peer *c, const char *how)
{
	struct hello *h = c->hello;
	char want[96];
	size_t n = (size_t)snprintf(want, sizeof(want), "%s\n", h->id);
	bool routed = c->got == n && !memcmp(c->buf, want, n);
	bool alert = c->got == 7 && c->buf[0] == 21;
	bool ok;
	struct peer **at;

	switch (h->expect) {
	case ROUTE:
		ok = routed && !strcmp(how, "fin");
		break;
	case NOSNI:
		ok = alert && c->buf[6] == 109;
		break;
	case EITHER:
		ok = !strcmp(how, "fin") || !strcmp(how, "rst");
		break;
	default:
		ok = !routed && (!c->got || alert) && strcmp(how, "hung");
		break;
	}
	run.routed += routed;
	run.refused += !routed;
	run.ok += ok;
	run.bad += !ok;
	if (!ok)
		warnx("%s (%s, %s): %zu bytes came back, then %s", h->id, expect_names[h->expect],
		      h->name >= 0 ? names[h->name] : "-", c->got, how);
	for (at = &run.clients; *at != c; at = &(*at)->next)
		;
	*at = c->next;
	run.live--;
	peer_free(c);
}

static void on_client(struct peer *c)
{
	ssize_t n = recv(c->fd, c->buf + c->got, 4096, 0);

	if (n > 0 && c->got + (size_t)n < 4096)
		c->got += (size_t)n;
	else if (n == 0 || errno != EAGAIN)
		client_end(c, n == 0 ? "fin" : "rst");
}

/* One more piece of what is left to say. */
static void client_send(struct peer *c)
{
	size_t n = c->hello->len - c->sent;
	ssize_t r;

	if (step == SIZE_MAX && c->sent == 0)
		n = n / 2;
	else if (step && step != SIZE_MAX && n > step)
		n = step;
	r = send(c->fd, c->hello->bytes + c->sent, n, MSG_NOSIGNAL);
	if (r > 0)
		c->sent += (size_t)r;
}

static void connect_next(const struct sock_addr *to)
{
	struct peer *c;
	int fd = socket(to->sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd == -1 || connect(fd, (const struct sockaddr *)&to->sa, to->len) == -1)
		err(2, "connect");
	sock_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	c = peer_new(CLIENT, fd, EPOLLIN);
	c->hello = &hellos[run.next++ % n_hellos];
	c->next = run.clients;
	run.clients = c;
	run.live++;
}

static void on_ready(struct peer *p)
{
	struct peer *u;
	int fd;

	switch (p->kind) {
	case LISTENER:
		while ((fd = accept4(p->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
			u = peer_new(UPSTREAM, fd, EPOLLIN);
			u->port = p->port;
		}
		break;
	case UPSTREAM:
		on_upstream(p);
		break;
	case CLIENT:
		on_client(p);
		break;
	}
}

static void loop(const struct sock_addr *to)
{
	struct epoll_event ev[64];
	struct peer *c, *next;
	bool more;
	uint64_t now;
	int i, n;

	while (run.next < n_hellos * repeat || run.live) {
		while (run.next < n_hellos * repeat && run.live < PARALLEL)
			connect_next(to);
		more = false;
		for (c = run.clients; c; c = c->next) {
			if (c->sent < c->hello->len)
				client_send(c);
			more |= c->sent < c->hello->len;
		}
		n = epoll_wait(run.epoll, ev, 64, more ? 0 : 50);
		for (i = 0; i < n; i++)
			on_ready(ev[i].data.ptr);
		now = sock_now();
		for (c = run.clients; c; c = next) {
			next = c->next;
			if (now - c->start > LIMIT_NS)
				client_end(c, "hung");
		}
	}
}

int main(int argc, char **argv)
{
	static const struct option table[] = {
		{"table", required_argument, NULL, 't'},
		{"dir", required_argument, NULL, 'd'},
		{"upstream", required_argument, NULL, 'u'},
		{"connect", required_argument, NULL, 'c'},
		{"repeat", required_argument, NULL, 'r'},
		{"cut", required_argument, NULL, 'k'},
		{"conf", no_argument, NULL, 'p'},
		{0},
	};
	const char *tsv = NULL, *dir = NULL;
	char own_dir[4096], *slash;
	struct sock_addr to = {0};
	bool conf = false;
	int o;

	while ((o = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (o) {
		case 't':
			tsv = optarg;
			break;
		case 'd':
			dir = optarg;
			break;
		case 'u':
			upstream_ip = optarg;
			break;
		case 'c':
			to = sock_addr(optarg);
			break;
		case 'k':
			step = !strcmp(optarg, "half") ? SIZE_MAX : !strcmp(optarg, "byte");
			break;
		case 'r':
			repeat = strtoul(optarg, NULL, 10);
			break;
		case 'p':
			conf = true;
			break;
		default:
			return 2;
		}
	}
	if (!tsv || !upstream_ip || conf == !!to.len)
		errx(2, "--table, --upstream and one of --conf and --connect are needed");
	if (!dir) {
		snprintf(own_dir, sizeof(own_dir), "%s", tsv);
		slash = strrchr(own_dir, '/');
		if (slash)
			*slash = '\0';
		dir = slash ? own_dir : ".";
	}
	sock_raise_nofile();
	read_table(tsv, dir);
	if (conf) {
		print_conf();
		return 0;
	}
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	listen_all();
	loop(&to);
	printf("{\"hellos\":%zu,\"ok\":%u,\"bad\":%u,\"routed\":%u,\"refused\":%u}\n",
	       n_hellos * repeat, run.ok, run.bad, run.routed, run.refused);
	return run.bad || run.ok != n_hellos * repeat;
}
