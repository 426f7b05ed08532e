/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * unit - how a unit test says what is not as it should be, and goes on: one source file each, and
 * main() returns failures != 0.
 */
#ifndef UNIT_H
#define UNIT_H
#include <stdio.h>

static int failures;

#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

#define FAIL(...)                                               \
	do {                                                    \
		failures++;                                     \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__); \
		fprintf(stderr, __VA_ARGS__);                   \
		fputc('\n', stderr);                            \
	} while (0)

/* Unless <cond>, says so and what the rest says of it. */
#define CHECK(cond, ...)                                                           \
	do {                                                                       \
		if (!(cond)) {                                                     \
			failures++;                                                \
			fprintf(stderr, "%s:%d: %s: ", __FILE__, __LINE__, #cond); \
			fprintf(stderr, __VA_ARGS__);                              \
			fputc('\n', stderr);                                       \
		}                                                                  \
	} while (0)
#endif
