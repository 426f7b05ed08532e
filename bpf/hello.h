/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * hello - what a TLS ClientHello asks for: name, ALPN, and what JA4 is made of.
 *
 * The only ClientHello parser of the tree.  Pure: no I/O, allocation, globals or pointers out; the
 * BPF verdict program, user space and the fuzzer compile this same text, and the same bytes give
 * the same verdict and offsets in all of them.
 *
 * In BPF a <buf> must be HELLO_MAX bytes of map value, whatever <len> says, and a hello_name() key
 * an 8-aligned map value: reads are masked to HELLO_MAX (hello_at), a mask that never changes an
 * offset the parser has checked.  The two walks over lists use bpf_loop(), so neither extensions
 * nor protocols are bounded in number and the verifier sees each body about twice.
 *
 * What is refused, beyond lengths that do not fit their container to the byte:
 *  - record type != 22 or major version != 3, hence SSLv2-style hellos: NOT_TLS;
 *  - record length 0 or > 16384, first message not a ClientHello: BAD;
 *  - session id > 32, half a cipher suite: BAD;
 *  - an extension type below 64 seen twice (RFC 8446 4.2; all that are read here are below 64);
 *  - server_name that is anything but one non-empty host_name; empty protocol in ALPN; empty or
 *    odd supported_versions and signature_algorithms.
 * Not judged here, the endpoint's TLS stack does it: legacy_version (RFC 5246 E.1 wants higher ones
 * tolerated), empty lists of ciphers or compressions (captures have them), other extensions'
 * bodies, and bytes behind the message in its record or after it (they cannot change the name; RFC
 * 8446 5.1 makes the TLS stack refuse them at the key change).
 */
#ifndef HELLO_H
#define HELLO_H

#ifndef __VMLINUX_H__
#include <linux/types.h>
#endif
#ifdef __bpf__
#include <bpf/bpf_helpers.h>
#endif

#ifndef __always_inline
#define __always_inline inline __attribute__((always_inline))
#endif

#ifndef HELLO_MAX	/* a program with smaller buffers says so first */
#define HELLO_MAX 16384 /* bytes one hello_parse() sees; power of two */
#endif
#define HELLO_RECORD_MAX 16384 /* RFC 8446 5.1: plaintext of one record */
#define HELLO_RECORD_HEADER 5
#define HELLO_MESSAGE_HEADER 4
#define HELLO_MESSAGE_MAX 65536 /* message with its header */
#define HELLO_NAME_MAX 253	/* without a trailing dot */
#define HELLO_KEY_LEN 256

enum hello_verdict {
	HELLO_OK,     /* complete, has a server_name: hello_name() may still refuse it */
	HELLO_MORE,   /* so far fine, unfinished; each strict prefix of an OK hello says so */
	HELLO_NO_SNI, /* complete, no server_name extension */
	HELLO_NOT_TLS,
	HELLO_BAD,     /* malformed: never route, not even to a default */
	HELLO_TOO_BIG, /* message above HELLO_MESSAGE_MAX */
	HELLO_SPLIT,   /* goes on in another record, or beyond HELLO_MAX: reassemble (wire/sni) */
	HELLO_VERDICT_MAX
};

/* Set by the verdicts OK and NO_SNI, else partly; offsets into the caller's buf, 0/0 for absent. */
struct hello {
	__u64 seen;    /* bit n: extension of type n was there, n < 64 */
	__u32 end;     /* first byte behind the message */
	__u32 version; /* legacy_version */
	__u32 name_off, name_len;
	__u32 alpn_off, alpn_len;	  /* list of (u8 length, bytes) */
	__u32 ciphers_off, ciphers_len;	  /* u16 each */
	__u32 exts_off, exts_len;	  /* (u16 type, u16 length, bytes) each */
	__u32 versions_off, versions_len; /* supported_versions, u16 each */
	__u32 sigalgs_off, sigalgs_len;	  /* signature_algorithms, u16 each */
};

#define HELLO_EXT_SERVER_NAME 0
#define HELLO_EXT_SIGALGS 13
#define HELLO_EXT_ALPN 16
#define HELLO_EXT_EARLY_DATA 42 /* such a hello must not be sent twice */
#define HELLO_EXT_VERSIONS 43

