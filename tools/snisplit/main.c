// SPDX-License-Identifier: GPL-2.0-only
/*
 * snisplit - the command line; see snisplit(1).
 */
#include <stdio.h>

#include "parse.h"

int main(int argc, char **argv)
{
	struct call c;
	int code;

	endpoint_opts_fill();
	code = parse(argc, argv, &c);
	if (code < 0)
		code = c.command->run(&c);
	/* a full disk behind "> file" must not look like success */
	if (fflush(stdout))
		perror("snisplit: stdout");
	else if (ferror(stdout)) /* why is long forgotten */
		fprintf(stderr, "snisplit: stdout: not all of it could be written\n");
	else
		return code;
	return code ? code : EXIT_USAGE;
}
