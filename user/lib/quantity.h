/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * quantity - numbers with a unit, as people write them in files and options.
 *
 * Strict: no sign, no blanks, no fraction; what does not fit is refused, not
 * clipped.  Results are untouched on error.
 */
#ifndef QUANTITY_H
#define QUANTITY_H
#include <stdint.h>

/* "500ms", "3s", "5m", "1h"; "0" needs no unit.  Returns 0, -EINVAL or -ERANGE. */
int quantity_duration(const char *text, uint64_t *ret_ms);

/* "4096", "16k", "4m", "1g" (powers of 1024, either case).  The same. */
int quantity_size(const char *text, uint64_t *ret_bytes);

/* "65536".  The same. */
int quantity_count(const char *text, uint64_t *ret_n);
#endif
