// SPDX-License-Identifier: GPL-2.0-only
/*
 * snisplitd - main() and wiring; see snisplitd(8).
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "api.h"
#include "config.h"
#include "edge_open.h"
#include "kern.h"
#include "log.h"
#include "store.h"
#include "tls.h"

#define DEFAULT_CONFIG "/etc/snisplit/snisplitd.yml"

enum { EXIT_OK, EXIT_USAGE, EXIT_REFUSED, EXIT_UNREACHABLE, EXIT_KERNEL };

struct options {
	const char *config;
	bool check, version;
	int datapath; /* enum datapath, or -1: as the config says */
	int ready_fd;
};

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},   {"check", no_argument, NULL, 'k'},
	{"datapath", required_argument, NULL, 'd'}, {"verbose", no_argument, NULL, 'v'},
	{"ready-fd", required_argument, NULL, 'r'}, {"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},	    {NULL, 0, NULL, 0},
};

static const char help[] =
	"usage: snisplitd [-c FILE] [--check] [--datapath auto|kernel|userspace] [-v]\n"
	"\n"
	"  -c, --config FILE   configuration (default " DEFAULT_CONFIG "; missing: defaults)\n"
	"      --check         parse the configuration, print every error as FILE:LINE, exit 0 or "
	"1\n"
	"      --datapath D    auto: kernel, else splice(2) with a warning; kernel: refuse to "
	"start\n"
	"                      without BPF; userspace: never load BPF (default: as configured, "
	"auto)\n"
	"  -v, --verbose       log debug lines\n"
	"      --ready-fd N    write one byte to descriptor N when listening\n"
	"      --version       libraries, kernel features and the datapath it would use\n"
	"      --help          this text\n"
	"\n"
	"SIGHUP reloads, SIGTERM drains (a second one ends at once), SIGUSR1 reopens event files.\n"
	"Register endpoints with: snisplit endpoint add tls://NAME --upstream HOST:PORT\n";

static int parse_number(const char *text, int *ret_n)
{
	char *end;
	long n = strtol(text, &end, 10);

	if (!*text || *end || n < 0 || n > 1 << 20)
		return -EINVAL;
	*ret_n = (int)n;
	return 0;
}

/* 0, or -1 after a message. */
static int parse_options(int argc, char **argv, struct options *o)
{
	int c;

	*o = (struct options){.datapath = -1, .ready_fd = -1};
	while ((c = getopt_long(argc, argv, "c:vh", long_options, NULL)) != -1) {
		switch (c) {
		case 'c':
			o->config = optarg;
			break;
		case 'k':
			o->check = true;
			break;
		case 'd':
			if (!strcmp(optarg, "auto"))
				o->datapath = DATAPATH_AUTO;
			else if (!strcmp(optarg, "kernel"))
				o->datapath = DATAPATH_KERNEL;
			else if (!strcmp(optarg, "userspace"))
				o->datapath = DATAPATH_USERSPACE;
			else
				goto bad_datapath;
			break;
		case 'v':
			log_set_level(LOG_LEVEL_DEBUG);
			break;
		case 'r':
			if (parse_number(optarg, &o->ready_fd) ||
			    fcntl(o->ready_fd, F_GETFD) == -1) {
				log_err("--ready-fd: '%s' is not an open file descriptor", optarg);
				return -1;
			}
			break;
		case 'V':
			o->version = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(EXIT_OK);
		default:
			fputs("try: snisplitd --help\n", stderr);
			return -1;
		}
	}
	if (optind == argc)
		return 0;
	log_err("unexpected argument '%s'; try: snisplitd --help", argv[optind]);
	return -1;
bad_datapath:
	log_err("--datapath: must be auto, kernel or userspace, got '%s'", optarg);
	return -1;
}

static int print_version(void)
{
	char why[400] = "";
	bool kernel = kern_probe(why, sizeof(why));

	printf("snisplitd %s\n", VERSION);
	printf("libraries: libbpf %s, SQLite %s, %s, %s, %s\n", kern_libbpf_version(),
	       store_library_version(), api_library_versions(), events_library_version(),
	       tls_library_version());
	printf("kernel: %s\n", kern_release());
	if (kernel)
		printf("datapath: kernel (the BPF programs load)\n");
	else
		printf("datapath: splice (%s)\n", why);
	if (tls_ktls_available(why, sizeof(why)))
		printf("kernel TLS: available, not used by this version\n");
	else
		printf("kernel TLS: not available (%s)\n", why);
	return EXIT_OK;
}

