// SPDX-License-Identifier: GPL-2.0-only
/* test_json_text - each allocation in turn fails: what comes back is whole, or nothing. */
#include "json_text.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

/* The one that fails, counted down to by every allocation; 0: none. */
static unsigned fails;

#ifndef __SANITIZE_ADDRESS__ /* (which has a malloc() of its own) */
void *__libc_malloc(size_t size);
void *malloc(size_t size);

void *malloc(size_t size)
{
	return fails && !--fails ? NULL : __libc_malloc(size);
}
#endif

/* Long enough to make buffers grow at each power of two. */
static json_t *rules(void)
{
	json_t *list = json_array();
	char rule[80];

	for (int i = 0; i < 60; i++) {
		snprintf(rule, sizeof(rule), "bind:%d.%.*s.test", i, i,
			 "xxxxxxxxxxxxxxxxxxxxxxxx"
			 "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx");
		json_array_append_new(list, json_string(rule));
	}
	return json_pack("{s:o, s:{s:{s:s}}}", "acl", list, "target", "file", "path", "f1");
}

static void check_read(const char *text, const json_t *whole)
{
	unsigned n, refused = 0;
	bool failed = true;
	json_t *j;

	for (n = 1; failed; n++) {
		fails = n;
		j = json_text_read(text, strlen(text), 0, NULL);
		failed = !fails;
		fails = 0;
		CHECK(j ? !failed && json_equal(j, whole) : failed && errno == ENOMEM,
		      "allocation %u: %s", n, j ? "not whole" : strerror(errno));
		refused += !j;
		json_decref(j);
	}
	CHECK(refused == n - 2 && n > 60, "%u of %u", refused, n);
}

static void check_write(const char *text, const json_t *whole)
{
	bool failed = true;
	unsigned n;
	char *now;

	for (n = 1; failed; n++) {
		fails = n;
		now = json_text_write(whole, JSON_COMPACT);
		failed = !fails;
		fails = 0;
		CHECK(now ? !failed && !strcmp(now, text) : failed, "allocation %u: %s", n,
		      now ? now : "refused");
		free(now);
	}
	CHECK(n > 3, "%u", n);
}

static void check_count(void)
{
	unsigned before = json_text_lacked();
	json_error_t err;
	json_t *j;

	CHECK(!json_text_read("{", 1, 0, &err) && errno == EBADMSG && *err.text, "%s", err.text);
	CHECK(json_text_lacked() == before, "a mistake is not a lack");
	fails = 1;
	j = json_string("x");
	fails = 0;
	CHECK(!j && json_text_lacked() == before + 1, "%u", json_text_lacked() - before);
}

int main(void)
{
	json_t *whole = rules();
	char *text = json_text_write(whole, JSON_COMPACT);
	void *p;

	fails = 1;
	p = malloc(1);
	if (p) {
		printf("# no allocation can be made to fail in this build\n");
		free(p);
		goto done;
	}
	check_read(text, whole);
	check_write(text, whole);
	check_count();
done:
	free(text);
	json_decref(whole);
	return failures != 0;
}
