/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * credential_body - what credentials of agents and of SSH keys have in common as JSON.
 */
#ifndef CREDENTIAL_BODY_H
#define CREDENTIAL_BODY_H
#include <jansson.h>

#include "credentials.h"

/* Rules, a line each, as a list; NULL: an empty one. */
json_t *credential_rules_json(const char *acl);
/*
 * description, metadata, acl of <in>, and public_key of what has one; any other field is unknown.
 * 0, or -1 with <f>; the texts are to be freed in both cases.
 */
int credential_body_read(const json_t *in, bool has_key, struct credential *cr, struct fault *f);
void credential_body_done(struct credential *cr);
#endif
