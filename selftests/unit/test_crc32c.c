// SPDX-License-Identifier: GPL-2.0-only
/* test_crc32c - RFC 3720's examples, and the same sum however the bytes are cut. */
#include "crc32c.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

static void expect(const char *name, uint32_t got, uint32_t want)
{
	if (got != want) {
		failures++;
		fprintf(stderr, "%s: got %08x, want %08x\n", name, got, want);
	}
}

/* By the definition, a bit at a time. */
static uint32_t slow(const uint8_t *p, size_t len)
{
	uint32_t crc = ~0U;
	int bit;

	for (; len; p++, len--) {
		crc ^= *p;
		for (bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0x82f63b78 : 0);
	}
	return ~crc;
}

int main(void)
{
	uint8_t zeros[32] = {0}, ones[32], up[32], down[32], all[256];
	static const uint8_t iscsi[48] = {
		0x01,	     0xc0,	  [16] = 0x14, [22] = 0x04,
		[27] = 0x14, [31] = 0x18, [32] = 0x28, [40] = 0x02,
	};
	size_t i;

	memset(ones, 0xff, sizeof(ones));
	for (i = 0; i < sizeof(up); i++) {
		up[i] = (uint8_t)i;
		down[i] = (uint8_t)(31 - i);
	}
	expect("nothing", crc32c(0, "", 0), 0);
	expect("digits", crc32c(0, "123456789", 9), 0xe3069283);
	expect("zeros", crc32c(0, zeros, sizeof(zeros)), 0x8a9136aa);
	expect("ones", crc32c(0, ones, sizeof(ones)), 0x62a8ab43);
	expect("up", crc32c(0, up, sizeof(up)), 0x46dd794e);
	expect("down", crc32c(0, down, sizeof(down)), 0x113fdb5c);
	expect("iSCSI read", crc32c(0, iscsi, sizeof(iscsi)), 0xd9963a56);

	for (i = 0; i < sizeof(all); i++)
		all[i] = (uint8_t)(i * 167 + 13);
	for (i = 0; i <= sizeof(all); i++) {
		expect("by the definition", crc32c(0, all, i), slow(all, i));
		expect("in two", crc32c(crc32c(0, all, i), all + i, sizeof(all) - i),
		       slow(all, sizeof(all)));
	}
	return failures != 0;
}
