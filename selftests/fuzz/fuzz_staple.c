// SPDX-License-Identifier: GPL-2.0-only
/*
 * staple - any file for an OCSP response is one for the certificate, good and in time, or refused
 * with a reason.
 */
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "pair.h"
#include "staple.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* (its serial number is 7) */
static const char crt[] = "-----BEGIN CERTIFICATE-----\n"
			  "MIIBCTCBsAIBBzAKBggqhkjOPQQDAjANMQswCQYDVQQDDAJjYTAgFw0yNjEyMDEx\n"
			  "MzUzMjJaGA8yMTI2MTEwNzEzNTMyMlowEzERMA8GA1UEAwwIYXBwLnRlc3QwWTAT\n"
			  "BgcqhkjOPQIBBggqhkjOPQMBBwNCAAS3RvIncHQE+EeFPKr4IE00jQsML8zOK+VM\n"
			  "/uoxOenN9pLG7TQPs2k0R96IMpHJ2ocKMEluwYV/iGSsMfjozgA/MAoGCCqGSM49\n"
			  "BAMCA0gAMEUCIQCXzFncKCDsrwTFWZd+NiygcJt0I4FwPeibtgtPn14tOwIgCxt9\n"
			  "18CcmxaGNg9P7L/E0pAP94dumMJF3ZUxHuecHAg=\n"
			  "-----END CERTIFICATE-----\n";
/* clang-format on */
static const char key[] = "-----BEGIN PRIVATE KEY-----\n"
			  "MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgxMpRQWkV/9MSnfYu\n"
			  "Hyz24SPXfnW97mZeFg6KOBsf1T6hRANCAAS3RvIncHQE+EeFPKr4IE00jQsML8zO\n"
			  "K+VM/uoxOenN9pLG7TQPs2k0R96IMpHJ2ocKMEluwYV/iGSsMfjozgA/\n"
			  "-----END PRIVATE KEY-----\n";

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pair *p;
	int fd = memfd_create("staple", MFD_CLOEXEC);
	struct fault f = {.msg = ""};

	if (!p)
		p = pair_read(crt, key, "crt", "key", &f);
	if (!p || fd == -1 || write(fd, data, size) != (ssize_t)size || lseek(fd, 0, SEEK_SET))
		abort();
	if (staple_read(p, fd, &f)) {
		if (f.status != 400 || !*f.msg || p->ocsp)
			abort();
	} else if (p->ocsp_len != size || p->ocsp_until <= 0) {
		abort();
	}
	free(p->ocsp);
	p->ocsp = NULL;
	close(fd);
	return 0;
}
