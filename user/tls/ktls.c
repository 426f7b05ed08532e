// SPDX-License-Identifier: GPL-2.0-only
#include "ktls.h"

#include <linux/tcp.h>
#include <linux/tls.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include <openssl/crypto.h>

#ifndef SOL_TLS
#define SOL_TLS 282
#endif

/* What getsockopt(2) of TLS_TX fills; each begins with the same two fields. */
union crypto {
	struct tls_crypto_info info;
	struct tls12_crypto_info_aes_gcm_128 gcm128;
	struct tls12_crypto_info_aes_gcm_256 gcm256;
	struct tls12_crypto_info_chacha20_poly1305 chacha;
};

/* Header, nonce (TLS 1.2 with AES), type (1.3) and tag. */
static unsigned overhead_of(const struct tls_crypto_info *i)
{
	if (i->version == TLS_1_3_VERSION)
		return 5 + 1 + 16;
	return i->cipher_type == TLS_CIPHER_CHACHA20_POLY1305 ? 5 + 16 : 5 + 8 + 16;
}

static uint64_t number(const unsigned char seq[8])
{
	uint64_t n = 0;

	for (int i = 0; i < 8; i++)
		n = n << 8 | seq[i];
	return n;
}

/* How many records there were, in the kernel and before.  False: it does not say. */
static bool records(int fd, uint16_t cipher, uint64_t *ret_n)
{
	union crypto c;
	const unsigned char *seq;
	socklen_t len;
	int err;

	switch (cipher) {
	case TLS_CIPHER_AES_GCM_128:
		len = sizeof(c.gcm128);
		seq = c.gcm128.rec_seq;
		break;
	case TLS_CIPHER_AES_GCM_256:
		len = sizeof(c.gcm256);
		seq = c.gcm256.rec_seq;
		break;
	case TLS_CIPHER_CHACHA20_POLY1305:
		len = sizeof(c.chacha);
		seq = c.chacha.rec_seq;
		break;
	default:
		return false;
	}
	memset(&c, 0, sizeof(c));
	err = getsockopt(fd, SOL_TLS, TLS_TX, &c, &len);
	if (!err)
		*ret_n = number(seq);
	OPENSSL_cleanse(&c, sizeof(c)); /* the key is in it */
	return !err;
}

/* Bytes that TCP has taken over for sending, ever. */
static bool enqueued(int fd, uint64_t *ret_n)
{
	struct tcp_info ti = {0};
	socklen_t len = sizeof(ti);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &ti, &len))
		return false;
	*ret_n = ti.tcpi_bytes_sent - ti.tcpi_bytes_retrans + ti.tcpi_notsent_bytes;
	return true;
}

bool ktls_start(struct ktls *k, int fd, bool tx, void *keys)
{
	const struct tls_crypto_info *info = keys;
	const uint16_t cipher = info->cipher_type;
	const unsigned overhead = overhead_of(info);

	if (!k->socket)
		k->socket = BIO_new_socket(fd, BIO_NOCLOSE); /* asks for the kernel's TLS */
	if (!k->socket || BIO_ctrl(k->socket, KTLS_CTRL_START, tx, keys) <= 0)
		return false;
	if (!tx) {
		k->rx = true;
		return true;
	}
	/* there is no way back: without these two, ktls_is_drained() says yes */
	if (!records(fd, cipher, &k->first) || !enqueued(fd, &k->wire_before))
		k->overhead = 0;
	else
		k->overhead = overhead;
	k->cipher = cipher;
	k->tx = true;
	return true;
}

void ktls_done(struct ktls *k)
{
	BIO_free(k->socket);
	k->socket = NULL;
}

ssize_t ktls_send(int fd, uint8_t type, const void *buf, size_t len)
{
	char control[CMSG_SPACE(sizeof(type))] = {0};
	struct iovec iov = {.iov_base = (void *)buf, .iov_len = len};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);

	c->cmsg_level = SOL_TLS;
	c->cmsg_type = TLS_SET_RECORD_TYPE;
	c->cmsg_len = CMSG_LEN(sizeof(type));
	*CMSG_DATA(c) = type;
	return sendmsg(fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
}

bool ktls_is_drained(const struct ktls *k, int fd)
{
	uint64_t n, wire;

	if (!k->tx || !k->overhead || !records(fd, k->cipher, &n) || !enqueued(fd, &wire))
		return true;
	return wire - k->wire_before >= k->plain + (n - k->first) * k->overhead;
}
