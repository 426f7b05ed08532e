// SPDX-License-Identifier: GPL-2.0-only
/*
 * config - any bytes give a config or at least one message, and nothing else.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *msgs = NULL;
	size_t msgs_size;
	struct config *c;
	FILE *in, *err;

	if (!size)
		return 0;
	in = fmemopen((void *)data, size, "r");
	err = open_memstream(&msgs, &msgs_size);
	if (!in || !err)
		abort();
	c = config_parse(in, "f", err);
	fclose(in);
	fclose(err);
	if (!c == !msgs_size)
		abort(); /* refused without a word, or accepted with complaints */
	config_free(c);
	free(msgs);
	return 0;
}
