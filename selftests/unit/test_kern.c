// SPDX-License-Identifier: GPL-2.0-only
/*
 * test_kern - loads that fail say why, each its own reason, also when two do at a time: sessions of
 * libsnisplit in one program had each other's words.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "kern.h"
#include "unit.h"

#define ROUNDS 60

struct load {
	struct kern_opts opts;
	const char *map; /* that cannot be made */
	char odd[600];	 /* a reason that does not name it */
	int err;
};

static void *load_often(void *arg)
{
	struct load *l = arg;
	char why[600];
	struct kern *k;

	for (int i = 0; i < ROUNDS && !*l->odd; i++) {
		strcpy(why, "it was loaded");
		l->err = kern_open(&l->opts, &k, why, sizeof(why));
		if (!l->err)
			kern_close(k);
		if (!strstr(why, l->map))
			snprintf(l->odd, sizeof(l->odd), "%s", why);
	}
	return NULL;
}

int main(void)
{
	const struct kern_opts fine = {
		.n_workers = 1, .slots = 16, .endpoints = 1, .lock_fd = -1, .unpinned = true};
	struct load loads[] = {{.opts = fine, .map = "sockets"},
			       {.opts = fine, .map = "endpoints"}};
	pthread_t threads[COUNT(loads)];

	loads[0].opts.slots = 0;
	loads[1].opts.endpoints = 0;
	for (size_t i = 0; i < COUNT(loads); i++)
		pthread_create(&threads[i], NULL, load_often, &loads[i]);
	for (size_t i = 0; i < COUNT(loads); i++)
		pthread_join(threads[i], NULL);
	if (loads[0].err != -EINVAL) {
		printf("no BPF here: %s\n", strerror(-loads[0].err));
		return 4;
	}
	for (size_t i = 0; i < COUNT(loads); i++)
		CHECK(!*loads[i].odd, "of %s: %s", loads[i].map, loads[i].odd);
	return failures != 0;
}
