/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cert_local - certificates of the local CA, issued when they are first asked for.
 *
 * Kept in files, ca/issued/NAME.pem, certificate and key together, and used from there after a
 * restart; renewed at two thirds of their life.  Those that clients can ask for at will (see
 * <persist>) are in memory only, and at most CERT_LOCAL_VOLATILE of them.  Locked inside; any
 * thread.
 */
#ifndef CERT_LOCAL_H
#define CERT_LOCAL_H

#include <stdbool.h>
#include <time.h>

#include "fault.h"

#define CERT_LOCAL_VOLATILE 256

struct ca;
struct cert_local;
struct certs_item;
struct pair;

/* <ca_dir> is the CA's directory.  NULL: out of memory. */
struct cert_local *cert_local_new(struct ca *ca, const char *ca_dir);
void cert_local_free(struct cert_local *l); /* NULL is fine */

/*
 * A pair for exactly <name>; the reference is the caller's.  NULL with <f>.  A file that cannot be
 * written is no failure: *ret_err is then why, else 0.
 */
struct pair *cert_local_get(struct cert_local *l, const char *name, bool persist, time_t now,
			    int *ret_err, struct fault *f);

int cert_local_each(struct cert_local *l, int (*fn)(void *arg, const struct certs_item *i),
		    void *arg);

#endif
