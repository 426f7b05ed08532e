/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * chan - what an agent and an edge say to each other; user/wire/PROTOCOL.md is the specification.
 *
 * A frame is a length, a type and fields, each a tag with bytes.  Pure: no I/O; results point into
 * the caller's bytes.  Tags of texts have CHAN_TEXT set, and their bytes end in a NUL, the only
 * one: chan_frame_read() has seen to that, so that they can be used as they are.
 */
#ifndef CHAN_H
#define CHAN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define CHAN_VERSION 1

/* What a connection to the tunnel port starts with, in TLS or (channels only) outside of it. */
#define CHAN_MAGIC_LEN 8
#define CHAN_MAGIC_CONTROL "SNIsplC1"
#define CHAN_MAGIC_CHANNEL "SNIsplD1"
#define CHAN_MAGIC_ROOT "SNIsplR1"
#define CHAN_TOKEN_LEN 32
/* magic, number of the channel, its token */
#define CHAN_PROOF_LEN (CHAN_MAGIC_LEN + 8 + CHAN_TOKEN_LEN)

/* The name in the certificate of the tunnel port, and the SNI that asks for it. */
#define CHAN_SERVER_NAME "tunnel.snisplit.internal"

#define CHAN_HEADER_LEN 5	  /* u32 length of what follows, u8 type */
#define CHAN_FRAME_MAX (1U << 20) /* of what the length counts; a chain, a key and CAs fit */
#define CHAN_FRAME_FIRST_MAX 4096 /* before a session is accepted */
#define CHAN_DIAL_MAX 64	  /* channels in one CHAN_DIAL */

enum chan_type {
	CHAN_HELLO = 1, /* agent: who I am */
	CHAN_WELCOME,	/* edge: come in */
	CHAN_REFUSED,	/* edge: of CHAN_HELLO (the end) or CHAN_LISTEN */
	CHAN_LISTEN,	/* agent: put this endpoint online */
	CHAN_LISTENING, /* edge: it is */
	CHAN_UNLISTEN,	/* agent: take it offline */
	CHAN_OFFLINE,	/* edge: it was taken offline, and why */
	CHAN_DIAL,	/* edge: open these channels */
	CHAN_STARTED,	/* edge: the kernel gave a connection to this channel */
	CHAN_PING,
	CHAN_PONG,
	CHAN_DRAIN,  /* edge: go elsewhere, or come back later */
	CHAN_FAILED, /* agent: what this channel leads to takes no connection; edge: I see */
	CHAN_TYPE_MAX
};

/* CHAN_FAILED: it refuses, or does not answer in time. */
#define CHAN_STATUS_REFUSED 502
#define CHAN_STATUS_TIMEOUT 504

#define CHAN_TEXT 0x80
enum chan_tag {
	/* numbers, 8 bytes */
	CHAN_TAG_VERSION = 1,
	CHAN_TAG_REQUEST,      /* which CHAN_LISTEN is meant; chosen by the agent */
	CHAN_TAG_INTERVAL_MS,  /* between pings */
	CHAN_TAG_TOLERANCE_MS, /* silence that ends the session */
	CHAN_TAG_CODE,	       /* ERR_SNISPLIT_ */
	CHAN_TAG_STATUS,       /* HTTP's */
	CHAN_TAG_STAMP,	       /* of a ping, comes back in its pong */
	CHAN_TAG_CHANNEL,
	CHAN_TAG_SEALED, /* 1: channels of this endpoint are TLS */
	CHAN_TAG_NOW,	 /* seconds since 1970 */
	CHAN_TAG_KNOWS,	 /* the last type of frame that the edge knows */
	/* bytes */
	CHAN_TAG_PROOF = 0x40, /* number and token of one channel */
	/* texts */
	CHAN_TAG_AUTHTOKEN = CHAN_TEXT,
	CHAN_TAG_AGENT, /* program and version */
	CHAN_TAG_OS,
	CHAN_TAG_INSTANCE, /* made anew by each agent process */
	CHAN_TAG_SESSION,
	CHAN_TAG_DOMAIN, /* where names made up by the edge are */
	CHAN_TAG_NAME,	 /* of a field, as in wire/field.h; its VALUE comes next */
	CHAN_TAG_VALUE,
	CHAN_TAG_ENDPOINT,
	CHAN_TAG_URL,
	CHAN_TAG_FIELD,
	CHAN_TAG_MESSAGE,
	CHAN_TAG_CONNECTION,
	CHAN_TAG_CLIENT, /* IP:PORT */
	CHAN_TAG_SERVER,
	CHAN_TAG_SNI,
	CHAN_TAG_METADATA,
};

struct chan_frame {
	uint8_t type; /* perhaps one we do not know */
	const uint8_t *fields;
	size_t len; /* of them */
	size_t end; /* of the frame, from its first byte */
};

struct chan_field {
	uint8_t tag;
	const uint8_t *at;
	size_t len;
};

enum chan_verdict { CHAN_OK, CHAN_MORE, CHAN_BAD };

/*
 * The frame that <buf> starts with.  BAD, as early as the bytes allow: longer than <max>, fields
 * that do not end where it does, a text without its NUL, a number that is not 8 bytes.
 */
enum chan_verdict chan_frame_read(const uint8_t *buf, size_t len, size_t max,
				  struct chan_frame *ret_f);

/* Walks the fields: *pos is 0 at first.  False: that was the last one. */
bool chan_next(const struct chan_frame *f, size_t *pos, struct chan_field *ret_field);

/* The first field with this tag: a text (NULL: absent), a number (<otherwise>). */
const char *chan_text(const struct chan_frame *f, enum chan_tag tag);
uint64_t chan_number(const struct chan_frame *f, enum chan_tag tag, uint64_t otherwise);
uint64_t chan_field_number(const struct chan_field *field);

/* "LISTEN"; "?" for an unknown one. */
const char *chan_type_name(uint8_t type);

/* Frames to be sent.  Zeroed, it is empty. */
struct chan_out {
	uint8_t *at;
	size_t len, size;
	size_t begin; /* of the frame being written */
	bool failed;  /* out of memory: what was written is incomplete */
};
void chan_out_done(struct chan_out *o);
void chan_begin(struct chan_out *o, enum chan_type type);
void chan_put_text(struct chan_out *o, enum chan_tag tag,
		   const char *text); /* NULL: leaves it out */
void chan_put_number(struct chan_out *o, enum chan_tag tag, uint64_t n);
void chan_put_bytes(struct chan_out *o, enum chan_tag tag, const void *bytes, size_t len);
void chan_end(struct chan_out *o);
/* Forgets the first <n> bytes: they are sent. */
void chan_out_drop(struct chan_out *o, size_t n);

/* The first bytes of a data channel: its number and token. */
void chan_proof_write(uint8_t out[CHAN_PROOF_LEN], uint64_t number,
		      const uint8_t token[CHAN_TOKEN_LEN]);
/* False: it is none. */
bool chan_proof_read(const uint8_t in[CHAN_PROOF_LEN], uint64_t *ret_number,
		     const uint8_t **ret_token);

uint64_t chan_get64(const uint8_t at[8]);
void chan_set64(uint8_t at[8], uint64_t n);
#endif
