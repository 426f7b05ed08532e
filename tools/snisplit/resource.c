// SPDX-License-Identifier: GPL-2.0-only
#include "resource.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client.h"
#include "out.h"
#include "quantity.h"
#include "show.h"

int resource_list(struct call *c, const struct resource_list *l)
{
	struct reply r = {0};
	int code = client_ask(c, "GET", l->path, NULL, &r);
	struct table *t;
	json_t *item;
	size_t i;

	if (!code && !c->json) {
		t = table_new(l->heads, l->align, (unsigned)strlen(l->align));
		json_array_foreach(json_object_get(r.json, l->key), i, item)
			l->row(t, item);
		table_print(t, true);
	}
	reply_done(&r);
	return code;
}

int resource_get(struct call *c, char *path)
{
	struct reply r = {0};
	int code = client_ask(c, "GET", path, NULL, &r);

	if (!code && !c->json)
		show_fields(r.json);
	free(path);
	reply_done(&r);
	return code;
}

char *resource_with_kill(const struct call *c, char *path)
{
	char *full = NULL;

	if (!call_value(c, "kill"))
		return path;
	if (asprintf(&full, "%s?kill=1", path) < 0)
		exit(EXIT_USAGE);
	free(path);
	return full;
}

void resource_say_killed(const struct call *c, const json_t *reply)
{
	if (call_value(c, "kill"))
		printf(", %lld connections ended", show_number(reply, "connections_killed"));
	printf("\n");
}

int resource_remove(struct call *c, char *path)
{
	char *full = resource_with_kill(c, path);
	struct reply r = {0};
	int code = client_ask(c, "DELETE", full, NULL, &r);

	if (!code && !c->json) {
		printf("removed ");
		out_text(stdout, c->args[0]);
		resource_say_killed(c, r.json);
	}
	free(full);
	reply_done(&r);
	return code;
}

int resource_send(struct call *c, const char *method, char *path, json_t *body)
{
	struct reply r = {0};
	int code = client_ask(c, method, path, body, &r);

	if (!code && !c->json) {
		out_text(stdout, show_text(r.json, "id"));
		printf("\n");
	}
	json_decref(body);
	free(path);
	reply_done(&r);
	return code;
}

static bool is_text(const char *option, bool good)
{
	if (!good)
		fprintf(stderr, "snisplit: --%s: must be UTF-8 text\n", option);
	return good;
}

bool resource_set(json_t *to, const char *name, const char *option, json_t *value)
{
	return is_text(option, value && !json_object_set_new(to, name, value));
}

bool resource_set_number(json_t *to, const char *name, const char *option, const char *text)
{
	uint64_t n;
	int err = quantity_count(text, &n);

	if (!err && n <= INT64_MAX)
		return resource_set(to, name, option, json_integer((json_int_t)n));
	fprintf(stderr, "snisplit: --%s: %s, got '", option,
		err == -EINVAL ? "must be a number, digits only" : "is too large");
	out_text(stderr, text);
	fprintf(stderr, "'\n");
	return false;
}

bool resource_append(json_t *list, const char *option, const char *value)
{
	return is_text(option, !json_array_append_new(list, json_string(value)));
}

bool resource_set_texts(const struct call *c, json_t *body)
{
	static const char *const names[] = {"description", "metadata"};

	for (size_t i = 0; i < 2; i++) {
		const char *text = call_value(c, names[i]);

		if (text && !resource_set(body, names[i], names[i], json_string(text)))
			return false;
	}
	return true;
}
