// SPDX-License-Identifier: GPL-2.0-only
/*
 * snisplit-sshd - main() and its options.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <libssh/libssh.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "gateway.h"
#include "log.h"
#include "quantity.h"
#include "sandbox.h"

#define EXIT_BAD 1

enum id {
	LISTEN = 256,
	SERVER,
	SERVER_CA,
	TOKEN_FILE,
	STATE_DIR,
	USER,
	SESSIONS,
	SESSIONS_PER_KEY,
	CHANNELS,
	READY_FD,
	WITH_PARENT,
	VERSION_ID,
};

static const struct {
	const char *name, *arg, *value, *help;
	int id;
} options[] = {
	{"listen", "IP:PORT", "0.0.0.0:2222", "where SSH clients connect", LISTEN},
	{"server", "HOST:PORT", "127.0.0.1:4443", "the edge's tunnel port", SERVER},
	{"server-ca", "FILE|sha256:HEX", NULL, "the edge's CA, as in `snisplit ca show`",
	 SERVER_CA},
	{"token-file", "FILE", "/var/lib/snisplit/ssh/token", "what the edge knows this gateway by",
	 TOKEN_FILE},
	{"state-dir", "DIR", "/var/lib/snisplit/ssh", "the host keys, made if missing", STATE_DIR},
	{"user", "NAME", "nobody", "whom to become when started by root", USER},
	{"sessions", "N", "256", "clients at once", SESSIONS},
	{"sessions-per-key", "N", "16", "... of one key", SESSIONS_PER_KEY},
	{"channels", "N", "256", "connections at once of one client", CHANNELS},
	{"ready-fd", "N", NULL, "write a byte there when listening", READY_FD},
	{"with-parent", NULL, NULL, "end when the other end of --ready-fd is closed", WITH_PARENT},
	{"verbose", NULL, NULL, "say more", 'v'},
	{"version", NULL, NULL, "versions, then exit", VERSION_ID},
	{"help", NULL, NULL, "this text", 'h'},
};
#define N_OPTIONS (sizeof(options) / sizeof(options[0]))

struct args {
	struct gateway_conf conf;
	const char *token_file, *user;
	int ready_fd;
	bool with_parent;
};

static void usage(FILE *to)
{
	char left[64];

	fprintf(to, "usage: snisplit-sshd [OPTION]...\n"
		    "Serves `ssh -R NAME:443:localhost:443 EDGE tls`.\n\n");
	for (size_t i = 0; i < N_OPTIONS; i++) {
		snprintf(left, sizeof(left), "%s--%s%s%s", options[i].id == 'v' ? "-v, " : "",
			 options[i].name, options[i].arg ? " " : "",
			 options[i].arg ? options[i].arg : "");
		fprintf(to, "  %-30s %s%s%s%s\n", left, options[i].help,
			options[i].value ? " (" : "", options[i].value ? options[i].value : "",
			options[i].value ? ")" : "");
	}
}

static int take_count(const char *name, const char *text, unsigned *ret_n)
{
	uint64_t n;

	if (quantity_count(text, &n) || !n || n > 65536) {
		fprintf(stderr, "snisplit-sshd: --%s: must be a number from 1 to 65536, got '%s'\n",
			name, text);
		return EXIT_BAD;
	}
	*ret_n = (unsigned)n;
	return 0;
}

static int take_option(struct args *a, int id, const char *value)
{
	switch (id) {
	case LISTEN:
		a->conf.listen = value;
		return 0;
	case SERVER:
		a->conf.server = value;
		return 0;
	case SERVER_CA:
		a->conf.server_ca = value;
		return 0;
	case TOKEN_FILE:
		a->token_file = value;
		return 0;
	case STATE_DIR:
		a->conf.state_dir = value;
		return 0;
	case USER:
		a->user = value;
		return 0;
	case SESSIONS:
		return take_count("sessions", value, &a->conf.sessions_max);
	case SESSIONS_PER_KEY:
		return take_count("sessions-per-key", value, &a->conf.sessions_per_key);
	case CHANNELS:
		return take_count("channels", value, &a->conf.channels_max);
	case READY_FD:
		return take_count("ready-fd", value, (unsigned *)&a->ready_fd);
	case WITH_PARENT:
		a->with_parent = true;
		return 0;
	case 'v':
		log_set_level(LOG_LEVEL_DEBUG);
		return 0;
	default:
		return EXIT_BAD;
	}
}

/* 0: go on; else the exit code, or -1: done, 0. */
static int parse(struct args *a, int argc, char **argv)
{
	struct option longs[N_OPTIONS + 1] = {{0}};
	int id, err = 0;

	for (size_t i = 0; i < N_OPTIONS; i++) {
		longs[i] = (struct option){options[i].name,
					   options[i].arg ? required_argument : no_argument, NULL,
					   options[i].id};
		if (options[i].value)
			take_option(a, options[i].id, options[i].value);
	}
	while (!err && (id = getopt_long(argc, argv, "vh", longs, NULL)) != -1) {
		if (id == 'h') {
			usage(stdout);
			return -1;
		}
		if (id == VERSION_ID) {
			printf("snisplit-sshd " VERSION "\nlibssh %s\n", ssh_version(0));
			return -1;
		}
		err = take_option(a, id, optarg);
	}
	if (!err && optind < argc) {
		fprintf(stderr, "snisplit-sshd: '%s' is too much\n", argv[optind]);
		err = EXIT_BAD;
	}
	if (!err && !a->conf.server_ca) {
		fprintf(stderr, "snisplit-sshd: --server-ca is missing: `snisplit ca show` on the "
				"edge says it\n");
		err = EXIT_BAD;
	}
	return err;
}

