// SPDX-License-Identifier: GPL-2.0-only
/*
 * scarce_agent - where memory is lacking while an agent reads its files again, its endpoint is
 * asked for with all of those that were read before.
 */
#include <stdio.h>
#include <unistd.h>

#include "agent.h"
#include "lacking.h"
#include "pki.h"
#include "tls_base.h"

static char base[] = "/tmp/test_scarce_agent.XXXXXX";

static struct snisplit agent;
static struct snisplit_listener listener;
static char path_of[3][64];

static void write_file(const char *path, const char *text)
{
	FILE *to = fopen(path, "w");

	CHECK(to && fputs(text, to) >= 0 && !fclose(to), "%s", path);
}

static void open_listener(void)
{
	static const char *const names[] = {"crt", "key", "mutual_tls_cas"};
	struct pki ca = pki_make((struct pki_conf){.cn = "ca", .is_ca = true});
	struct pki p = pki_make((struct pki_conf){.cn = "a.test", .san = "DNS:a.test"});
	char *texts[] = {pki_crt(&p), pki_key(&p), pki_crt(&ca)};

	listener.agent = &agent;
	for (size_t i = 0; i < COUNT(names); i++) {
		snprintf(path_of[i], sizeof(path_of[i]), "%s/%s", base, names[i]);
		write_file(path_of[i], texts[i]);
		listener.fields[i].name = names[i];
		listener.fields[i].value = texts[i];
	}
	listener.n_fields = COUNT(names);
	listener.crt_path = path_of[0];
	listener.key_path = path_of[1];
	listener.cas_path = path_of[2];
	pki_done(&p);
	pki_done(&ca);
}

static void on_event(void *arg, const struct snisplit_event *e)
{
	*(bool *)arg = strstr(e->text, "was read again") != NULL;
}

/* Whatever came of reading them again, the edge is asked for all. */
static bool renewed_files(void)
{
	bool read_again = false;
	unsigned n = 0;

	agent.on_event = on_event;
	agent.arg = &read_again;
	listener.files_stamp = 1;
	listener_renew(&listener);
	lack.first = 0;
	for (unsigned i = 0; i < listener.n_fields; i++)
		n += listener.fields[i].value && strstr(listener.fields[i].value, "-----END");
	if (n != 3)
		SAY("what is left is not ");
	SAY("3 texts\n");
	return read_again || n != 3;
}

int main(void)
{
	char why[256] = "", cmd[64];

	if (!mkdtemp(base))
		return 1;
	agent.tls = tls_base_new(why, sizeof(why));
	CHECK(agent.tls, "%s", why);
	open_listener();
	sweep("an agent's files", 7, renewed_files);
	snprintf(cmd, sizeof(cmd), "rm -rf %s", base);
	return system(cmd) || failures;
}
