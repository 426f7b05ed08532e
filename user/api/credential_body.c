// SPDX-License-Identifier: GPL-2.0-only
#include "credential_body.h"
#include "text_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LIMIT_MAX 1000000

json_t *credential_rules_json(const char *acl)
{
	json_t *out = json_array();
	size_t len;

	for (; acl && *acl; acl += len + (acl[len] == '\n')) {
		len = strcspn(acl, "\n");
		json_array_append_new(out, json_stringn(acl, len));
	}
	return out;
}

static int take_rules(const json_t *list, char **ret_acl, struct fault *f)
{
	size_t i, size;
	FILE *to;
	json_t *v;
	int err = 0;

	if (!json_is_array(list))
		return fault_set(f, 400, 0, "acl", "must be a list of rules");
	to = text_file_open(ret_acl, &size);
	if (!to)
		return fault_set(f, 500, 0, "acl", "out of memory");
	json_array_foreach(list, i, v) {
		const char *text = json_string_value(v);

		if (!text || !*text || strpbrk(text, "\n"))
			err = fault_set(f, 400, 600, "acl",
					"must be * or start with bind:, each a string");
		else
			fprintf(to, "%s%s", i ? "\n" : "", text);
	}
	return text_file_close(to, ret_acl) ? fault_set(f, 500, 0, "acl", "out of memory") : err;
}

static int take_text(const char *name, const json_t *v, size_t max, char **ret, struct fault *f)
{
	if (!json_is_string(v) || json_string_length(v) > max)
		return fault_set(f, 400, 0, name, "must be a string of at most %zu bytes", max);
	*ret = strdup(json_string_value(v));
	return *ret ? 0 : fault_set(f, 500, 0, name, "out of memory");
}

/* null: any number. */
static int take_limit(const char *name, const json_t *v, unsigned *ret, struct fault *f)
{
	*ret = (unsigned)json_integer_value(v);
	if (json_is_null(v) ||
	    (json_is_integer(v) && json_integer_value(v) > 0 && json_integer_value(v) <= LIMIT_MAX))
		return 0;
	return fault_set(f, 400, 0, name, "must be 1 to %d, or null for any number", LIMIT_MAX);
}

int credential_body_read(const json_t *in, bool has_key, struct credential *cr, struct fault *f)
{
	const char *name;
	json_t *v;
	int err = 0;

	json_object_foreach((json_t *)in, name, v) {
		if (!strcmp(name, "description"))
			err = take_text(name, v, 255, &cr->description, f);
		else if (!strcmp(name, "metadata"))
			err = take_text(name, v, 4096, &cr->metadata, f);
		else if (!strcmp(name, "acl"))
			err = take_rules(v, &cr->acl, f);
		else if (!strcmp(name, "max_sessions"))
			err = take_limit(name, v, &cr->max_sessions, f);
		else if (!strcmp(name, "max_endpoints"))
			err = take_limit(name, v, &cr->max_endpoints, f);
		else if (has_key && !strcmp(name, "public_key"))
			err = take_text(name, v, SSH_KEY_LINE_MAX, &cr->public_key, f);
		else
			err = fault_set(f, 400, 0, name, "unknown field");
		if (err)
			return -1;
	}
	if (has_key && !cr->public_key)
		return fault_set(f, 400, 0, "public_key", "is missing: the text of FILE.pub");
	return 0;
}

void credential_body_done(struct credential *cr)
{
	free(cr->description);
	free(cr->metadata);
	free(cr->acl);
	free(cr->public_key);
}
