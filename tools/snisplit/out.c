// SPDX-License-Identifier: GPL-2.0-only
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "out.h"

struct table {
	const char *const *heads;
	const char *align;
	unsigned n_columns;
	char **cells;
	size_t n_cells, room;
};

/* A control character at <p>, one byte or (C1 in UTF-8) two? */
static size_t control_len(const unsigned char *p)
{
	if (*p < 0x20 || *p == 0x7f)
		return 1;
	return *p == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0 ? 2 : 0;
}

void out_text(FILE *out, const char *text)
{
	const unsigned char *p = (const unsigned char *)text;

	while (*p) {
		size_t n = control_len(p);

		if (!n)
			fputc(*p++, out);
		for (; n; n--)
			fprintf(out, "\\x%02x", *p++);
	}
}

bool out_is_coloured(void)
{
	static int known = -1;
	const char *no = getenv("NO_COLOR"), *term = getenv("TERM");

	if (known == -1)
		known = isatty(STDOUT_FILENO) && !(no && *no) && !(term && !strcmp(term, "dumb"));
	return known;
}

void out_styled(enum out_style style, const char *text)
{
	static const char *const codes[] = {
		[OUT_BOLD] = "1", [OUT_DIM] = "2",   [OUT_GOOD] = "32",
		[OUT_BAD] = "31", [OUT_WARN] = "33",
	};

	if (style == OUT_PLAIN || !out_is_coloured())
		out_text(stdout, text);
	else
		printf("\033[%sm%s\033[0m", codes[style], text);
}

static void *must(void *p)
{
	if (p)
		return p;
	fprintf(stderr, "snisplit: out of memory\n");
	exit(EXIT_USAGE);
}

struct table *table_new(const char *const *heads, const char *align, unsigned n_columns)
{
	struct table *t = must(calloc(1, sizeof(*t)));

	t->heads = heads;
	t->align = align;
	t->n_columns = n_columns;
	return t;
}

/* The cell as it will be printed, so that its width is what is seen. */
void table_cell(struct table *t, const char *text)
{
	char *shown = NULL;
	size_t size;
	FILE *out = must(open_memstream(&shown, &size));

	out_text(out, text ? text : "");
	fclose(out);
	if (t->n_cells == t->room) {
		t->room = t->room ? t->room * 2 : 64;
		t->cells = must(realloc(t->cells, t->room * sizeof(*t->cells)));
	}
	t->cells[t->n_cells++] = must(shown);
}

void table_cellf(struct table *t, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	table_cell(t, text);
}

/* Characters, not bytes: continuation bytes have no width. */
static int width(const char *text)
{
	int n = 0;

	for (; *text; text++)
		n += (*text & 0xc0) != 0x80;
	return n;
}

static void print_row(const struct table *t, const char *const *row, const int *widths)
{
	for (unsigned i = 0; i < t->n_columns; i++) {
		int pad = widths[i] - width(row[i]);
		bool last = i == t->n_columns - 1;

		if (t->align[i] == '>')
			printf("%*s%s%s", pad, "", row[i], last ? "" : "  ");
		else
			printf("%s%*s%s", row[i], last ? 0 : pad, "", last ? "" : "  ");
	}
	printf("\n");
}

void table_print(struct table *t, bool heads)
{
	int *widths = must(calloc(t->n_columns, sizeof(*widths)));

	for (unsigned i = 0; heads && i < t->n_columns; i++)
		widths[i] = width(t->heads[i]);
	for (size_t i = 0; i < t->n_cells; i++)
		if (width(t->cells[i]) > widths[i % t->n_columns])
			widths[i % t->n_columns] = width(t->cells[i]);
	if (heads && out_is_coloured())
		printf("\033[1m");
	if (heads)
		print_row(t, t->heads, widths);
	if (heads && out_is_coloured())
		printf("\033[0m");
	for (size_t i = 0; i + t->n_columns <= t->n_cells; i += t->n_columns)
		print_row(t, (const char *const *)&t->cells[i], widths);
	for (size_t i = 0; i < t->n_cells; i++)
		free(t->cells[i]);
	free(t->cells);
	free(widths);
	free(t);
}

const char *out_bytes(uint64_t n, char buf[16])
{
	static const char units[] = "kMGTPE";
	double v = (double)n;
	int u = 0;

	if (n < 10000) {
		snprintf(buf, 16, "%" PRIu64, n);
		return buf;
	}
	for (v /= 1000; v >= 1000 && u < 5; u++)
		v /= 1000;
	snprintf(buf, 16, v < 10 ? "%.2f%c" : v < 100 ? "%.1f%c" : "%.0f%c", v, units[u]);
	return buf;
}

const char *out_seconds(uint64_t s, char buf[32])
{
	if (s < 60)
		snprintf(buf, 32, "%us", (unsigned)s);
	else if (s < 3600)
		snprintf(buf, 32, "%um %us", (unsigned)(s / 60), (unsigned)(s % 60));
	else if (s < 86400)
		snprintf(buf, 32, "%uh %um", (unsigned)(s / 3600), (unsigned)(s / 60 % 60));
	else
		snprintf(buf, 32, "%ud %uh", (unsigned)(s / 86400), (unsigned)(s / 3600 % 24));
	return buf;
}
