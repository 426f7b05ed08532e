// SPDX-License-Identifier: GPL-2.0-only
/*
 * stream - a channel's life: dialled, proved, idle; then a connection that is relayed.
 */
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "agent.h"
#include "clock.h"
#include "tls.h"

#define WATCH (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET)
#define DIAL_NS (10 * SECOND_NS)
#define LINGER_NS SECOND_NS
#define LATE_NS (2 * SECOND_NS)
#define FAILED_NS SECOND_NS
#define LEAVE_NS (2 * SECOND_NS) /* an edge closes what it wants no more much earlier */
#define KEEPALIVE_S 15
#define STREAMS_MAX 20000 /* of one session */

/* ---- events ---- */

static void tell(struct stream *s, enum snisplit_event_type type)
{
	struct snisplit_event e = {.type = type, .listener = s->listener, .conn = &s->conn};
	const char *who = *s->conn.client ? s->conn.client : "?";

	if (type == SNISPLIT_CONN_CLOSED)
		agent_tell(s->agent, &e, "%s from %s closed: %s", s->listener->url, who,
			   s->conn.reason);
	else
		agent_tell(s->agent, &e, "%s from %s", s->listener->url, who);
}

void stream_opened(struct stream *s)
{
	struct snisplit *a = s->agent;

	if (s->opened)
		return;
	s->opened = true;
	s->began_ns = a->now_ns;
	s->until_ns = 0;
	s->conn.number = ++a->conn_number;
	a->conns_total++;
	a->conns_open++;
	s->listener->conns_total++;
	s->listener->conns_open++;
	tell(s, SNISPLIT_CONN_OPENED);
}

/* ---- the end ---- */

static void forget(struct stream *s)
{
	struct snisplit *a = s->agent;

	s->state = STREAM_DEAD;
	list_del(&s->link);
	list_del(&s->same);
	list_del(&s->ready);
	list_del(&s->retry.link);
	a->n_streams--;
	if (s->opened) {
		a->conns_open--;
		s->listener->conns_open--;
	}
	if (!a->conns_open)
		pthread_cond_broadcast(&a->changed);
	half_done(&s->up);
	half_done(&s->down);
	free(s->offer);
	list_add_tail(&a->graves, &s->link);
}

static void finish(struct stream *s)
{
	if (s->opened)
		tell(s, SNISPLIT_CONN_CLOSED);
	forget(s);
}

/* The kernel gave it to us by itself, and the word about it is on its way still? */
static bool is_unknown(const struct stream *s)
{
	return s->opened && !*s->conn.client && !s->agent->stop &&
	       s->agent->control.state == CONTROL_ONLINE;
}

static void count_bytes(struct stream *s)
{
	uint64_t up = half_kernel_bytes(&s->up), down = half_kernel_bytes(&s->down);

	s->conn.in = half_user_bytes(&s->up) + up;
	s->conn.out = half_user_bytes(&s->down) + down;
	s->conn.kernel = up + down;
	s->agent->bytes_kernel += up + down;
	s->agent->bytes_user += half_user_bytes(&s->up) + half_user_bytes(&s->down);
}

void stream_close(struct stream *s, const char *reason, bool reset)
{
	if (s->state == STREAM_DEAD || s->state == STREAM_LATE)
		return;
	if (!s->conn.reason)
		s->conn.reason = reason;
	count_bytes(s);
	if (s->opened)
		s->conn.duration_ms = (unsigned)((s->agent->now_ns - s->began_ns) / MS_NS);
	join_part(&s->up, &s->down);
	slots_end_close(&s->agent->slots, &s->client, reset);
	slots_end_close(&s->agent->slots, &s->upstream, reset);
	if (!is_unknown(s)) {
		finish(s);
		return;
	}
	half_done(&s->up);
	half_done(&s->down);
	list_del(&s->ready);
	list_del(&s->retry.link);
	s->state = STREAM_LATE;
	s->until_ns = s->agent->now_ns + LATE_NS;
}

void stream_fail(struct stream *s, const char *reason, unsigned status)
{
	struct control *c = &s->agent->control;

	if (c->knows < CHAN_FAILED || c->state != CONTROL_ONLINE || s->agent->stop) {
		stream_close(s, reason, true);
		return;
	}
	s->conn.reason = reason;
	slots_end_close(&s->agent->slots, &s->upstream, true);
	s->state = STREAM_FAILED;
	s->until_ns = s->agent->now_ns + FAILED_NS;
	chan_begin(&c->out, CHAN_FAILED);
	chan_put_number(&c->out, CHAN_TAG_CHANNEL, s->number);
	chan_put_number(&c->out, CHAN_TAG_STATUS, status);
	chan_end(&c->out);
	control_flush(s->agent);
}

