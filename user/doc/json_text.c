// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <setjmp.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"

/* Before each of jansson's blocks; those of a reading that goes on are in a list. */
struct block {
	alignas(max_align_t) struct block *next;
	struct block **link; /* what points here; NULL: in no list */
};

static __thread struct {
	unsigned lacked;
	jmp_buf *give_up; /* NULL: no reading goes on */
	struct block *read;
} here;

static void *allocate(size_t size)
{
	struct block *b = size <= PTRDIFF_MAX ? malloc(sizeof(*b) + size) : NULL;

	if (!b) {
		here.lacked++;
		if (here.give_up)
			longjmp(*here.give_up, 1);
		return NULL;
	}
	b->link = NULL;
	if (here.give_up) {
		b->link = &here.read;
		b->next = here.read;
		if (b->next)
			b->next->link = &b->next;
		here.read = b;
	}
	return b + 1;
}

static void release(void *p)
{
	struct block *b = p;

	if (!b)
		return;
	b--;
	if (b->link) {
		*b->link = b->next;
		if (b->next)
			b->next->link = b->link;
	}
	free(b);
}

/* (before there are threads; the seed of its tables by itself, for reading what strangers send) */
__attribute__((constructor)) static void give_allocator(void)
{
	json_set_alloc_funcs(allocate, release);
	json_object_seed(0);
}

unsigned json_text_lacked(void)
{
	return here.lacked;
}

json_t *json_text_read(const char *text, size_t len, size_t flags, json_error_t *err)
{
	jmp_buf give_up;
	json_t *j;

	if (setjmp(give_up)) {
		here.give_up = NULL;
		while (here.read)
			release(here.read + 1);
		errno = ENOMEM;
		return NULL;
	}
	here.give_up = &give_up;
	j = json_loadb(text, len, flags, err);
	here.give_up = NULL;
	for (; here.read; here.read = here.read->next)
		here.read->link = NULL;
	errno = EBADMSG;
	return j;
}

char *json_text_write(const json_t *j, size_t flags)
{
	unsigned before = here.lacked;
	char *theirs = json_dumps(j, flags), *text = NULL;

	if (theirs && here.lacked == before)
		text = strdup(theirs);
	release(theirs);
	return text;
}
