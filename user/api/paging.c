// SPDX-License-Identifier: GPL-2.0-only
#include "paging.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "request.h"

#define LIMIT_MAX 100000

static json_t *array_of(json_t *out, const char **ret_key)
{
	json_t *v;

	json_object_foreach(out, *ret_key, v)
		if (json_is_array(v))
			return v;
	return NULL;
}

static int read_limit(struct request *r, size_t *ret_n)
{
	const char *text = request_query(r, "limit");
	char *end;
	long n;

	*ret_n = SIZE_MAX;
	if (!text)
		return 0;
	n = strtol(text, &end, 10);
	if (*end || n < 1 || n > LIMIT_MAX)
		return fault_set(&r->fault, 400, 0, "limit", "must be 1 to %d, got '%.40s'",
				 LIMIT_MAX, text);
	*ret_n = (size_t)n;
	return 0;
}

static const char *id_of(const json_t *item)
{
	const char *id = json_string_value(json_object_get(item, "id"));

	return id ? id : "";
}

/* How many are older than <id>; the whole list when there is none asked for, -1: it is not there.
 */
static long older_than(const json_t *list, const char *id)
{
	size_t i = json_array_size(list);

	if (!id)
		return (long)i;
	while (i--)
		if (!strcmp(id_of(json_array_get(list, i)), id))
			return (long)i;
	return -1;
}

int paging_apply(struct request *r, const char *path)
{
	const char *before = request_query(r, "before_id"), *key;
	json_t *list = array_of(r->out, &key), *page;
	size_t limit;
	long n;

	if (!list || (!before && !request_query(r, "limit")))
		return 0;
	if (read_limit(r, &limit))
		return -1;
	n = older_than(list, before);
	if (n < 0)
		return fault_set(&r->fault, 400, 0, "before_id", "there is no '%.64s' in this list",
				 before);
	page = json_array();
	while (page && n && json_array_size(page) < limit)
		json_array_append(page, json_array_get(list, (size_t)--n));
	if (!page)
		return fault_set(&r->fault, 500, 0, "", "out of memory");
	if (n)
		json_object_set_new(
			r->out, "next_page_uri",
			json_sprintf("%s?before_id=%s&limit=%zu", path,
				     id_of(json_array_get(page, json_array_size(page) - 1)),
				     limit));
	json_object_set_new(r->out, key, page);
	return 0;
}
