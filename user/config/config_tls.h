/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config_tls - the key "tls" of the configuration.
 */
#ifndef CONFIG_TLS_H
#define CONFIG_TLS_H
#include "doc.h"

struct config;

/* 0 or -ENOMEM. */
int config_tls_default(struct config *c);
doc_read_fn config_tls_read;

#endif
