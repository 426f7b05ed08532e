// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "client.h"
#include "http.h"
#include "json_text.h"
#include "refusal.h"

#define REPLY_MAX ((size_t)256 << 20)
#define PATIENCE_S 60

int client_connect(const char *path)
{
	struct sockaddr_un sun = {.sun_family = AF_UNIX};
	int fd, err;

	if (strlen(path) >= sizeof(sun.sun_path))
		return -ENAMETOOLONG;
	strcpy(sun.sun_path, path);
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return -errno;
	if (!connect(fd, (struct sockaddr *)&sun, sizeof(sun)))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int unreachable(const struct call *c, int err)
{
	fprintf(stderr, "snisplit: cannot reach snisplitd on %s: %s\n", c->socket, strerror(-err));
	if (err == -EACCES || err == -EPERM)
		fprintf(stderr, "its group may use it: sudo usermod -aG snisplit $USER, then log "
				"in again; or use sudo\n");
	else
		fprintf(stderr, "start it with: sudo systemctl start snisplitd (or run snisplitd "
				"as root); --socket names another socket\n");
	return EXIT_UNREACHABLE;
}

static int broken(const struct call *c, int err)
{
	fprintf(stderr, "snisplit: no whole reply from snisplitd on %s: %s\n", c->socket,
		err == -EPROTO ? "this is not its API" : strerror(-err));
	return EXIT_UNREACHABLE;
}

static int send_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t n = send(fd, data, len, MSG_NOSIGNAL);

		if (n == -1 && errno == EINTR)
			continue;
		if (n == -1)
			return -errno;
		data += n;
		len -= (size_t)n;
	}
	return 0;
}

/* A connection with the request on it; the fd or -errno. */
static int start(const struct call *c, const char *method, const char *path, const char *body)
{
	struct timeval patience = {.tv_sec = PATIENCE_S};
	char *head;
	int fd, n, err;

	fd = client_connect(c->socket);
	if (fd < 0)
		return fd;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	n = asprintf(&head,
		     "%s %s HTTP/1.1\r\nHost: snisplit\r\nUser-Agent: snisplit/%s\r\n"
		     "Connection: close\r\nContent-Length: %zu\r\n\r\n",
		     method, path, VERSION, strlen(body));
	if (n < 0) {
		close(fd);
		return -ENOMEM;
	}
	err = send_all(fd, head, (size_t)n);
	if (!err)
		err = send_all(fd, body, strlen(body));
	free(head);
	/* a daemon that refuses early still has an answer for us */
	if (err && err != -EPIPE) {
		close(fd);
		return err;
	}
	return fd;
}

/* ---- whole replies ---- */

static int append(void *arg, const char *data, size_t len)
{
	struct reply *r = arg;
	char *body;

	if (len > REPLY_MAX - r->len)
		return -EMSGSIZE;
	body = realloc(r->body, r->len + len + 1);
	if (!body)
		return -ENOMEM;
	memcpy(body + r->len, data, len);
	r->body = body;
	r->len += len;
	body[r->len] = '\0';
	return 0;
}

void reply_done(struct reply *r)
{
	json_decref(r->json);
	free(r->body);
	memset(r, 0, sizeof(*r));
}

static int exit_code(int status)
{
	switch (status) {
	case 401:
	case 403:
	case 409:
	case 429:
	case 503:
		return EXIT_REFUSED;
	}
	return status < 300 ? EXIT_OK : EXIT_USAGE;
}

static int finish(const struct call *c, struct reply *r)
{
	int code = exit_code(r->status);

	if (r->len) {
		r->json = json_text_read(r->body, r->len, 0, NULL);
		if (!r->json)
			return broken(c, errno == ENOMEM ? -ENOMEM : -EPROTO);
	}
	if (c->json && r->len)
		fwrite(r->body, 1, r->len, stdout);
	else if (code)
		refusal_print(c, r->status, r->json);
	return code;
}

int client_ask(const struct call *c, const char *method, const char *path, const json_t *body,
	       struct reply *ret_r)
{
	char *text = body ? json_text_write(body, JSON_COMPACT) : strdup("");
	struct http h = {.fd = -1};
	struct http_head head;
	struct reply r = {0};
	int err, code;

	/* (a body that lacks what was asked for is another wish: one without its ranges, say) */
	if (!text || (body && json_text_lacked())) {
		free(text);
		return broken(c, -ENOMEM);
	}
	h.fd = start(c, method, path, text);
	free(text);
	if (h.fd < 0)
		return unreachable(c, h.fd);
	err = append(&r, "", 0);
	if (!err)
		err = http_read_head(&h, &head);
	if (!err)
		err = http_read_body(&h, &head, append, &r);
	close(h.fd);
	r.status = err ? 0 : head.status;
	code = err ? broken(c, err) : finish(c, &r);
	if (code)
		reply_done(&r);
	else
		*ret_r = r;
	return code;
}

/* ---- streams ---- */

struct lines {
	void (*on_line)(void *arg, const char *line, size_t len);
	void *arg;
	struct reply part; /* of a line */
};

static int split(void *arg, const char *data, size_t len)
{
	struct lines *l = arg;
	const char *newline;
	int err = 0;

	while (!err && len && (newline = memchr(data, '\n', len))) {
		size_t n = (size_t)(newline + 1 - data);

		err = append(&l->part, data, n);
		if (!err)
			l->on_line(l->arg, l->part.body, l->part.len);
		l->part.len = 0;
		data += n;
		len -= n;
	}
	return err ? err : append(&l->part, data, len);
}

int client_stream(const struct call *c, const char *path,
		  void (*on_line)(void *arg, const char *line, size_t len), void *arg)
{
	struct lines l = {.on_line = on_line, .arg = arg};
	struct timeval for_ever = {0};
	struct http h = {.fd = -1};
	struct http_head head;
	struct reply r = {0};
	int err, code = EXIT_OK;

	h.fd = start(c, "GET", path, "");
	if (h.fd < 0)
		return unreachable(c, h.fd);
	setsockopt(h.fd, SOL_SOCKET, SO_RCVTIMEO, &for_ever, sizeof(for_ever));
	err = http_read_head(&h, &head);
	if (!err && head.status == 200)
		err = http_read_body(&h, &head, split, &l);
	else if (!err)
		err = http_read_body(&h, &head, append, &r);
	close(h.fd);
	if (err) {
		code = broken(c, err);
	} else if (head.status != 200) {
		r.status = head.status;
		code = finish(c, &r);
	}
	reply_done(&l.part);
	reply_done(&r);
	return code;
}

char *client_path(const char *path, const char *text)
{
	static const char hex[] = "0123456789ABCDEF";
	char *out = malloc(strlen(path) + 3 * strlen(text) + 1), *p;

	if (!out) {
		fprintf(stderr, "snisplit: out of memory\n");
		exit(EXIT_USAGE);
	}
	p = stpcpy(out, path);
	for (; *text; text++) {
		unsigned char b = (unsigned char)*text;

		if ((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') || (b >= '0' && b <= '9') ||
		    strchr("-_.", b)) {
			*p++ = (char)b;
		} else {
			*p++ = '%';
			*p++ = hex[b >> 4];
			*p++ = hex[b & 15];
		}
	}
	*p = '\0';
	return out;
}
