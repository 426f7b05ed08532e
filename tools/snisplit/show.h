/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * show - replies of the API, for people.
 */
#ifndef SHOW_H
#define SHOW_H
#include <jansson.h>

/* Member <name> of an object; "" and 0 when it is missing or something else. */
const char *show_text(const json_t *j, const char *name);
long long show_number(const json_t *j, const char *name);

/* Every field the daemon sent, a line each, nested ones as "metrics.conns.count"; PEM stands below.
 */
void show_fields(json_t *object);
#endif
