/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * certs - the certificate store: which certificates there are for a name.
 *
 * They come from three places: uploaded ones (certs_add), a directory that is watched, and for
 *names that neither covers the local CA, which issues one at the first handshake.  One a process;
 *any thread.
 *
 * In the directory (symbolic links are followed):
 *	NAME.pem or NAME.crt, and NAME.key		ours, lego
 *	NAME/fullchain.pem and NAME/privkey.pem		certbot's live/, dehydrated's certs/
 *	NAME/cert.pem and private/NAME/key.pem		uacme
 *	NAME.ocsp, NAME/NAME.ocsp, NAME/ocsp.der	a staple beside the pair, DER
 * Which names a pair is for is said by the certificate, not by the file.  A pair that is damaged,
 *or half written, leaves the one that was read before in use, and is warned about once.
 */
#ifndef CERTS_H
#define CERTS_H

#include <stdbool.h>
#include <time.h>

#include "ca.h"
#include "fault.h"

struct certs;
struct pairs;

struct certs_conf {
	const char *dir;   /* to watch; NULL: none */
	bool dir_expected; /* warn when it is missing */
	const char *state; /* state_dir: the local CA is in ca/ below it */
	/* What an operator should hear; <text> is one line, already escaped.  From any thread. */
	void (*say)(void *arg, bool warning, const char *text);
	void *arg;
};

/*
 * Reads the directory and starts the thread that watches it (signals stay blocked as they are).
 * 0 or -errno.
 */
int certs_open(const struct certs_conf *conf, struct certs **ret_c);
void certs_close(struct certs *c); /* NULL is fine */

/* Reads the directory again, now.  <dir> as in the conf: it may be another one. */
int certs_reload(struct certs *c, const char *dir, bool dir_expected);

/* A pair of PEM texts, until certs_remove() of <id>.  0, or -1 with <f> (see certs_check). */
int certs_add(struct certs *c, const char *id, const char *crt, const char *key, struct fault *f);
/* 0 or -ENOENT. */
int certs_remove(struct certs *c, const char *id);

/*
 * For a client that asks for <sni> ("" none) at <endpoint>: of the certificates for the name the
 * best of each kind of key.  The name is <sni> where <endpoint> covers it, else <endpoint>.
 * An exact name beats a wildcard.  0, or -1 with <f>.
 */
int certs_choose(struct certs *c, const char *sni, const char *endpoint, time_t now,
		 struct pairs *ret_ps, struct fault *f);

/* The local CA's root; see ca_root(). */
char *certs_root(struct certs *c, char ret_fingerprint[CA_FINGERPRINT_MAX], struct fault *f);

enum certs_origin { CERTS_UPLOADED, CERTS_DIRECTORY, CERTS_LOCAL };

/* Of every certificate in use; texts are valid during the call. */
struct certs_item {
	enum certs_origin origin;
	const char *where; /* id, file below the directory, or name */
	const char *name;  /* the first one it is for; "" none */
	time_t not_before, not_after;
};
/* Stops at non-zero and returns it.  <fn> must not use <c>. */
int certs_each(struct certs *c, int (*fn)(void *arg, const struct certs_item *i), void *arg);

/*
 * Is this a pair that could be served?  0, with *ret_warning a static text ("has expired", "is not
 * valid yet") or NULL; or -1 with <f>, the fault being of <crt_field> or <key_field>.
 */
int certs_check(const char *crt, const char *key, const char *crt_field, const char *key_field,
		const char **ret_warning, struct fault *f);

#endif
