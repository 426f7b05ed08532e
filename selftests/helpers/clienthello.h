/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * clienthello - writes a ClientHello by hand: any name, any size, any record cuts.
 *
 * The 64 bytes of random and session id are the caller's to use.
 */
#ifndef CLIENTHELLO_H
#define CLIENTHELLO_H
#include <stdint.h>
#include <string.h>

#define CLIENTHELLO_MAX 20000
#define CLIENTHELLO_MINE 64 /* bytes of the caller's, at a fixed place */
#define CLIENTHELLO_HEAD 4  /* handshake type and length */

static inline uint8_t *clienthello_u16(uint8_t *p, unsigned v)
{
	*p++ = (uint8_t)(v >> 8);
	*p++ = (uint8_t)v;
	return p;
}

/*
 * The handshake message without records.  <sni> NULL: no name.  Padded to at least
 * <min_len> by an extension that stands before the name, where a large key share
 * would be.  Returns its length.
 */
static inline unsigned clienthello_message(uint8_t *out, const char *sni,
					   const uint8_t mine[CLIENTHELLO_MINE], unsigned min_len)
{
	static const uint8_t suites[] = {0x13, 0x01, 0x13, 0x02, 0xc0, 0x2b, 0xc0, 0x2f};
	static const uint8_t fixed[] = {
		0x00, 0x2b, 0, 3, 2, 0x03, 0x04,		   /* supported_versions: 1.3 */
		0x00, 0x0a, 0, 4, 0, 2,	   0x00, 0x1d,		   /* supported_groups: x25519 */
		0x00, 0x0d, 0, 6, 0, 4,	   0x04, 0x03, 0x08, 0x04, /* signature_algorithms */
		0x00, 0x10, 0, 5, 0, 3,	   2,	 'h',  '2',	   /* ALPN */
	};
	unsigned n = sni ? (unsigned)strlen(sni) : 0, len, rest;
	uint8_t *p = out + CLIENTHELLO_HEAD, *extensions;

	p = clienthello_u16(p, 0x0303);
	memcpy(p, mine, 32);
	p += 32;
	*p++ = 32;
	memcpy(p, mine + 32, 32);
	p += 32;
	p = clienthello_u16(p, sizeof(suites));
	memcpy(p, suites, sizeof(suites));
	p += sizeof(suites);
	*p++ = 1;
	*p++ = 0;
	extensions = p;
	p += 2;
	rest = (unsigned)(p - out) + (sni ? 9 + n : 0) + sizeof(fixed) + 4;
	if (rest < min_len) {
		p = clienthello_u16(p, 21); /* padding */
		p = clienthello_u16(p, min_len - rest);
		memset(p, 0, min_len - rest);
		p += min_len - rest;
	}
	if (sni) {
		p = clienthello_u16(p, 0);
		p = clienthello_u16(p, n + 5);
		p = clienthello_u16(p, n + 3);
		*p++ = 0;
		p = clienthello_u16(p, n);
		memcpy(p, sni, n);
		p += n;
	}
	memcpy(p, fixed, sizeof(fixed));
	p += sizeof(fixed);
	clienthello_u16(extensions, (unsigned)(p - extensions - 2));
	len = (unsigned)(p - out) - CLIENTHELLO_HEAD;
	out[0] = 1;
	out[1] = 0;
	clienthello_u16(out + 2, len);
	return len + CLIENTHELLO_HEAD;
}

/* Where the caller's bytes <i> are in the message. */
static inline unsigned clienthello_mine_at(unsigned i)
{
	return CLIENTHELLO_HEAD + 2 + i + (i >= 32);
}

/* The message <msg> in records of at most <cut> bytes (0: one).  Returns the wire length. */
static inline unsigned clienthello_records(uint8_t *out, const uint8_t *msg, unsigned len,
					   unsigned cut)
{
	uint8_t *p = out;
	unsigned n;

	for (; len; msg += n, len -= n) {
		n = cut && cut < len ? cut : len;
		*p++ = 0x16;
		p = clienthello_u16(p, 0x0301);
		p = clienthello_u16(p, n);
		memcpy(p, msg, n);
		p += n;
	}
	return (unsigned)(p - out);
}

/* Shorthand: a whole plain hello on the wire. */
static inline unsigned clienthello(uint8_t *out, const char *sni,
				   const uint8_t mine[CLIENTHELLO_MINE], unsigned min_len,
				   unsigned cut)
{
	uint8_t msg[CLIENTHELLO_MAX];

	return clienthello_records(out, msg, clienthello_message(msg, sni, mine, min_len), cut);
}
#endif
