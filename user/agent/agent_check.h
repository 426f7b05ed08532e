/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * agent_check - what a session would refuse before it asks its edge, for who wants to know first.
 *
 * By the code that the session itself uses; nothing is kept, nobody is talked to but a resolver.
 * Any thread.
 */
#ifndef AGENT_CHECK_H
#define AGENT_CHECK_H

struct snisplit_endpoint;
struct snisplit_error;

/* Of an endpoint, or of what a part of one says.  0, or -1 with <err>. */
int agent_check_endpoint(const struct snisplit_endpoint *e, struct snisplit_error *err);
/* Of snisplit_conf's server_ca.  The same. */
int agent_check_server_ca(const char *server_ca, struct snisplit_error *err);

#endif
