// SPDX-License-Identifier: GPL-2.0-only
/*
 * control - the control connection: made, kept, and made again.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/utsname.h>

#include "agent.h"
#include "tls.h"
#include "tls_client.h"

#define NOT_OF_CA \
	"the edge at %.200s is not of this CA (%.100s); `snisplit ca show` there tells its CA"
#define READ_BYTES 16384
#define PATIENCE_NS (10 * SECOND_NS)
/* Of quick tries: TCP's second SYN, after a second, still has some time; a third would have to wait
 * for two more, so that who has just missed a link's return starts afresh instead. */
#define CONNECT_NS (1500 * MS_NS)
#define ANSWER_NS (4 * SECOND_NS)

static const char *const no_reason = "closed by the edge";

/* Of a session with the edge, which TLS calls the upstream, as it does everybody that is asked. */
static const char *edge_why(struct tls *t)
{
	static const char upstreams[] = "upstream's ";
	const char *why = t ? tls_why(t) : "out of memory";

	return why + (strncmp(why, upstreams, sizeof(upstreams) - 1) ? 0 : sizeof(upstreams) - 1);
}

static void on_ready(struct source *s, uint32_t events);

void control_init(struct snisplit *a)
{
	end_init(&a->control.end, -1);
	end_init(&a->control.probe, -1);
	a->control.source.on_ready = on_ready;
	a->control.state = CONTROL_WAIT;
}

/* ---- the end, and the next try ---- */

static void drop(struct snisplit *a)
{
	struct control *c = &a->control;

	if (c->end.fd != -1 && c->watched)
		agent_watch(a, c->end.fd, &c->source, 0, true);
	c->watched = 0;
	end_drop(&c->end, false);
	probe_close(a);
	chan_out_done(&c->out);
	free(c->in);
	c->in = NULL;
	c->in_len = c->in_size = 0;
	c->draining = false;
}

void control_close(struct snisplit *a)
{
	drop(a);
}

void control_lost(struct snisplit *a, const char *fmt, ...)
{
	struct snisplit_event e = {.type = SNISPLIT_OFFLINE};
	struct control *c = &a->control;
	char why[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(why, sizeof(why), fmt, ap);
	va_end(ap);
	if (c->state == CONTROL_ONLINE) {
		listener_lost(a);
		stream_leave_idle(a, NULL);
	}
	drop(a);
	c->state = CONTROL_WAIT;
	c->tries++;
	e.wait_ms = (unsigned)backoff_ms(c->tries);
	c->again_ns = a->now_ns + e.wait_ms * MS_NS;
	fault_set(&c->why, 503, 0, "server", "%s", why);
	agent_tell(a, &e, "%s", why);
}

void control_denied(struct snisplit *a, const struct fault *f)
{
	struct snisplit_event e = {.type = SNISPLIT_DENIED};
	struct snisplit_error err;
	char code[40] = "";

	drop(a);
	a->control.state = CONTROL_DENIED;
	a->control.why = *f;
	agent_error(f, &err);
	e.error = &err;
	if (f->code)
		snprintf(code, sizeof(code), " (ERR_SNISPLIT_%d)", f->code);
	agent_tell(a, &e, "%s%s%s%s", f->field, *f->field ? ": " : "", f->msg, code);
	pthread_cond_broadcast(&a->changed);
}

/* ---- sending ---- */

static void watch(struct snisplit *a)
{
	struct control *c = &a->control;
	uint32_t mask = EPOLLIN | EPOLLRDHUP;

	if (c->state == CONTROL_CONNECT || c->out.len || !end_is_flushed(&c->end))
		mask |= EPOLLOUT;
	if (mask == c->watched)
		return;
	agent_watch(a, c->end.fd, &c->source, mask, c->watched);
	c->watched = mask;
}

/* An error shows itself to the reader: the caller goes on as if nothing was. */
void control_flush(struct snisplit *a)
{
	struct control *c = &a->control;
	ssize_t n;

	if (c->end.fd == -1)
		return;
	while (c->out.len && !c->out.failed) {
		n = end_write(&c->end, c->out.at, c->out.len);
		if (n < 0)
			break;
		chan_out_drop(&c->out, (size_t)n);
	}
	if (c->out.failed) /* nothing of what is said behind it makes sense: a new session does */
		shutdown(c->end.fd, SHUT_RDWR);
	end_flush(&c->end);
	watch(a);
}

static void send_hello(struct snisplit *a)
{
	struct chan_out *o = &a->control.out;
	struct utsname u;
	char os[160] = "";

	if (!uname(&u))
		snprintf(os, sizeof(os), "%.60s %.60s", u.sysname, u.machine);
	end_write(&a->control.end, CHAN_MAGIC_CONTROL, CHAN_MAGIC_LEN);
	chan_begin(o, CHAN_HELLO);
	chan_put_number(o, CHAN_TAG_VERSION, CHAN_VERSION);
	chan_put_text(o, CHAN_TAG_AUTHTOKEN, a->authtoken);
	chan_put_text(o, CHAN_TAG_AGENT, "snisplit " VERSION);
	chan_put_text(o, CHAN_TAG_OS, os);
	chan_put_text(o, CHAN_TAG_INSTANCE, a->instance);
	chan_put_text(o, CHAN_TAG_METADATA, a->metadata);
	chan_put_number(o, CHAN_TAG_INTERVAL_MS, a->interval_ns / MS_NS);
	chan_put_number(o, CHAN_TAG_TOLERANCE_MS, a->tolerance_ns / MS_NS);
	chan_end(o);
	a->control.state = CONTROL_HELLO;
	control_flush(a);
}

/* ---- connecting ---- */

static void connect_next(struct snisplit *a);

static void connect_failed(struct snisplit *a, const char *what, const char *why)
{
	struct control *c = &a->control;
	char addr[ADDR_TEXT_MAX];

	addr_text(&c->addrs.sa[c->addr], addr);
	if (++c->addr < c->addrs.n) {
		drop(a);
		connect_next(a);
		return;
	}
	control_lost(a, "%s %s: %s", what, addr, why);
}

static void connect_next(struct snisplit *a)
{
	struct control *c = &a->control;
	const struct sockaddr *sa = (const struct sockaddr *)&c->addrs.sa[c->addr];
	int fd, one = 1;

	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	end_init(&c->end, fd);
	c->state = CONTROL_CONNECT;
	c->until_ns = a->now_ns + (c->tries <= BACKOFF_QUICK_TRIES ? CONNECT_NS : PATIENCE_NS);
	if (fd == -1) {
		connect_failed(a, "cannot connect to", strerror(errno));
		return;
	}
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, sa, c->addrs.len[c->addr]) && errno != EINPROGRESS)
		connect_failed(a, "cannot connect to", strerror(errno));
	else
		watch(a);
}

