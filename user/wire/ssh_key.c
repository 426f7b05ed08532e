// SPDX-License-Identifier: GPL-2.0-only
#include "ssh_key.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "log.h"
#include "sha256.h"

#define RSA_BITS_MIN 2048
#define BLANKS " \t\r"

static const char base64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

static int bad(struct fault *f, const char *why)
{
	return fault_set(f, 400, 0, "public_key", "%s", why);
}

/* How many bytes, or -1. */
static int decode(const char *text, size_t len, uint8_t *out)
{
	uint32_t bits = 0;
	int n = 0, have = 0;

	while (len && text[len - 1] == '=')
		len--;
	for (size_t i = 0; i < len; i++) {
		const char *at = text[i] ? strchr(base64, text[i]) : NULL;

		if (!at)
			return -1;
		bits = bits << 6 | (uint32_t)(at - base64);
		have += 6;
		if (have >= 8) {
			have -= 8;
			out[n++] = (uint8_t)(bits >> have);
		}
	}
	return n;
}

static void encode(const uint8_t *in, size_t len, char *out)
{
	uint32_t bits = 0;
	int have = 0;

	for (size_t i = 0; i < len; i++) {
		bits = bits << 8 | in[i];
		for (have += 8; have >= 6; have -= 6)
			*out++ = base64[bits >> (have - 6) & 63];
	}
	if (have)
		*out++ = base64[bits << (6 - have) & 63];
	*out = '\0';
}

/* The next string of the blob: its length, or -1. */
static int next(const uint8_t **at, int *left)
{
	uint32_t len;

	if (*left < 4)
		return -1;
	len = (uint32_t)(*at)[0] << 24 | (uint32_t)(*at)[1] << 16 | (uint32_t)(*at)[2] << 8 |
	      (*at)[3];
	*at += 4;
	*left -= 4;
	if (len > (uint32_t)*left)
		return -1;
	return (int)len;
}

/* The modulus, perhaps behind a zero for the sign. */
static int check_modulus(const uint8_t *at, int len, struct fault *f)
{
	if (len && !*at)
		len--;
	if (len * 8 >= RSA_BITS_MIN)
		return 0;
	return fault_set(f, 400, 0, "public_key",
			 "has %d bits: RSA keys must have %d, or use ssh-keygen -t ed25519",
			 len * 8, RSA_BITS_MIN);
}

/* The type, then for ed25519 the key, for ECDSA the curve and the point, for RSA e and n. */
static int check_blob(const uint8_t *blob, int left, const char *type, struct fault *f)
{
	int n = 0, want = !strcmp(type, "ssh-ed25519") ? 2 : 3, len;
	const uint8_t *at = blob;

	for (; n < want; n++, at += len, left -= len) {
		len = next(&at, &left);
		if (len < 0)
			return bad(f, "is cut off");
		if (!n && ((size_t)len != strlen(type) || memcmp(at, type, (size_t)len) != 0))
			return bad(f, "says another type in its text than in its head");
		if (want == 2 && n == 1 && len != 32)
			return bad(f, "is cut off");
		if (n == 2 && !strcmp(type, "ssh-rsa") && check_modulus(at, len, f))
			return -1;
	}
	return left ? bad(f, "has something behind its end") : 0;
}

static bool is_type(const char *word, size_t len)
{
	static const char *const types[] = {"ssh-ed25519", "ecdsa-sha2-nistp256",
					    "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521",
					    "ssh-rsa"};

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i]) == len && !memcmp(types[i], word, len))
			return true;
	return false;
}

static int read_line(const char *line, size_t len, struct ssh_public_key *k, struct fault *f)
{
	uint8_t blob[SSH_KEY_LINE_MAX], hash[SHA256_LEN];
	const char *end = line + len, *key;
	size_t type_len = strcspn(line, BLANKS), key_len;
	struct sha256 h;
	int n;

	if (len >= SSH_KEY_LINE_MAX)
		return bad(f, "is longer than any key");
	if (type_len >= len || !is_type(line, type_len))
		return bad(f, "must be the text of FILE.pub: ssh-ed25519, ecdsa-sha2-nistp256 "
			      "(384, 521) or ssh-rsa, then the key");
	key = line + type_len + strspn(line + type_len, BLANKS);
	key_len = strcspn(key, BLANKS "\n");
	n = decode(key, key_len, blob);
	if (n <= 0)
		return bad(f, "is no base64");
	snprintf(k->type, sizeof(k->type), "%.*s", (int)type_len, line);
	if (check_blob(blob, n, k->type, f))
		return -1;
	snprintf(k->line, sizeof(k->line), "%s %.*s", k->type, (int)key_len, key);
	sha256_init(&h);
	sha256_add(&h, blob, (size_t)n);
	sha256_end(&h, hash);
	strcpy(k->fingerprint, "SHA256:");
	encode(hash, sizeof(hash), k->fingerprint + 7);
	key += key_len + strspn(key + key_len, BLANKS);
	log_escape(key, key < end ? (size_t)(end - key) : 0, k->comment, sizeof(k->comment));
	return 0;
}

int ssh_key_read(const char *text, struct ssh_public_key *ret_k, struct fault *f)
{
	const char *line = NULL;
	size_t len = 0, n;

	if (strstr(text, "PRIVATE KEY-----"))
		return bad(f, "is a private key: keep it, and give FILE.pub");
	for (; *text; text += n + (text[n] == '\n')) {
		n = strcspn(text, "\n");
		if (text[strspn(text, BLANKS)] == '\n' || !text[strspn(text, BLANKS)] ||
		    *text == '#')
			continue;
		if (line)
			return bad(f, "holds more than one key");
		line = text;
		len = n;
	}
	while (len && strchr(BLANKS, line[len - 1]))
		len--;
	if (!line)
		return bad(f, "holds no key");
	memset(ret_k, 0, sizeof(*ret_k));
	return read_line(line, len, ret_k, f);
}
