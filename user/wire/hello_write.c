// SPDX-License-Identifier: GPL-2.0-only
#include "hello_write.h"

#include <string.h>

struct writer {
	uint8_t *at;
};

static void put8(struct writer *w, unsigned v)
{
	*w->at++ = (uint8_t)v;
}

static void put16(struct writer *w, unsigned v)
{
	put8(w, v >> 8);
	put8(w, v & 0xff);
}

static void put(struct writer *w, const void *bytes, size_t n)
{
	memcpy(w->at, bytes, n);
	w->at += n;
}

/* The two bytes at <where> become the length of what follows them. */
static void close16(struct writer *w, uint8_t *where)
{
	size_t n = (size_t)(w->at - where - 2);

	where[0] = (uint8_t)(n >> 8);
	where[1] = (uint8_t)n;
}

static void put_name(struct writer *w, const char *name)
{
	size_t n = strlen(name);

	put16(w, 0); /* server_name */
	put16(w, (unsigned)n + 5);
	put16(w, (unsigned)n + 3);
	put8(w, 0);
	put16(w, (unsigned)n);
	put(w, name, n);
}

static void put_extensions(struct writer *w, const char *name, const uint8_t key[32])
{
	/* supported_groups: x25519, P-256, P-384; ec_point_formats; signature_algorithms;
	 * supported_versions: 1.3, 1.2 */
	static const uint8_t fixed[] = {
		0, 10, 0, 8,  0, 6,  0, 29, 0, 23, 0, 24, 0, 11, 0, 2, 1, 0,
		0, 13, 0, 20, 0, 18, 4, 3,  8, 4,  4, 1,  5, 3,	 8, 5, 5, 1,
		8, 6,  6, 1,  8, 7,  6, 3,  0, 43, 0, 5,  4, 3,	 4, 3, 3,
	};

	put_name(w, name);
	put(w, fixed, sizeof(fixed));
	put16(w, 51); /* key_share: x25519, any 32 bytes are a public key */
	put16(w, 38);
	put16(w, 36);
	put16(w, 29);
	put16(w, 32);
	put(w, key, 32);
}

size_t hello_write(uint8_t out[HELLO_WRITE_MAX], const char *name, const uint8_t random[96])
{
	static const uint16_t suites[] = {0x1301, 0x1302, 0x1303, 0xc02b, 0xc02f,
					  0xc02c, 0xc030, 0xcca9, 0xcca8, 0x009c};
	struct writer w = {out};
	uint8_t *record, *message, *extensions;

	put8(&w, 22);
	put16(&w, 0x0301);
	record = w.at;
	put16(&w, 0);
	put8(&w, 1);
	put8(&w, 0);
	message = w.at;
	put16(&w, 0);
	put16(&w, 0x0303);
	put(&w, random, 32);
	put8(&w, 32);
	put(&w, random + 32, 32);
	put16(&w, sizeof(suites));
	for (size_t i = 0; i < sizeof(suites) / sizeof(suites[0]); i++)
		put16(&w, suites[i]);
	put16(&w, 0x0100); /* no compression */
	extensions = w.at;
	put16(&w, 0);
	put_extensions(&w, name, random + 64);
	close16(&w, extensions);
	close16(&w, message);
	close16(&w, record);
	return (size_t)(w.at - out);
}
