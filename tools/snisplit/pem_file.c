// SPDX-License-Identifier: GPL-2.0-only
#include "pem_file.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "field.h"

/* (an argument is called as --help shows it) */
static void complain(const char *option, const char *path, const char *why)
{
	fprintf(stderr, "snisplit: %s%s: %s: %s\n", isupper((unsigned char)*option) ? "" : "--",
		option, path, why);
}

char *pem_file_read(const char *option, const char *path)
{
	FILE *in = fopen(path, "re");
	char *text = calloc(1, FIELD_PEM_MAX + 2);
	size_t n;

	if (!in || !text) {
		complain(option, path, strerror(errno));
	} else {
		n = fread(text, 1, FIELD_PEM_MAX + 1, in);
		if (!ferror(in) && n && strlen(text) == n && strstr(text, "-----BEGIN ")) {
			fclose(in);
			return text; /* too long a one is refused as any field's value */
		}
		complain(option, path,
			 ferror(in) ? strerror(errno) : "is not a PEM file (-----BEGIN ...)");
	}
	if (in)
		fclose(in);
	free(text);
	return NULL;
}

void pem_file_free(char *text)
{
	if (text)
		explicit_bzero(text, strlen(text));
	free(text);
}
