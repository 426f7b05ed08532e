// SPDX-License-Identifier: GPL-2.0-only
#include "tunnel_web.h"

#include <errno.h>
#include <jansson.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "addr.h"
#include "json_text.h"
#include "tunnel_state.h"

#define DEFAULT_PORT 4040
#define PORTS 10
#define REQUEST_MAX 4096
#define PATIENCE_MS 2000

struct tunnel_web {
	struct tunnel_state *state;
	pthread_t thread;
	int fd, stop_fd;
	char host[ADDR_TEXT_MAX]; /* what Host must say: a page elsewhere must not read us */
};

static int open_port(const struct sockaddr_storage *sa, socklen_t len)
{
	int fd = socket(sa->ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1, err;

	if (fd == -1)
		return -errno;
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (!bind(fd, (const struct sockaddr *)sa, len) && !listen(fd, 16))
		return fd;
	err = -errno;
	close(fd);
	return err;
}

static int open_default(char text[ADDR_TEXT_MAX])
{
	struct sockaddr_storage sa;
	socklen_t len;
	int fd = -EADDRINUSE;

	for (int i = 0; i < PORTS && fd < 0; i++) {
		snprintf(text, ADDR_TEXT_MAX, "127.0.0.1:%d", DEFAULT_PORT + i);
		if (!addr_parse(text, &sa, &len))
			fd = open_port(&sa, len);
	}
	return fd;
}

/* ---- what is said ---- */

static json_t *tunnel_json(struct tunnel_state *s, unsigned i)
{
	const struct tunnel_one *o = &s->conf->tunnels[i];
	struct snisplit_listener_status st = {.online = 0};
	char uri[300], addr[300];

	if (s->listeners[i])
		snisplit_listener_status(s->listeners[i], &st);
	snprintf(uri, sizeof(uri), "/api/tunnels/%.250s", o->label);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:b, s:{s:s}, s:{s:{s:I, s:i}}}", "name",
			 o->label, "uri", uri, "public_url", st.url, "url", st.url, "proto",
			 o->proto, "online", st.online, "config", "addr",
			 tunnel_addr_shown(o, addr), "metrics", "conns", "count",
			 (json_int_t)st.conns_total, "gauge", (int)st.conns_open);
}

static json_t *tunnels_json(struct tunnel_state *s, const char *key)
{
	json_t *list = json_array();

	for (unsigned i = 0; i < s->conf->n_tunnels; i++)
		json_array_append_new(list, tunnel_json(s, i));
	return json_pack("{s:o, s:s+}", key, list, "uri", "/api/", key);
}

static json_t *status_json(struct tunnel_state *s)
{
	struct snisplit_status st;

	snisplit_status(s->session, &st);
	return json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:I, s:i, s:i, s:s, s:s, s:I, s:I}",
			 "agent_version", snisplit_version(), "status",
			 st.online ? "online" : "reconnecting", "session", st.session, "server",
			 s->conf->server, "edge", st.edge, "rtt_us", (int)st.rtt_us, "connections",
			 (json_int_t)st.conns_total, "open", (int)st.conns_open, "channels_idle",
			 (int)st.channels_idle, "datapath", st.datapath, "datapath_why",
			 st.datapath_why, "bytes_kernel", (json_int_t)st.bytes_kernel, "bytes_user",
			 (json_int_t)st.bytes_user);
}

static json_t *find_tunnel(struct tunnel_state *s, const char *label)
{
	for (unsigned i = 0; i < s->conf->n_tunnels; i++)
		if (!strcmp(s->conf->tunnels[i].label, label))
			return tunnel_json(s, i);
	return NULL;
}

static json_t *resource(struct tunnel_state *s, const char *path)
{
	json_t *j = NULL;

	pthread_mutex_lock(&s->lock);
	if (!strcmp(path, "/") || !strcmp(path, "/api") || !strcmp(path, "/api/status"))
		j = status_json(s);
	else if (!strcmp(path, "/api/tunnels"))
		j = tunnels_json(s, "tunnels");
	else if (!strcmp(path, "/api/endpoints"))
		j = tunnels_json(s, "endpoints");
	else if (!strncmp(path, "/api/tunnels/", 13))
		j = find_tunnel(s, path + 13);
	pthread_mutex_unlock(&s->lock);
	return j;
}

/* ---- requests ---- */

