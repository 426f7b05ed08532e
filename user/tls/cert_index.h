/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cert_index - pairs by the names they are for.
 *
 * Built once, read by many: immutable after cert_index_seal().
 */
#ifndef CERT_INDEX_H
#define CERT_INDEX_H

#include <time.h>

struct cert_index;
struct pair;
struct pairs;

struct cert_index *cert_index_new(void);     /* NULL: out of memory */
void cert_index_free(struct cert_index *ix); /* NULL is fine */

/* Holds a reference.  Of two that are alike in all else the one with the lower <rank> is served. */
int cert_index_add(struct cert_index *ix, struct pair *p, unsigned rank); /* 0 or -ENOMEM */
void cert_index_seal(struct cert_index *ix, time_t now);

/*
 * The best pair of each kind of key for exactly <name>, which may be a wildcard; references are the
 * caller's.
 */
void cert_index_find(const struct cert_index *ix, const char *name, struct pairs *ret_ps);

#endif
