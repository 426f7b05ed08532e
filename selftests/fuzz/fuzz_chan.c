// SPDX-License-Identifier: GPL-2.0-only
/* fuzz_chan - no input makes chan.h read outside; a frame that was read is written back as it was.
 */
#include <stdlib.h>
#include <string.h>

#include "chan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define CHECK(cond)              \
	do {                     \
		if (!(cond))     \
			abort(); \
	} while (0)

static void check_same(const struct chan_frame *f, const uint8_t *data)
{
	struct chan_out o = {0};
	struct chan_field field;
	size_t pos = 0;

	chan_begin(&o, (enum chan_type)f->type);
	while (chan_next(f, &pos, &field)) {
		if (field.tag & CHAN_TEXT)
			CHECK(strlen((const char *)field.at) + 1 == field.len);
		else if (field.tag < CHAN_TAG_PROOF)
			chan_field_number(&field);
		chan_put_bytes(&o, (enum chan_tag)field.tag, field.at, field.len);
	}
	chan_end(&o);
	CHECK(o.len == f->end && !memcmp(o.at, data, o.len));
	chan_out_done(&o);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct chan_frame f;
	enum chan_verdict v = chan_frame_read(data, size, CHAN_FRAME_MAX, &f);

	if (v == CHAN_OK)
		check_same(&f, data);
	/* more bytes change nothing once it is decided */
	if (v != CHAN_MORE && size)
		CHECK(chan_frame_read(data, size - 1, CHAN_FRAME_MAX, &f) != CHAN_OK ||
		      v == CHAN_OK);
	return 0;
}
