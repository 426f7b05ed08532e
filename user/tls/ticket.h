/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * ticket - the keys of session tickets, in memory only.
 *
 * One set for all workers; any thread.  A key is used for TICKET_KEY_S, then a new one is; the one
 * before is understood for as long again.  Freed keys are cleansed.
 */
#ifndef TICKET_H
#define TICKET_H

#include <time.h>

#include <openssl/ssl.h>

#define TICKET_KEY_S (12 * 3600)

struct tickets;

struct tickets *tickets_new(void); /* NULL: out of memory or of randomness */
void tickets_free(struct tickets *k);

/* What SSL_CTX_set_tlsext_ticket_key_evp_cb() wants of us; <now> is for tests to turn. */
int tickets_use(struct tickets *k, time_t now, unsigned char name[16], unsigned char *iv,
		EVP_CIPHER_CTX *cipher, EVP_MAC_CTX *mac, int encrypt);

#endif
