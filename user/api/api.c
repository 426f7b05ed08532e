// SPDX-License-Identifier: GPL-2.0-only
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "config.h"
#include "edge.h"
#include "edges.h"
#include "labelled.h"
#include "feed.h"
#include "log.h"
#include "request.h"
#include "socket.h"
#include "thread.h"

/*
 * Beyond these the library resets who comes.  One that made room counts until its thread has run,
 * which on a busy machine is many arrivals later: far more than ROOM_ENOUGH.
 */
#define CONTROL_CONNS 512U
#define HTTP_CONNS 128U
#define HTTP_CONNS_PER_IP 64U
#define HEADER_BYTES ((size_t)16 << 10)
#define IDLE_S 30U
#define LAST_TICKS 100 /* of 5 ms */

static void mhd_says(void *arg, const char *fmt, va_list ap) __attribute__((format(printf, 2, 0)));

static void mhd_says(void *arg, const char *fmt, va_list ap)
{
	char line[512];
	size_t n;

	vsnprintf(line, sizeof(line), fmt, ap);
	n = strcspn(line, "\n");
	line[n] = '\0';
	log_debug("%s: %s", (const char *)arg, line);
}

/* (The logger comes first: the library complains when it does not.) */
/* A thread for each connection: a handler may resolve a name or wait for events. */
static struct MHD_Daemon *start_control(struct api *a)
{
	return MHD_start_daemon(MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_THREAD_PER_CONNECTION |
					MHD_USE_POLL | MHD_USE_ITC | MHD_USE_ERROR_LOG,
				0, NULL, NULL, request_serve, a, MHD_OPTION_EXTERNAL_LOGGER,
				mhd_says, "control", MHD_OPTION_LISTEN_SOCKET, a->control_fd,
				MHD_OPTION_NOTIFY_COMPLETED, request_done, a,
				MHD_OPTION_NOTIFY_CONNECTION, room_on_connection, &a->control_room,
				MHD_OPTION_CONNECTION_LIMIT, CONTROL_CONNS,
				MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
				MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_BYTES, MHD_OPTION_END);
}

static struct MHD_Daemon *start_http(struct api *a)
{
	return MHD_start_daemon(
		MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_EPOLL | MHD_USE_ITC | MHD_USE_ERROR_LOG,
		0, NULL, NULL, page_serve, a, MHD_OPTION_EXTERNAL_LOGGER, mhd_says, "http",
		MHD_OPTION_LISTEN_SOCKET, a->http_fd, MHD_OPTION_CONNECTION_LIMIT, HTTP_CONNS,
		MHD_OPTION_PER_IP_CONNECTION_LIMIT, HTTP_CONNS_PER_IP, MHD_OPTION_NOTIFY_CONNECTION,
		room_on_connection, &a->http_room, MHD_OPTION_CONNECTION_TIMEOUT, IDLE_S,
		MHD_OPTION_CONNECTION_MEMORY_LIMIT, HEADER_BYTES, MHD_OPTION_END);
}

static int take(int *fd)
{
	int n = *fd;

	*fd = -1;
	return n;
}

static int listen_all(struct api *a, const struct config *c, struct api_sockets *given, char *why,
		      size_t why_size)
{
	struct stat st;

	a->control_fd = take(&given->control);
	if (a->control_fd == -1) {
		a->control_fd = socket_unix(c->control_socket, c->control_mode, c->control_group,
					    &a->socket_dev, &a->socket_ino, why, why_size);
	} else if (!stat(c->control_socket, &st)) {
		a->left = true; /* another daemon's, until this one serves */
		a->socket_dev = st.st_dev;
		a->socket_ino = st.st_ino;
	}
	if (a->control_fd == -1)
		return -1;
	a->socket = strdup(c->control_socket);
	a->base_domain = strdup(c->base_domain);
	a->file = c->file ? strdup(c->file) : NULL;
	if (!a->socket || !a->base_domain || (c->file && !a->file)) {
		snprintf(why, why_size, "out of memory");
		return -1;
	}
	if (!c->http.len)
		return 0;
	a->http_fd = take(&given->http);
	if (a->http_fd == -1)
		a->http_fd = socket_tcp(&c->http.sa, c->http.len, c->http.text, why, why_size);
	return a->http_fd == -1 ? -1 : 0;
}

static void stop(struct MHD_Daemon **d)
{
	if (*d)
		MHD_stop_daemon(*d);
	*d = NULL;
}

/* Gives those there are a moment to end by themselves: a follower gets the last chunk, not a reset.
 */
