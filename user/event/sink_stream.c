// SPDX-License-Identifier: GPL-2.0-only
/*
 * sink_stream - one event a line over a unix or TCP connection.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "conduit.h"

struct stream {
	struct sink sink;
	struct conduit conduit;
	char *address;
};

static int stream_open(const struct target *t, struct sink **ret_s)
{
	struct stream *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	s->address = strdup(t->address);
	if (!s->address) {
		free(s);
		return -ENOMEM;
	}
	s->conduit = (struct conduit){.address = s->address, .fd = -1};
	*ret_s = &s->sink;
	return 0;
}

static size_t stream_write(struct sink *sink, const char *lines, size_t len)
{
	return conduit_send(&((struct stream *)sink)->conduit, sink, lines, len);
}

static void stream_close(struct sink *sink)
{
	struct stream *s = (struct stream *)sink;

	conduit_close(&s->conduit);
	free(s->address);
	free(s);
}

const struct sink_ops sink_stream = {stream_open, stream_write, NULL, stream_close};
