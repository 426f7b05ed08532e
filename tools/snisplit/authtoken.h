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
#endif