static void on_resolved(struct snisplit *a, void *arg, const struct agent_addrs *addrs)
{
	struct control *c = &a->control;

	(void)arg;
	if (c->state != CONTROL_RESOLVE)
		return;
	c->addrs = *addrs;
	c->addr = 0;
	if (addrs->n <= 0)
		control_lost(a, "%s does not resolve to an address", a->server);
	else
		connect_next(a);
}

static void begin(struct snisplit *a)
{
	struct snisplit_event e = {.type = SNISPLIT_CONNECTING};

	a->control.state = CONTROL_RESOLVE;
	agent_tell(a, &e, "connecting to %s", a->server);
	if (agent_resolve(a, a->server, on_resolved, NULL))
		control_lost(a, "out of memory");
}

/* At first not worth another try, like ssh's host key; later it may be a new CA. */
static bool is_untrusted(const struct control *c)
{
	return tls_is_untrusted(c->end.tls) && !*c->session && c->addr + 1 >= c->addrs.n;
}

static void shake(struct snisplit *a)
{
	struct control *c = &a->control;
	struct fault f;

	c->state = CONTROL_SHAKE;
	if (!c->end.tls)
		c->end.tls = tls_connect(a->edge, c->end.fd, CHAN_SERVER_NAME, NULL, 0);
	switch (c->end.tls ? tls_handshake(c->end.tls) : TLS_FAILED) {
	case TLS_DONE:
		send_hello(a);
		return;
	case TLS_FAILED:
		if (is_untrusted(c)) {
			fault_set(&f, 401, 0, "server_ca", NOT_OF_CA, a->server,
				  edge_why(c->end.tls));
			control_denied(a, &f);
			return;
		}
		connect_failed(a, "the edge at", edge_why(c->end.tls));
		return;
	default:
		watch(a);
	}
}

/* ---- the CA by its fingerprint ---- */

static void take_root(struct snisplit *a)
{
	struct tls_client_conf conf = {.verify = true, .min = TLS_1_3, .max = TLS_1_3};
	struct control *c = &a->control;
	struct fault f = {.msg = ""};

	c->in[c->in_len] = '\0';
	conf.cas = (char *)c->in;
	if (!pin_matches(conf.cas, a->server_ca + strlen("sha256:"))) {
		fault_set(&f, 401, 0, "server_ca",
			  "the CA of the edge at %.200s has another fingerprint: is it the right "
			  "edge? `snisplit ca show` there tells the right one",
			  a->server);
		control_denied(a, &f);
		return;
	}
	a->edge = tls_client_new(a->tls, &conf, &f);
	if (!a->edge) {
		control_lost(a, "the CA of the edge: %s", f.msg);
		return;
	}
	drop(a);
	connect_next(a);
}

static bool make_room(struct control *c)
{
	uint8_t *p;

	if (c->in_size - c->in_len > READ_BYTES)
		return true;
	p = realloc(c->in, c->in_size * 2 + READ_BYTES + 1);
	if (!p)
		return false;
	c->in = p;
	c->in_size = c->in_size * 2 + READ_BYTES + 1;
	return true;
}

