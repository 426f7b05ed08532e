/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config_check - what no key can say by itself: mistakes between keys.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H
#include <stdio.h>

struct config;

/* How many there are, each a line "FILE:LINE: what is wrong" in <err>. */
unsigned config_check(const struct config *c, FILE *err);
/* The same of what is no mistake, but perhaps not what was meant: "FILE:LINE: warning: ...". */
void config_warn(const struct config *c, FILE *err);
#endif
