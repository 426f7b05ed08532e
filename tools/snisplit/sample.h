/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * sample - two looks at the daemon's totals and what lies between them, for `snisplit top`.
 */
#ifndef SAMPLE_H
#define SAMPLE_H
#include <stddef.h>

#include <jansson.h>

struct row {
	const char *name, *id, *upstream; /* of the newer look's JSON */
	double active, total, failed;
	double conn_rate, in_rate, out_rate; /* a second */
	double in, out;			     /* bytes since the daemon's start */
	double share; /* of the kernel, 0 to 1: of the bytes between, else of all; -1: none yet */
};

enum sort { SORT_BYTES, SORT_CONNS, SORT_RATE, SORT_NAME, SORT_MAX };
extern const char *const sort_names[SORT_MAX];

struct sample {
	double seconds; /* between the looks */
	struct row all; /* the sum; <name> is NULL */
	struct row *rows;
	size_t n;
};

/* From <before> (NULL: none) to <now>, which must outlive it.  0 or -ENOMEM. */
int sample_make(const json_t *before, const json_t *now, struct sample *ret_s);
void sample_sort(struct sample *s, enum sort by);
void sample_done(struct sample *s);
/* What `top --once --json` prints. */
json_t *sample_json(const struct sample *s, const json_t *now);
#endif
