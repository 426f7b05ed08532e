// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_log - a message is one line, whatever is in it.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "log.h"
#include "unit.h"

int main(void)
{
	static const char want[] = "error: rule a?b?[31m \xff\xfe t\xc3\xa9 is damaged\n";
	int fds[2], err = dup(STDERR_FILENO);
	char got[200];
	ssize_t n;

	unsetenv("JOURNAL_STREAM");
	if (pipe(fds) || dup2(fds[1], STDERR_FILENO) < 0)
		return 2;
	log_err("rule %s is damaged", "a\nb\x1b[31m \xff\xfe t\xc3\xa9");
	dup2(err, STDERR_FILENO);
	n = read(fds[0], got, sizeof(got));
	CHECK(n == sizeof(want) - 1 && !memcmp(got, want, sizeof(want) - 1), "%.*s",
	      (int)(n > 0 ? n : 0), got);
	return failures != 0;
}
