/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config_check - what no key can say by itself: mistakes between keys.
 */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H
#include <stdio.h>

struct config;
struct config_addr;

/* Where it listens, by key, but for the ports of TCP endpoints.  How many. */
#define CONFIG_PLACES_MAX 32
struct config_place {
	const char *key;
	const struct config_addr *at;
};
unsigned config_places(const struct config *c, struct config_place out[CONFIG_PLACES_MAX]);

/* How many there are, each a line "FILE:LINE: what is wrong" in <err>. */
unsigned config_check(const struct config *c, FILE *err);
/* The same of what is no mistake, but perhaps not what was meant: "FILE:LINE: warning: ...". */
void config_warn(const struct config *c, FILE *err);
#endif
