/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * resource - what the verbs of every resource of the API do alike: list, get, add, set and rm.
 *
 * A <path> that is a char * (of client_path()) is taken, and so is a body; all return the exit
 * code.  With --json only the reply was printed.
 */
#ifndef RESOURCE_H
#define RESOURCE_H
#include <stdbool.h>

#include <jansson.h>

#include "command.h"

struct table;

struct resource_list {
	const char *path;
	const char *key; /* of the array in the reply */
	const char *const *heads;
	const char *align; /* one '<' or '>' a head, as table_new() has it */
	void (*row)(struct table *t, json_t *item);
};

int resource_list(struct call *c, const struct resource_list *l);
/* Every field, a line each. */
int resource_get(struct call *c, char *path);
/* "removed ID", and with --kill how many connections that ended. */
int resource_remove(struct call *c, char *path);
/* POST or PATCH; prints the id. */
int resource_send(struct call *c, const char *method, char *path, json_t *body);

/* <path>, which it takes, or with --kill "path?kill=1"; malloc'd. */
char *resource_with_kill(const struct call *c, char *path);
/* Ends the line; with --kill it says first how many connections were ended. */
void resource_say_killed(const struct call *c, const json_t *reply);

/* An option's value into <to>.<name>, or at the end of an array; false: not UTF-8, which was told.
 */
bool resource_set(json_t *to, const char *name, const char *option, json_t *value);
/* The same of a number: all of <text> must be one, which is told too. */
bool resource_set_number(json_t *to, const char *name, const char *option, const char *text);
bool resource_append(json_t *list, const char *option, const char *value);
/* --description and --metadata, where given. */
bool resource_set_texts(const struct call *c, json_t *body);
#endif
