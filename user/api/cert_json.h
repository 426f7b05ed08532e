/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * cert_json - what a certificate says, in the fields of ngrok's TLSCertificate and
 * CertificateAuthority.
 */
#ifndef CERT_JSON_H
#define CERT_JSON_H
#include <jansson.h>
#include <time.h>

/*
 * Adds what the first certificate in <pem> says to the object <j>; lists are there even when empty,
 * "subject_alternative_names" only if <j> has it.
 */
void cert_json_add(json_t *j, const char *pem);
json_t *cert_json_time(time_t t);
#endif
