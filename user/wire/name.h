/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * name - host names as endpoints have them: hello.h's normalisation, and wildcards.
 *
 * A key is lower-case, without a trailing dot, zero-padded to NAME_KEY_LEN: what the BPF maps are
 * keyed by and what every later check compares.  Pure; any thread.
 */
#ifndef NAME_H
#define NAME_H

#include <stdbool.h>

#define NAME_KEY_LEN 256 /* HELLO_KEY_LEN; 253 bytes of name at most */

/*
 * Normalises <in> ("App.Example.com.") into <key>.  With <allow_wildcard>, "*" may be the whole
 * first label ("*.example.com"), never all of the name.  Labels have at most 63 bytes and neither
 * begin nor end with '-', though a hello may ask for such a name.  Returns the length, or -EINVAL
 * with *ret_why a static text that completes "the name ...", <key> being untouched.
 */
int name_normalise(const char *in, char key[NAME_KEY_LEN], bool allow_wildcard,
		   const char **ret_why);
/* ERR_SNISPLIT_<code> of such a text; 0: it has none of its own. */
int name_code(const char *why);

#endif