static void reply(int fd, int status, const char *text)
{
	char head[200];
	int n;

	n = snprintf(head, sizeof(head),
		     "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %zu\r\n"
		     "Connection: close\r\n\r\n",
		     status, status == 200 ? "OK" : "Refused", strlen(text));
	if (send(fd, head, (size_t)n, MSG_NOSIGNAL) == n)
		send(fd, text, strlen(text), MSG_NOSIGNAL);
}

/* "localhost", or the address we listen on, with any port. */
static bool is_our_host(const struct tunnel_web *w, const char *request)
{
	const char *at = strcasestr(request, "\r\nhost:");
	size_t n = strcspn(w->host, ":");

	if (!at)
		return true;
	at += 7 + strspn(at + 7, " ");
	return !strncasecmp(at, "localhost", 9) || !strncasecmp(at, "127.0.0.1", 9) ||
	       !strncasecmp(at, "[::1]", 5) || (n && !strncmp(at, w->host, n));
}

static void answer(struct tunnel_web *w, int fd, char *request)
{
	char *path = strchr(request, ' '), *end = path ? strchr(path + 1, ' ') : NULL, *text;
	json_t *j;

	if (!end || !is_our_host(w, request)) {
		reply(fd, 403, "{\"msg\":\"not from here\"}\n");
		return;
	}
	*path++ = *end = '\0';
	if (strcmp(request, "GET") != 0) {
		reply(fd, 405, "{\"msg\":\"read only\"}\n");
		return;
	}
	j = resource(w->state, path);
	text = j ? json_text_write(j, JSON_INDENT(2)) : NULL;
	reply(fd, text ? 200 : 404, text ? text : "{\"msg\":\"no such resource\"}\n");
	free(text);
	json_decref(j);
}

static void serve(struct tunnel_web *w, int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char request[REQUEST_MAX + 1];
	size_t len = 0;
	ssize_t n;

	while (len < REQUEST_MAX && poll(&p, 1, PATIENCE_MS) == 1) {
		n = recv(fd, request + len, REQUEST_MAX - len, 0);
		if (n <= 0)
			break;
		len += (size_t)n;
		request[len] = '\0';
		if (strstr(request, "\r\n\r\n")) {
			answer(w, fd, request);
			break;
		}
	}
	close(fd);
}

static void *run(void *arg)
{
	struct tunnel_web *w = arg;
	struct pollfd p[2] = {{.fd = w->fd, .events = POLLIN},
			      {.fd = w->stop_fd, .events = POLLIN}};
	int fd;

	while (poll(p, 2, -1) > 0 && !p[1].revents) {
		fd = accept4(w->fd, NULL, NULL, SOCK_CLOEXEC);
		if (fd != -1)
			serve(w, fd);
	}
	return NULL;
}

bool tunnel_web_open(struct tunnel_state *s, const char *addr, struct tunnel_web **ret_w)
{
	struct sockaddr_storage sa;
	struct tunnel_web *w;
	char text[ADDR_TEXT_MAX];
	socklen_t len;
	int fd;

	if (addr && !strcmp(addr, "false"))
		return true;
	if (addr && (strlen(addr) >= sizeof(text) || addr_parse(addr, &sa, &len))) {
		fprintf(stderr, "snisplit: web_addr: must be IP:PORT or false, got '%.60s'\n",
			addr);
		return false;
	}
	snprintf(text, sizeof(text), "%s", addr ? addr : "");
	fd = addr ? open_port(&sa, len) : open_default(text);
	if (fd < 0 && !addr)
		return true;
	if (fd < 0) {
		fprintf(stderr, "snisplit: web_addr: %s: %s\n", addr, strerror(-fd));
		return false;
	}
	w = calloc(1, sizeof(*w));
	if (!w) {
		close(fd);
		return false;
	}
	w->state = s;
	w->fd = fd;
	w->stop_fd = eventfd(0, EFD_CLOEXEC);
	strcpy(w->host, text);
	snprintf(s->web, sizeof(s->web), "http://%s", text);
	if (pthread_create(&w->thread, NULL, run, w)) {
		close(fd);
		close(w->stop_fd);
		free(w);
		return false;
	}
	*ret_w = w;
	return true;
}

void tunnel_web_close(struct tunnel_web *w)
{
	uint64_t one = 1;

	if (!w)
		return;
	if (write(w->stop_fd, &one, sizeof(one)) > 0)
		pthread_join(w->thread, NULL);
	close(w->fd);
	close(w->stop_fd);
	free(w);
}
