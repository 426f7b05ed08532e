// SPDX-License-Identifier: GPL-2.0-only
/* test_group - whose turn it is among backends within backends, and who comes after one that
 * failed. */
#include "group.h"

#include <stdlib.h>
#include <string.h>

#include "registry_entry.h"
#include "unit.h"

#define CONNS 10000

/* An edge's endpoint with these upstreams, as endpoint_spec.h has them. */
static struct endpoint *edge(struct registry *r, const char *upstreams)
{
	struct endpoint_spec s = {.origin = ENDPOINT_EDGE};
	struct endpoint *e = NULL;
	struct fault f = {.msg = ""};

	endpoint_spec_set(&s, "url", FIELD_STRING, "tls://a.test", &f);
	if (endpoint_spec_set(&s, "upstream", FIELD_STRING, upstreams, &f) ||
	    registry_add(r, &s, NULL, NULL, &e, &f))
		FAIL("%s: %s %s", upstreams, f.field, f.msg);
	endpoint_spec_done(&s);
	return e;
}

static struct endpoint *member(struct endpoint *e, char port)
{
	while (e && e->upstream[strlen(e->upstream) - 1] != port)
		e = e->next_target;
	return e;
}

#define A "127.0.0.1:1"
#define B "127.0.0.1:2"
#define C "127.0.0.1:3"
#define D "127.0.0.1:4"

static const struct {
	const char *upstreams, *dead; /* the last digits of ports */
	unsigned want[4];	      /* of 10,000 */
	const char *after;	      /* who comes after the first, the second ... when it fails */
} rows[] = {
	{A "@w0:1," B "@w1:3", "", {2500, 7500}, "21"},
	{A "@f0:1," B "@f1:1," C "@f2:1", "", {10000}, "231"},
	{A "@f0:1," B "@f1:1," C "@f2:1", "1", {0, 10000}, "232"},
	/* weighted of a failover and a single one */
	{A "@w0:1/f0:1," B "@w0:1/f1:1," C "@w1:3", "", {2500, 0, 7500}, "2"},
	{A "@w0:1/f0:1," B "@w0:1/f1:1," C "@w1:3", "1", {0, 2500, 7500}, ""},
	{A "@w0:1/f0:1," B "@w0:1/f1:1," C "@w1:3", "12", {0, 0, 10000}, ""},
	/* failover of an even group and a single one */
	{A "@f0:1/e0:1," B "@f0:1/e1:1," C "@f1:1", "", {5000, 5000}, "33"},
	{A "@f0:1/e0:1," B "@f0:1/e1:1," C "@f1:1", "2", {10000}, "3"},
	{A "@f0:1/e0:1," B "@f0:1/e1:1," C "@f1:1", "12", {0, 0, 10000}, ""},
	/* weighted of even groups: a group's share is its own, however many it has */
	{A "@w0:1/e0:1," B "@w0:1/e1:1," C "@w0:1/e2:1," D "@w1:1/e0:1",
	 "",
	 {1667, 1667, 1667, 5000},
	 ""},
	{A "@w0:0," B "@w1:5", "", {0, 10000}, ""},
	{A "@w0:0/e0:1," B "@w1:5", "2", {0, 10000}, ""}, /* who has no weight has none in need */
	/* all are dead: somebody has to try */
	{A "@e0:1," B "@e1:1", "12", {5000, 5000}, ""},
};

static void check_row(size_t row)
{
	struct registry *r = registry_new(64);
	struct endpoint *e = edge(r, rows[row].upstreams), *t;
	char key[ENDPOINT_NAME_MAX] = "a.test";
	unsigned got[4] = {0};

	for (const char *p = rows[row].dead; *p; p++) {
		t = member(e, *p);
		atomic_store(&t->dead, true);
		registry_on_health(r, t);
	}
	for (int i = 0; i < CONNS; i++) {
		t = registry_route(r, key, 0);
		if (t)
			got[t->upstream[strlen(t->upstream) - 1] - '1']++;
		endpoint_put(t);
	}
	for (int i = 0; i < 4; i++)
		CHECK(abs((int)got[i] - (int)rows[row].want[i]) <= 5, "row %zu: %c has %u of %u",
		      row, '1' + i, got[i], rows[row].want[i]);
	for (size_t i = 0; rows[row].after[i]; i++) {
		struct endpoint *next = registry_next(r, member(e, (char)('1' + i)));

		CHECK(next && next == member(e, rows[row].after[i]), "row %zu: after %zu: %s", row,
		      i + 1, next ? next->upstream : "nobody");
		endpoint_put(next);
	}
	endpoint_put(e);
	registry_free(r);
}

int main(void)
{
	struct registry *r = registry_new(8);
	struct endpoint *e, *found;
	struct endpoint_target at;
	struct endpoint_spec s = {.origin = ENDPOINT_API};
	char key[ENDPOINT_NAME_MAX] = "a.test";
	struct fault f;

	for (size_t i = 0; i < COUNT(rows); i++)
		check_row(i);
	/* it is held, but leads nowhere */
	s.origin = ENDPOINT_EDGE;
	endpoint_spec_set(&s, "url", FIELD_STRING, "tls://a.test", &f);
	CHECK(!registry_add(r, &s, NULL, NULL, &e, &f), "%s", f.msg);
	found = registry_route(r, key, 0);
	CHECK(!found && e->empty, "an empty one was picked");
	endpoint_put(found);
	endpoint_put(e);
	/* the paths are an edge's */
	endpoint_spec_set(&s, "upstream", FIELD_STRING, A "@w0:1/e1:1", &f);
	CHECK(!endpoint_spec_target(&s, 0, &at) && at.n_levels == 2 && at.levels[1].index == 1,
	      "%u levels", at.n_levels);
	s.origin = ENDPOINT_API;
	CHECK(endpoint_spec_target(&s, 0, &at) || at.n_levels == 0, "levels over the API");
	endpoint_spec_done(&s);
	registry_free(r);
	return failures != 0;
}
