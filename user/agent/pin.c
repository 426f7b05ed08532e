// SPDX-License-Identifier: GPL-2.0-only
/*
 * pin - a CA known by its fingerprint.
 */
#include <string.h>
#include <strings.h>

#include "agent.h"
#include "ca.h"

static void same_letters(const char *from, char *to, size_t size)
{
	size_t n = 0;

	for (; *from && n + 1 < size; from++)
		if (*from != ':')
			to[n++] = *from;
	to[n] = '\0';
}

bool pin_matches(const char *pem, const char *pin)
{
	char got[CA_FINGERPRINT_MAX], a[80], b[80];

	if (ca_fingerprint(pem, got))
		return false;
	same_letters(got, a, sizeof(a));
	same_letters(pin, b, sizeof(b));
	return !strcasecmp(a, b);
}