static __always_inline int hello_has_ext(const struct hello *h, __u32 type)
{
	return type < 64 && (h->seen >> type & 1);
}

/* Are there <n> bytes at <off> before <end>?  All values stay below 2^17. */
static __always_inline int hello_has(__u32 end, __u32 off, __u32 n)
{
	return off + n <= end;
}

static __always_inline __u32 hello_at(const __u8 *buf, __u32 off)
{
#ifdef __bpf__
	off &= HELLO_MAX - 1;
#endif
	return buf[off];
}

/* A position that was checked to be at most HELLO_MAX: a walk whose position has no bound looks new
 * to the verifier each time round ("sequence of 8193 jumps is too complex"). */
static __always_inline __u32 hello_pos(__u32 pos)
{
#ifdef __bpf__
	pos &= 2 * HELLO_MAX - 1;
#endif
	return pos;
}

static __always_inline __u32 hello_u16(const __u8 *buf, __u32 off)
{
	return hello_at(buf, off) << 8 | hello_at(buf, off + 1);
}

struct hello_walk {
	const __u8 *buf;
	struct hello *out;
	__u32 pos, end;
	__u32 twice;
};

/* Calls fn(i, walk) up to <n> times, until it answers non-zero. */
#ifdef __bpf__
#define hello_loop(n, fn, walk) bpf_loop(n, fn, walk, 0)
#else
static __always_inline void hello_loop(__u32 n, long (*fn)(__u32 i, void *walk), void *walk)
{
	__u32 i;

	for (i = 0; i < n && !fn(i, walk); i++)
		;
}
#endif

static inline long hello_on_ext(__u32 i, void *walk)
{
	struct hello_walk *w = walk;
	struct hello *out = w->out;
	__u32 type, len, off;

	(void)i;
	off = w->pos;
	if (!hello_has(w->end, off, 4))
		return 1; /* done, or garbage: pos tells */
	type = hello_u16(w->buf, off);
	len = hello_u16(w->buf, off + 2);
	off += 4;
	if (!hello_has(w->end, off, len))
		return 1;
	w->pos = hello_pos(off + len);
	if (type >= 64)
		return 0;
	w->twice |= out->seen >> type & 1;
	out->seen |= 1ULL << type;

	if (type == HELLO_EXT_SERVER_NAME) {
		out->name_off = off;
		out->name_len = len;
	} else if (type == HELLO_EXT_ALPN) {
		out->alpn_off = off;
		out->alpn_len = len;
	} else if (type == HELLO_EXT_VERSIONS) {
		out->versions_off = off;
		out->versions_len = len;
	} else if (type == HELLO_EXT_SIGALGS) {
		out->sigalgs_off = off;
		out->sigalgs_len = len;
	}
	return 0;
}

static inline long hello_on_protocol(__u32 i, void *walk)
{
	struct hello_walk *w = walk;
	__u32 end = w->out->alpn_off + w->out->alpn_len;
	__u32 len;

	(void)i;
	if (!hello_has(end, w->pos, 2))
		return 1;
	len = hello_at(w->buf, w->pos);
	if (!len || !hello_has(end, w->pos + 1, len))
		return 1;
	w->pos = hello_pos(w->pos + 1 + len);
	return 0;
}

/* Narrows an extension to the list that fills it behind <n> bytes of length; 0: it does not. */
static __always_inline int hello_list(const __u8 *buf, __u32 *off, __u32 *len, __u32 n)
{
	if (*len < n + 2)
		return 0;
	if ((n == 1 ? hello_at(buf, *off) : hello_u16(buf, *off)) != *len - n)
		return 0;
	*off += n;
	*len -= n;
	return 1;
}

