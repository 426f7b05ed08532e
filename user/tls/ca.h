/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ca - the local certificate authority: certificates for names that nobody has given us one for.
 *
 * Lives in a directory of its own (0700): root.pem and root.key (0600), made at the first need and
 * kept for ten years.  Issues ECDSA P-256 certificates of 90 days for one name each.  Locked
 * inside; any thread.
 */
#ifndef CA_H
#define CA_H

#include <stddef.h>
#include <time.h>

#include "fault.h"

#define CA_FINGERPRINT_MAX 96 /* "AB:CD:..." of SHA-256, and the NUL */
#define CA_LEAF_S (90L * 86400)

struct ca;
struct pair;

struct ca *ca_new(const char *dir); /* touches no file; NULL: out of memory */
void ca_free(struct ca *c);	    /* NULL is fine */

/* The root to trust, PEM, malloc'd; made if there is none yet.  NULL with <f>. */
char *ca_root(struct ca *c, char ret_fingerprint[CA_FINGERPRINT_MAX], struct fault *f);

/* Of the one certificate that <pem> is, in the same form.  0, or -1: there is none, or more comes
 * with it. */
int ca_fingerprint(const char *pem, char ret_fingerprint[CA_FINGERPRINT_MAX]);

/* A pair for <name> ("a.test", "*.a.test"), valid around <now>.  NULL with <f>. */
struct pair *ca_issue(struct ca *c, const char *name, time_t now, struct fault *f);

/* Is <p> of this CA, for <name>, and less than two thirds of its life old at <now>? */
int ca_is_good(struct ca *c, const struct pair *p, const char *name, time_t now);

#endif
