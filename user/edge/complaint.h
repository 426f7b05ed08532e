/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * complaint - what upstreams are found wrong with, said once: a line for each upstream and reason,
 * and again after an hour, with how often meanwhile.  No more than COMPLAINTS_MAX in an hour; what
 * is not said is counted, as all failures are, elsewhere.
 *
 * Any thread; complaint_of_tls() the worker's.
 */
#ifndef COMPLAINT_H
#define COMPLAINT_H
#include <stdbool.h>
#include <stdint.h>

#define COMPLAINTS_MAX 64

struct complaints;
struct conn;

struct complaints *complaints_new(void); /* NULL: out of memory */
void complaints_free(struct complaints *c);

/*
 * Is it time to say <why> of <upstream>?  *ret_more: how often it was not since the last time.
 */
bool complaint_is_due(struct complaints *c, const char *upstream, const char *why, uint64_t now_ns,
		      unsigned *ret_more);

/* <c>'s upstream has failed its TLS handshake as <name>: that, and what to do, if it is due. */
void complaint_of_tls(const struct conn *c, const char *name);
#endif