static void read_root(struct snisplit *a)
{
	struct control *c = &a->control;
	ssize_t n;

	for (;;) {
		if (!make_room(c) || c->in_len > READ_BYTES) {
			control_lost(a, "what answers at %s is no edge", a->server);
			return;
		}
		n = end_read(&c->end, c->in + c->in_len, READ_BYTES);
		if (n == -EAGAIN)
			return;
		if (n <= 0)
			break;
		c->in_len += (size_t)n;
	}
	if (n < 0)
		control_lost(a, "%s", strerror((int)-n));
	else
		take_root(a);
}

static void connected(struct snisplit *a)
{
	struct control *c = &a->control;
	struct tcp_info ti;

	if (end_error(&c->end)) {
		connect_failed(a, "cannot connect to", strerror(c->end.err));
		return;
	}
	if (end_info(&c->end, &ti) || ti.tcpi_state == TCP_STATE_SYN_SENT)
		return;
	if (c->tries > BACKOFF_QUICK_TRIES)
		c->until_ns = a->now_ns + PATIENCE_NS;
	else
		c->until_ns = a->now_ns + ANSWER_NS;
	if (a->edge) {
		shake(a);
		return;
	}
	c->state = CONTROL_ROOT;
	if (end_write(&c->end, CHAN_MAGIC_ROOT, CHAN_MAGIC_LEN) != CHAN_MAGIC_LEN)
		control_lost(a, "%s", no_reason);
	else
		watch(a);
}

/* ---- frames ---- */

/* False: the connection is not what it was. */
static bool read_frames(struct snisplit *a)
{
	struct control *c = &a->control;
	enum chan_verdict v;
	struct chan_frame f;
	size_t off = 0;

	for (;;) {
		v = chan_frame_read(c->in + off, c->in_len - off, CHAN_FRAME_MAX, &f);
		if (v != CHAN_OK)
			break;
		control_on_frame(a, &f);
		if (c->end.fd == -1)
			return false;
		off += f.end;
	}
	if (v == CHAN_BAD) {
		control_lost(a, "the edge breaks the protocol");
		return false;
	}
	memmove(c->in, c->in + off, c->in_len - off);
	c->in_len -= off;
	return true;
}

static void read_all(struct snisplit *a)
{
	struct control *c = &a->control;
	ssize_t n;

	do {
		if (!make_room(c)) {
			control_lost(a, "out of memory");
			return;
		}
		n = end_read(&c->end, c->in + c->in_len, READ_BYTES);
		if (n == -EAGAIN)
			break;
		if (n <= 0) {
			control_lost(a, "%s",
				     c->draining	       ? "the edge was stopped"
				     : n == 0 || n == -ENODATA ? no_reason
							       : strerror((int)-n));
			return;
		}
		c->heard_ns = a->now_ns;
		c->in_len += (size_t)n;
	} while (read_frames(a));
	if (c->end.fd != -1)
		control_flush(a);
}

static void on_ready(struct source *s, uint32_t events)
{
	struct snisplit *a = list_of(s, struct snisplit, control.source);

	(void)events;
	switch (a->control.state) {
	case CONTROL_CONNECT:
		connected(a);
		return;
	case CONTROL_ROOT:
		read_root(a);
		return;
	case CONTROL_SHAKE:
		shake(a);
		return;
	case CONTROL_HELLO:
	case CONTROL_ONLINE:
		read_all(a);
		return;
	default:
		return;
	}
}

/* ---- time ---- */

uint64_t control_wake_ns(const struct snisplit *a)
{
	return a->control.state == CONTROL_WAIT ? a->control.again_ns + 1 : 0;
}

static void ping(struct snisplit *a)
{
	struct control *c = &a->control;

	c->pinged_ns = a->now_ns;
	if (c->asked_ns <= c->heard_ns)
		c->asked_ns = a->now_ns;
	chan_begin(&c->out, CHAN_PING);
	chan_put_number(&c->out, CHAN_TAG_STAMP, a->now_ns);
	chan_end(&c->out);
	control_flush(a);
}

void control_tick(struct snisplit *a)
{
	struct control *c = &a->control;

	switch (c->state) {
	case CONTROL_WAIT:
		if (a->now_ns >= c->again_ns && !a->draining)
			begin(a);
		return;
	case CONTROL_CONNECT:
		if (a->now_ns > c->until_ns)
			connect_failed(a, "cannot connect to", "no answer");
		return;
	case CONTROL_ROOT:
	case CONTROL_SHAKE:
	case CONTROL_HELLO:
		if (a->now_ns > c->until_ns)
			control_lost(a, "the edge at %s does not answer", a->server);
		return;
	case CONTROL_ONLINE:
		if (a->now_ns - c->heard_ns > a->tolerance_ns)
			control_lost(a, "no sign of the edge for %u s",
				     (unsigned)(a->tolerance_ns / SECOND_NS));
		else if (a->now_ns - c->pinged_ns >= a->interval_ns)
			ping(a);
		if (c->state == CONTROL_ONLINE)
			probe_tick(a);
		return;
	default:
		return;
	}
}
