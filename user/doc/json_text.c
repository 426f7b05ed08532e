// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>

#include "json_text.h"

static __thread unsigned lacked;

static void *allocate(size_t size)
{
	void *p = malloc(size);

	lacked += !p;
	return p;
}

/* (before there are threads) */
__attribute__((constructor)) static void count_what_is_lacking(void)
{
	json_set_alloc_funcs(allocate, free);
}

unsigned json_text_lacked(void)
{
	return lacked;
}

json_t *json_text_read(const char *text, size_t len, size_t flags, json_error_t *err)
{
	unsigned before = lacked;
	json_t *j = json_loadb(text, len, flags, err);

	errno = EBADMSG;
	if (lacked == before)
		return j;
	json_decref(j);
	errno = ENOMEM;
	return NULL;
}

char *json_text_write(const json_t *j, size_t flags)
{
	unsigned before = lacked;
	char *text = json_dumps(j, flags);

	if (lacked == before)
		return text;
	free(text);
	errno = ENOMEM;
	return NULL;
}