/* The extensions that are read: each one a list that fills it, the names exactly one host_name. */
static __always_inline enum hello_verdict hello_lists(struct hello_walk *w)
{
	const __u8 *buf = w->buf;
	struct hello *out = w->out;

	if (hello_has_ext(out, HELLO_EXT_VERSIONS) &&
	    (!hello_list(buf, &out->versions_off, &out->versions_len, 1) || out->versions_len & 1))
		return HELLO_BAD;
	if (hello_has_ext(out, HELLO_EXT_SIGALGS) &&
	    (!hello_list(buf, &out->sigalgs_off, &out->sigalgs_len, 2) || out->sigalgs_len & 1))
		return HELLO_BAD;
	if (hello_has_ext(out, HELLO_EXT_ALPN)) {
		if (!hello_list(buf, &out->alpn_off, &out->alpn_len, 2))
			return HELLO_BAD;
		w->pos = out->alpn_off;
		hello_loop(out->alpn_len / 2, hello_on_protocol, w);
		if (w->pos != out->alpn_off + out->alpn_len)
			return HELLO_BAD;
	}
	if (!hello_has_ext(out, HELLO_EXT_SERVER_NAME))
		return HELLO_NO_SNI;
	/* u8 type 0, u16 length, name: one, with nothing behind it */
	if (!hello_list(buf, &out->name_off, &out->name_len, 2) || out->name_len < 4 ||
	    hello_at(buf, out->name_off) != 0 ||
	    hello_u16(buf, out->name_off + 1) != out->name_len - 3)
		return HELLO_BAD;
	out->name_off += 3;
	out->name_len -= 3;
	return HELLO_OK;
}

/* The body of a complete message, [off, end). */
static __always_inline enum hello_verdict hello_body(const __u8 *buf, __u32 off, __u32 end,
						     struct hello *out)
{
	struct hello_walk w = {.buf = buf, .out = out};
	__u32 len;

	out->end = end;
	if (!hello_has(end, off, 2 + 32 + 1))
		return HELLO_BAD;
	out->version = hello_u16(buf, off);
	len = hello_at(buf, off + 34);
	off += 35;
	if (len > 32 || !hello_has(end, off, len + 2))
		return HELLO_BAD;
	off += len;

	len = hello_u16(buf, off);
	off += 2;
	if (len & 1 || !hello_has(end, off, len + 1))
		return HELLO_BAD;
	out->ciphers_off = off;
	out->ciphers_len = len;
	off += len;

	len = hello_at(buf, off);
	off += 1;
	if (!hello_has(end, off, len))
		return HELLO_BAD;
	off += len;

	if (off == end) /* no extensions at all: TLS 1.0 to 1.2 may */
		return HELLO_NO_SNI;
	if (!hello_has(end, off, 2) || hello_u16(buf, off) != end - off - 2)
		return HELLO_BAD;
	off += 2;
	len = end - off;
	out->exts_off = off;
	out->exts_len = len;

	w.pos = off;
	w.end = end;
	hello_loop(len / 4, hello_on_ext, &w);
	if (w.twice || w.pos != end)
		return HELLO_BAD;
	return hello_lists(&w);
}

/*
 * One contiguous handshake message, 4-byte header first, as after reassembly; <len> bytes are
 * there, more than the message needs is fine.  In BPF a message above HELLO_MAX is SPLIT.
 */
static __always_inline enum hello_verdict hello_parse_message(const __u8 *buf, __u32 len,
							      struct hello *out)
{
	__u32 end;

	*out = (struct hello){0};
	if (len < 1)
		return HELLO_MORE;
	if (hello_at(buf, 0) != 1)
		return HELLO_BAD;
	if (len < HELLO_MESSAGE_HEADER)
		return HELLO_MORE;
	if (hello_at(buf, 1))
		return HELLO_TOO_BIG;
	end = HELLO_MESSAGE_HEADER + hello_u16(buf, 2);
	if (end > HELLO_MESSAGE_MAX)
		return HELLO_TOO_BIG;
#ifdef __bpf__
	if (end > HELLO_MAX)
		return HELLO_SPLIT;
#endif
	if (len < end)
		return HELLO_MORE;
	return hello_body(buf, HELLO_MESSAGE_HEADER, end, out);
}

