/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stream - checks that every byte of many connections arrives, once, in order,
 * at the right end, and that each direction ends as the other side ended it.
 *
 *   stream server --listen ADDR:PORT[=TAG]... [--report FILE]
 *   stream client --connect ADDR:PORT --name NAME[=TAG]... [options]
 *
 * The client prints one line of JSON and exits 1 when anything was wrong.  The
 * server appends a line per connection to its report, which the client compares
 * with what it sent.  --polite says nothing after the hello before the server has.  SIGUSR1 ends
 * --hold and --server-hold.  --tls FILE: all of it in TLS, with this CA, or certificate and key.
 * --no-resets: the random plans end no stream by RST (ssh cannot carry it).  --never-read: all of
 * them do, and who resets reads nothing as long as its own bytes get away.
 */
#include <getopt.h>
#include <signal.h>
#include <stddef.h>

#include "stream_plan.h"

#define NAMES_MAX 64
#define LISTENERS_MAX 64
#define HELD_TICK_MS 50

struct listener {
	int fd;
	uint8_t tag;
};

static struct {
	struct listener listeners[LISTENERS_MAX];
	unsigned n_listeners;
	const char *names[NAMES_MAX];
	uint8_t tags[NAMES_MAX];
	unsigned n_names;
	struct sock_addr to;
	bool has_to, random, hold, polite, no_resets;
	const char *report, *tls_file;
	SSL_CTX *tls;
	uint32_t conns, parallel, read_kbps, write_kbps, stall_ms, hello_size, hello_cut, segment,
		segment_gap_us;
	uint32_t timeout_s, blocked_ms, own_sndbuf, own_rcvbuf;
	struct plan plan;
} opt = {.conns = 1, .parallel = 1, .timeout_s = 20, .segment_gap_us = 200, .plan.seed = 1};

static struct {
	int epoll;
	struct conn *live;
	uint32_t n_live, started, done, timers;
	uint32_t by_fault[FAULT_MAX];
	uint64_t up, down;
	FILE *report;
	struct result {
		uint64_t sent, hash;
		uint8_t order, fault, answered, seen;
	} * results; /* the client's, by connection */
} run;

static volatile sig_atomic_t released, stopping;

static void on_signal(int s)
{
	if (s == SIGUSR1)
		released = 1;
	else
		stopping = 1;
}

static struct conn *conn_new(int fd, bool client)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (!c || !(c->hello = malloc(CLIENTHELLO_MAX)))
		errx(2, "out of memory");
	c->fd = fd;
	c->client = client;
	c->moved_at = sock_now();
	c->next = run.live;
	c->link = &run.live;
	if (c->next)
		c->next->link = &c->next;
	run.live = c;
	run.n_live++;
	return c;
}

static void conn_end(struct conn *c)
{
	struct result *r;

	if (c->end == END_SELF_RST)
		sock_reset(c->fd);
	else if (c->fd != -1)
		close(c->fd);
	run.by_fault[c->fault]++;
	run.done++;
	if (c->client) {
		run.up += c->hello_at + c->sent;
		run.down += c->got;
		r = &run.results[c->plan.conn];
		r->sent = c->sent;
		r->hash = c->hash_out;
		r->order = c->plan.order;
		r->fault = (uint8_t)c->fault;
		r->answered = c->got > 0;
	} else if (run.report && (c->greeted || c->hello_len)) {
		fprintf(run.report, "%llu %u %llu %016llx %d %s %s\n",
			(unsigned long long)c->plan.seed, c->plan.conn, (unsigned long long)c->got,
			(unsigned long long)c->hash_in, c->end, fault_names[c->fault], c->why);
		fflush(run.report);
	}
	if (c->fault != FAULT_NONE && run.by_fault[c->fault] <= 5)
		warnx("%s connection %u: %s after %llu of %llu sent, %llu of %llu received, "
		      "order %u flags %u: %s",
		      c->client ? "client" : "server", c->plan.conn, fault_names[c->fault],
		      (unsigned long long)c->sent, (unsigned long long)c->out_total,
		      (unsigned long long)c->got, (unsigned long long)c->in_total, c->plan.order,
		      c->plan.flags, c->why);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	run.n_live--;
	SSL_free(c->tls.ssl);
	free(c->hello);
	free(c);
}

