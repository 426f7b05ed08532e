// SPDX-License-Identifier: GPL-2.0-only
#include "agent.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "log.h"
#include "ring.h"
#include "tls_base.h"
#include "tls_client.h"
#include "ulid.h"
#include "thread.h"

#define PUMP_BYTES (256 * 1024)
#define EVENTS_A_TURN 128
#define PEM_MAX (256 * 1024)
#define TICK_NS (250 * MS_NS)
#define INTERVAL_MS 10000
#define TOLERANCE_MS 15000

const char *snisplit_version(void)
{
	return VERSION;
}

void agent_wake(struct snisplit *a)
{
	uint64_t one = 1;

	if (write(a->wake_fd, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_err("eventfd: %s", strerror(errno));
}

int agent_watch(struct snisplit *a, int fd, struct source *s, uint32_t mask, bool known)
{
	struct epoll_event ev = {.events = mask, .data.ptr = s};
	int op = !mask ? EPOLL_CTL_DEL : known ? EPOLL_CTL_MOD : EPOLL_CTL_ADD;

	return epoll_ctl(a->epoll_fd, op, fd, &ev) ? -errno : 0;
}

void agent_error(const struct fault *f, struct snisplit_error *ret_e)
{
	ret_e->status = f->status;
	ret_e->code = f->code;
	snprintf(ret_e->field, sizeof(ret_e->field), "%s", f->field);
	snprintf(ret_e->msg, sizeof(ret_e->msg), "%s", f->msg);
}

void agent_tell(struct snisplit *a, struct snisplit_event *e, const char *fmt, ...)
{
	char text[700];
	va_list ap;

	if (!a->on_event)
		return;
	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	e->text = text;
	a->on_event(a->arg, e);
}

char *agent_read_pem(const char *path, const char *field, struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	struct stat st;
	char *text = NULL;
	ssize_t n = -1;

	if (fd == -1 || fstat(fd, &st)) {
		fault_set(f, 400, 0, field, "%.200s cannot be read: %s", path, strerror(errno));
		goto out;
	}
	if (!S_ISREG(st.st_mode) || st.st_size > PEM_MAX) {
		fault_set(f, 400, 0, field, "%.200s is not a file of at most %d KiB", path,
			  PEM_MAX >> 10);
		goto out;
	}
	text = malloc((size_t)st.st_size + 1);
	n = text ? read(fd, text, (size_t)st.st_size) : -1;
	if (n >= 0)
		text[n] = '\0';
	if (n < 0 || !strstr(text, "-----BEGIN ")) {
		fault_set(f, 400, 0, field, "%.200s is not a PEM file (-----BEGIN ...)", path);
		free(text);
		text = NULL;
	}
out:
	if (fd != -1)
		close(fd);
	return text;
}

/* ---- names, which may take their time ---- */

struct resolution {
	struct snisplit *agent;
	char *text;
	void (*done)(struct snisplit *a, void *arg, const struct agent_addrs *addrs);
	void *arg;
};

static void *resolve(void *arg)
{
	struct resolution *r = arg;
	struct snisplit *a = r->agent;
	struct agent_addrs addrs;

	memset(&addrs, 0, sizeof(addrs));
	addrs.n = addr_resolve(r->text, addrs.sa, addrs.len, AGENT_ADDRS_MAX);
	pthread_mutex_lock(&a->lock);
	if (!a->stop)
		r->done(a, r->arg, &addrs);
	a->resolving--;
	agent_wake(a);
	pthread_cond_broadcast(&a->changed);
	pthread_mutex_unlock(&a->lock);
	free(r->text);
	free(r);
	return NULL;
}

int agent_resolve(struct snisplit *a, const char *text,
		  void (*done)(struct snisplit *a, void *arg, const struct agent_addrs *addrs),
		  void *arg)
{
	struct resolution *r = calloc(1, sizeof(*r));
	pthread_attr_t attr;
	pthread_t thread;
	int err = -ENOMEM;

	if (!r)
		return err;
	*r = (struct resolution){.agent = a, .text = strdup(text), .done = done, .arg = arg};
	pthread_attr_init(&attr);
	pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
	a->resolving++;
	if (r->text)
		err = -pthread_create(&thread, &attr, resolve, r);
	pthread_attr_destroy(&attr);
	if (err) {
		a->resolving--;
		free(r->text);
		free(r);
	}
	return err;
}

/* ---- the loop ---- */

static void on_wake(struct source *s, uint32_t events)
{
	struct snisplit *a = list_of(s, struct snisplit, wake);
	uint64_t n;

	(void)events;
	if (read(a->wake_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
		log_err("eventfd: %s", strerror(errno));
}

static void run_ready(struct snisplit *a)
{
	struct list todo, *it;

	list_init(&todo);
	while (!list_empty(&a->ready)) {
		it = a->ready.next;
		list_del(it);
		list_add_tail(&todo, it);
	}
	while (!list_empty(&todo)) {
		it = todo.next;
		list_del(it);
		relay_run(list_of(it, struct stream, ready));
	}
}

/*
 * By the clock, not by when the turn began: what ended early in a long one may be due already. What
 * is put off meanwhile comes to the end of this list, and is put off from now: not due again in it.
 */
static void run_retries(struct snisplit *a)
{
	struct list *it, *tmp;

	if (list_empty(&a->retry))
		return;
	a->now_ns = clock_ns();
	list_for_each_safe(it, tmp, &a->retry) {
		struct stream *s = list_of(it, struct stream, retry.link);

		if (s->retry.at_ns <= a->now_ns)
			relay_run(s);
	}
}

static uint64_t wait_ns(const struct snisplit *a)
{
	uint64_t at = a->now_ns + TICK_NS, wake = control_wake_ns(a), now;

	if (!list_empty(&a->ready))
		return 0;
	if (wake && wake < at)
		at = wake;
	at = retry_first(&a->retry, at);
	now = clock_ns();
	return at > now ? at - now : 0;
}

/* (Linux before 5.11, and a sandbox that has not heard of it, wait for milliseconds only) */
static int wait_for_events(const struct snisplit *a, struct epoll_event *events, uint64_t ns,
			   bool exact)
{
	const struct timespec ts = {.tv_sec = (time_t)(ns / SECOND_NS),
				    .tv_nsec = (long)(ns % SECOND_NS)};
	int n;

	if (exact) {
		n = epoll_pwait2(a->epoll_fd, events, EVENTS_A_TURN, &ts, NULL);
		if (n >= 0 || errno == EINTR)
			return n;
	}
	return epoll_wait(a->epoll_fd, events, EVENTS_A_TURN, (int)((ns + MS_NS - 1) / MS_NS));
}

static void *run(void *arg)
{
	struct epoll_event events[EVENTS_A_TURN];
	struct snisplit *a = arg;
	uint64_t tick_ns = 0, ns;
	bool exact;
	int n;

	pthread_mutex_lock(&a->lock);
	a->now_ns = clock_ns();
	while (!a->stop) {
		ns = wait_ns(a);
		exact = !list_empty(&a->retry);
		if (ns && !datapath_may_sleep(a))
			ns = 0;
		pthread_mutex_unlock(&a->lock);
		n = wait_for_events(a, events, ns, exact);
		pthread_mutex_lock(&a->lock);
		a->now_ns = clock_ns();
		datapath_awake(a);
		for (int i = 0; i < n && !a->stop; i++) {
			struct source *s = events[i].data.ptr;

			s->on_ready(s, events[i].events);
		}
		run_ready(a);
		run_retries(a);
		control_tick(a);
		if (a->now_ns >= tick_ns) {
			tick_ns = a->now_ns + TICK_NS;
			listener_tick(a);
			stream_tick(a);
			datapath_tick(a);
		}
		stream_bury(a);
		slots_forget(&a->slots);
	}
	pthread_mutex_unlock(&a->lock);
	return NULL;
}

/* ---- life ---- */

static bool copy(char **to, const char *from)
{
	*to = from ? strdup(from) : NULL;
	return *to || !from;
}

/* "sha256:" and 32 bytes, colons between them or not. */
static bool is_fingerprint(const char *pin)
{
	unsigned digits = 0;

	for (pin += 7; *pin; pin++) {
		if (*pin == ':')
			continue;
		if (!isxdigit((unsigned char)*pin))
			return false;
		digits++;
	}
	return digits == 64;
}

int agent_set_server_ca(struct snisplit *a, const char *server_ca, struct fault *f)
{
	struct tls_client_conf conf = {.verify = true, .min = TLS_1_3, .max = TLS_1_3};
	char *pem;

	if (!strncmp(server_ca, "sha256:", 7))
		return is_fingerprint(server_ca)
			       ? 0
			       : fault_set(f, 400, 0, "server_ca",
					   "is no fingerprint: sha256: and 32 bytes in "
					   "hexadecimal, got '%.100s'",
					   server_ca);
	pem = agent_read_pem(server_ca, "server_ca", f);
	if (!pem)
		return -1;
	conf.cas = pem;
	a->edge = tls_client_new(a->tls, &conf, f);
	free(pem);
	if (!a->edge)
		strcpy(f->field, "server_ca");
	return a->edge ? 0 : -1;
}

static int check_conf(const struct snisplit_conf *c, struct fault *f)
{
	char host[256];
	uint16_t port;

	if (!c->server || addr_split(c->server, host, sizeof(host), &port))
		return fault_set(f, 400, 0, "server",
				 "must be HOST:PORT of the edge's tunnel, got "
				 "'%.200s'",
				 c->server ? c->server : "");
	if (!c->authtoken || !*c->authtoken)
		return fault_set(f, 401, 105, "authtoken",
				 "is missing: `snisplit authtoken add` on the edge makes one");
	if (!c->server_ca)
		return fault_set(f, 400, 0, "server_ca",
				 "is missing: a file with the edge's CA, or sha256:FINGERPRINT, as "
				 "`snisplit ca show` on the edge tells");
	return 0;
}

static int setup(struct snisplit *a, const struct snisplit_conf *c, struct fault *f)
{
	char why[256];

	a->interval_ns =
		(c->heartbeat_interval_ms ? c->heartbeat_interval_ms : INTERVAL_MS) * MS_NS;
	a->tolerance_ns =
		(c->heartbeat_tolerance_ms ? c->heartbeat_tolerance_ms : TOLERANCE_MS) * MS_NS;
	if (a->tolerance_ns < a->interval_ns)
		return fault_set(f, 400, 112, "heartbeat_tolerance",
				 "must not be less than heartbeat_interval");
	a->on_event = c->on_event;
	a->arg = c->arg;
	ulid_new("", a->instance, sizeof(a->instance));
	if (!copy(&a->server, c->server) || !copy(&a->authtoken, c->authtoken) ||
	    !copy(&a->server_ca, c->server_ca) || !copy(&a->metadata, c->metadata))
		return fault_set(f, 500, 0, "", "out of memory");
	tls_be_guest();
	a->tls = tls_base_new(why, sizeof(why));
	if (!a->tls)
		return fault_set(f, 500, 0, "", "OpenSSL: %s", why);
	/* (check_conf() has seen that there is one) */
	if (agent_set_server_ca(a, c->server_ca, f))
		return -1;
	if (datapath_open(a, c->datapath, f))
		return -1;
	a->pump.size = a->kern ? JOIN_PUMP_BYTES : PUMP_BYTES;
	a->pump.buf = malloc(a->pump.size);
	a->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	a->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	a->wake.on_ready = on_wake;
	if (!a->pump.buf || a->epoll_fd == -1 || a->wake_fd == -1 ||
	    agent_watch(a, a->wake_fd, &a->wake, EPOLLIN, false) ||
	    (a->ring && agent_watch(a, kern_ring_fd(a->ring), &a->ring_source, EPOLLIN, false)))
		return fault_set(f, 500, 0, "", "a session cannot be made: %s", strerror(errno));
	return 0;
}

/* Signals are the program's: the thread is born with all blocked. */
static int start(struct snisplit *a)
{
	sigset_t all, before;
	int err;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	err = pthread_create(&a->thread, NULL, run, a);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	a->started = !err;
	return err;
}

struct snisplit *snisplit_open(const struct snisplit_conf *conf, struct snisplit_error *err)
{
	struct snisplit *a = calloc(1, sizeof(*a));
	struct fault f = {.msg = ""};

	fault_set(&f, 500, 0, "", "out of memory");
	if (!a) {
		agent_error(&f, err);
		return NULL;
	}
	pthread_mutex_init(&a->lock, NULL);
	thread_cond_init(&a->changed);
	list_init(&a->listeners);
	list_init(&a->streams);
	for (unsigned i = 0; i < STREAM_BUCKETS; i++)
		list_init(&a->numbers[i]);
	list_init(&a->graves);
	list_init(&a->ready);
	list_init(&a->retry);
	a->epoll_fd = a->wake_fd = -1;
	control_init(a);
	if (!check_conf(conf, &f) && !setup(a, conf, &f) && !start(a))
		return a;
	agent_error(&f, err);
	snisplit_close(a);
	return NULL;
}

void snisplit_drain(struct snisplit *a, unsigned timeout_ms)
{
	struct timespec until;
	struct list *it;

	clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += timeout_ms / 1000;
	until.tv_nsec += (long)(timeout_ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000;
	}
	pthread_mutex_lock(&a->lock);
	a->draining = true;
	list_for_each(it, &a->listeners) {
		struct snisplit_listener *l = list_of(it, struct snisplit_listener, link);

		if (*l->endpoint && a->control.state == CONTROL_ONLINE) {
			chan_begin(&a->control.out, CHAN_UNLISTEN);
			chan_put_text(&a->control.out, CHAN_TAG_ENDPOINT, l->endpoint);
			chan_end(&a->control.out);
		}
	}
	control_flush(a);
	stream_leave_idle(a, NULL);
	agent_wake(a);
	pthread_cond_broadcast(&a->changed); /* who waits for a listener waits in vain */
	while ((a->conns_open || stream_count_idle(a)) &&
	       !pthread_cond_timedwait(&a->changed, &a->lock, &until))
		;
	pthread_mutex_unlock(&a->lock);
}

void snisplit_close(struct snisplit *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	if (a->wake_fd != -1)
		agent_wake(a);
	pthread_cond_broadcast(&a->changed);
	while (a->resolving)
		pthread_cond_wait(&a->changed, &a->lock);
	pthread_mutex_unlock(&a->lock);
	if (a->started)
		pthread_join(a->thread, NULL);
	control_close(a);
	stream_close_all(a);
	stream_bury(a);
	datapath_close(a);
	while (!list_empty(&a->listeners))
		listener_free(list_of(a->listeners.next, struct snisplit_listener, link));
	pump_done(&a->pump);
	tls_client_put(a->edge);
	tls_base_free(a->tls);
	if (a->epoll_fd != -1)
		close(a->epoll_fd);
	if (a->wake_fd != -1)
		close(a->wake_fd);
	if (a->authtoken)
		explicit_bzero(a->authtoken, strlen(a->authtoken));
	free(a->authtoken);
	free(a->server);
	free(a->server_ca);
	free(a->metadata);
	pthread_cond_destroy(&a->changed);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

void snisplit_status(struct snisplit *a, struct snisplit_status *s)
{
	memset(s, 0, sizeof(*s));
	pthread_mutex_lock(&a->lock);
	s->online = a->control.state == CONTROL_ONLINE;
	if (s->online) {
		snprintf(s->session, sizeof(s->session), "%s", a->control.session);
		snprintf(s->edge, sizeof(s->edge), "%s", a->control.edge);
		snprintf(s->domain, sizeof(s->domain), "%s", a->control.domain);
		s->rtt_us = a->control.rtt_us;
	}
	s->conns_total = a->conns_total;
	s->conns_open = a->conns_open;
	s->channels_idle = stream_count_idle(a);
	snprintf(s->datapath, sizeof(s->datapath), "%s", a->kern ? "kernel" : "splice");
	snprintf(s->datapath_why, sizeof(s->datapath_why), "%s", a->datapath_why);
	s->bytes_kernel = a->bytes_kernel;
	s->bytes_user = a->bytes_user;
	pthread_mutex_unlock(&a->lock);
}
