// SPDX-License-Identifier: GPL-2.0-only
#include "name.h"

#include <errno.h>
#include <string.h>

#include "hello.h"

_Static_assert(NAME_KEY_LEN == HELLO_KEY_LEN, "one key for hellos and endpoints");

/* Why hello_key() refused <in>; decides nothing. */
static const char *reason(const char *in, bool allow_wildcard)
{
	const char *colon = strchr(in, ':');
	size_t len = strlen(in);

	if (!len || !strcmp(in, "."))
		return "is empty";
	if (len > HELLO_NAME_MAX)
		return "is longer than 253 bytes";
	if (strspn(in, "0123456789.") == len ||
	    (colon && strchr(colon + 1, ':') && strspn(in, "[0123456789abcdefABCDEF:.]") == len))
		return "is an IP address";
	if (!strcmp(in, "*"))
		return "is a wildcard of everything: write *.DOMAIN";
	if (strchr(in, '*'))
		return allow_wildcard ? "has a '*' that is not its whole first label"
				      : "has a '*': no wildcard is allowed here";
	if (in[0] == '.' || strstr(in, ".."))
		return "has an empty label";
	return "has a byte outside a-z, 0-9, '.', '-' and '_'";
}

int name_normalise(const char *in, char key[NAME_KEY_LEN], bool allow_wildcard,
		   const char **ret_why)
{
	bool wild = allow_wildcard && in[0] == '*' && in[1] == '.';
	const char *host = wild ? in + 2 : in;
	size_t len = strnlen(host, HELLO_NAME_MAX + 2);
	char out[NAME_KEY_LEN];
	int n;

	n = hello_key((const __u8 *)host, 0, len, out);
	if (!n) {
		*ret_why = reason(host, allow_wildcard);
		return -EINVAL;
	}
	if (wild) {
		if (n + 2 > HELLO_NAME_MAX) {
			*ret_why = "is longer than 253 bytes";
			return -EINVAL;
		}
		memmove(out + 2, out, n);
		memcpy(out, "*.", 2);
		n += 2;
	}
	memcpy(key, out, sizeof(out));
	return n;
}
