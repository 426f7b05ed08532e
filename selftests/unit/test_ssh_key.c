// SPDX-License-Identifier: GPL-2.0-only
/* test_ssh_key - keys are read as ssh-keygen has written them, with the fingerprint it shows; what
 * is none, cut off, weak or private is refused. */
#include "ssh_key.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "unit.h"

static const struct {
	const char *text, *want; /* "TYPE FINGERPRINT COMMENT", or a part of the refusal */
	int bad;
} keys[] = {
	{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPV0/VJGe2/7ylFZJ7/Q1TpSUQywWXx8"
	 "Zx9zGBHbtm4s me@host",
	 "ssh-ed25519 SHA256:H3ESNo5iKtx1Tvc1SOurGviLkzHdfcZ4iiIAt4i8heQ me@ho"
	 "st",
	 0},
	{"# mine\n\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPV0/VJGe2/7ylFZJ7/Q1T"
	 "pSUQywWXx8Zx9zGBHbtm4s me@host \r\n\n",
	 "ssh-ed25519 SHA256:H3ESNo5iKtx1Tvc1SOurGviLkzHdfcZ4iiIAt4i8heQ me@ho"
	 "st",
	 0},
	{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPV0/VJGe2/7ylFZJ7/Q1TpSUQywWXx8"
	 "Zx9zGBHbtm4s me@host\nssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPV0/VJGe2"
	 "/7ylFZJ7/Q1TpSUQywWXx8Zx9zGBHbtm4s me@host\n",
	 "more than one key", 1},
	{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPV0", "cut off", 1},
	{"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIPV0/VJGe2/7ylFZJ7/Q1TpSUQywWXx8"
	 "Zx9zGBHbtm4s \x1b[31mred",
	 "ssh-ed25519 SHA256:H3ESNo5iKtx1Tvc1SOurGviLkzHdfcZ4iiIAt4i8heQ "
	 "\\x1b[31mred",
	 0},
	{"ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYA"
	 "AABBBK+0Ej7acamNvD1dFkhlAsI/D5rLKUXLnkF4T8H7rAdeyfzNenv60m2K1ZpS9f26"
	 "xqI1BqimHGeFJaGKLGFQYpk=",
	 "ecdsa-sha2-nistp256 SHA256:QHahpDwgmsiwKk/Tloug3GKGCO8Cef25F75bdzidb"
	 "ac ",
	 0},
	{"ecdsa-sha2-nistp384 AAAAE2VjZHNhLXNoYTItbmlzdHAzODQAAAAIbmlzdHAzODQA"
	 "AABhBCDJbE+Q5mdAzFXBfoU3KUtMIvuHbzmWDRIZB/BGt81Xhn2nq++IO+7MqxHKWV0W"
	 "9hY+0zla+dsY9h9JN+XFay/86ZA3N5nuzBLDOKM82uICzrOkv3bcU49yYGg2lxuW0g=="
	 " a",
	 "ecdsa-sha2-nistp384 SHA256:266JWFhyaai18PAeQqvnFqkUR2kqwfz98aWVuXqim"
	 "ms a",
	 0},
	{"ecdsa-sha2-nistp521 AAAAE2VjZHNhLXNoYTItbmlzdHA1MjEAAAAIbmlzdHA1MjEA"
	 "AACFBAEIIdYiJCoMW2dEBvfXxApFw6obYE/plP+f3Uetx5EJDqT9AjUecO+24tXMRZBu"
	 "XPNN1Fp9ERsRFya4t/B6tCJrhAGJwOzn5wt5qMQcukdQN8wRicU46jjeiV3aoiVwIwTO"
	 "5FkOjX9Bn4miexMCbJnGWb8GeblwTstSsSU0/Dy/1NPgGQ== two words",
	 "ecdsa-sha2-nistp521 SHA256:WNq7mEk9fM67QaKQi0QbOeUWUt3BSBo/4IJpJxpZG"
	 "uE two words",
	 0},
	{"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABAQC6nj+misxt1vvlQ0J3Q/+c0+S8mgn5"
	 "ulRqek/FZwEHXvn201EWTB+DvJ+TOBZ2y+F1U9XOz5yskfUfq+rv304SjQ0Rwaj02oZ8"
	 "MiWW3kETDwxqZ3zbjdWzDI+WePAzgSD1XWvPk41INltnfW/TjL8XDpTZgyUhURTTu5JA"
	 "FrQno0n6mbUj///QZc5issNHflIHGPQgixhqS4lVYsBp0hWae+bLnz17HPRDgJPjWFpO"
	 "Nhf17+FfURnmVjproTl/yJfg/LElKKGfyeiILnlmYVr7r0c3fJbtoZCfSrLXQMhSBaDh"
	 "+ssZUYKU9kGWNcW/iXsEopN1rHBlU55W/WXpL1iZ r",
	 "ssh-rsa SHA256:1YvA9ewu8r8e6CfQdyKZ0wdG89GnxLQb8lSFPW0RjxM r", 0},
	{"ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAAAgQC1SVenXhqLMoKC8TRP+zfLtgjSMPdL"
	 "LJPPhdcseU/S+cN3/qaAq3tZjSIpU1xCxCh/SQ77kOQvhtE998mXGX86nvGkwGVUDjHz"
	 "s0srkU0JLdWP/jPvABa7mpYKcBo1DoRL4LY3lXxuooLdvIlx3QXxnljcnr3UqQOf1swE"
	 "lWneRQ== w",
	 "has 1024 bits", 1},
	{"", "no key", 1},
	{"\n# comment\n \t\n", "no key", 1},
	{"-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n", "private key", 1},
	{"ssh-dss AAAAB3NzaC1kc3M= x", "must be the text of FILE.pub", 1},
	{"ssh-ed25519", "must be the text of FILE.pub", 1},
	{"ssh-ed25519 ", "must be the text of FILE.pub", 1},
	{"no-pty ssh-ed25519 AAAA", "must be the text of FILE.pub", 1},
	{"ssh-ed25519 AA!A", "no base64", 1},
	{"ssh-ed25519 AAAA", "cut off", 1},
	{"ssh-rsa AAAAC3NzaC1lZDI1NTE5AAAAIAAA", "another type", 1},
	{"ssh-rsa AAAAB3NzaC1yc2E=", "cut off", 1},
};

int main(void)
{
	struct ssh_public_key *k = malloc(sizeof(*k));
	char got[1024], *huge = malloc(SSH_KEY_LINE_MAX + 64);
	struct fault f;
	int err;

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		f.msg[0] = '\0';
		err = ssh_key_read(keys[i].text, k, &f);
		if (!err)
			snprintf(got, sizeof(got), "%s %s %s", k->type, k->fingerprint, k->comment);
		if (keys[i].bad ? !err || !strstr(f.msg, keys[i].want)
				: err || strcmp(got, keys[i].want) != 0) {
			failures++;
			fprintf(stderr, "key %zu: got %d '%s', want %d '%s'\n", i, err,
				err ? f.msg : got, keys[i].bad, keys[i].want);
		}
	}
	memset(huge, 'A', SSH_KEY_LINE_MAX + 63);
	memcpy(huge, "ssh-ed25519 ", 12);
	huge[SSH_KEY_LINE_MAX + 63] = '\0';
	if (!ssh_key_read(huge, k, &f) || !strstr(f.msg, "longer")) {
		failures++;
		fprintf(stderr, "huge: '%s'\n", f.msg);
	}
	free(huge);
	free(k);
	return failures != 0;
}
