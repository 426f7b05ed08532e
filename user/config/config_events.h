/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config_events - the `events:` list of the configuration file.
 */
#ifndef CONFIG_EVENTS_H
#define CONFIG_EVENTS_H
#include "doc.h"

struct config;

/* Read function of a doc table; <out> is the struct config. */
doc_read_fn config_events_read;

/* The one destination of an empty file.  0 or -ENOMEM. */
int config_events_default(struct config *c);
#endif
