/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * out - text for people: safe on a terminal, aligned, coloured only there.
 */
#ifndef OUT_H
#define OUT_H
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Foreign text: control characters become \xNN. */
void out_text(FILE *out, const char *text);

enum out_style { OUT_PLAIN, OUT_BOLD, OUT_DIM, OUT_GOOD, OUT_BAD, OUT_WARN };
/* Is stdout a terminal that has colours, and NO_COLOR not set? */
bool out_is_coloured(void);
/* Prints to stdout in a style; plain when not coloured. */
void out_styled(enum out_style style, const char *text);

/* A table: columns as wide as their widest cell; '>' in <align> is to the right. */
struct table;
struct table *table_new(const char *const *heads, const char *align, unsigned n_columns);
/* Copies.  NULL is an empty cell. */
void table_cell(struct table *t, const char *text);
void table_cellf(struct table *t, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* Prints, with the heads or without, and frees. */
void table_print(struct table *t, bool heads);

/* "1.2M"; exact below 10000. */
const char *out_bytes(uint64_t n, char buf[16]);
/* "3d 4h", "5m 2s" */
const char *out_seconds(uint64_t s, char buf[32]);
#endif