static int read_token(const char *path, char *token, size_t size, struct fault *f)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd == -1 ? -1 : read(fd, token, size - 1);
	int err = errno;

	if (fd != -1)
		close(fd);
	if (n < 0)
		return fault_set(f, 500, 0, "token-file", "cannot read %s: %s", path,
				 strerror(err));
	token[n] = '\0';
	token[strcspn(token, "\r\n")] = '\0';
	if (strlen(token) < 32)
		return fault_set(f, 400, 0, "token-file", "%s holds no token", path);
	return 0;
}

/* SIGTERM and SIGINT, as a descriptor: threads started later have them blocked too. */
static int signals(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	return signalfd(-1, &set, SFD_CLOEXEC);
}

/* A session has three descriptors and each of its connections two or three. */
static void raise_limits(void)
{
	struct rlimit r;

	if (!getrlimit(RLIMIT_NOFILE, &r) && r.rlim_cur < r.rlim_max) {
		r.rlim_cur = r.rlim_max;
		setrlimit(RLIMIT_NOFILE, &r);
	}
}

static int serve(struct args *a, struct fault *f)
{
	struct gateway *g;
	int stop_fd = signals();

	raise_limits();
	if (ssh_init() || gateway_open(&a->conf, &g, f))
		return EXIT_BAD;
	if (sandbox_enter(a->user, f))
		return EXIT_BAD;
	log_info("snisplit-sshd " VERSION " listens on %s for the edge %s", a->conf.listen,
		 a->conf.server);
	if (a->ready_fd && write(a->ready_fd, "\n", 1) != 1)
		log_warn("--ready-fd %d: %s", a->ready_fd, strerror(errno));
	if (a->ready_fd && !a->with_parent)
		close(a->ready_fd);
	gateway_run(g, stop_fd, a->with_parent ? a->ready_fd : -1);
	log_info("snisplit-sshd ends");
	return 0;
}

int main(int argc, char **argv)
{
	struct args a = {.conf = {.waiting_begin = 16, .waiting_full = 64}};
	char token[256];
	struct fault f = {.msg = ""};
	int code = parse(&a, argc, argv);

	if (code)
		return code < 0 ? 0 : code;
	a.conf.secret = token;
	if (read_token(a.token_file, token, sizeof(token), &f))
		code = EXIT_BAD;
	else
		code = serve(&a, &f);
	if (code)
		log_err("%s%s%s", f.field, *f.field ? ": " : "", f.msg);
	return code;
}
