/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * filter - which events a subscription wants: the part of CEL that ngrok's filters use.
 *
 *   ev.conn.server_name == "app.example.com" && !ev.conn.client_ip.inCidr("192.0.2.0/24")
 *   ev.conn.server_port == 443 || ev.conn.server_name.matches("^api[0-9]*\\.")
 *
 * Keys are client_ip, server_ip, server_name and server_port below conn; "ev." may be left out.
 * matches() takes a POSIX extended regular expression.  Repetition counts, back references, more
 * than twelve of * + ? or eight groups are refused, within brackets too: a few bytes of them cost
 * any amount of memory or time.
 *
 * Immutable once made; any thread may match.
 */
#ifndef FILTER_H
#define FILTER_H
#include <stdbool.h>
#include <stdint.h>

#include "cidr.h"
#include "fault.h"

#define FILTER_TEXT_MAX 2048

struct filter;

/* What can be asked of an event. */
struct facts {
	struct cidr client_ip, server_ip; /* of one address; prefixlen 0: unknown */
	uint16_t server_port;
	const char *server_name; /* "" when there was none */
	unsigned type;		 /* index in source_types */
};

/* 0, or -1 with 400, field "filter" and the column in <f>.  An empty text matches everything. */
int filter_new(const char *text, struct filter **ret_f, struct fault *f);
void filter_free(struct filter *fl); /* NULL is fine */

/* NULL matches everything. */
bool filter_match(const struct filter *fl, const struct facts *facts);
#endif
