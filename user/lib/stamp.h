/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * stamp - points in time as RFC 3339 text in UTC, the only form people see.
 */
#ifndef STAMP_H
#define STAMP_H
#include <time.h>

#define STAMP_TEXT_MAX 32 /* "2024-01-31T23:59:59.123456Z" and the NUL */

/* CLOCK_REALTIME, now. */
struct timespec stamp_now(void);

/* Microseconds are always written, so that text sorts as time does. */
const char *stamp_text(const struct timespec *ts, char out[STAMP_TEXT_MAX]);

/*
 * "2024-01-31T23:59:59Z", with up to nine decimals and "Z" or "+HH:MM".
 * Returns 0 or -EINVAL.
 */
int stamp_parse(const char *text, struct timespec *ret_ts);
#endif
