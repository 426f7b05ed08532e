// SPDX-License-Identifier: GPL-2.0-only
#include "name.h"

#include <errno.h>
#include <string.h>

#include "hello.h"

#define LABEL_MAX 63
#define EMPTY_LABEL 327
#define TOO_LONG 397

_Static_assert(NAME_KEY_LEN == HELLO_KEY_LEN, "one key for hellos and endpoints");

static const char too_long[] = "is longer than 253 bytes", empty_label[] = "has an empty label";

/* Why hello_key() refused <in>; decides nothing. */
static const char *reason(const char *in, bool allow_wildcard)
{
	const char *colon = strchr(in, ':');
	size_t len = strlen(in);

	if (!len || !strcmp(in, "."))
		return "is empty";
	if (len > HELLO_NAME_MAX)
		return too_long;
	if (strspn(in, "0123456789.") == len ||
	    (colon && strchr(colon + 1, ':') && strspn(in, "[0123456789abcdefABCDEF:.]") == len))
		return "is an IP address";
	if (!strcmp(in, "*"))
		return "is a wildcard of everything: write *.DOMAIN";
	if (strchr(in, '*'))
		return allow_wildcard ? "has a '*' that is not its whole first label"
				      : "has a '*': no wildcard is allowed here";
	if (in[0] == '.' || strstr(in, ".."))
		return empty_label;
	return "has a byte outside a-z, 0-9, '.', '-' and '_'";
}

/* What a hello may ask for and no endpoint has: it would be no host name (RFC 1035 2.3.4,
 * 1123 2.1). */
enum label_fault { LABEL_FINE, LABEL_LONG, LABEL_START, LABEL_END, LABEL_FAULTS };

static const struct {
	const char *why;
	int code;
} label_faults[LABEL_FAULTS] = {
	[LABEL_LONG] = {"has a label longer than 63 bytes", 396},
	[LABEL_START] = {"has a label that begins with '-'", 328},
	[LABEL_END] = {"has a label that ends with '-'", 329},
};

static enum label_fault check_labels(const char *name)
{
	for (size_t len; *name; name += len + (name[len] == '.')) {
		len = strcspn(name, ".");
		if (len > LABEL_MAX)
			return LABEL_LONG;
		if (name[0] == '-')
			return LABEL_START;
		if (len && name[len - 1] == '-')
			return LABEL_END;
	}
	return LABEL_FINE;
}

int name_code(const char *why)
{
	for (int i = LABEL_LONG; i < LABEL_FAULTS; i++)
		if (why == label_faults[i].why)
			return label_faults[i].code;
	return why == too_long ? TOO_LONG : why == empty_label ? EMPTY_LABEL : 0;
}

int name_normalise(const char *in, char key[NAME_KEY_LEN], bool allow_wildcard,
		   const char **ret_why)
{
	bool wild = allow_wildcard && in[0] == '*' && in[1] == '.';
	const char *host = wild ? in + 2 : in;
	size_t len = strnlen(host, HELLO_NAME_MAX + 2);
	char out[NAME_KEY_LEN];
	enum label_fault fault;
	int n;

	n = hello_key((const __u8 *)host, 0, len, out);
	if (!n) {
		*ret_why = reason(host, allow_wildcard);
		return -EINVAL;
	}
	fault = check_labels(out);
	if (fault) {
		*ret_why = label_faults[fault].why;
		return -EINVAL;
	}
	if (wild) {
		if (n + 2 > HELLO_NAME_MAX) {
			*ret_why = too_long;
			return -EINVAL;
		}
		memmove(out + 2, out, n);
		out[0] = '*';
		out[1] = '.';
		n += 2;
	}
	memcpy(key, out, sizeof(out));
	return n;
}
