/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * staple - an OCSP response for a pair's certificate.
 */
#ifndef STAPLE_H
#define STAPLE_H

#include "fault.h"

struct pair;

#define STAPLE_MAX (64 << 10)

/*
 * Reads DER from <fd> into <p>, which nobody else may have yet.  It is served until its nextUpdate.
 * 0, or -1 with <f>: not a response, not a good one, for another certificate, or out of date.
 */
int staple_read(struct pair *p, int fd, struct fault *f);

#endif
