/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * say - says something to a port and prints what came back and how it ended.
 *
 *   say --connect ADDR:PORT [--name NAME | --nameless | --text TEXT | --file FILE]
 *       [--first N] [--fin] [--rst] [--limit SECONDS]
 *
 * Output: HEX-OF-ANSWER END MILLISECONDS, where END is fin, rst, open (nothing within the
 * limit) or refused.  "-" stands for no answer.
 */
#include <getopt.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>

#include "clienthello.h"
#include "sock.h"

static uint8_t out[1 << 20];
static size_t out_len;
static bool fin, rst;
static int limit_ms = 10000;
static size_t first = SIZE_MAX;

static void read_file(const char *path)
{
	FILE *f = fopen(path, "rb");

	if (!f)
		err(2, "%s", path);
	out_len = fread(out, 1, sizeof(out), f);
	fclose(f);
}

static struct sock_addr options(int argc, char **argv)
{
	static const struct option table[] = {
		{"connect", required_argument, NULL, 'c'}, {"name", required_argument, NULL, 'n'},
		{"nameless", no_argument, NULL, '0'},	   {"text", required_argument, NULL, 't'},
		{"file", required_argument, NULL, 'f'},	   {"first", required_argument, NULL, '1'},
		{"fin", no_argument, NULL, 'F'},	   {"rst", no_argument, NULL, 'R'},
		{"limit", required_argument, NULL, 'l'},   {0},
	};
	static const uint8_t mine[CLIENTHELLO_MINE] = "say";
	struct sock_addr to = {0};
	int c;

	while ((c = getopt_long(argc, argv, "", table, NULL)) != -1) {
		switch (c) {
		case 'c':
			to = sock_addr(optarg);
			break;
		case 'n':
			out_len = clienthello(out, optarg, mine, 0, 0);
			break;
		case '0':
			out_len = clienthello(out, NULL, mine, 0, 0);
			break;
		case 't':
			out_len = strlen(optarg);
			memcpy(out, optarg, out_len < sizeof(out) ? out_len : sizeof(out));
			break;
		case 'f':
			read_file(optarg);
			break;
		case '1':
			first = strtoul(optarg, NULL, 10);
			break;
		case 'F':
			fin = true;
			break;
		case 'R':
			rst = true;
			break;
		case 'l':
			limit_ms = (int)(strtod(optarg, NULL) * 1000);
			break;
		default:
			exit(2);
		}
	}
	if (!to.len)
		errx(2, "--connect is missing");
	return to;
}

int main(int argc, char **argv)
{
	struct sock_addr to = options(argc, argv);
	int fd = socket(to.sa.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), ready;
	const char *end = "open";
	size_t got = 0, i;
	uint64_t start = sock_now(), spent;
	struct pollfd p = {fd, POLLIN, 0};
	uint8_t buf[4096];
	ssize_t n;

	if (fd == -1)
		err(2, "socket");
	if (connect(fd, (struct sockaddr *)&to.sa, to.len) == -1) {
		printf("- refused 0\n");
		return 0;
	}
	if (out_len > first)
		out_len = first;
	if (out_len && send(fd, out, out_len, MSG_NOSIGNAL) != (ssize_t)out_len)
		warn("send");
	if (rst) {
		sock_reset(fd);
		return 0;
	}
	if (fin)
		shutdown(fd, SHUT_WR);
	for (;;) {
		spent = (sock_now() - start) / 1000000;
		ready = poll(&p, 1, spent >= (uint64_t)limit_ms ? 0 : limit_ms - (int)spent);
		if (ready <= 0)
			break;
		n = recv(fd, buf, sizeof(buf), 0);
		if (n <= 0) {
			end = n ? "rst" : "fin";
			break;
		}
		for (i = 0; i < (size_t)n; i++, got++)
			if (got < 64)
				printf("%02x", buf[i]);
	}
	printf("%s %s %llu\n", got ? "" : "-", end,
	       (unsigned long long)(sock_now() - start) / 1000000);
	return 0;
}
