// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"
#include "edge.h"
#include "quantity.h"
#include "stamp.h"
#include "ulid.h"

#define BLOCK (64 << 10)
#define WAIT_MS 500 /* between two looks whether the follower is still there */

struct stream {
	struct api *api;
	struct events *events;
	int fd;
	uint64_t seq, end; /* end: where a listing stops; UINT64_MAX: never */
	size_t len, sent;  /* of buf */
	char buf[BLOCK];
};

/* A follower that hung up while nothing happens would hold its thread for ever. */
static bool is_gone(const struct stream *s)
{
	struct pollfd pfd = {.fd = s->fd, .events = POLLRDHUP};

	return poll(&pfd, 1, 0) > 0 && (pfd.revents & (POLLRDHUP | POLLHUP | POLLERR));
}

/* An honest gap: told as an event of its own. */
static size_t tell_skipped(char *out, size_t size, uint64_t skipped)
{
	char id[ULID_LEN + 8], at[STAMP_TEXT_MAX];
	struct timespec now = stamp_now();

	return (size_t)snprintf(out, size,
				"{\"event_id\":\"%s\",\"event_type\":\"events_skipped.v0\","
				"\"event_timestamp\":\"%s\",\"object\":{\"count\":%" PRIu64 "}}\n",
				ulid_new("ev_", id, sizeof(id)), stamp_text(&now, at), skipped);
}

/* Fills <buf>.  0: nothing to tell, for now or for good; -1: the end. */
static int refill(struct stream *s)
{
	const size_t room_for_skipped = 256;
	uint64_t skipped;
	ssize_t n;

	s->len = s->sent = 0;
	if (s->seq >= s->end || atomic_load(&s->api->stopping) || is_gone(s))
		return -1;
	n = events_read(s->events, &s->seq, s->buf + room_for_skipped,
			sizeof(s->buf) - room_for_skipped, s->end == UINT64_MAX ? WAIT_MS : 0,
			&skipped);
	if (n < 0)
		return -1;
	if (skipped)
		s->len = tell_skipped(s->buf, room_for_skipped, skipped);
	memmove(s->buf + s->len, s->buf + room_for_skipped, (size_t)n);
	s->len += (size_t)n;
	return 0;
}

static ssize_t read_stream(void *arg, uint64_t pos, char *out, size_t max)
{
	struct stream *s = arg;
	size_t n;

	(void)pos;
	if (s->sent == s->len && refill(s))
		return MHD_CONTENT_READER_END_OF_STREAM;
	n = s->len - s->sent < max ? s->len - s->sent : max;
	memcpy(out, s->buf + s->sent, n);
	s->sent += n;
	return (ssize_t)n;
}

/* ?since= is a time, or how long ago: "5m". */
static int read_since(struct request *r, const char *text, struct timespec *ret_ts)
{
	uint64_t ms;

	if (!stamp_parse(text, ret_ts))
		return 0;
	if (quantity_duration(text, &ms))
		return fault_set(&r->fault, 400, 0, "since",
				 "must be a time such as 2024-01-31T12:00:00Z or a duration such "
				 "as 5m, got '%.64s'",
				 text);
	*ret_ts = stamp_now();
	ret_ts->tv_sec -= (time_t)(ms / 1000);
	ret_ts->tv_nsec -= (long)(ms % 1000) * 1000000;
	if (ret_ts->tv_nsec < 0) {
		ret_ts->tv_sec--;
		ret_ts->tv_nsec += 1000000000;
	}
	return 0;
}

int events_get(struct request *r)
{
	const char *since = request_query(r, "since");
	struct timespec from = {0};
	struct stream *s;
	bool follow;

	if (request_query_flag(r, "follow", &follow) || (since && read_since(r, since, &from)))
		return -1;
	if (follow && !room_follow(&r->api->control_room, r->conn))
		return fault_set(&r->fault, 503, 0, "",
				 "%u follow events already; event destinations may be more",
				 ROOM_FOLLOWERS);
	s = calloc(1, sizeof(*s));
	if (!s)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	s->api = r->api;
	s->events = edge_events(r->api->edge);
	s->fd = MHD_get_connection_info(r->conn, MHD_CONNECTION_INFO_CONNECTION_FD)->connect_fd;
	/* a listing has what is kept; a follower starts now unless told otherwise */
	s->seq = events_seek(s->events, since || !follow ? &from : NULL);
	s->end = follow ? UINT64_MAX : events_seek(s->events, NULL);
	r->stream =
		MHD_create_response_from_callback(MHD_SIZE_UNKNOWN, BLOCK, read_stream, s, free);
	if (!r->stream) {
		free(s);
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	}
	if (follow) /* silence is not death: is_gone() tells */
		MHD_set_connection_option(r->conn, MHD_CONNECTION_OPTION_TIMEOUT, 0U);
	return 0;
}
