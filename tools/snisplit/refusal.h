/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * refusal - what the daemon says is wrong, in the words of the command line.
 *
 * The API names its fields; a person typed options.  Every verb's refusals are printed here.
 */
#ifndef REFUSAL_H
#define REFUSAL_H
#include <jansson.h>

#include "command.h"

/* "ERR_SNISPLIT_334: url: ..." on stderr; <reply> may be NULL, then <status> is all there is. */
void refusal_print(const struct call *c, int status, const json_t *reply);
#endif
