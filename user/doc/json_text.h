/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json_text - JSON read and written whole, or not at all.
 *
 * Where memory is lacking, jansson (2.14, and later) goes on with less than there was: lex_save()
 * drops the byte that its buffer had no room for, after which lex_scan_string() may run past the
 * end of a buffer or abort(); do_dump() drops the key of a member, json_deep_copy() the member.  So
 * it is given an allocator here, which counts what it refuses (each thread has a count of its own),
 * and which ends a reading at the first.
 *
 * What json_dumps() returns is not free()'s: write by json_text_write().  A file to a stream may be
 * written by json_dumpf().
 */
#ifndef JSON_TEXT_H
#define JSON_TEXT_H
#include <stddef.h>

#include <jansson.h>

/*
 * How often jansson has got no memory in this thread: what was made of JSON between two equal
 * answers is whole, whatever it is that the calls between did not say.
 */
unsigned json_text_lacked(void);

/*
 * As json_loadb(); NULL with errno ENOMEM: memory was lacking, or EBADMSG, and *err (may be NULL)
 * says what is wrong.
 */
json_t *json_text_read(const char *text, size_t len, size_t flags, json_error_t *err);
/* As json_dumps(); malloc'd.  NULL: memory was lacking. */
char *json_text_write(const json_t *j, size_t flags);
#endif
