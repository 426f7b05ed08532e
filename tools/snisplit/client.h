/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * client - one request to the daemon: HTTP/1.1 over its unix socket.
 *
 * What goes wrong is printed here, on stderr, with what to do; callers only
 * return the exit code.
 */
#ifndef CLIENT_H
#define CLIENT_H
#include <stddef.h>

#include <jansson.h>

#include "command.h"

struct reply {
	int status;
	char *body; /* terminated; "" without one */
	size_t len;
	json_t *json; /* parsed body; NULL without one */
};

/*
 * Asks and waits for the whole reply.  <body> may be NULL.  EXIT_OK with a 2xx
 * reply in *ret_r, to be released with reply_done(); else an exit code.  With
 * --json the reply, errors included, was printed verbatim.
 */
int client_ask(const struct call *c, const char *method, const char *path, const json_t *body,
	       struct reply *ret_r);
void reply_done(struct reply *r);

/* The same, but every line of a 200 reply goes to <on_line> as it comes, until it ends. */
int client_stream(const struct call *c, const char *path,
		  void (*on_line)(void *arg, const char *line, size_t len), void *arg);

/* Appends <text> to <path>, percent-encoded.  malloc'd; exits when out of memory. */
char *client_path(const char *path, const char *text);

/* A connection to <socket>: the descriptor, or -errno. */
int client_connect(const char *socket);
#endif
