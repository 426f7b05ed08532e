// SPDX-License-Identifier: GPL-2.0-only
#include "text_file.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct text_file {
	char **text;
	size_t *len, size;
};

/* Of a cookie: the bytes that were taken, less is an error. */
static ssize_t append(void *arg, const char *buf, size_t n)
{
	struct text_file *t = arg;
	size_t size = t->size;
	char *grown;

	while (size - *t->len <= n)
		size *= 2;
	if (size != t->size) {
		grown = realloc(*t->text, size);
		if (!grown)
			return 0;
		*t->text = grown;
		t->size = size;
	}
	memcpy(*t->text + *t->len, buf, n);
	*t->len += n;
	(*t->text)[*t->len] = '\0';
	return (ssize_t)n;
}

static int end(void *arg)
{
	free(arg);
	return 0;
}

FILE *text_file_open(char **ret_text, size_t *ret_len)
{
	const cookie_io_functions_t io = {.write = append, .close = end};
	struct text_file *t = malloc(sizeof(*t));
	char *text = malloc(128);
	FILE *f = t && text ? fopencookie(t, "w", io) : NULL;

	*ret_text = NULL;
	if (!f) {
		free(text);
		free(t);
		return NULL;
	}
	*text = '\0';
	*ret_text = text;
	*ret_len = 0;
	*t = (struct text_file){ret_text, ret_len, 128};
	setvbuf(f, NULL, _IONBF, 0); /* what is printed is in one piece already */
	return f;
}

int text_file_close(FILE *f, char **ret_text)
{
	bool failed = !f || ferror(f);

	if (f && fclose(f))
		failed = true;
	if (!failed)
		return 0;
	free(*ret_text);
	*ret_text = NULL;
	return -ENOMEM;
}
