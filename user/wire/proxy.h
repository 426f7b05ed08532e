/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * proxy - the PROXY protocol's header, versions 1 and 2, read and written.
 * (haproxy's doc/proxy-protocol.txt, called "spec" here.)
 *
 * Pure: no I/O, allocation or globals.  Results are offsets into the caller's bytes, texts to be
 * escaped before they are shown.  Whether to ask for a header is never decided by looking for one:
 * whoever may send one must, from others it is payload (spec, section 2).
 *
 * Refused beyond what the spec spells out, because two readers could differ about it:
 *  - v1: a CR or LF that is not the closing CRLF, also in what UNKNOWN makes us ignore;
 *  - v2: a length too short for its addresses, TLVs that do not end where the header does, a second
 *    CRC32C or one that is not 4 bytes, a unique id above 128 bytes.
 * Of another TLV given twice, the first counts.  The block of LOCAL is skipped whatever it holds;
 * that of UNSPEC too, unless TLVs fill it: then they are read.
 */
#ifndef PROXY_H
#define PROXY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#define PROXY_V1_MAX 107 /* with its CRLF */
#define PROXY_V2_HEADER 16
#define PROXY_V2_SIGNATURE "\r\n\r\n\0\r\nQUIT\n" /* 12 bytes and the NUL */
/* Nothing a length field can say is refused: a caller with little room goes by <end>. */
#define PROXY_MAX (PROXY_V2_HEADER + 65535)
#define PROXY_UNIQUE_ID_MAX 128

enum proxy_tlv {
	PROXY_TLV_ALPN = 0x01,
	PROXY_TLV_AUTHORITY = 0x02,
	PROXY_TLV_CRC32C = 0x03,
	PROXY_TLV_NOOP = 0x04,
	PROXY_TLV_UNIQUE_ID = 0x05,
	PROXY_TLV_SSL = 0x20, /* holds the following */
	PROXY_TLV_SSL_VERSION = 0x21,
	PROXY_TLV_SSL_CN = 0x22,
	PROXY_TLV_SSL_CIPHER = 0x23,
};

/* Bits of "client" in the SSL TLV. */
#define PROXY_SSL (1U << 0)	      /* the client came over TLS */
#define PROXY_SSL_CERT_CONN (1U << 1) /* with a certificate on this connection */
#define PROXY_SSL_CERT_SESS (1U << 2) /* or once in this session */

enum proxy_verdict {
	PROXY_OK,   /* complete */
	PROXY_MORE, /* so far fine, unfinished; each strict prefix of an OK header says so */
	PROXY_NONE, /* starts like no PROXY header: decided at the first byte that differs */
	PROXY_BAD,  /* malformed: close; decided as early as the bytes allow */
};

struct proxy_range {
	uint32_t off, len; /* 0/0: absent; an empty value has an offset */
};

/* By OK set, else partly. */
struct proxy {
	uint32_t end;	 /* OK: header length; MORE: the same where it is known already, else 0 */
	uint8_t version; /* 1 or 2 */
	/* <src> and <dst> are the client's connection.  Otherwise (LOCAL, UNKNOWN, and by the
	 * spec's leave UNSPEC, UNIX and DGRAM) the addresses of the connection itself stand. */
	bool has_addr;
	bool has_crc; /* and it was right */
	bool has_ssl;
	struct sockaddr_storage src,
		dst; /* IPv4-mapped ones as IPv4, hence perhaps of 2 families */
	struct proxy_range authority, alpn, unique_id;
	struct proxy_range ssl_version, ssl_cipher, ssl_cn;
	uint8_t ssl_client;  /* PROXY_SSL... */
	uint32_t ssl_verify; /* 0: the certificate was verified */
	const char *why;     /* BAD: static text that completes "the PROXY header ..." */
};

/*
 * What a connection starts with, all that has come of it; <buf> may go on behind the header.  An
 * unfinished header costs at most PROXY_V1_MAX steps a call, a whole one is walked once.  From the
 * first verdict that is not MORE on, more bytes change nothing.
 */
enum proxy_verdict proxy_read(const uint8_t *buf, size_t len, struct proxy *out);

struct proxy_bytes {
	const void *at;
	size_t len; /* 0: leave out */
};

struct proxy_ssl {
	uint8_t client; /* PROXY_SSL... */
	uint32_t verify;
	struct proxy_bytes version, cipher, cn; /* "TLSv1.3", OpenSSL's name, UTF-8 */
};

struct proxy_extra {
	struct proxy_bytes authority, alpn, unique_id;
	const struct proxy_ssl *ssl; /* NULL: leave out */
	bool crc32c;
};

/*
 * The header into <buf>; returns its length, -ENOSPC (<buf> is then unspecified), or -EMSGSIZE: it
 * would exceed PROXY_MAX, or the id PROXY_UNIQUE_ID_MAX.
 *
 * IPv4-mapped addresses are written as IPv4.  If then one side is IPv4 and the other is not, the
 * former is mapped, as haproxy does (v1: in hexadecimal, the only form the spec has).  What is
 * neither is "UNKNOWN" in v1 and UNSPEC in v2, with <extra>.  <src> NULL: the connection is our own
 * (a health check): LOCAL without <extra> in v2, UNKNOWN in v1.
 *
 * PROXY_V1_MAX bytes are always enough for v1, 52 + 7 (CRC) + 8 (SSL) and 3 + its length for each
 * value for v2.  The spec wants at most 536; nginx 1.22 takes 107, unless plain HTTP follows.
 */
int proxy_write_v1(uint8_t *buf, size_t size, const struct sockaddr_storage *src,
		   const struct sockaddr_storage *dst);
/* <extra> NULL: none. */
int proxy_write_v2(uint8_t *buf, size_t size, const struct sockaddr_storage *src,
		   const struct sockaddr_storage *dst, const struct proxy_extra *extra);

#endif
