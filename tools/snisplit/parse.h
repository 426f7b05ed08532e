/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * parse - argv to a call, by the tables of command.h; and --help from the same.
 */
#ifndef PARSE_H
#define PARSE_H
#include "command.h"

/*
 * Fills <c>.  Returns -1 when it is ready to run; else an exit code, everything
 * having been said (a mistake on stderr, --help and --version on stdout).
 */
int parse(int argc, char **argv, struct call *c);
#endif
