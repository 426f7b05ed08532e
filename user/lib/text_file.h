/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * text_file - a file of which a text is made.
 *
 * As open_memstream(3), which when memory is short loses what it is given, hands out NULL, and says
 * of neither that it has failed.
 */
#ifndef TEXT_FILE_H
#define TEXT_FILE_H
#include <stdio.h>

/* *ret_text and *ret_len (without the NUL behind it) are of use when it is closed.  NULL: out of
 * memory. */
FILE *text_file_open(char **ret_text, size_t *ret_len);
/*
 * Whose <ret_text> has all that was written, and is to be freed: 0.  Or -ENOMEM: it has not, and is
 * NULL.  <f>: NULL is out of memory as well.
 */
int text_file_close(FILE *f, char **ret_text);
#endif
