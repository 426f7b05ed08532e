/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * target - where events go: a kind and its address, checked but not opened.
 */
#ifndef TARGET_H
#define TARGET_H
#include "fault.h"

enum target_kind {
	TARGET_FILE,	/* a path; "-" is stdout */
	TARGET_UNIX,	/* the path of a stream socket */
	TARGET_TCP,	/* HOST:PORT */
	TARGET_SYSLOG,	/* a socket's path, or udp://HOST:PORT, tcp://HOST:PORT */
	TARGET_WEBHOOK, /* http[s]://... */
	TARGET_KIND_MAX
};

/* Who asks: over the API nobody may make root write to a file of his choice. */
enum target_origin { TARGET_OF_FILE, TARGET_OF_API };

struct target {
	enum target_kind kind;
	char *address; /* owned */
};

struct target_row {
	const char *name;	/* the key in the configuration and in the API's "target" */
	const char *param;	/* the key below it in the API */
	const char *arg, *help; /* for the CLI */
};
extern const struct target_row target_table[TARGET_KIND_MAX + 1]; /* ends with a NULL name */

/* The kind called <name>, or -1. */
int target_kind_of(const char *name);

/*
 * Checks <address> for <kind>; the name of the kind is the field in <f>.  Over the API a file is
 * a plain name.  0, or -1 with 400.
 */
int target_set(struct target *t, enum target_kind kind, const char *address,
	       enum target_origin origin, struct fault *f);
void target_done(struct target *t);
int target_copy(const struct target *from, struct target *to); /* 0 or -ENOMEM */

/* "webhook:https://HOST/...", for people and metrics: without a password. */
#define TARGET_TEXT_MAX 160
const char *target_text(const struct target *t, char out[TARGET_TEXT_MAX]);
#endif