/* What a connection starts with, record header first.  Bytes from HELLO_MAX on are not seen. */
static __always_inline enum hello_verdict hello_parse(const __u8 *buf, __u32 len, struct hello *out)
{
	const __u32 start = HELLO_RECORD_HEADER + HELLO_MESSAGE_HEADER;
	__u32 record, end;

	*out = (struct hello){0};
	if (len > HELLO_MAX)
		len = HELLO_MAX;
	if (len < 1)
		return HELLO_MORE;
	if (hello_at(buf, 0) != 22)
		return HELLO_NOT_TLS;
	if (len < 2)
		return HELLO_MORE;
	if (hello_at(buf, 1) != 3)
		return HELLO_NOT_TLS;
	if (len < HELLO_RECORD_HEADER)
		return HELLO_MORE;
	record = hello_u16(buf, 3);
	if (!record || record > HELLO_RECORD_MAX)
		return HELLO_BAD;
	if (len < HELLO_RECORD_HEADER + 1)
		return HELLO_MORE;
	if (hello_at(buf, HELLO_RECORD_HEADER) != 1)
		return HELLO_BAD;
	if (record < HELLO_MESSAGE_HEADER)
		return HELLO_SPLIT;
	if (len < start)
		return HELLO_MORE;
	if (hello_at(buf, 6))
		return HELLO_TOO_BIG;
	end = start + hello_u16(buf, 7);
	if (end - HELLO_RECORD_HEADER > HELLO_MESSAGE_MAX)
		return HELLO_TOO_BIG;
	if (end - HELLO_RECORD_HEADER > record || end > HELLO_MAX)
		return HELLO_SPLIT;
	if (len < end)
		return HELLO_MORE;
	return hello_body(buf, start, end, out);
}

/*
 * The one normalisation of names, for hellos and endpoints alike: <len> bytes at <off> of <buf>
 * (in BPF a HELLO_MAX map value) lower-cased, less one trailing dot, zero-padded into <key>.
 * Returns the length, or 0 for a name that must not route: empty, over 253 bytes, an empty label,
 * a byte outside [A-Za-z0-9._-], or nothing but digits and dots (every decimal spelling of an
 * IPv4 address; IPv6 has colons).  <key> is then unspecified.
 */
static __always_inline int hello_key(const __u8 *buf, __u32 off, __u32 len, char *key)
{
	/* The folded byte, 0: not allowed, and a top bit on all that no IPv4 address has. */
	/* clang-format off */
	static const __u8 fold[256] = {
		['-'] = '-' | 0x80, ['.'] = '.', ['_'] = '_' | 0x80,
		['0'] = '0', '1', '2', '3', '4', '5', '6', '7', '8', '9',
#define HELLO_AZ 'a' | 0x80, 'b' | 0x80, 'c' | 0x80, 'd' | 0x80, 'e' | 0x80, 'f' | 0x80, \
		 'g' | 0x80, 'h' | 0x80, 'i' | 0x80, 'j' | 0x80, 'k' | 0x80, 'l' | 0x80, \
		 'm' | 0x80, 'n' | 0x80, 'o' | 0x80, 'p' | 0x80, 'q' | 0x80, 'r' | 0x80, \
		 's' | 0x80, 't' | 0x80, 'u' | 0x80, 'v' | 0x80, 'w' | 0x80, 'x' | 0x80, \
		 'y' | 0x80, 'z' | 0x80
		['A'] = HELLO_AZ, ['a'] = HELLO_AZ,
#undef HELLO_AZ
	};
	/* clang-format on */
	__u32 i, c, pair = '.', seen = 0;

#ifdef __bpf__
	/* In eights: clang makes one store a byte of a memset to a char pointer. */
	for (i = 0; i < HELLO_KEY_LEN / 8; i++)
		((__u64 *)key)[i] = 0;
#else
	__builtin_memset(key, 0, HELLO_KEY_LEN);
#endif
	if (!len || len > HELLO_NAME_MAX + 1)
		return 0;
	if (hello_at(buf, off + len - 1) == '.')
		len--;
	if (!len || len > HELLO_NAME_MAX)
		return 0;
	for (i = 0; i < HELLO_NAME_MAX; i++) {
		if (i >= len)
			break;
		c = fold[hello_at(buf, off + i)];
		pair = (pair << 8 | c) & 0xffff; /* one compare: "c is a dot" forks no state */
		if (!c || pair == ('.' << 8 | '.'))
			return 0;
		key[i] = c & 0x7f;
		seen |= c;
	}
	return (pair & 0xff) == '.' || !(seen & 0x80) ? 0 : (int)len;
}

/* The name that routes, and the only one any later check may use; 0 as above: no usable name. */
static __always_inline int hello_name(const __u8 *buf, const struct hello *h,
				      char key[HELLO_KEY_LEN])
{
	return hello_key(buf, h->name_off, h->name_len, key);
}

#endif
