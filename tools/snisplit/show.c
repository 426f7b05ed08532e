// SPDX-License-Identifier: GPL-2.0-only
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "show.h"
#include "json_text.h"
#include "out.h"

const char *show_text(const json_t *j, const char *name)
{
	const char *text = json_string_value(json_object_get(j, name));

	return text ? text : "";
}

long long show_number(const json_t *j, const char *name)
{
	return (long long)json_integer_value(json_object_get(j, name));
}

static bool is_pem(const json_t *v)
{
	const char *text = json_string_value(v);

	return text && !strncmp(text, "-----BEGIN ", 11);
}

/* Calls <fn> for every field, objects' ones under "object.field". */
static void each_field(const char *prefix, json_t *object,
		       void (*fn)(struct table *t, const char *name, json_t *v), struct table *t)
{
	const char *key;
	json_t *v;

	json_object_foreach(object, key, v) {
		char name[128];

		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
		if (json_is_object(v))
			each_field(name, v, fn, t);
		else
			fn(t, name, v);
	}
}

static void add_field(struct table *t, const char *name, json_t *v)
{
	char *text;

	table_cell(t, name);
	if (is_pem(v)) {
		table_cell(t, "PEM, below");
	} else if (json_is_string(v)) {
		table_cell(t, json_string_value(v));
	} else {
		text = json_text_write(v, JSON_ENCODE_ANY);
		table_cell(t, text);
		free(text);
	}
}

/* In lines as they are in a file, to be copied into one. */
static void print_pem(struct table *t, const char *name, json_t *v)
{
	const char *text = is_pem(v) ? json_string_value(v) : "";
	size_t n;

	(void)t;
	if (*text)
		printf("\n%s\n", name);
	for (; *text; text += n + (text[n] == '\n')) {
		char *line;

		n = strcspn(text, "\n");
		line = strndup(text, n);
		if (line)
			out_text(stdout, line);
		printf("\n");
		free(line);
	}
}

void show_fields(json_t *object)
{
	struct table *t = table_new(NULL, "<<", 2);

	each_field("", object, add_field, t);
	table_print(t, false);
	each_field("", object, print_pem, NULL);
}
