// SPDX-License-Identifier: GPL-2.0-only
/*
 * fuzz_cmdline - whatever an SSH client sends as its command, its forward and its name, cmdline.h
 * reads no byte outside, and is clear about it: a code, or a meaning that stays within its limits.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "cmdline.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void check_fault(const struct fault *f)
{
	CHECK(f->code && f->msg[0]);
}

static void check_text(const struct cmdline *c, const char *value)
{
	CHECK(value >= c->text && value < c->text + sizeof(c->text) && *value);
	CHECK(!strpbrk(value, "\r\n"));
}

static void check_cmdline(const struct cmdline *c)
{
	CHECK(c->type <= CMDLINE_HTTP && c->proxy_proto <= 2);
	for (int i = 0; i < CMDLINE_OPTION_MAX; i++)
		if (c->values[i])
			check_text(c, c->values[i]);
	for (int i = 0; i < CMDLINE_LIST_MAX && c->cidr_allow[i]; i++)
		check_text(c, c->cidr_allow[i]);
	CHECK(!c->cidr_allow[CMDLINE_LIST_MAX] && !c->cidr_deny[CMDLINE_LIST_MAX]);
}

/* The text up to the next line break, in memory of its own size. */
static char *next_text(const uint8_t **data, size_t *size)
{
	const uint8_t *end = memchr(*data, '\n', *size);
	size_t len = end ? (size_t)(end - *data) : *size;
	char *text = malloc(len + 1);

	memcpy(text, *data, len);
	text[len] = '\0';
	*data += len + !!end;
	*size -= len + !!end;
	return text;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned port = size > 1 ? (unsigned)(data[0] << 8 | data[1]) : 0;
	struct cmdline *c = malloc(sizeof(*c));
	struct fault f = {.msg = ""};
	char url[CMDLINE_URL_MAX], *user, *host, *line;
	struct cmdline_bind b;
	int err;

	if (size > 1) {
		data += 2;
		size -= 2;
	}
	user = next_text(&data, &size);
	host = next_text(&data, &size);
	line = next_text(&data, &size);
	if (cmdline_version(user, &f))
		check_fault(&f);
	err = cmdline_parse(line, c, &f);
	if (err)
		check_fault(&f);
	else
		check_cmdline(c);
	if (!err && (cmdline_bind(host, port, &b, &f) || cmdline_url(c, &b, "edge.test", url, &f)))
		check_fault(&f);
	else if (!err)
		CHECK(strlen(url) < CMDLINE_URL_MAX && !strpbrk(url, " \r\n"));
	free(user);
	free(host);
	free(line);
	free(c);
	return 0;
}
