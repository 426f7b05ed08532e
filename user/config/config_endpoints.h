/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config_endpoints - the `endpoints:` list of the configuration file.
 */
#ifndef CONFIG_ENDPOINTS_H
#define CONFIG_ENDPOINTS_H
#include "doc.h"

/* Read function of a doc table; <out> is the struct config. */
doc_read_fn config_endpoints_read;
#endif
