/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * labels - what an agent says of a tunnel that has no name of its own: KEY=VALUE, a line each.
 *
 * Pure: any thread.
 */
#ifndef LABELS_H
#define LABELS_H
#include <stdbool.h>

#include "fault.h"

#define LABELS_MAX 16
#define LABEL_KEY_MAX 63
#define LABEL_VALUE_MAX 255

/*
 * One: a key of A-Z a-z 0-9 . _ / - and a value of printable characters, without blanks, commas and
 * '='.  0, or -1 with 400 in <f>.
 */
int label_check(const char *label, const char *field, struct fault *f);
/* 1 to LABELS_MAX of them, no key twice. */
int labels_check(const char *list, const char *field, struct fault *f);
/* Is each of <selector> among <labels>? */
bool labels_have(const char *labels, const char *selector);
#endif
