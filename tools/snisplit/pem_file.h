/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * pem_file - a PEM file that an option names: the daemon gets its text, not its path.
 */
#ifndef PEM_FILE_H
#define PEM_FILE_H

/*
 * The file of --<option>, malloc'd; NULL after an error, which is told.  It may be a key: release
 * it with pem_file_free().
 */
char *pem_file_read(const char *option, const char *path);
void pem_file_free(char *text); /* NULL is fine */

#endif
