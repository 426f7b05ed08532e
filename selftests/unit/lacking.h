/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * lacking - what a test makes is made again while one allocation after the other fails, alone and
 * with those behind it: it is whole, or refused.  (The program's malloc() is this one; but with
 * sanitizers, whose own it has to be: none fails then.)
 */
#ifndef LACKING_H
#define LACKING_H
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

#define WHOLE_MAX 8192
#define FOR_EVER 1000000U

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t m);
void *__libc_realloc(void *p, size_t n);

static struct {
	unsigned n, first, many; /* of the allocations, those from <first> fail; 0: none does */
} lack;

#ifndef __SANITIZE_ADDRESS__
static bool none(void)
{
	unsigned n = ++lack.n;

	return lack.first && n >= lack.first && n - lack.first < lack.many;
}

void *malloc(size_t n)
{
	return none() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t m)
{
	return none() ? NULL : __libc_calloc(n, m);
}

void *realloc(void *p, size_t n)
{
	return none() ? NULL : __libc_realloc(p, n);
}
#endif

static char out[WHOLE_MAX]; /* what a case has made */
static size_t out_len;

/* (into an array: it must not need what it tells of) */
#define SAY(...) (out_len += (size_t)snprintf(out + out_len, sizeof(out) - out_len, __VA_ARGS__))

/* True: <out> says what there is.  False: it was refused. */
typedef bool case_fn(void);

/* Of the allocations, every <step>th is the first to fail. */
static void sweep(const char *name, unsigned step, case_fn *fn)
{
	static const unsigned many[] = {1, 2, 7, FOR_EVER};
	static char whole[WHOLE_MAX];
	unsigned n, refused = 0;
	bool made;

	lack.first = out_len = lack.n = 0;
	*out = '\0';
	made = fn();
	n = lack.n;
	strcpy(whole, out);
	CHECK(made && *whole, "%s: with all memory", name);
	if (!n) {
		printf("# %s: no allocation can be made to fail in this build\n", name);
		return;
	}
	for (size_t m = 0; m < COUNT(many); m++) {
		for (unsigned first = 1 + (unsigned)m % step; first <= n + 1; first += step) {
			out_len = lack.n = 0;
			*out = '\0';
			lack.many = many[m];
			lack.first = first;
			made = fn();
			lack.first = 0;
			refused += !made;
			if (made && strcmp(out, whole) != 0) {
				FAIL("%s: without allocations %u to %u it is\n%sand should be\n%s",
				     name, first, first + many[m] - 1, out, whole);
				return;
			}
		}
	}
	CHECK(refused, "%s: %u allocations, and none is missed", name, n);
}
#endif
