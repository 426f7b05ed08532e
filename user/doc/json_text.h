/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * json_text - JSON read and written whole, or not at all.
 *
 * Where memory is lacking, jansson (2.14, and later) can return less than there was and call it
 * done: lex_save() drops the byte that its buffer had no room for, do_dump() the key of a member,
 * json_deep_copy() the member.  So it is given an allocator here that counts what it refuses.  Each
 * thread has a count of its own.
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
 * As json_loadb() and json_dumps().  NULL with errno ENOMEM: memory was lacking; else (of reading)
 * EBADMSG, and *err (may be NULL) says what is wrong.
 */
json_t *json_text_read(const char *text, size_t len, size_t flags, json_error_t *err);
char *json_text_write(const json_t *j, size_t flags);
#endif
