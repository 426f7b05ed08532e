// SPDX-License-Identifier: GPL-2.0-only
/*
 * sink_syslog - one message an event, facility daemon, severity info.
 *
 * To a local socket as glibc's syslog(3) writes it, because that is what listens there expects;
 * over the network as RFC 5424, in one datagram each (RFC 5426) or counted by octets on a TCP
 * connection (RFC 6587).
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "conduit.h"
#include "stamp.h"
#include "text_file.h"

#define PRIORITY 30	  /* daemon.info */
#define MESSAGE_MAX 16384 /* an event and a header */

enum way { WAY_LOCAL, WAY_UDP, WAY_TCP };

struct syslog {
	struct sink sink;
	struct conduit conduit; /* of WAY_TCP; the others use its address and fd */
	enum way way;
	char *address;
	char host[256];
};

static int syslog_open(const struct target *t, struct sink **ret_s)
{
	struct syslog *s = calloc(1, sizeof(*s));
	const char *address = t->address;

	if (!s)
		return -ENOMEM;
	s->way = address[0] == '/' ? WAY_LOCAL : address[0] == 'u' ? WAY_UDP : WAY_TCP;
	s->address = strdup(s->way == WAY_LOCAL ? address : address + strlen("udp://"));
	if (!s->address) {
		free(s);
		return -ENOMEM;
	}
	s->conduit = (struct conduit){.address = s->address, .fd = -1};
	if (gethostname(s->host, sizeof(s->host) - 1) || !*s->host)
		strcpy(s->host, "-");
	*ret_s = &s->sink;
	return 0;
}

/* The event's type: in every line at the same place, because we write them. */
static int type_of(const char *line, size_t len, const char **ret_type)
{
	static const char key[] = "\"event_type\":\"";
	const char *at = memmem(line, len, key, sizeof(key) - 1);

	*ret_type = at ? at + sizeof(key) - 1 : "-";
	return at ? (int)strcspn(*ret_type, "\"\n") : 1;
}

static size_t message(const struct syslog *s, const char *line, size_t len, char out[MESSAGE_MAX])
{
	struct timespec now = stamp_now();
	char at[STAMP_TEXT_MAX];
	const char *type;
	struct tm tm;
	int n, type_len;

	if (s->way == WAY_LOCAL) {
		localtime_r(&now.tv_sec, &tm);
		strftime(at, sizeof(at), "%b %e %T", &tm);
		n = snprintf(out, MESSAGE_MAX, "<%d>%s snisplitd[%d]: %.*s", PRIORITY, at,
			     (int)getpid(), (int)len, line);
	} else {
		type_len = type_of(line, len, &type);
		n = snprintf(out, MESSAGE_MAX, "<%d>1 %s %s snisplitd %d %.*s - %.*s", PRIORITY,
			     stamp_text(&now, at), s->host, (int)getpid(), type_len, type, (int)len,
			     line);
	}
	return n < MESSAGE_MAX ? (size_t)n : MESSAGE_MAX - 1;
}

/* Counted by octets, the newline included: so a frame ends where a line does. */
static size_t send_framed(struct syslog *s, const char *lines, size_t len)
{
	char msg[MESSAGE_MAX], *frames = NULL;
	const char *p = lines, *end = lines + len, *newline;
	size_t size = 0, lost;
	FILE *out = text_file_open(&frames, &size);

	if (!out)
		return sink_count_lines(lines, len);
	for (; p < end && (newline = memchr(p, '\n', (size_t)(end - p))); p = newline + 1)
		fprintf(out, "%zu %s\n", message(s, p, (size_t)(newline - p), msg) + 1, msg);
	if (text_file_close(out, &frames))
		lost = sink_count_lines(lines, len);
	else
		lost = conduit_send(&s->conduit, &s->sink, frames, size);
	free(frames);
	return lost;
}

/* false: not now. */
static bool send_one(struct syslog *s, const char *msg, size_t len)
{
	struct conduit *c = &s->conduit;
	int err = 0;

	if (c->fd == -1)
		err = conduit_dial(s->address, SOCK_DGRAM, s->sink.patience, &c->fd);
	while (!err && send(c->fd, msg, len, MSG_NOSIGNAL) == -1) {
		err = -errno;
		/* a local daemon that reads slowly; UDP never says so */
		if (err == -EAGAIN)
			err = patience_poll(s->sink.patience, c->fd, POLLOUT, -1);
	}
	if (!err) {
		sink_works(&s->sink);
		c->tries = 0;
		return true;
	}
	conduit_close(c);
	sink_failed(&s->sink, "syslog %.120s: %s", s->address, strerror(-err));
	return false;
}

static size_t send_datagrams(struct syslog *s, const char *lines, size_t len)
{
	const char *p = lines, *end = lines + len, *newline;
	char msg[MESSAGE_MAX];
	size_t n;

	while (p < end && (newline = memchr(p, '\n', (size_t)(end - p)))) {
		n = message(s, p, (size_t)(newline - p), msg);
		if (send_one(s, msg, n)) {
			p = newline + 1;
			continue;
		}
		if (patience_is_ending(s->sink.patience))
			break;
		patience_pause(s->sink.patience, sink_backoff_ms(++s->conduit.tries));
	}
	return sink_count_lines(p, (size_t)(end - p));
}

static size_t syslog_write(struct sink *sink, const char *lines, size_t len)
{
	struct syslog *s = (struct syslog *)sink;

	return s->way == WAY_TCP ? send_framed(s, lines, len) : send_datagrams(s, lines, len);
}

static void syslog_close(struct sink *sink)
{
	struct syslog *s = (struct syslog *)sink;

	conduit_close(&s->conduit);
	free(s->address);
	free(s);
}

const struct sink_ops sink_syslog = {syslog_open, syslog_write, NULL, syslog_close};
