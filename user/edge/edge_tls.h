/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * edge_tls - what the daemon needs to end TLS: OpenSSL, the certificate store and its settings.
 */
#ifndef EDGE_TLS_H
#define EDGE_TLS_H
#include <stddef.h>

struct config;
struct edge;

/* By g->config; state_dir need not be there yet.  0, or -errno with <why>. */
int edge_tls_open(struct edge *g, char *why, size_t why_size);
/* Reads certificates again, as <c> says. */
void edge_tls_reload(struct edge *g, const struct config *c);
void edge_tls_close(struct edge *g); /* after the last endpoint */

#endif
