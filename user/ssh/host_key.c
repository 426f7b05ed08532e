// SPDX-License-Identifier: GPL-2.0-only
#include "host_key.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "log.h"

static const struct {
	const char *name;
	enum ssh_keytypes_e type;
	int bits;
} kinds[HOST_KEYS] = {
	[HOST_KEY_ED25519] = {"ssh_host_ed25519_key", SSH_KEYTYPE_ED25519, 0},
	[HOST_KEY_RSA] = {"ssh_host_rsa_key", SSH_KEYTYPE_RSA, 3072},
};

const char *host_key_fingerprint(ssh_key key, char out[HOST_KEY_FINGERPRINT_MAX])
{
	unsigned char *hash = NULL;
	size_t len = 0;
	char *text = NULL;

	if (!ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash, &len))
		text = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash, len);
	snprintf(out, HOST_KEY_FINGERPRINT_MAX, "%s", text ? text : "?");
	ssh_string_free_char(text);
	ssh_clean_pubkey_hash(&hash);
	return out;
}

/*
 * As in authorized_keys.  libssh's own way adds who we are on which host, and fails where the user
 * has no name: that of a unit with DynamicUser has none in the eyes of libc alone.
 */
static int write_public(ssh_key key, const char *path)
{
	FILE *to = fopen(path, "we");
	char *text = NULL;
	int err = to ? 0 : -1;

	if (!err && ssh_pki_export_pubkey_base64(key, &text)) {
		errno = ENOMEM;
		err = -1;
	}
	if (!err && (fprintf(to, "%s %s snisplit-sshd\n", ssh_key_type_to_char(ssh_key_type(key)),
			     text) < 0 ||
		     fchmod(fileno(to), 0644)))
		err = -1;
	if (to && fclose(to))
		err = -1;
	ssh_string_free_char(text);
	return err;
}

/*
 * Into a file beside it, then renamed: never half a key.  The public one first: whoever has the
 * other has both.
 */
static int make(const char *path, int kind, ssh_key *ret_key, struct fault *f)
{
	char tmp[PATH_MAX + 8], pub[PATH_MAX + 8];
	ssh_key key = NULL;
	int err = 0;

	snprintf(tmp, sizeof(tmp), "%s.new", path);
	snprintf(pub, sizeof(pub), "%s.pub", path);
	if (ssh_pki_generate(kinds[kind].type, kinds[kind].bits, &key))
		return fault_set(f, 500, 0, "", "cannot make a host key");
	unlink(tmp);
	if (write_public(key, pub))
		err = fault_set(f, 500, 0, "", "cannot write %s: %s", pub, strerror(errno));
	else if (ssh_pki_export_privkey_file(key, NULL, NULL, NULL, tmp) || chmod(tmp, 0600) ||
		 rename(tmp, path))
		err = fault_set(f, 500, 0, "", "cannot write the host key %s: %s", path,
				strerror(errno));
	if (err)
		ssh_key_free(key);
	else
		*ret_key = key;
	return err;
}

static int check_mode(const char *path, struct fault *f)
{
	struct stat st;

	if (!stat(path, &st) && st.st_mode & 077)
		return fault_set(f, 500, 0, "", "%s is open to others: chmod 600 %s", path, path);
	return 0;
}

static int open_one(const char *dir, int kind, ssh_key *ret_key, struct fault *f)
{
	char path[PATH_MAX], text[HOST_KEY_FINGERPRINT_MAX];
	mode_t mask;
	int err;

	snprintf(path, sizeof(path), "%s/%s", dir, kinds[kind].name);
	if (check_mode(path, f))
		return -1;
	if (!access(path, F_OK)) {
		if (ssh_pki_import_privkey_file(path, NULL, NULL, NULL, ret_key))
			return fault_set(
				f, 500, 0, "",
				"cannot read the host key %s; move it away to get a new one", path);
		return 0;
	}
	mask = umask(077);
	err = make(path, kind, ret_key, f);
	umask(mask);
	if (!err)
		log_info("host key made: %s %s", path, host_key_fingerprint(*ret_key, text));
	return err;
}

int host_keys_open(const char *dir, ssh_key ret_keys[HOST_KEYS], struct fault *f)
{
	if (mkdir(dir, 0700) && errno != EEXIST)
		return fault_set(f, 500, 0, "", "cannot make %s: %s", dir, strerror(errno));
	for (int i = 0; i < HOST_KEYS; i++)
		if (open_one(dir, i, &ret_keys[i], f)) {
			while (i--)
				ssh_key_free(ret_keys[i]);
			return -1;
		}
	return 0;
}