static void let_end(struct MHD_Daemon *d)
{
	const struct timespec tick = {.tv_nsec = 5000000};
	const union MHD_DaemonInfo *info;

	for (int i = 0; i < LAST_TICKS; i++) {
		info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_CURRENT_CONNECTIONS);
		if (!info || !info->num_connections)
			return;
		nanosleep(&tick, NULL);
	}
}

static void *start_both(void *arg)
{
	struct api *a = arg;

	a->control = start_control(a);
	if (a->control && a->http_fd != -1)
		a->http = start_http(a);
	return NULL;
}

/* By a thread that has given up what the library's threads are not to inherit. */
int api_start(struct api *a, char *why, size_t why_size)
{
	pthread_t thread;

	/* of before a pause: who asked for the upgrade that has failed is to hear why */
	if (a->control)
		let_end(a->control);
	stop(&a->control);
	stop(&a->http);
	if (!thread_start(&thread, THREAD_FILES, "api", start_both, a))
		pthread_join(thread, NULL);
	if (a->control)
		a->control_fd = -1;
	if (!a->control || (a->http_fd != -1 && !a->http)) {
		snprintf(why, why_size, "%s: the HTTP server does not start",
			 a->control ? "http" : "control");
		return -1;
	}
	a->http_fd = -1;
	a->left = false;
	return 0;
}

struct api *api_open(struct edge *e, struct store *s, const struct config *c,
		     struct api_sockets *given, char *why, size_t why_size)
{
	struct api *a = calloc(1, sizeof(*a));
	struct fault f = {.msg = ""};

	if (!a) {
		snprintf(why, why_size, "out of memory");
		return NULL;
	}
	a->edge = e;
	a->store = s;
	a->control_fd = a->http_fd = -1;
	pthread_mutex_init(&a->change, NULL);
	room_init(&a->control_room);
	room_init(&a->http_room);
	if (feed_open(s, edge_events(e), c->state_dir, &a->feed, &f))
		snprintf(why, why_size, "%s", f.msg);
	else if (edges_open(s, edge_registry(e), edge_labelled(e), c->base_domain, &a->edges, &f))
		snprintf(why, why_size, "%s", f.msg);
	else if (!listen_all(a, c, given, why, why_size))
		return a;
	api_close(a);
	return NULL;
}

/* Not the file of a daemon that came after us. */
static void remove_socket(const struct api *a)
{
	struct stat st;

	if (a->socket && !a->left && !stat(a->socket, &st) && st.st_dev == a->socket_dev &&
	    st.st_ino == a->socket_ino)
		unlink(a->socket);
}

static void quiesce(struct MHD_Daemon *d, int *listen_fd)
{
	/* (after a pause it is ours already, and the library would say its number again) */
	if (*listen_fd == -1)
		*listen_fd = MHD_quiesce_daemon(d);
	if (*listen_fd != -1)
		close(*listen_fd);
	*listen_fd = -1;
	let_end(d);
}

static int listen_fd(struct MHD_Daemon *d, int otherwise)
{
	const union MHD_DaemonInfo *info = NULL;

	if (d)
		info = MHD_get_daemon_info(d, MHD_DAEMON_INFO_LISTEN_FD);
	return info ? info->listen_fd : otherwise;
}

void api_sockets(const struct api *a, struct api_sockets *ret_s)
{
	ret_s->control = listen_fd(a->control, a->control_fd);
	ret_s->http = listen_fd(a->http, a->http_fd);
}

void api_pause(struct api *a)
{
	if (a->control)
		a->control_fd = MHD_quiesce_daemon(a->control);
	if (a->http)
		a->http_fd = MHD_quiesce_daemon(a->http);
}

void api_leave(struct api *a)
{
	a->left = true;
}

void api_close(struct api *a)
{
	if (!a)
		return;
	atomic_store(&a->stopping, true);
	if (a->control || a->http)
		events_wake(edge_events(a->edge)); /* followers wait there */
	remove_socket(a);
	if (a->control)
		quiesce(a->control, &a->control_fd);
	stop(&a->control);
	stop(&a->http);
	if (a->control_fd != -1)
		close(a->control_fd);
	if (a->http_fd != -1)
		close(a->http_fd);
	edges_close(a->edges);
	feed_close(a->feed);
	pthread_mutex_destroy(&a->change);
	room_done(&a->control_room);
	room_done(&a->http_room);
	free(a->base_domain);
	free(a->file);
	free(a->socket);
	free(a);
}

const char *api_library_versions(void)
{
	static char text[80];

	snprintf(text, sizeof(text), "libmicrohttpd %s, jansson %s", MHD_get_version(),
		 JANSSON_VERSION);
	return text;
}
