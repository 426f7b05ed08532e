/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dir - making directories with all that is above them.
 */
#ifndef DIR_H
#define DIR_H
#include <sys/types.h>

/*
 * Those above <path>, which itself is not made.  0, or -errno with the one that cannot be made in
 * <at> (PATH_MAX bytes; NULL: not asked).
 */
int dir_make_above(const char *path, mode_t mode, char *at);
/* <path> with mode 0700, those above it with 0755. */
int dir_make_private(const char *path, char *at);
#endif
