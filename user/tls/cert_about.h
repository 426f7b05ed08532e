/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cert_about - what a certificate says, for people and the API.
 */
#ifndef CERT_ABOUT_H
#define CERT_ABOUT_H

#include <time.h>

#include "fault.h"

enum cert_about_field {
	CERT_SUBJECT_CN,
	CERT_SUBJECT_O,
	CERT_SUBJECT_OU,
	CERT_SUBJECT_L,
	CERT_SUBJECT_ST,
	CERT_SUBJECT_C,
	CERT_ISSUER_CN,
	CERT_SERIAL,   /* hexadecimal */
	CERT_KEY_TYPE, /* "rsa", "ecdsa", "ed25519" */
	CERT_DNS_NAME, /* these may come several times: one of a list */
	CERT_IP,
	CERT_KEY_USAGE,
	CERT_EXT_KEY_USAGE,
	CERT_ABOUT_MAX,
};

/*
 * Calls <fn> for each field that the first certificate in <pem> has; <value> is UTF-8 and valid
 * during the call.  0, or -1 with <f>.
 */
int cert_about(const char *pem,
	       void (*fn)(void *arg, enum cert_about_field field, const char *value), void *arg,
	       time_t *ret_not_before, time_t *ret_not_after, struct fault *f);

/* Is <pem> exactly one certificate, of a CA?  0, or -1 with <f> (1911, 1912, 1913). */
int cert_check_ca(const char *pem, const char *field, struct fault *f);

#endif
