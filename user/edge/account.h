/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * account - the counters of endpoints, brought up to date with their live connections.
 *
 * A connection keeps what it has told its endpoint and adds the difference, here and when it
 * closes: so a total is exact, never falls and never counts twice.  The bytes are read from the
 * flows, which the kernel shares: no system call for each connection.
 */
#ifndef ACCOUNT_H
#define ACCOUNT_H

struct conn;
struct edge;

/* The worker's thread: adds what is new.  Nothing without an endpoint. */
void conn_account(struct conn *c);
/* The same for the last time: it is no longer live. */
void conn_account_end(struct conn *c);
#endif
