/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * authtoken - what credentials of agents and of SSH keys have in common.
 */
#ifndef AUTHTOKEN_H
#define AUTHTOKEN_H
#include <jansson.h>

#include "command.h"

struct table;

/* The options of authtoken_opts as a body; NULL after an error, which is told. */
json_t *credential_body(const struct call *c);
const char *credential_text(const json_t *j, const char *name); /* "-": absent */
void credential_rules_cell(struct table *t, const json_t *j);

/* Prints those of <path>; <key> is the field that stands second, under <head>. */
int credential_list(struct call *c, const char *path, const char *key, const char *head);
/* Removes the one that the call names, below <path>. */
int credential_rm(struct call *c, const char *path);
/* Changes it, by the options that were given. */
int credential_set(struct call *c, const char *path);
#endif
