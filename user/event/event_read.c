// SPDX-License-Identifier: GPL-2.0-only
/*
 * event_read - a line that another daemon has written: is it one, and what can be asked of it.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "event_read.h"
#include "json_text.h"

/* One line of printable ASCII, as event_json.c makes them: it goes to files as it is. */
static bool is_line(const char *line, size_t len)
{
	if (!len || len >= EVENT_LINE_MAX || line[len - 1] != '\n')
		return false;
	for (size_t i = 0; i < len - 1; i++)
		if ((unsigned char)line[i] < 0x20 || (unsigned char)line[i] >= 0x7f)
			return false;
	return true;
}

static const char *text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key)) ?: "";
}

/* Not known: of no length. */
static struct cidr address(const json_t *conn, const char *key)
{
	struct cidr c = {.prefixlen = 0};
	char why[CIDR_WHY_MAX];

	if (cidr_parse(text(conn, key), &c, why) || c.prefixlen != 128)
		c = (struct cidr){.prefixlen = 0};
	return c;
}

static int type_of(const char *name)
{
	for (int i = 0; source_types[i]; i++)
		if (!strcmp(source_types[i], name))
			return i;
	return -1;
}

int event_read(const char *line, size_t len, struct event_told *ret_t)
{
	json_t *event =
		is_line(line, len) ? json_text_read(line, len, JSON_REJECT_DUPLICATES, NULL) : NULL;
	const json_t *object = json_object_get(event, "object");
	const json_t *conn = json_object_get(object, "conn");
	json_int_t port = json_integer_value(json_object_get(conn, "server_port"));
	int type = type_of(text(event, "event_type"));

	if (!json_is_object(object) || type < 0) {
		json_decref(event);
		return -EBADMSG;
	}
	snprintf(ret_t->server_name, sizeof(ret_t->server_name), "%s",
		 text(json_is_object(conn) ? conn : object, "server_name"));
	snprintf(ret_t->connection_id, sizeof(ret_t->connection_id), "%s",
		 text(object, "connection_id"));
	ret_t->facts = (struct facts){
		.client_ip = address(conn, "client_ip"),
		.server_ip = address(conn, "server_ip"),
		.server_port = port > 0 && port <= 65535 ? (uint16_t)port : 0,
		.server_name = ret_t->server_name,
		.type = (unsigned)type,
	};
	json_decref(event);
	return 0;
}