void stream_release(struct stream *s)
{
	s->client.fd = -1;
	forget(s);
}

/* Later events of the same turn may still point at what was closed earlier. */
void stream_bury(struct snisplit *a)
{
	while (!list_empty(&a->graves)) {
		struct stream *s = list_of(a->graves.next, struct stream, link);
		struct snisplit_listener *l = s->listener;

		list_del(&s->link);
		free(s);
		listener_put(l);
	}
}

void stream_linger(struct stream *s)
{
	end_shut(&s->client);
	s->state = STREAM_LINGER;
	s->until_ns = s->agent->now_ns + LINGER_NS;
	stream_on_client(s);
}

/* (a program may be gone before it takes what comes late) */
static bool may_be_used(const struct stream *s)
{
	return s->state == STREAM_IDLE && s->listener->upstream;
}

void stream_leave_idle(struct snisplit *a, struct snisplit_listener *l)
{
	/* the loop's clock stood still if the process did */
	uint64_t until_ns = clock_ns() + LEAVE_NS;
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &a->streams) {
		struct stream *s = list_of(it, struct stream, link);

		if ((l && s->listener != l) || s->state > STREAM_IDLE)
			continue;
		if (!may_be_used(s))
			stream_close(s, "", false);
		else if (!s->until_ns)
			s->until_ns = until_ns;
	}
}

unsigned stream_count_idle(const struct snisplit *a)
{
	struct list *it;
	unsigned n = 0;

	list_for_each(it, &a->streams)
		n += list_of(it, struct stream, link)->state == STREAM_IDLE;
	return n;
}

void stream_close_all(struct snisplit *a)
{
	while (!list_empty(&a->streams)) {
		struct stream *s = list_of(a->streams.next, struct stream, link);

		if (s->state == STREAM_LATE)
			finish(s);
		else
			stream_close(s, "agent_closed", true);
	}
}

void stream_tick(struct snisplit *a)
{
	struct list *it, *tmp;

	list_for_each_safe(it, tmp, &a->streams) {
		struct stream *s = list_of(it, struct stream, link);

		if (!s->until_ns || a->now_ns < s->until_ns)
			continue;
		if (s->state == STREAM_LATE)
			finish(s);
		else if (s->state == STREAM_DIAL)
			stream_fail(s, "upstream_timeout", CHAN_STATUS_TIMEOUT);
		else if (s->state == STREAM_FAILED)
			stream_close(s, NULL, true);
		else
			stream_close(s, "timeout", s->state == STREAM_FLUSH);
	}
}

/* ---- the channel ---- */

int stream_is_connected(struct end *e, uint32_t events)
{
	if (events & (EPOLLERR | EPOLLHUP) && end_error(e))
		return -1;
	return events & EPOLLOUT ? 1 : 0;
}

/* Everything is told from now on: who dialled is to hear of a first byte at any time. */
static void prove(struct stream *s)
{
	s->down.prefix = sizeof(s->proof);
	datapath_enrol(s, &s->client);
	if (end_write(&s->client, s->proof, sizeof(s->proof)) != (ssize_t)sizeof(s->proof)) {
		stream_close(s, "", true);
		return;
	}
	explicit_bzero(s->proof, sizeof(s->proof));
	s->state = STREAM_IDLE;
	s->until_ns = 0;
	if (s->client.tls) /* what comes next may have been read along with the handshake */
		stream_on_client(s);
}

static void seal(struct stream *s)
{
	struct snisplit_event e = {.type = SNISPLIT_WARNING, .listener = s->listener};

	switch (tls_handshake(s->client.tls)) {
	case TLS_DONE:
		prove(s);
		return;
	case TLS_FAILED:
		agent_tell(s->agent, &e, "a channel to the edge: %s", tls_why(s->client.tls));
		stream_close(s, "", true);
		return;
	default:
		return;
	}
}

static void connected(struct stream *s, uint32_t events)
{
	int r = stream_is_connected(&s->client, events);

	if (r < 0)
		stream_close(s, "", true);
	if (r <= 0)
		return;
	if (!s->sealed) {
		prove(s);
		return;
	}
	s->client.tls = tls_connect(s->agent->edge, s->client.fd, CHAN_SERVER_NAME, NULL, 0);
	s->state = STREAM_SEAL;
	if (s->client.tls)
		seal(s);
	else
		stream_close(s, "", true);
}

