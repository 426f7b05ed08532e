/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * host_key - the keys that the gateway shows: ed25519 and RSA, made at the first start.
 */
#ifndef HOST_KEY_H
#define HOST_KEY_H
#include <libssh/libssh.h>

#include "fault.h"

enum { HOST_KEY_ED25519, HOST_KEY_RSA, HOST_KEYS };

/*
 * Reads DIR/ssh_host_*_key, makes the ones that are missing (0600) with their .pub beside them.
 * 0 with the keys, to be freed, or -1 with <f>.  Makes <dir> (0700) too.
 */
int host_keys_open(const char *dir, ssh_key ret_keys[HOST_KEYS], struct fault *f);

/* "SHA256:..." as ssh shows it. */
#define HOST_KEY_FINGERPRINT_MAX 64
const char *host_key_fingerprint(ssh_key key, char out[HOST_KEY_FINGERPRINT_MAX]);
#endif
