// SPDX-License-Identifier: GPL-2.0-only
#include "ssh_secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PREFIX "ssh:"
#define SECRET_LEN SSH_SECRET_LEN
#define INVALID 107

static int read_secret(const char *path, char *secret, struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	ssize_t n;

	if (fd == -1)
		return -errno;
	n = read(fd, secret, 2 * SECRET_LEN);
	close(fd);
	secret[2 * SECRET_LEN] = '\0';
	if (n == 2 * SECRET_LEN && strspn(secret, "0123456789abcdef") == 2 * SECRET_LEN)
		return 0;
	return fault_set(f, 500, 0, "", "%s is damaged: remove it, a new one is made", path);
}

static int make_secret(const char *path, char *secret, struct fault *f)
{
	uint8_t bytes[SECRET_LEN];
	char tmp[PATH_MAX + 16];
	int fd, err = 0;

	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return fault_set(f, 500, 0, "", "no random bytes: %s", strerror(errno));
	for (int i = 0; i < SECRET_LEN; i++)
		sprintf(secret + 2 * i, "%02x", bytes[i]);
	explicit_bzero(bytes, sizeof(bytes));
	snprintf(tmp, sizeof(tmp), "%s.new", path);
	unlink(tmp);
	fd = open(tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (fd == -1 || write(fd, secret, 2 * SECRET_LEN) != 2 * SECRET_LEN || fsync(fd))
		err = errno ? errno : ENOSPC;
	if (fd != -1)
		close(fd);
	if (!err && rename(tmp, path))
		err = errno;
	return err ? fault_set(f, 500, 0, "", "cannot write %s: %s", path, strerror(err)) : 0;
}

int ssh_secret_open(struct ssh_secret *s, const char *state_dir, struct fault *f)
{
	char path[PATH_MAX + 8];
	int err;

	snprintf(s->dir, sizeof(s->dir), "%.4000s/ssh", state_dir);
	if (mkdir(s->dir, 0700) && errno != EEXIST)
		return fault_set(f, 500, 0, "", "cannot make %s: %s", s->dir, strerror(errno));
	snprintf(path, sizeof(path), "%s/token", s->dir);
	err = read_secret(path, s->hex, f);
	if (err == -ENOENT)
		return make_secret(path, s->hex, f);
	if (err < -1)
		return fault_set(f, 500, 0, "", "cannot read %s: %s", path, strerror(-err));
	return err;
}

bool ssh_secret_is_token(const char *token)
{
	return token && !strncmp(token, PREFIX, strlen(PREFIX));
}

const char *ssh_secret_check(const struct ssh_secret *s, const char *token, struct fault *f)
{
	const char *text = token + strlen(PREFIX);
	unsigned char differ = 0;

	if (strlen(text) > 2 * SECRET_LEN && text[2 * SECRET_LEN] == ':') {
		for (int i = 0; i < 2 * SECRET_LEN; i++)
			differ |= (unsigned char)(s->hex[i] ^ text[i]);
		if (!differ)
			return text + 2 * SECRET_LEN + 1;
	}
	fault_set(f, 401, INVALID, "authtoken",
		  "is not of this edge's gateway: its secret is in %s/token", s->dir);
	return NULL;
}
