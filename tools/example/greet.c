// SPDX-License-Identifier: GPL-2.0-only
/*
 * greet - a program that is a TLS endpoint of its own: it greets every client, until SIGTERM.
 *
 *	cc greet.c $(pkg-config --cflags --libs snisplit) -o greet
 *	greet HOST:PORT CA TOKEN NAME
 */
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include <snisplit.h>

static void greet(int fd, const struct snisplit_conn *c)
{
	dprintf(fd, "hello %s, you asked for %s\n", c->client, c->name);
	close(fd);
}

int main(int argc, char **argv)
{
	struct snisplit_conf conf = {.server = argv[1], .server_ca = argv[2], .authtoken = argv[3]};
	struct snisplit_endpoint endpoint = {.url = argv[4], .terminate_at = "edge"};
	struct snisplit_listener *l;
	struct snisplit_error err;
	struct snisplit_conn conn;
	struct snisplit *s;
	int fd;

	signal(SIGPIPE, SIG_IGN);
	if (argc != 5)
		return 1;
	s = snisplit_open(&conf, &err);
	l = s ? snisplit_listen(s, &endpoint, &err) : NULL;
	if (!l) {
		fprintf(stderr, "greet: %s: %s\n", err.field, err.msg);
		snisplit_close(s);
		return 1;
	}
	printf("%s\n", snisplit_url(l));
	fflush(stdout);
	while ((fd = snisplit_accept(l, &conn, -1)) >= 0)
		greet(fd, &conn);
	snisplit_close(s);
	return 0;
}
