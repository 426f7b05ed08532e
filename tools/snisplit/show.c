// SPDX-License-Identifier: GPL-2.0-only
#include <stdio.h>
#include <stdlib.h>

#include "show.h"
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

static void add_fields(struct table *t, const char *prefix, json_t *object)
{
	const char *key;
	json_t *v;

	json_object_foreach(object, key, v) {
		char name[128], *text;

		snprintf(name, sizeof(name), "%s%s%s", prefix, *prefix ? "." : "", key);
		if (json_is_object(v)) {
			add_fields(t, name, v);
			continue;
		}
		table_cell(t, name);
		if (json_is_string(v)) {
			table_cell(t, json_string_value(v));
		} else {
			text = json_dumps(v, JSON_ENCODE_ANY);
			table_cell(t, text);
			free(text);
		}
	}
}

void show_fields(json_t *object)
{
	struct table *t = table_new(NULL, "<<", 2);

	add_fields(t, "", object);
	table_print(t, false);
}