static void client_on_ready(struct source *src, uint32_t events)
{
	struct stream *s = list_of(src, struct stream, client_source);

	switch (s->state) {
	case STREAM_CONNECT:
		connected(s, events);
		return;
	case STREAM_SEAL:
		seal(s);
		return;
	case STREAM_OPEN:
	case STREAM_FLUSH:
		relay_on_event(s, &s->client, events);
		return;
	case STREAM_DEAD:
	case STREAM_LATE:
		return;
	default:
		stream_on_client(s);
	}
}

static void upstream_on_ready(struct source *src, uint32_t events)
{
	struct stream *s = list_of(src, struct stream, upstream_source);

	if (s->state == STREAM_OPEN || s->state == STREAM_FLUSH)
		relay_on_event(s, &s->upstream, events);
	else if (s->state != STREAM_DEAD)
		stream_on_upstream(s, events);
}

/* Are its bytes, as they come, those that its upstream is to get? */
static bool is_plain(const struct stream *s)
{
	const struct snisplit_listener *l = s->listener;

	return !s->sealed && l->upstream && !l->server && !l->client;
}

static int open_channel(struct stream *s)
{
	const struct control *c = &s->agent->control;
	const struct sockaddr *sa = (const struct sockaddr *)&c->addrs.sa[c->addr];
	int fd, one = 1, idle = KEEPALIVE_S;

	fd = socket(sa->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP);
	if (fd == -1)
		return -errno;
	end_init(&s->client, fd);
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
	setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &idle, sizeof(idle));
	if (is_plain(s))
		datapath_prepare(s, &s->client, FLOW_CLIENT_USER);
	if (connect(fd, sa, c->addrs.len[c->addr]) && errno != EINPROGRESS)
		return -errno;
	return agent_watch(s->agent, fd, &s->client_source, WATCH, false);
}

static struct list *bucket(struct snisplit *a, uint64_t number)
{
	return &a->numbers[number % STREAM_BUCKETS];
}

int stream_new(struct snisplit *a, struct snisplit_listener *l, uint64_t number,
	       const uint8_t token[CHAN_TOKEN_LEN], bool sealed)
{
	struct stream *s = a->n_streams < STREAMS_MAX ? calloc(1, sizeof(*s)) : NULL;
	int err;

	if (!s)
		return -ENOMEM;
	s->agent = a;
	s->listener = l;
	s->sealed = sealed;
	l->refs++;
	s->number = number;
	chan_proof_write(s->proof, number, token);
	s->client_source.on_ready = client_on_ready;
	s->upstream_source.on_ready = upstream_on_ready;
	end_init(&s->client, -1);
	end_init(&s->upstream, -1);
	half_init(&s->up, &s->client, &s->upstream);
	half_init(&s->down, &s->upstream, &s->client);
	list_init(&s->ready);
	list_init(&s->retry.link);
	list_init(&s->link);
	list_init(&s->same);
	list_add_tail(&a->streams, &s->link);
	list_add_tail(bucket(a, number), &s->same);
	a->n_streams++;
	s->until_ns = a->now_ns + DIAL_NS;
	err = open_channel(s);
	if (err)
		stream_close(s, "", true);
	return err;
}

/* NULL: it is gone. */
static struct stream *meant(struct snisplit *a, const struct chan_frame *f)
{
	uint64_t number = chan_number(f, CHAN_TAG_CHANNEL, 0);
	struct list *it;

	list_for_each(it, bucket(a, number))
		if (list_of(it, struct stream, same)->number == number)
			return list_of(it, struct stream, same);
	return NULL;
}

void stream_on_started(struct snisplit *a, const struct chan_frame *f)
{
	struct stream *s = meant(a, f);

	if (!s)
		return;
	snprintf(s->conn.id, sizeof(s->conn.id), "%s", chan_text(f, CHAN_TAG_CONNECTION) ?: "");
	snprintf(s->conn.client, sizeof(s->conn.client), "%s", chan_text(f, CHAN_TAG_CLIENT) ?: "");
	snprintf(s->conn.server, sizeof(s->conn.server), "%s", chan_text(f, CHAN_TAG_SERVER) ?: "");
	snprintf(s->conn.name, sizeof(s->conn.name), "%s", chan_text(f, CHAN_TAG_SNI) ?: "");
	if (s->opened)
		tell(s, SNISPLIT_CONN_STARTED);
	if (s->state == STREAM_LATE)
		finish(s);
}

void stream_on_failed(struct snisplit *a, const struct chan_frame *f)
{
	struct stream *s = meant(a, f);

	if (s && s->state == STREAM_FAILED)
		stream_close(s, NULL, true);
}
