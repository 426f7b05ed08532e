// SPDX-License-Identifier: GPL-2.0-only
/* fingerprint - it is of one certificate: a text with a second one has none. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "ca.h"
#include "unit.h"

static char *root(const char *base, const char *name, char fingerprint[CA_FINGERPRINT_MAX])
{
	struct fault f = {.msg = ""};
	char dir[128], *pem;
	struct ca *ca;

	snprintf(dir, sizeof(dir), "%s/%s", base, name);
	ca = ca_new(dir);
	pem = ca ? ca_root(ca, fingerprint, &f) : NULL;
	CHECK(pem, "%s", f.msg);
	ca_free(ca);
	return pem;
}

int main(void)
{
	char base[] = "/tmp/test_fingerprint.XXXXXX", ours[CA_FINGERPRINT_MAX],
	     theirs[CA_FINGERPRINT_MAX];
	char got[CA_FINGERPRINT_MAX] = "";
	char *a, *b, *both, *after, cmd[64];

	if (!mkdtemp(base))
		return 1;
	a = root(base, "a", ours);
	b = root(base, "b", theirs);
	if (!a || !b || asprintf(&both, "%s%s", a, b) < 0 || asprintf(&after, "%s%s", b, a) < 0)
		return 1;
	CHECK(!ca_fingerprint(a, got) && !strcmp(got, ours), "%s", got);
	CHECK(strcmp(ours, theirs), "two CAs with one fingerprint");
	CHECK(ca_fingerprint(both, got), "a second CA comes with the right one");
	CHECK(ca_fingerprint(after, got), "the same the other way round");
	CHECK(ca_fingerprint("", got) && ca_fingerprint("nothing", got), "no certificate at all");
	free(a);
	free(b);
	free(both);
	free(after);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", base);
	CHECK(!system(cmd), "%s", cmd);
	return failures != 0;
}