/* sd_notify(3), which is one datagram. */
static void notify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un un = {.sun_family = AF_UNIX};
	size_t len;
	int fd;

	if (!path || strlen(path) >= sizeof(un.sun_path) || (path[0] != '/' && path[0] != '@'))
		return;
	strcpy(un.sun_path, path);
	len = offsetof(struct sockaddr_un, sun_path) + strlen(path);
	if (path[0] == '@')
		un.sun_path[0] = '\0';
	fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd == -1)
		return;
	if (sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&un,
		   (socklen_t)len) == -1)
		log_warn("sd_notify: %s", strerror(errno));
	close(fd);
}

static void reload(struct edge *g)
{
	struct fault f = {.msg = ""};

	notify("RELOADING=1");
	if (edge_reload(g, &f))
		log_err("reload: %s", f.msg);
	notify("READY=1");
}

/* Until all connections have ended, the time is up or a second signal comes. */
static void drain(struct edge *g, const sigset_t *set)
{
	const struct timespec step = {.tv_nsec = 20 * 1000 * 1000};
	unsigned left = edge_config(g)->timeouts.drain;
	int sig;

	notify("STOPPING=1");
	log_info("draining: %u connections, up to %u ms", edge_conns_active(g), left);
	edge_drain(g);
	while (edge_conns_active(g) && left >= 20) {
		sig = sigtimedwait(set, NULL, &step);
		if (sig == SIGTERM || sig == SIGINT)
			break;
		left -= 20;
	}
	if (edge_conns_active(g))
		log_info("ending %u connections", edge_conns_active(g));
}

static void serve(struct edge *g, const sigset_t *set)
{
	int sig;

	for (;;) {
		sig = sigwaitinfo(set, NULL);
		switch (sig) {
		case SIGHUP:
			reload(g);
			break;
		case SIGUSR1:
			events_reopen(edge_events(g));
			break;
		case SIGTERM:
		case SIGINT:
			drain(g, set);
			return;
		}
	}
}

static struct config *read_config(const struct options *o)
{
	const char *path = o->config ? o->config : DEFAULT_CONFIG;

	if (!o->config && access(path, F_OK)) {
		if (!o->check)
			log_info("no %s; using the defaults", path);
		path = NULL;
	}
	return config_read(path, stderr);
}

static uint32_t chosen_mutant(void)
{
#ifdef MUTANT
	static const char *const names[] = {"none",	      "naive_close",   "no_kick",
					    "redirect_empty", "helper_return", "delete_unread"};
	const char *name = getenv("SNISPLIT_MUTANT");
	uint32_t i;

	for (i = 1; name && i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(name, names[i]))
			return i;
#endif
	return MUTANT_NONE;
}

int main(int argc, char **argv)
{
	struct config *config;
	struct api *api = NULL;
	struct options o;
	struct edge *g;
	char why[600] = "";
	sigset_t set;
	int err;

	if (parse_options(argc, argv, &o))
		return EXIT_USAGE;
	if (o.version)
		return print_version();
	/* private keys are read from here on: no core dump, no debugger but root's */
	prctl(PR_SET_DUMPABLE, 0);
	config = read_config(&o);
	if (!config)
		return EXIT_USAGE;
	if (o.check) {
		printf("%s: fine\n", o.config ? o.config : DEFAULT_CONFIG);
		config_free(config);
		return EXIT_OK;
	}
	/* before any thread is made: they all inherit it, main waits for the signals */
	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGHUP);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);

	if (o.datapath == -1)
		o.datapath = (int)config->datapath;
	err = edge_open(config, (enum datapath)o.datapath, chosen_mutant(), &g, why, sizeof(why));
	if (err) {
		log_err("%s", why);
		config_free(config);
		return err == -ENOTSUP ? EXIT_KERNEL : EXIT_USAGE;
	}
	api = api_open(g, edge_store(g), config, why, sizeof(why));
	if (!api) {
		log_err("%s", why);
		edge_stop(g);
		edge_close(g);
		return EXIT_USAGE;
	}
	log_info("ready: %u endpoints", registry_count(edge_registry(g)));
	notify("READY=1");
	if (o.ready_fd != -1) {
		if (write(o.ready_fd, "\n", 1) < 0)
			log_warn("--ready-fd: %s", strerror(errno));
		close(o.ready_fd);
	}
	serve(g, &set);
	api_close(api);
	edge_stop(g);
	edge_close(g);
	return EXIT_OK;
}
