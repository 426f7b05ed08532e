/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * options - snisplitd's command line.
 */
#ifndef OPTIONS_H
#define OPTIONS_H
#include <stdbool.h>

#define DEFAULT_CONFIG "/etc/snisplit/snisplitd.yml"

struct options {
	const char *config;
	bool check, version, upgrade, help;
	int datapath; /* enum datapath, or -1: as the config says */
	int ready_fd;
};

/* --help prints, and nothing behind it counts.  0, or -1 after a message. */
int options_parse(int argc, char **argv, struct options *ret_o);
#endif
