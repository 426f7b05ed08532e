// SPDX-License-Identifier: GPL-2.0-only
#include "options.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "config.h"
#include "log.h"

static const struct option long_options[] = {
	{"config", required_argument, NULL, 'c'},
	{"check", no_argument, NULL, 'k'},
	{"datapath", required_argument, NULL, 'd'},
	{"verbose", no_argument, NULL, 'v'},
	{"ready-fd", required_argument, NULL, 'r'},
	{"version", no_argument, NULL, 'V'},
	{"upgrade", no_argument, NULL, 'u'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static const char help[] =
	"usage: snisplitd [-c FILE] [--check | --upgrade] [--datapath auto|kernel|userspace] [-v]\n"
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
	"      --upgrade       tell the daemon that runs to start the program anew and hand over "
	"to it\n"
	"      --version       libraries, kernel features and the datapath it would use\n"
	"      --help          this text\n"
	"\n"
	"SIGHUP reloads, SIGTERM drains (a second one ends at once), SIGUSR1 reopens event files,\n"
	"SIGUSR2 upgrades.\n"
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

int options_parse(int argc, char **argv, struct options *o)
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
		case 'u':
			o->upgrade = true;
			break;
		case 'h':
			o->help = true;
			fputs(help, stdout);
			return 0;
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