static void conn_run(struct conn *c, uint32_t events)
{
	struct epoll_event ev = {0, {.ptr = c}};
	uint64_t now = sock_now();
	uint32_t mask;
	int e = 0;
	socklen_t len = sizeof(e);

	if (!c->connected && events) {
		getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &e, &len);
		if (e)
			conn_on_error(c, e);
		else
			c->connected = true;
	}
	if (!c->done && c->connected) {
		conn_write(c, now);
		conn_read(c, now);
		conn_write(c, now);
		c->sips = false;
	}
	if (!c->client && c->greeted && !c->planned) {
		c->planned = true;
		c->read_kbps = c->plan.read_kbps;
		c->stall_ms = c->plan.stall_ms;
		c->write_kbps = c->plan.write_kbps;
		c->held = ((c->plan.flags & PLAN_HOLD) && !released) || conn_never_reads(c);
		if (c->plan.sndbuf)
			sock_int(c->fd, SOL_SOCKET, SO_SNDBUF, (int)c->plan.sndbuf);
	}
	if (c->done) {
		conn_end(c);
		return;
	}
	run.timers += c->send_at || c->recv_at;
	mask = conn_mask(c);
	if (mask == c->mask)
		return;
	ev.events = mask;
	if (epoll_ctl(run.epoll,
		      !c->mask ? EPOLL_CTL_ADD
		      : mask   ? EPOLL_CTL_MOD
			       : EPOLL_CTL_DEL,
		      c->fd, &ev) == -1)
		err(2, "epoll_ctl");
	c->mask = mask;
}

static void connect_one(void)
{
	uint8_t msg[CLIENTHELLO_MAX];
	struct plan p = opt.plan;
	unsigned i, len, size = opt.hello_size, cut = opt.hello_cut;
	struct conn *c;
	int fd;

	p.magic = PLAN_MAGIC;
	p.conn = run.started++;
	p.tag = opt.tags[p.conn % opt.n_names];
	fd = sock_connect(&opt.to);
	c = conn_new(fd, true);
	c->segment = opt.segment;
	c->segment_gap_us = opt.segment_gap_us;
	c->read_kbps = opt.read_kbps;
	c->write_kbps = opt.write_kbps;
	c->stall_ms = opt.stall_ms;
	c->held = opt.hold && !released;
	c->polite = opt.polite;
	if (opt.random) {
		plan_randomly(c, &p, &opt.plan, !opt.no_resets);
		c->held = (p.flags & PLAN_NEVER_READ) && p.order == ORDER_CLIENT_RST;
		size = conn_random(c, 3) ? 0 : conn_random(c, 5000);
		cut = conn_random(c, 8) ? 0 : 64 + conn_random(c, 500);
		if (c->segment && c->segment < size / 300) /* a timer's tick each: stay in time */
			c->segment = size / 300;
	}
	len = clienthello_message(msg, opt.names[p.conn % opt.n_names], (uint8_t *)&p, size);
	p.wire_len = clienthello_records(c->hello, msg, len, cut);
	for (i = 0; i < sizeof(p); i++)
		msg[clienthello_mine_at(i)] = ((uint8_t *)&p)[i];
	p.sum = (uint32_t)pattern_hash(0, 0, msg, len);
	for (i = 0; i < sizeof(p); i++)
		msg[clienthello_mine_at(i)] = ((uint8_t *)&p)[i];
	c->hello_len = clienthello_records(c->hello, msg, len, cut);
	conn_set_plan(c, &p);
	c->greeted = true;
	if (fd < 0) {
		c->fd = -1;
		conn_on_error(c, -fd);
		conn_end(c);
		return;
	}
	if (opt.tls)
		stream_tls_begin(&c->tls, opt.tls, fd, opt.names[p.conn % opt.n_names]);
	if (c->segment || opt.random)
		sock_int(fd, IPPROTO_TCP, TCP_NODELAY, 1);
	if (opt.random ? p.rcvbuf : opt.own_rcvbuf)
		sock_int(fd, SOL_SOCKET, SO_RCVBUF, (int)(opt.random ? p.rcvbuf : opt.own_rcvbuf));
	if (opt.own_sndbuf)
		sock_int(fd, SOL_SOCKET, SO_SNDBUF, (int)opt.own_sndbuf);
	conn_run(c, 0);
}

