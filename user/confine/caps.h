/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * caps - capabilities of the calling thread; each thread has its own.
 */
#ifndef CAPS_H
#define CAPS_H
#include <stddef.h>
#include <stdint.h>

#define CAP_BIT(cap) (1ULL << (cap)) /* CAP_... of linux/capability.h */

uint64_t caps_permitted(void);
uint64_t caps_effective(void);

/* Gives up what is in neither set.  0, or -errno. */
int caps_keep(uint64_t permitted, uint64_t effective);

/* No program that this thread starts can have others.  0, or -errno. */
int caps_bound(uint64_t keep);

/* "net_admin dac_read_search", "none".  Returns <out>. */
const char *caps_text(uint64_t caps, char *out, size_t size);
#endif
