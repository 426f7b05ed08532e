/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * config_tcp - `tcp:` of the configuration: which addresses TCP endpoints may have.
 */
#ifndef CONFIG_TCP_H
#define CONFIG_TCP_H
#include <stdio.h>

#include "doc.h"
#include "fault.h"

struct config;
struct config_addr;

int config_tcp_default(struct config *c); /* 0 or -ENOMEM */
void config_tcp_done(struct config *c);
doc_read_fn config_tcp_read;

/*
 * After the whole file: is the range free of other listeners, do its endpoints keep to it?  How
 * many errors were printed.
 */
unsigned config_tcp_check(const struct config *c, FILE *err);

/* What TCP endpoints are called that have no address of their own: tcp.host. */
const char *config_tcp_host(const struct config *c);

/*
 * Where the endpoint <host> (a canonical tcp://HOST:PORT) listens: at most CONFIG_TCP_LISTEN_MAX
 * addresses, with their port.  How many, or -1 with <f>: it may not.
 */
int config_tcp_addrs(const struct config *c, const char *host, struct config_addr *ret_addrs,
		     struct fault *f);
#endif
