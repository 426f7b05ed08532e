// SPDX-License-Identifier: GPL-2.0-only
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "sample.h"
#include "show.h"

const char *const sort_names[SORT_MAX] = {"bytes", "connections", "rate", "name"};

/* What of a row must be known twice. */
struct totals {
	double conns, in_kernel, in_user, out_kernel, out_user;
};

static struct totals totals_of(const json_t *e)
{
	return (struct totals){
		(double)show_number(e, "total"),    (double)show_number(e, "in_kernel"),
		(double)show_number(e, "in_user"),  (double)show_number(e, "out_kernel"),
		(double)show_number(e, "out_user"),
	};
}

static double share_of(const struct totals *t)
{
	double kernel = t->in_kernel + t->out_kernel, all = kernel + t->in_user + t->out_user;

	return all > 0 ? kernel / all : -1;
}

static struct totals minus(const struct totals *a, const struct totals *b)
{
	return (struct totals){a->conns - b->conns, a->in_kernel - b->in_kernel,
			       a->in_user - b->in_user, a->out_kernel - b->out_kernel,
			       a->out_user - b->out_user};
}

static void plus(struct totals *a, const struct totals *b)
{
	a->conns += b->conns;
	a->in_kernel += b->in_kernel;
	a->in_user += b->in_user;
	a->out_kernel += b->out_kernel;
	a->out_user += b->out_user;
}

/* <now> and the step to it, into a row. */
static void fill(struct row *r, const struct totals *now, const struct totals *step, double seconds)
{
	double share = share_of(step);

	r->total = now->conns;
	r->in = now->in_kernel + now->in_user;
	r->out = now->out_kernel + now->out_user;
	r->share = share < 0 ? share_of(now) : share;
	if (seconds <= 0)
		return;
	r->conn_rate = step->conns / seconds;
	r->in_rate = (step->in_kernel + step->in_user) / seconds;
	r->out_rate = (step->out_kernel + step->out_user) / seconds;
}

/* The endpoints of a look by id. */
static json_t *by_id(const json_t *look)
{
	json_t *map = json_object(), *e;
	size_t i;

	json_array_foreach(json_object_get(look, "endpoints"), i, e)
		json_object_set(map, show_text(e, "id"), e);
	return map;
}

int sample_make(const json_t *before, const json_t *now, struct sample *ret_s)
{
	json_t *list = json_object_get(now, "endpoints"), *old = by_id(before), *e;
	struct totals all = {0}, all_step = {0};
	struct sample s = {.n = 0};
	size_t i;

	s.rows = calloc(json_array_size(list) + 1, sizeof(*s.rows));
	if (!s.rows || !old) {
		json_decref(old);
		free(s.rows);
		return -ENOMEM;
	}
	if (before)
		s.seconds =
			(double)(show_number(now, "at_us") - show_number(before, "at_us")) / 1e6;
	json_array_foreach(list, i, e) {
		struct totals t = totals_of(e), was, step;
		struct row *r = &s.rows[s.n++];

		/* one that is new since the first look had nothing then */
		was = totals_of(json_object_get(old, show_text(e, "id")));
		step = before ? minus(&t, &was) : (struct totals){0};
		r->name = show_text(e, "name");
		r->id = show_text(e, "id");
		r->upstream = show_text(e, "upstream");
		r->active = (double)show_number(e, "active");
		r->failed = (double)show_number(e, "failed");
		fill(r, &t, &step, s.seconds);
		plus(&all, &t);
		plus(&all_step, &step);
		s.all.active += r->active;
		s.all.failed += r->failed;
	}
	fill(&s.all, &all, &all_step, s.seconds);
	json_decref(old);
	*ret_s = s;
	return 0;
}

void sample_done(struct sample *s)
{
	free(s->rows);
	memset(s, 0, sizeof(*s));
}

/* ---- order ---- */

static int more(double a, double b)
{
	return (a < b) - (a > b);
}

static int by_name(const void *x, const void *y)
{
	return strcmp(((const struct row *)x)->name, ((const struct row *)y)->name);
}

static int by_bytes(const void *x, const void *y)
{
	const struct row *a = x, *b = y;
	int order = more(a->in_rate + a->out_rate, b->in_rate + b->out_rate);

	if (!order)
		order = more(a->in + a->out, b->in + b->out);
	return order ? order : by_name(x, y);
}

static int by_conns(const void *x, const void *y)
{
	int order = more(((const struct row *)x)->active, ((const struct row *)y)->active);

	return order ? order : by_bytes(x, y);
}

static int by_rate(const void *x, const void *y)
{
	int order = more(((const struct row *)x)->conn_rate, ((const struct row *)y)->conn_rate);

	return order ? order : by_conns(x, y);
}

void sample_sort(struct sample *s, enum sort by)
{
	static int (*const orders[SORT_MAX])(const void *x, const void *y) = {
		[SORT_BYTES] = by_bytes,
		[SORT_CONNS] = by_conns,
		[SORT_RATE] = by_rate,
		[SORT_NAME] = by_name,
	};

	qsort(s->rows, s->n, sizeof(*s->rows), orders[by]);
}

/* ---- for programs ---- */

static json_t *row_json(const struct row *r)
{
	json_t *j = json_pack("{s:I, s:f, s:f, s:f, s:I, s:I, s:I, s:I}", "active",
			      (json_int_t)r->active, "conns_per_s", r->conn_rate, "bytes_in_per_s",
			      r->in_rate, "bytes_out_per_s", r->out_rate, "total",
			      (json_int_t)r->total, "failed", (json_int_t)r->failed, "bytes_in",
			      (json_int_t)r->in, "bytes_out", (json_int_t)r->out);

	json_object_set_new(j, "kernel_share", r->share < 0 ? json_null() : json_real(r->share));
	if (r->name) {
		json_object_set_new(j, "id", json_string(r->id));
		json_object_set_new(j, "name", json_string(r->name));
		json_object_set_new(j, "upstream", json_string(r->upstream));
	}
	return j;
}

json_t *sample_json(const struct sample *s, const json_t *now)
{
	json_t *list = json_array();

	for (size_t i = 0; i < s->n; i++)
		json_array_append_new(list, row_json(&s->rows[i]));
	return json_pack("{s:s, s:f, s:I, s:o, s:o}", "datapath", show_text(now, "datapath"),
			 "interval_s", s->seconds, "endpoint_count",
			 (json_int_t)show_number(now, "endpoint_count"), "all", row_json(&s->all),
			 "endpoints", list);
}
