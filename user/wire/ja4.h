/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ja4 - the JA4 fingerprint of a TLS client ("t13d1516h2_8daaf6152771_e5627efa2ab1").
 *
 * From its public description (JA4, TLS client: BSD-3-Clause; the other JA4+ methods are not used).
 * GREASE is ignored wherever it stands, signature algorithms included.  Pure; any thread; 128 KiB
 * of stack.
 */
#ifndef JA4_H
#define JA4_H

#include "hello.h"

#define JA4_LEN 36 /* without the NUL */

/* <buf>, <h>: as hello_parse() or hello_parse_message() saw and left them, verdict OK or NO_SNI. */
void ja4_write(const __u8 *buf, const struct hello *h, char out[JA4_LEN + 1]);

#endif