static void accept_all(struct listener *l)
{
	struct conn *c;
	int fd;

	while ((fd = accept4(l->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) != -1) {
		c = conn_new(fd, false);
		c->connected = true;
		c->own_tag = l->tag;
		if (opt.tls)
			stream_tls_begin(&c->tls, opt.tls, fd, NULL);
		conn_run(c, 0);
	}
	if (errno != EAGAIN && errno != ECONNABORTED)
		warn("accept");
}

/* Timers are coarse: everything that waits is looked at once a millisecond. */
static void tick(uint64_t now)
{
	struct conn *c, *next;
	bool was_held, due;

	run.timers = 0;
	for (c = run.live; c; c = next) {
		next = c->next;
		was_held = c->held;
		due = (c->send_at && c->send_at <= now) || (c->recv_at && c->recv_at <= now);
		c->sips = conn_may_sip(c, now);
		due |= c->sips;
		if (c->send_at && c->send_at <= now)
			c->send_at = 0;
		if (c->recv_at && c->recv_at <= now)
			c->recv_at = 0;
		if (released && !conn_never_reads(c))
			c->held = false;
		if (c->client && opt.blocked_ms && !c->told && c->sent < c->out_total && c->sent &&
		    now - c->moved_at > opt.blocked_ms * 1000000ULL) {
			c->told = true;
			printf("blocked conn=%u sent=%llu\n", c->plan.conn,
			       (unsigned long long)c->sent);
			fflush(stdout);
		}
		if (c->client && now - c->moved_at > opt.timeout_s * 1000000000ULL &&
		    (!c->held || conn_never_reads(c)) &&
		    !(c->plan.flags & PLAN_HOLD && !released) && (!due || c->sips)) {
			snprintf(c->why, sizeof(c->why), "no progress for %u s", opt.timeout_s);
			conn_finish(c, END_NONE, FAULT_HUNG);
			due = true;
		}
		if (due || was_held != c->held) {
			if (was_held != c->held)
				c->moved_at = now;
			conn_run(c, 0);
		} else if (c->send_at || c->recv_at) {
			run.timers++;
		}
	}
}

static bool is_listener(const void *p)
{
	return (const char *)p >= (const char *)opt.listeners &&
	       (const char *)p < (const char *)(opt.listeners + LISTENERS_MAX);
}

static void loop(void)
{
	struct epoll_event ev[256];
	uint64_t now, ticked = 0;
	int i, n;

	while (!stopping) {
		while (opt.has_to && run.started < opt.conns && run.n_live < opt.parallel)
			connect_one();
		if (opt.has_to && run.done == opt.conns)
			return;
		n = epoll_wait(run.epoll, ev, 256, run.timers ? 1 : HELD_TICK_MS);
		for (i = 0; i < n; i++) {
			if (is_listener(ev[i].data.ptr))
				accept_all(ev[i].data.ptr);
			else
				conn_run(ev[i].data.ptr, ev[i].events);
		}
		now = sock_now();
		if (now - ticked >= 1000000) {
			ticked = now;
			tick(now);
		}
	}
}

/* Reads the server's report from the start.  How many of ours are in it. */
static uint32_t report_read(FILE *f, uint32_t *ret_wrong)
{
	unsigned long long seed, got, hash;
	char line[512], fault[32];
	uint32_t seen = 0, wrong = 0;
	unsigned conn;
	struct result *r;
	int end;

	rewind(f);
	for (conn = 0; conn < opt.conns; conn++)
		run.results[conn].seen = 0;
	while (fgets(line, sizeof(line), f)) {
		if (!strchr(line, '\n') || sscanf(line, "%llu %u %llu %llx %d %31s", &seed, &conn,
						  &got, &hash, &end, fault) != 6)
			continue;
		if (seed != opt.plan.seed || conn >= opt.conns) {
			wrong += seed == opt.plan.seed || !seed;
			continue;
		}
		r = &run.results[conn];
		seen += !r->seen;
		if (r->seen++ || strcmp(fault, "ok") ||
		    (r->order < ORDER_CLIENT_RST && !r->fault &&
		     (got != r->sent || hash != r->hash || end != END_FIN)) ||
		    (r->order == ORDER_CLIENT_RST && (got > r->sent || end != END_RST))) {
			if (wrong++ < 5)
				warnx("server says: %.*s (sent %llu, order %u)",
				      (int)strcspn(line, "\n"), line, (unsigned long long)r->sent,
				      r->order);
		}
	}
	*ret_wrong = wrong;
	return seen;
}

/* Both ends must tell the same story.  The number of connections that do not. */
static uint32_t compare(void)
{
	FILE *f = fopen(opt.report, "r");
	uint32_t i, want = 0, seen, wrong;
	uint64_t until = sock_now() + opt.timeout_s * 1000000000ULL;

	if (!f)
		err(2, "%s", opt.report);
	for (i = 0; i < opt.conns; i++) /* what was reset early may never get there */
		want += run.results[i].order < ORDER_CLIENT_RST || run.results[i].answered;
	while ((seen = report_read(f, &wrong)) < want && sock_now() < until && !wrong)
		usleep(20000);
	fclose(f);
	if (seen < want)
		warnx("the server saw %u connections, want %u", seen, want);
	return wrong + (seen < want ? want - seen : 0);
}

static int summary(double seconds)
{
	uint32_t i, bad = 0, differ = opt.report ? compare() : 0;

	for (i = FAULT_NONE + 1; i < FAULT_MAX; i++)
		bad += run.by_fault[i];
	printf("{\"conns\":%u,\"ok\":%u,\"bad\":%u,\"differ\":%u", opt.conns,
	       run.by_fault[FAULT_NONE], bad, differ);
	for (i = FAULT_NONE + 1; i < FAULT_MAX; i++)
		if (run.by_fault[i])
			printf(",\"%s\":%u", fault_names[i], run.by_fault[i]);
	printf(",\"bytes_up\":%llu,\"bytes_down\":%llu,\"seconds\":%.3f}\n",
	       (unsigned long long)run.up, (unsigned long long)run.down, seconds);
	return bad || differ || run.done != opt.conns;
}

static uint64_t number(const char *s)
{
	char *end;
	unsigned long long v = strtoull(s, &end, 10);
	unsigned shift = *end == 'k' ? 10 : *end == 'm' ? 20 : *end == 'g' ? 30 : 0;

	if (end == s || end[shift != 0])
		errx(2, "%s: not a number", s);
	return v << shift;
}

/* Cuts "=TAG" off <text>. */
static uint8_t tag_of(char *text)
{
	char *eq = strrchr(text, '=');

	if (!eq)
		return 0;
	*eq = '\0';
	return (uint8_t)number(eq + 1);
}

static uint8_t order_of(const char *s)
{
	static const char *const names[ORDER_MAX] = {"client", "server", "together", "client-rst",
						     "server-rst"};
	uint8_t i;

	for (i = 0; i < ORDER_MAX; i++)
		if (!strcmp(s, names[i]))
			return i;
	errx(2, "%s: unknown order", s);
}

/* Options that are one number. */
static const struct number_option {
	const char *name;
	void *to;
	size_t size;
} numbers[] = {
#define N(name, field)                              \
	{                                           \
		name, &opt.field, sizeof(opt.field) \
	}
	N("conns", conns),
	N("parallel", parallel),
	N("up", plan.up),
	N("down", plan.down),
	N("seed", plan.seed),
	N("pause", plan.pause),
	N("read-rate", read_kbps),
	N("stall", stall_ms),
	N("server-read-rate", plan.read_kbps),
	N("write-rate", write_kbps),
	N("server-write-rate", plan.write_kbps),
	N("server-stall", plan.stall_ms),
	N("hello-size", hello_size),
	N("hello-cut", hello_cut),
	N("segment", segment),
	N("segment-gap-us", segment_gap_us),
	N("timeout", timeout_s),
	N("blocked-after", blocked_ms),
	N("sndbuf", own_sndbuf),
	N("rcvbuf", own_rcvbuf),
#undef N
};
#define N_NUMBERS (sizeof(numbers) / sizeof(numbers[0]))

static void set_number(const struct number_option *n, const char *text)
{
	uint64_t v = number(text);

	memcpy(n->to, &v, n->size); /* little endian, as BPF's test machines are */
}

static void set_option(const char *name, char *value)
{
	struct listener *l;
	struct sock_addr a;
	uint8_t tag;

	if (!strcmp(name, "listen")) {
		if (opt.n_listeners == LISTENERS_MAX)
			errx(2, "too many listeners");
		l = &opt.listeners[opt.n_listeners++];
		l->tag = tag_of(value);
		a = sock_addr(value);
		l->fd = sock_listen(&a, 4096);
	} else if (!strcmp(name, "connect")) {
		opt.to = sock_addr(value);
		opt.has_to = true;
	} else if (!strcmp(name, "name")) {
		if (opt.n_names == NAMES_MAX)
			errx(2, "too many names");
		tag = tag_of(value);
		opt.tags[opt.n_names] = tag;
		opt.names[opt.n_names++] = value;
	} else if (!strcmp(name, "order")) {
		opt.plan.order = order_of(value);
	} else if (!strcmp(name, "report")) {
		opt.report = value;
	} else if (!strcmp(name, "tls")) {
		opt.tls_file = value;
	}
}

static void options(int argc, char **argv)
{
	static struct option table[N_NUMBERS + 16] = {
		{"listen", required_argument, NULL, 's'}, {"connect", required_argument, NULL, 's'},
		{"name", required_argument, NULL, 's'},	  {"order", required_argument, NULL, 's'},
		{"report", required_argument, NULL, 's'}, {"random", no_argument, NULL, 'r'},
		{"hold", no_argument, NULL, 'h'},	  {"server-hold", no_argument, NULL, 'H'},
		{"answer-after", no_argument, NULL, 'a'}, {"polite", no_argument, NULL, 'p'},
		{"tls", required_argument, NULL, 's'},	  {"no-resets", no_argument, NULL, 'R'},
		{"never-read", no_argument, NULL, 'N'},
	};
	unsigned first = 13, i;
	int c, at;

	for (i = 0; i < N_NUMBERS; i++)
		table[first + i] = (struct option){numbers[i].name, required_argument, NULL, 'n'};
	while ((c = getopt_long(argc, argv, "", table, &at)) != -1) {
		switch (c) {
		case 's':
			set_option(table[at].name, optarg);
			break;
		case 'n':
			set_number(&numbers[(unsigned)at - first], optarg);
			break;
		case 'r':
			opt.random = true;
			break;
		case 'p':
			opt.polite = true;
			break;
		case 'R':
			opt.no_resets = true;
			break;
		case 'N':
			opt.plan.flags |= PLAN_NEVER_READ;
			break;
		case 'h':
			opt.hold = true;
			break;
		case 'H':
			opt.plan.flags |= PLAN_HOLD;
			break;
		case 'a':
			opt.plan.flags |= PLAN_ANSWER_AFTER;
			break;
		default:
			exit(2);
		}
	}
	if (!opt.plan.seed)
		errx(2, "--seed 0 is what a report says of who could not be known");
	if (optind + 1 != argc ||
	    (strcmp(argv[optind], "client") && strcmp(argv[optind], "server")) ||
	    opt.has_to != !strcmp(argv[optind], "client") || (opt.has_to && !opt.n_names))
		errx(2, "usage: stream server --listen ADDR:PORT[=TAG] | stream client --connect "
			"ADDR:PORT --name NAME[=TAG]");
}

int main(int argc, char **argv)
{
	struct sigaction sa = {.sa_handler = on_signal};
	uint64_t start;
	unsigned i;

	sock_raise_nofile();
	sigaction(SIGUSR1, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGINT, &sa, NULL);
	signal(SIGPIPE, SIG_IGN); /* of OpenSSL's write() */
	options(argc, argv);
	if (opt.tls_file)
		opt.tls = stream_tls_new(opt.has_to, opt.tls_file);
	run.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (run.epoll == -1)
		err(2, "epoll_create1");
	for (i = 0; i < opt.n_listeners; i++) {
		struct epoll_event ev = {EPOLLIN, {.ptr = &opt.listeners[i]}};

		if (epoll_ctl(run.epoll, EPOLL_CTL_ADD, opt.listeners[i].fd, &ev) == -1)
			err(2, "epoll_ctl");
	}
	if (!opt.has_to && opt.report && !(run.report = fopen(opt.report, "a")))
		err(2, "%s", opt.report);
	run.results = calloc(opt.conns, sizeof(*run.results));
	if (!run.results)
		errx(2, "out of memory");
	start = sock_now();
	loop();
	return opt.has_to ? summary((double)(sock_now() - start) / 1e9) : 0;
}
